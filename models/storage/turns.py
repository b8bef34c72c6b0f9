"""Long work in turns: others go on between its steps."""

import asyncio
from time import perf_counter
from typing import TypeVar

from models.scheduling.intervals import Steps

T = TypeVar("T")

TURN_SECONDS = 0.005
"""So long something is worked at before others have their turn."""


async def through(steps: Steps[T]) -> T:
    """What comes of work that is done in steps."""
    since = perf_counter()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        if perf_counter() - since > TURN_SECONDS:
            await asyncio.sleep(0)
            since = perf_counter()
