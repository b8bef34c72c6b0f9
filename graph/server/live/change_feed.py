"""From rings to rows: one reader per business in this process, for everybody here who follows that business's log.

The log is the truth; the bell only says when to look. A lost ring costs `LOOK_SECONDS`. Holds no database connection
while it waits.
"""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

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

Guard = Callable[[UUID], Awaitable[None]]
"""Called when keys of a business changed, before anybody sees what came after that."""


def _revision(row: Row) -> int:
    return int(row["revision"])


class Follower:
    """Where somebody who follows a business's log has come to."""

    def __init__(self, feed: "ChangeFeed", revision: int) -> None:
        self.revision = revision
        """It has every change up to this one."""
        self._feed = feed
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Ends its waiting for the next changes."""
        self._woken.set()

    async def next(self, seconds: float | None = None) -> Sequence[Row]:
        """The changes after the last ones, in order, at most `BATCH`, as soon as there are any. None once so many
        seconds have passed, or `wake` was called, without any.
        """
        # Cleared before looking: what is read after the look wakes again.
        self._woken.clear()
        rows = await self._feed.after(self.revision)
        if not rows:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if seconds is None else max(0.0, seconds)):
                    await self._woken.wait()
            rows = await self._feed.after(self.revision)
        if rows:
            self.revision = _revision(rows[-1])
        return rows


class ChangeFeed:
    """The newest rows of one business's log."""

    def __init__(self, business_id: UUID, revision: int, guard: Guard) -> None:
        """Has everything after `revision`, as soon as it has looked."""
        self._business_id = business_id
        self.head = self._first = revision
        self._guard = guard
        self._rows: list[Row] = []
        self.rung = asyncio.Event()
        self.followers: set[Follower] = set()
        self._task = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Stops reading."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def after(self, revision: int) -> Sequence[Row]:
        """At most `BATCH` changes after a revision: from memory, or, for one who is far behind, from the table."""
        if revision < self._first:
            rows = await change_log.after(self._business_id, revision, BATCH)
            await self._mind_keys(rows)
            return rows
        begin = bisect_right(self._rows, revision, key=_revision)
        return self._rows[begin : begin + BATCH]

    async def _read(self) -> None:
        """Looks whenever the bell rings, and every few seconds without."""
        with notifier.current().listening(self._business_id) as self.rung:
            while True:
                self.rung.clear()
                # Nothing is lost by a look that fails: the next one goes on from here.
                with looking(_outage, log, f"could not read the log of {self._business_id}"):
                    while await self._look():
                        pass
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self.rung.wait()

    async def _look(self) -> bool:
        """Takes in what is new; whether there may be more."""
        rows = await change_log.after(self._business_id, self.head, BATCH)
        if not rows:
            return False
        await self._mind_keys(rows)
        self._rows += rows
        self.head = _revision(rows[-1])
        if forgotten := self._rows[:-BATCH]:
            self._first = _revision(forgotten[-1])
            del self._rows[: len(forgotten)]
        for follower in self.followers:
            if follower.revision < self.head:
                follower.wake()
        return len(rows) == BATCH

    async def _mind_keys(self, rows: Sequence[Row]) -> None:
        if any(row["kind"] == ChangeKind.KEY for row in rows):
            await self._guard(self._business_id)


class ChangeFeeds:
    """The feeds of a process, each for as long as somebody follows."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._feeds: dict[UUID, ChangeFeed] = {}

    def expect(self, business_id: UUID, revision: int) -> None:
        """Somebody has seen that a business is at this revision: its feed looks, if it has not come so far."""
        feed = self._feeds.get(business_id)
        if feed is not None and feed.head < revision:
            feed.rung.set()

    @asynccontextmanager
    async def following(self, business_id: UUID, revision: int, newest: int = 0) -> AsyncIterator[Follower]:
        """Follows a business's log after a revision for as long as the block lasts; `newest` is how far it is known to
        go.
        """
        feed = self._feeds.get(business_id)
        if feed is None:
            # Nobody waits for it to read what only one who is far behind has to know.
            feed = self._feeds[business_id] = ChangeFeed(business_id, max(revision, newest), self._guard)
        follower = Follower(feed, revision)
        feed.followers.add(follower)
        try:
            yield follower
        finally:
            feed.followers.discard(follower)
            if not feed.followers and self._feeds.get(business_id) is feed:
                del self._feeds[business_id]
                await feed.close()
