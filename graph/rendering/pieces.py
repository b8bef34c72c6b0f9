"""Long lists as text, made piece by piece: what was shown is kept as the bytes that are sent, and is counted.

An answer of many small objects takes ten times the memory of its text, and nobody knows how long it is until it is one.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import orjson

from graph.rendering.allowance import Allowance
from graph.rendering.json_text import Text, encoded

T = TypeVar("T", bound=Sequence[Any])

FEW: Final = 500
"""So many objects are shown at once: some milliseconds."""

_PIECE: Final = 50
"""So many items become text together."""


class LongError(Exception):
    """There is more to show than can be shown at once."""


class Few:
    """Lets lists through that have few items in all. Raises LongError at the first that is too many."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = FEW

    def __call__(self, items: T) -> T:
        self._left -= len(items)
        if self._left < 0:
            raise LongError
        return items


class Pieces:
    """The lists of one part of an answer, one within the other, and how many bytes they have."""

    __slots__ = ("_allowance", "counted")

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self.counted = 0

    def list(self) -> "Listing":
        """A list that is begun."""
        return Listing(self)

    def count(self, size: int) -> None:
        """So many bytes more. Raises QUERY_TOO_COMPLEX."""
        self.counted += size
        self._allowance.take(size)

    def forget(self) -> None:
        """Nobody wants what was made."""
        self._allowance.give_back(self.counted)
        self.counted = 0


class Listing:
    """A list that becomes text as it grows."""

    __slots__ = ("_batch", "_mark", "_pieces", "_texts")

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._mark = pieces.counted
        self._batch: list[Any] = []
        self._texts: list[bytes] = []

    def add(self, item: Any) -> None:
        """One more item."""
        self._batch.append(item)
        if len(self._batch) >= _PIECE:
            self._flush()

    def done(self) -> Text:
        """The whole list."""
        self._flush()
        self._pieces.count(2)
        return joined(self._texts)

    def _flush(self) -> None:
        if self._batch:
            text = items_of(self._batch)
            # Of the items' own lists each byte is counted already.
            self._pieces.count(len(text) + 1 - (self._pieces.counted - self._mark))
            self._mark = self._pieces.counted
            self._texts.append(text)
            self._batch = []


def text_of(value: Any) -> orjson.Fragment:
    """Something as text, to be shown in many places: it counts where it is shown."""
    return orjson.Fragment(encoded(value))


def items_of(items: Sequence[Any]) -> bytes:
    """Some items of a list as text, without its brackets."""
    return encoded(items)[1:-1]


def joined(texts: Sequence[bytes]) -> Text:
    """A list, of the texts of its items."""
    if not texts:
        return Text(b"[]")
    # In one go: each step more would be one more copy of all of it.
    between = [b","] * (2 * len(texts) + 1)
    between[0], between[-1], between[1::2] = b"[", b"]", texts
    return Text(b"".join(between))


def only(listed: Text) -> Text:
    """The item of a list of one."""
    return Text(listed.json[1:-1])


def counted_in(value: Any) -> int:
    """The bytes in a part of an answer that were counted before: they are text already."""
    if isinstance(value, Text):
        return len(value.json)
    if isinstance(value, dict):
        return sum(map(counted_in, value.values()))
    return sum(map(counted_in, value)) if isinstance(value, list) else 0
