"""Whose turn it is to work: so many at once, and of those who wait each holder in turn, however much it waits for."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

AT_ONCE = 2
"""While one waits for the database, another works."""


class Turns:
    """The turns of a process."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = at_once
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}
        """By holder; the next to come is the first of the first."""

    @asynccontextmanager
    async def turn(self, holder: Hashable) -> AsyncIterator[None]:
        """Waits for a turn of the holder, which lasts as long as the block. Others have theirs in between."""
        await self._wait(holder)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, holder: Hashable) -> None:
        if self._free:
            self._free -= 1
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(holder, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            holder = next(iter(self._waiting))
            queue = self._waiting.pop(holder)
            following = queue.popleft()
            if queue:
                # The others of this holder wait until everybody else had a turn.
                self._waiting[holder] = queue
            if not following.done():
                following.set_result(None)
                return
        self._free += 1
