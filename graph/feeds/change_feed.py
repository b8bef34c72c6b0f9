"""From rings to rows: one reader per business in this process, for everybody here who follows that business's log.

The log is the truth; the bell only says when to look. A lost ring costs `LOOK_SECONDS`. Holds no database connection
while it waits.
"""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import UUID

from graph.feeds.progress import SubscriptionProgress
from models.enums import ChangeKind
from models.log import change_log, notifier
from models.storage.db import Row
from models.storage.outage import Outage, looking

log = logging.getLogger("timebok.live")

_outage = Outage(log, "the database")
"""One for all readers: there is one for each business."""

LOOK_SECONDS = 3.0
"""How often a reader looks by itself: the only notice of other processes where the bell is in memory."""

BATCH = 200
"""Rows read at once, and rows kept for followers who are a little behind."""

Alarm = Callable[[], float | None]
Guard = Callable[[UUID], Awaitable[None]]
"""Called when keys of a business changed, before anybody sees what came after that."""


def _revision(row: Row) -> int:
    return int(row["revision"])


class ChangeFeed:
    """The newest rows of one business's log."""

    def __init__(self, business_id: UUID, revision: int, guard: Guard) -> None:
        """Has everything after `revision`, as soon as it has looked."""
        self._business_id = business_id
        self._head = self._first = revision
        self._guard = guard
        self._rows: list[Row] = []
        self._rung = asyncio.Event()
        self._followers: set[asyncio.Event] = set()
        self._task = asyncio.create_task(self._read())

    @property
    def is_needed(self) -> bool:
        """Whether anybody follows."""
        return bool(self._followers)

    def expect(self, revision: int) -> None:
        """Looks soon, if it has not come so far yet: somebody knows that there is more."""
        if self._head < revision:
            self._rung.set()

    async def close(self) -> None:
        """Stops reading."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def follow(
        self, revision: int, course: SubscriptionProgress, alarm: Alarm
    ) -> AsyncGenerator[Sequence[Row], None]:
        """The changes after a revision, as `Readers.follow` says."""
        rung = course.woken
        self._followers.add(rung)
        try:
            while True:
                # Cleared before looking: what is read after the look rings again.
                rung.clear()
                batch = await self._after(revision)
                if batch:
                    revision = _revision(batch[-1])
                    yield batch
                elif course.is_waited_for or await _rest(rung, alarm()):
                    yield ()
        finally:
            self._followers.discard(rung)

    async def _after(self, revision: int) -> Sequence[Row]:
        """At most `BATCH` changes after a revision: from memory, or, for one who is far behind, from the table."""
        if revision < self._first:
            rows = await change_log.after(self._business_id, revision, BATCH)
            await self._mind_keys(rows)
            return rows
        begin = bisect_right(self._rows, revision, key=_revision)
        return self._rows[begin : begin + BATCH]

    async def _read(self) -> None:
        """Looks whenever the bell rings, and every few seconds without."""
        with notifier.current().listening(self._business_id) as self._rung:
            while True:
                self._rung.clear()
                # Nothing is lost by a look that fails: the next one goes on from here.
                with looking(_outage, log, f"could not read the log of {self._business_id}"):
                    while await self._look():
                        pass
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._rung.wait()

    async def _look(self) -> bool:
        """Takes in what is new; whether there may be more."""
        rows = await change_log.after(self._business_id, self._head, BATCH)
        if not rows:
            return False
        await self._mind_keys(rows)
        self._rows += rows
        self._head = _revision(rows[-1])
        if forgotten := self._rows[:-BATCH]:
            self._first = _revision(forgotten[-1])
            del self._rows[: len(forgotten)]
        for follower in self._followers:
            follower.set()
        return len(rows) == BATCH

    async def _mind_keys(self, rows: Sequence[Row]) -> None:
        if any(row["kind"] == ChangeKind.KEY for row in rows):
            await self._guard(self._business_id)


class ChangeFeeds:
    """The readers of a process, each for as long as somebody follows."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._readers: dict[UUID, ChangeFeed] = {}

    def expect(self, business_id: UUID, revision: int) -> None:
        """Somebody has seen that a business is at this revision: its reader looks, if it has not come so far."""
        if business_id in self._readers:
            self._readers[business_id].expect(revision)

    async def follow(
        self, business_id: UUID, revision: int, course: SubscriptionProgress, alarm: Alarm = lambda: None
    ) -> AsyncGenerator[Sequence[Row], None]:
        """The changes of a business after a revision, in order, each once, in batches, for as long as it is asked.

        A batch is empty when an alarm said in how many seconds to come back though nothing changed, or when somebody
        asks the course how things are.
        """
        reader = self._readers.get(business_id)
        if reader is None:
            # Nobody waits for it to read what only one who is far behind has to know.
            reader = self._readers[business_id] = ChangeFeed(business_id, max(revision, course.newest), self._guard)
        changes_after = reader.follow(revision, course, alarm)
        try:
            async for batch in changes_after:
                yield batch
        finally:
            await changes_after.aclose()
            if not reader.is_needed and self._readers.get(business_id) is reader:
                del self._readers[business_id]
                await reader.close()


async def _rest(rung: asyncio.Event, alarm: float | None) -> bool:
    """Waits for a ring or an alarm; whether it was the alarm that ended it."""
    try:
        async with asyncio.timeout(None if alarm is None else max(0.0, alarm)):
            await rung.wait()
    except TimeoutError:
        return True
    return False
