"""What is looked at, kept and repeated of the words of a client when they are long. Pure.

A request may have a megabyte of names and headers. Messages repeat names, often many times over, and caches remember
what they were asked: so a message has the beginning of a long name, and a cache remembers short keys only.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Final, TypeVar

T = TypeVar("T")

LONGEST_NAME: Final = 100
"""The most characters of one name in a message, or of one step of a path."""

LONGEST_MESSAGE: Final = 1000
"""The most characters of a message."""

LONGEST_KEY: Final = 200
"""The longest text by which a cache remembers something."""

LONGEST_HEADER: Final = 500
"""How much of a header that lists preferences is looked at, in characters."""

MOST_PARTS: Final = 20
"""How many parts of such a header are looked at."""

_LONG_NAME: Final = re.compile(rf"([^\s'\"`]{{{LONGEST_NAME}}})[^\s'\"`]+")


def name(text: str) -> str:
    """Cuts a name for a message."""
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"


def message(text: str) -> str:
    """Cuts each long name in a message, and then the message."""
    if len(text) <= LONGEST_NAME:
        return text
    cut = _LONG_NAME.sub(r"\1…", text)
    return cut if len(cut) <= LONGEST_MESSAGE else f"{cut[: LONGEST_MESSAGE - 1]}…"


def path(steps: Sequence[str | int] | None) -> list[str | int] | None:
    """Cuts the long names in the path of an error."""
    return None if steps is None else [name(each) if isinstance(each, str) else each for each in steps]


def parts(header: str) -> list[str]:
    """Splits the beginning of a header that lists preferences."""
    return header[:LONGEST_HEADER].split(",", MOST_PARTS)[:MOST_PARTS]


def remember_short(most: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Makes a function remember its results for the `most` last texts, and nothing for a long one."""

    def decorate(function: Callable[[str], T]) -> Callable[[str], T]:
        remembered = lru_cache(maxsize=most)(function)

        @wraps(function)
        def answer(text: str) -> T:
            return remembered(text) if len(text) <= LONGEST_KEY else function(text)

        return answer

    return decorate
