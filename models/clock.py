"""The one reader of the wall clock. Everything else is handed the time."""

import asyncio
from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


async def wait(seconds: float) -> None:
    """Returns when so much time has gone by."""
    await asyncio.sleep(seconds)
