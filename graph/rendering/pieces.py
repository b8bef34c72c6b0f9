"""Encodes long lists piece by piece, and counts their bytes.

An answer of many small Python objects takes ten times the memory of its JSON, and its length is known only when it is
encoded. So the objects of a piece become bytes before the next piece is made.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import orjson

from graph.rendering.allowance import Allowance
from graph.rendering.json_text import Text, encode

T = TypeVar("T", bound=Sequence[Any])

FEW: Final = 500
"""How many objects code may render at once; they take some milliseconds."""

_PIECE: Final = 50
"""How many items of a list are encoded together."""


class TooManyObjectsError(Exception):
    """There are more objects than code may render at once."""


class Few:
    """Counts the items of the lists that pass through it. Raises LongError when they are more than FEW."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = FEW

    def __call__(self, items: T) -> T:
        self._left -= len(items)
        if self._left < 0:
            raise TooManyObjectsError
        return items


class Pieces:
    """Counts the bytes of the nested lists of one part of an answer."""

    __slots__ = ("_allowance", "counted")

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self.counted = 0

    def list(self) -> "Listing":
        """Begins a list."""
        return Listing(self)

    def count(self, size: int) -> None:
        """Counts `size` more bytes. Raises QUERY_TOO_COMPLEX when the answer has too many."""
        self.counted += size
        self._allowance.take(size)

    def forget(self) -> None:
        """Uncounts everything, after the caller has thrown it away."""
        self._allowance.give_back(self.counted)
        self.counted = 0


class Listing:
    """A list that is encoded as it grows."""

    __slots__ = ("_batch", "_mark", "_pieces", "_texts")

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._mark = pieces.counted
        self._batch: list[Any] = []
        self._texts: list[bytes] = []

    def add(self, item: Any) -> None:
        """Adds an item."""
        self._batch.append(item)
        if len(self._batch) >= _PIECE:
            self._flush()

    def done(self) -> Text:
        """Encodes the last items and returns the whole list."""
        self._flush()
        self._pieces.count(2)
        return join_items(self._texts)

    def _flush(self) -> None:
        if self._batch:
            text = encode_items(self._batch)
            # The bytes of lists inside these items are counted already.
            self._pieces.count(len(text) + 1 - (self._pieces.counted - self._mark))
            self._mark = self._pieces.counted
            self._texts.append(text)
            self._batch = []


def text_of(value: Any) -> orjson.Fragment:
    """Encodes a value that occurs in many places; each place counts its bytes."""
    return orjson.Fragment(encode(value))


def encode_items(items: Sequence[Any]) -> bytes:
    """Encodes some items of a list, without the brackets."""
    return encode(items)[1:-1]


def join_items(texts: Sequence[bytes]) -> Text:
    """Joins the encoded items of a list."""
    if not texts:
        return Text(b"[]")
    # One join, since every further step would copy the whole list once more.
    between = [b","] * (2 * len(texts) + 1)
    between[0], between[-1], between[1::2] = b"[", b"]", texts
    return Text(b"".join(between))


def single_item(listed: Text) -> Text:
    """Returns the item of a list with one item."""
    return Text(listed.json[1:-1])


def counted_bytes(value: Any) -> int:
    """Counts the bytes in a part of an answer that are encoded, and so counted, already."""
    if isinstance(value, Text):
        return len(value.json)
    if isinstance(value, dict):
        return sum(map(counted_bytes, value.values()))
    return sum(map(counted_bytes, value)) if isinstance(value, list) else 0
