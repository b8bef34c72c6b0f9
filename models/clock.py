"""Reads the wall clock. No other module does: callers pass the time on."""

import asyncio
from datetime import UTC, datetime


def now() -> datetime:
    """Returns the present instant, in UTC."""
    return datetime.now(UTC)


async def wait(seconds: float) -> None:
    """Sleeps for so many seconds."""
    await asyncio.sleep(seconds)
