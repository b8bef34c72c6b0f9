"""Encodes answers as JSON."""

from typing import Any

import orjson

from graph.rendering.allowance import too_long


class Text:
    """A part of an answer that is JSON already; `Allowance` has counted its bytes."""

    __slots__ = ("json",)

    def __init__(self, json: bytes) -> None:
        self.json = json


def encode(answer: Any) -> bytes:
    """Encodes an answer as JSON. Writes datetimes in UTC as the scalar DateTime does."""
    return orjson.dumps(answer, _encode_text, orjson.OPT_UTC_Z)


def _encode_text(part: Any) -> orjson.Fragment:
    if isinstance(part, Text):
        return orjson.Fragment(part.json)
    raise TypeError(f"{type(part).__name__} is no JSON")


def encode_bounded(answer: Any, most: int) -> bytes:
    """Encodes an answer as JSON; or the error for a long answer, if it has more than `most` bytes. Long lists were
    counted while they were made; this counts everything.
    """
    text = encode(answer)
    return text if len(text) <= most else encode({"data": None, "errors": [too_long(most).formatted]})
