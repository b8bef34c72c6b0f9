"""From rings to rows: who follows a business's log sees every change after a revision, in order, once.

The log is the truth; the bell only says when to look. A lost ring costs `LOOK_SECONDS`.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from uuid import UUID

from models import bell, changes
from models.db import Row

LOOK_SECONDS = 3.0
"""How often a follower looks by itself: the only notice of other processes where the bell is in memory."""

BATCH = 200


async def follow(
    business_id: UUID, revision: int, alarm: Callable[[], float | None] = lambda: None
) -> AsyncGenerator[Sequence[Row], None]:
    """The changes after a revision, in batches, for as long as it is asked. Holds no database connection while it
    waits.

    Batches are never empty, unless an alarm says in how many seconds to come back though nothing changed.
    """
    with bell.current().listening(business_id) as rung:
        while True:
            # Cleared before looking: what is committed after the look rings again.
            rung.clear()
            batch = await changes.after(business_id, revision, BATCH)
            if batch:
                revision = batch[-1]["revision"]
                yield batch
            if len(batch) < BATCH and await _rest(rung, alarm()):
                yield ()


async def _rest(rung: asyncio.Event, alarm: float | None) -> bool:
    """Waits for a ring, or for the time to look anyway; whether it was the alarm that ended it."""
    due = alarm is not None and alarm <= LOOK_SECONDS
    try:
        async with asyncio.timeout(max(0.0, alarm) if alarm is not None and due else LOOK_SECONDS):
            await rung.wait()
    except TimeoutError:
        return due
    return False
