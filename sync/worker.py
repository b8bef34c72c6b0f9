"""The worker: finds calendars and accounts that are due, and starts the engine's jobs for them, until it is stopped.

Any number of workers share the work through leases. A worker looks when the bell rings, when one of its jobs ends, and
every two seconds in any case, since rings can get lost and retries come due by time alone.
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
from models.storage import db
from models.storage.outage import Outage, looking
from sync import leases
from sync.accounts import calendars, disconnect
from sync.engine import Engine
from sync.google_api import rate_budget
from sync.leases import Direction

log = logging.getLogger("timebok.worker")

LOOK_SECONDS = 2.0
"""How often a worker looks without a ring; so it notices what other processes made due when they share no bell."""

AT_ONCE = 4
"""How many calendars one process pulls at a time, and how many it pushes."""

SHUTDOWN_SECONDS = 5.0
"""How long a stopping worker waits for its jobs before it cancels them; another worker does them later."""

_TIDY_EVERY = timedelta(minutes=15)
_SIGN_INS_KEPT = timedelta(days=1)


class Worker:
    """The worker of one process."""

    def __init__(self, engine: Engine, kept_days: int) -> None:
        """`kept_days` is how long the change log keeps its entries."""
        self._engine = engine
        self._kept = timedelta(days=kept_days)
        self._running: dict[Direction | None, set[asyncio.Task[None]]] = {
            Direction.PULL: set(),
            Direction.PUSH: set(),
            None: set(),
        }
        self._tidied_at: datetime | None = None
        self._has_begun = False

    async def run(self, stop: asyncio.Event) -> None:
        """Starts jobs until `stop` is set; then waits for those under way, at most SHUTDOWN_SECONDS."""
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
            await self._shut_down()

    async def start_due(self) -> int:
        """Starts as many due jobs as there is room for. Returns how many leases and claims it took."""
        started = 0
        now = clock.now()
        if not self._has_begun:
            await leases.retry_with_new_keys(now)
            self._has_begun = True
        for direction in (Direction.PUSH, Direction.PULL):
            if room := AT_ONCE - len(self._running[direction]):
                for lease in await leases.claim(direction, room, now):
                    self._begin(direction, self._engine.work(lease))
                    started += 1
        if not self._running[None] and (account_id := await calendars.claim(now)):
            self._begin(None, self._engine.list_calendars(account_id))
            started += 1
        if not self._running[None] and (departing := await disconnect.claim(now)):
            self._begin(None, self._engine.delete_account(departing))
            started += 1
        if self._tidied_at is None or now - self._tidied_at > _TIDY_EVERY:
            self._tidied_at = now
            self._begin(None, delete_old_rows(now, self._kept))
        return started

    async def finish(self) -> None:
        """Waits until all jobs have ended."""
        while tasks := self._tasks():
            await asyncio.wait(tasks)

    def _tasks(self) -> set[asyncio.Task[None]]:
        return set().union(*self._running.values())

    def _begin(self, direction: Direction | None, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(self._guarded(work))
        self._running[direction].add(task)
        task.add_done_callback(self._running[direction].discard)

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Runs a job and logs its error. Its lease runs out, and a worker tries again."""
        try:
            await work
        except Exception as error:
            if not db.note_unwritable(error):
                log.exception("a job of the sync worker failed")

    async def _wait(self, stopping: asyncio.Task[bool], rung: asyncio.Event) -> None:
        """Waits for a ring, the end of a job, a stop, or LOOK_SECONDS."""
        ring = asyncio.create_task(rung.wait())
        try:
            await asyncio.wait(
                {stopping, ring, *self._tasks()}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ring.cancel()

    async def _shut_down(self) -> None:
        tasks = self._tasks()
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=SHUTDOWN_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)


async def delete_old_rows(now: datetime, kept: timedelta) -> None:
    """Deletes rows that are too old to matter: changes, outcomes, counted bookings, sign-ins, channels, budgets."""
    await change_log.prune(now - kept)
    await Outcome.filter(created_at__lt=now - KEPT).delete()
    await address_booking.prune(now)
    await GoogleSignIn.filter(expires_at__lt=now - _SIGN_INS_KEPT).delete()
    await GoogleChannel.filter(expires_at__lt=now).delete()
    await rate_budget.prune(now)
