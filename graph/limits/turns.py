"""Whose turn it is to work: so much at once, and of those who wait each holder in turn, however much it waits for."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

AT_ONCE = 2
"""While one waits for the database, another works."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One who waits, and how much it needs."""

    granted: asyncio.Future[None]
    weight: int


class Turns:
    """The turns of a process: work of so much weight at once."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = self._free = at_once
        self._waiting: dict[Hashable, deque[_Waiting]] = {}
        """By holder; the next to come is the first of the first."""

    @asynccontextmanager
    async def turn(self, holder: Hashable, weight: int = 1) -> AsyncIterator[None]:
        """Waits for a turn of the holder, which lasts as long as the block. Others have theirs in between. What weighs
        more than everything is done alone.
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
                # Whoever waits behind may need less.
                self._pass_on()
            raise

    def _give_back(self, weight: int) -> None:
        self._free += weight
        self._pass_on()

    def _pass_on(self) -> None:
        """Grants turns as long as the next who waits needs no more than is free."""
        while self._waiting:
            holder, queue = next(iter(self._waiting.items()))
            following = queue[0]
            if not following.granted.done() and following.weight > self._free:
                return
            queue.popleft()
            # The others of this holder wait until everybody else had a turn.
            del self._waiting[holder]
            if queue:
                self._waiting[holder] = queue
            if not following.granted.done():
                self._free -= following.weight
                following.granted.set_result(None)
