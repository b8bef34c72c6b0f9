"""Limits how much work runs at once, and gives those who wait for it turns in a fair order: round robin by key, and for
each key by address. So a key has no more turns because many addresses use it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

AT_ONCE = 2
"""The default: two, so that one can work while another waits for the database."""


class Holder(NamedTuple):
    """Who has turns: a key (None: all who show none), used from an address (None where addresses do not count)."""

    key: Hashable
    address: Hashable = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Somebody who waits for a turn, and the weight of the work."""

    granted: asyncio.Future[None]
    weight: int


class Turns:
    """Grants turns for work whose weights are at most `at_once` together."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = self._free = at_once
        self._waiting: dict[Hashable, dict[Hashable, deque[_Waiting]]] = {}
        """The queues of addresses, by key. The next turn goes to the first in the first queue of the first key."""

    @asynccontextmanager
    async def turn(self, holder: Holder, weight: int = 1) -> AsyncIterator[None]:
        """Waits for a turn of the holder, which lasts as long as the block. Between two turns of a key, every other key
        that waits has one; and between two of an address, every other address with that key. Work that weighs more than
        `at_once` runs alone.
        """
        weight = min(weight, self._at_once)
        await self._wait(holder, weight)
        try:
            yield
        finally:
            self._give_back(weight)

    async def _wait(self, holder: Holder, weight: int) -> None:
        if not self._waiting and self._free >= weight:
            self._free -= weight
            return
        mine = _Waiting(asyncio.get_running_loop().create_future(), weight)
        self._waiting.setdefault(holder.key, {}).setdefault(holder.address, deque()).append(mine)
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
            key, addresses = next(iter(self._waiting.items()))
            address, queue = next(iter(addresses.items()))
            following = queue[0]
            if not following.granted.done() and following.weight > self._free:
                return
            queue.popleft()
            # The address's other work goes behind that of the key's other addresses, and the key's behind other keys'.
            del addresses[address], self._waiting[key]
            if queue:
                addresses[address] = queue
            if addresses:
                self._waiting[key] = addresses
            if not following.granted.done():
                self._free -= following.weight
                following.granted.set_result(None)
