"""Answers as bytes."""

from typing import Any

import orjson


def encoded(answer: Any) -> bytes:
    """An answer as JSON. Instants that were left as they are, in UTC, look as their scalar has it."""
    return orjson.dumps(answer, option=orjson.OPT_UTC_Z)
