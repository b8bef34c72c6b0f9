"""The memory of answers that are being made: bytes of all of them together, counted as they grow.

Where it is full only the one that was first goes on, and the others wait with what they have. So all together take
little more than one answer of the longest kind does, and each comes to its end.
"""

import asyncio
from collections.abc import Hashable

MOST_BYTES = 16 * 1024 * 1024
"""Bytes of all answers, beside those of the first."""

SHORT = 256 * 1024
"""Bytes of an answer that never waits."""


class Space:
    """The bytes of a process, by who makes them."""

    def __init__(self, most: int = MOST_BYTES, short: int = SHORT) -> None:
        self._most = most
        self._short = short
        self._taken: dict[Hashable, int] = {}
        """In the order in which they began."""
        self._waiting: list[asyncio.Future[None]] = []
        self.used = 0

    def take(self, maker: Hashable, count: int) -> None:
        """So many bytes more of one answer; fewer, where they were thrown away."""
        self._taken[maker] = self._taken.get(maker, 0) + count
        self.used += count
        if count < 0:
            self.wake()

    def leave(self, maker: Hashable) -> None:
        """The answer is made, or given up."""
        if maker in self._taken:
            self.used -= self._taken.pop(maker)
            self.wake()

    def has_room(self, maker: Hashable) -> bool:
        """Whether an answer may grow."""
        return self.used <= self._most or self._taken.get(maker, 0) < self._short or next(iter(self._taken)) is maker

    async def wait(self) -> None:
        """Returns when there may be room."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def wake(self) -> None:
        """Whoever waits looks again."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)
