"""The worker: finds what is due and has the engine do it, until it is told to stop.

Any number of workers share the work through leases. Looks when the bell rings, when its own work ends, and every few
seconds in any case, since rings can be lost and retries come due by time alone.
"""

import asyncio
import logging
from collections.abc import Awaitable
from datetime import datetime, timedelta

from models import clock
from models.bookings import address_booking
from models.google.tables import GoogleChannel, GoogleSignIn
from models.log import change_log, notifier
from models.log.idempotency import KEPT, Outcome
from models.storage.outage import Outage, looking
from sync import leases
from sync.accounts import calendars, disconnect
from sync.engine import Engine
from sync.google_api import rate_budget
from sync.leases import Direction

log = logging.getLogger("timebok.worker")

LOOK_SECONDS = 2.0
"""How soon work is noticed when no ring tells of it: other processes' work, with a bell that stays in one process."""

AT_ONCE = 4
"""So many calendars are pulled, and so many pushed, by one process at a time."""

SHUTDOWN_SECONDS = 5.0
"""Work in hand has this long to finish; what does not is broken off and left to the next worker."""

_TIDY_EVERY = timedelta(minutes=15)
_SIGN_INS_KEPT = timedelta(days=1)


class Worker:
    """One process's share of the work."""

    def __init__(self, engine: Engine, kept_days: int) -> None:
        """`kept_days`: how long changes are kept."""
        self._engine = engine
        self._kept = timedelta(days=kept_days)
        self._in_hand: dict[Direction | None, set[asyncio.Task[None]]] = {
            Direction.PULL: set(),
            Direction.PUSH: set(),
            None: set(),
        }
        self._tidied_at: datetime | None = None
        self._has_begun = False

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; then finishes what is in hand, or leaves it for the next."""
        stopping = asyncio.create_task(stop.wait())
        outage = Outage(log, "the database")
        try:
            with notifier.current().listening() as rung:
                while not stop.is_set():
                    rung.clear()
                    with looking(outage, log, "could not look for work"):
                        await self.start_due()
                    await self._wait(stopping, rung)
        finally:
            stopping.cancel()
            await self._wind_up()

    async def start_due(self) -> int:
        """Begins what is due, as far as there is room for it; how much that was."""
        started = 0
        now = clock.now()
        if not self._has_begun:
            await leases.retry_with_new_keys(now)
            self._has_begun = True
        for way in (Direction.PUSH, Direction.PULL):
            if room := AT_ONCE - len(self._in_hand[way]):
                for lease in await leases.claim(way, room, now):
                    self._begin(way, self._engine.work(lease))
                    started += 1
        if not self._in_hand[None] and (account_id := await calendars.claim(now)):
            self._begin(None, self._engine.list_calendars(account_id))
            started += 1
        if not self._in_hand[None] and (leaver := await disconnect.claim(now)):
            self._begin(None, self._engine.let_go(leaver))
            started += 1
        if self._tidied_at is None or now - self._tidied_at > _TIDY_EVERY:
            self._tidied_at = now
            self._begin(None, tidy(now, self._kept))
        return started

    async def finish(self) -> None:
        """Waits for everything in hand."""
        while tasks := self._tasks():
            await asyncio.wait(tasks)

    def _tasks(self) -> set[asyncio.Task[None]]:
        return set().union(*self._in_hand.values())

    def _begin(self, way: Direction | None, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(self._guarded(work))
        self._in_hand[way].add(task)
        task.add_done_callback(self._in_hand[way].discard)

    async def _guarded(self, work: Awaitable[None]) -> None:
        """One job's fault is not the worker's end: its lease runs out, and it is tried again."""
        try:
            await work
        except Exception:
            log.exception("a job failed")

    async def _wait(self, stopping: asyncio.Task[bool], rung: asyncio.Event) -> None:
        """Until there may be something to do: a ring, room for more, or time gone by."""
        ring = asyncio.create_task(rung.wait())
        try:
            await asyncio.wait(
                {stopping, ring, *self._tasks()}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ring.cancel()

    async def _wind_up(self) -> None:
        tasks = self._tasks()
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=SHUTDOWN_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)


async def tidy(now: datetime, kept: timedelta) -> None:
    """Forgets what nobody can ask for any more."""
    await change_log.prune(now - kept)
    await Outcome.filter(created_at__lt=now - KEPT).delete()
    await address_booking.forget(now)
    await GoogleSignIn.filter(expires_at__lt=now - _SIGN_INS_KEPT).delete()
    await GoogleChannel.filter(expires_at__lt=now).delete()
    await rate_budget.forget(now)
