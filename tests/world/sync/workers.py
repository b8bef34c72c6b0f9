"""The processes that keep Google in step: two workers, who work, are stopped, die, or hang in the middle of a call."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import timedelta
from functools import partial
from types import coroutine
from typing import Any

from models import clock
from sync import leases
from sync.accounts import calendars, disconnect
from sync.engine import Engine
from sync.leases import Direction
from sync.worker import AT_ONCE, Worker
from tests.world.dice import Dice
from tests.world.sync.faults import Held

STALL_SECONDS = 0.3
"""Work that gets no further for so long waits for time to pass: for somebody's lease to end."""

STALLED = timedelta(seconds=30)
ROUNDS = 60
"""More rounds than this is work that makes work."""

KEPT_DAYS = 30

Job = Callable[[], Coroutine[Any, Any, None]]


class Workers:
    """Two workers, each with an engine of its own, as in two processes."""

    def __init__(self, engines: tuple[Engine, Engine], pass_time: Callable[[timedelta], None]) -> None:
        self._engines = engines
        self._pass_time = pass_time
        self._workers = [Worker(engine, KEPT_DAYS) for engine in engines]
        self._hanging: tuple[Worker, Held] | None = None

    @property
    def hangs(self) -> bool:
        """Whether one of the two is in the middle of a call."""
        return self._hanging is not None

    async def settle(self, *, together: bool) -> None:
        """One worker, or both at once, do what is due; who hangs goes on hanging."""
        free = [each for each in self._workers if self._hanging is None or each is not self._hanging[0]]
        at_work = free if together else free[:1]
        for _ in range(ROUNDS):
            begun = [await each.start_due() for each in at_work]
            for each in at_work:
                await self._patiently(each.finish())
            if not any(begun):
                return
        raise AssertionError("the work never ends")

    async def hang(self, hold: Callable[[], Held]) -> bool:
        """A worker begins what is due and hangs where Google does not answer; False when it never came to that."""
        await self.go_on()
        # Not before: whoever hung until now would be held again.
        held = hold()
        worker = self._workers[0]
        arrived = asyncio.ensure_future(held.arrived.wait())
        for _ in range(ROUNDS):
            begun = await worker.start_due()
            finished = asyncio.ensure_future(worker.finish())
            await self._patiently(asyncio.wait({arrived, finished}, return_when=asyncio.FIRST_COMPLETED))
            if arrived.done():
                self._hanging = worker, held
                return True
            if not begun:
                break
        arrived.cancel()
        held.open()
        return False

    async def go_on(self) -> bool:
        """Who hung gets its answer and finishes what it had in hand; False when nobody did."""
        if self._hanging is None:
            return False
        worker, held = self._hanging
        self._hanging = None
        held.open()
        await self._patiently(worker.finish())
        return True

    async def stop(self, dice: Dice) -> None:
        """A worker is told to stop at some moment and breaks off what it is at: its leases are given back."""
        worker, stop = Worker(dice.choice(self._engines), KEPT_DAYS), asyncio.Event()
        working = asyncio.create_task(worker.run(stop))
        for _ in range(dice.randrange(200)):
            await asyncio.sleep(0)
        stop.set()
        await self._patiently(working)

    async def die(self, dice: Dice) -> bool:
        """A process begins all that is due and dies at some await: nobody gives its leases back. Whether it came
        to that.
        """
        engine, now = dice.choice(self._engines), clock.now()
        jobs: list[Job] = []
        for way, job in ((Direction.PUSH, engine.push), (Direction.PULL, engine.pull)):
            jobs += [partial(job, lease) for lease in await leases.claim(way, AT_ONCE, now)]
        if account_id := await calendars.claim(now):
            jobs.append(partial(engine.list_calendars, account_id))
        if leaver := await disconnect.claim(now):
            jobs.append(partial(engine.delete_account, leaver))
        doom = _Doom(int(dice.expovariate(1 / 40)))
        doom.tasks = [asyncio.ensure_future(_watched(job, doom.strike)) for job in jobs]
        await self._patiently(asyncio.gather(*doom.tasks, return_exceptions=True))
        return any(task.cancelled() for task in doom.tasks)

    async def _patiently(self, work: Awaitable[Any]) -> None:
        """Waits for it; time passes when nothing else helps."""
        task = asyncio.ensure_future(work)
        while not task.done():
            done, _ = await asyncio.wait({task}, timeout=STALL_SECONDS)
            if not done:
                self._pass_time(STALLED)
        await task


class _Doom:
    """The end of a process, after so many awaits of all its tasks together."""

    def __init__(self, awaits: int) -> None:
        self.tasks: list[asyncio.Future[None]] = []
        self._left = awaits

    def strike(self) -> None:
        self._left -= 1
        if self._left < 0:
            for task in self.tasks:
                task.cancel()


async def _watched(job: Job, waits: Callable[[], None]) -> None:
    """Does the job, and says each time that it has to wait."""
    await _stepping(job(), waits)


@coroutine
def _stepping(work: Coroutine[Any, Any, None], waits: Callable[[], None]) -> Generator[Any, Any, None]:
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            waiting = work.send(answer) if error is None else work.throw(error)
        except StopIteration:
            return
        waits()
        answer = error = None
        try:
            answer = yield waiting
        except BaseException as thrown:
            error = thrown
