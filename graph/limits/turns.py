"""Limits how much work runs at once, and gives those who wait for it turns in a fair order (round robin by holder)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

AT_ONCE = 2
"""The default: two, so that one can work while another waits for the database."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Somebody who waits for a turn, and the weight of the work."""

    granted: asyncio.Future[None]
    weight: int


class Turns:
    """Grants turns for work whose weights are at most `at_once` together."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = self._free = at_once
        self._waiting: dict[Hashable, deque[_Waiting]] = {}
        """The queues of the holders. The next turn goes to the first in the first queue."""

    @asynccontextmanager
    async def turn(self, holder: Hashable, weight: int = 1) -> AsyncIterator[None]:
        """Waits for a turn of the holder, which lasts as long as the block. Between two turns of a holder, every other
        one that waits has one. Work that weighs more than `at_once` runs alone.
        """
        weight = min(weight, self._at_once)
        await self._wait(holder, weight)
        try:
            yield
        finally:
            self._give_back(weight)

    async def _wait(self, holder: Hashable, weight: int) -> None:
        if not self._waiting and self._free >= weight:
            self._free -= weight
            return
        mine = _Waiting(asyncio.get_running_loop().create_future(), weight)
        self._waiting.setdefault(holder, deque()).append(mine)
        try:
            await mine.granted
        except asyncio.CancelledError:
            if mine.granted.done() and not mine.granted.cancelled():
                self._give_back(weight)
            else:
                # The next in the queue may weigh less, and fit now.
                self._grant_next()
            raise

    def _give_back(self, weight: int) -> None:
        self._free += weight
        self._grant_next()

    def _grant_next(self) -> None:
        """Grants turns as long as the next in the queue weighs no more than is free."""
        while self._waiting:
            holder, queue = next(iter(self._waiting.items()))
            following = queue[0]
            if not following.granted.done() and following.weight > self._free:
                return
            queue.popleft()
            # The holder's other work goes to the end of the queue.
            del self._waiting[holder]
            if queue:
                self._waiting[holder] = queue
            if not following.granted.done():
                self._free -= following.weight
                following.granted.set_result(None)
