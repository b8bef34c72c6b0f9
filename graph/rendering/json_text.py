"""Answers as bytes."""

from typing import Any

import orjson

from graph.rendering.allowance import too_long


class Text:
    """A part of an answer that is text already, and counted."""

    __slots__ = ("json",)

    def __init__(self, json: bytes) -> None:
        self.json = json


def encoded(answer: Any) -> bytes:
    """An answer as JSON. Instants that were left as they are, in UTC, look as their scalar has it."""
    return orjson.dumps(answer, _as_it_is, orjson.OPT_UTC_Z)


def _as_it_is(part: Any) -> orjson.Fragment:
    if isinstance(part, Text):
        return orjson.Fragment(part.json)
    raise TypeError(f"{type(part).__name__} is no JSON")


def bounded(answer: Any, most: int) -> bytes:
    """An answer as JSON, if it has no more bytes than that; else the refusal. What is long was refused while it was
    made: this counts what is short, too.
    """
    text = encoded(answer)
    return text if len(text) <= most else encoded({"data": None, "errors": [too_long(most).formatted]})
