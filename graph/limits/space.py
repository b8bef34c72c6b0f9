"""Limits the memory of all answers that the process is making, by counting their bytes as they grow.

When it is full, only the answer that began first goes on; the others wait with what they have. So all together need
little more memory than one of the longest answers, and each comes to its end.
"""

import asyncio
from collections.abc import Hashable

MOST_BYTES = 16 * 1024 * 1024
"""The most bytes of all answers together, before all but the first have to wait."""

SHORT = 256 * 1024
"""An answer with fewer bytes never waits."""


class Space:
    """Counts the bytes of the process's unfinished answers, by their makers."""

    def __init__(self, most: int = MOST_BYTES, short: int = SHORT) -> None:
        self._most = most
        self._short = short
        self._taken: dict[Hashable, int] = {}
        """The bytes of each maker's answer, in the order in which the answers began."""
        self._waiting: list[asyncio.Future[None]] = []
        self.used = 0

    def take(self, maker: Hashable, count: int) -> None:
        """Counts `count` more bytes of an answer; a negative number of bytes was thrown away."""
        self._taken[maker] = self._taken.get(maker, 0) + count
        self.used += count
        if count < 0:
            self.wake()

    def leave(self, maker: Hashable) -> None:
        """Stops counting an answer, which is finished or given up."""
        if maker in self._taken:
            self.used -= self._taken.pop(maker)
            self.wake()

    def has_room(self, maker: Hashable) -> bool:
        """Whether an answer may grow."""
        return self.used <= self._most or self._taken.get(maker, 0) < self._short or next(iter(self._taken)) is maker

    async def wait(self) -> None:
        """Waits until there may be room; the caller then asks `has_room` again."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def wake(self) -> None:
        """Lets all who wait look again."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)
