"""What one answer may still take: bytes in all, time in one piece, and room beside other answers.

Whoever makes an answer asks here as it goes on: work that takes longer gives way to others, and ends where nobody waits
for it any more, or where it would be too long. Knows no noun.
"""

import asyncio
from collections import deque
from collections.abc import Generator
from time import perf_counter
from typing import TypeVar

from graphql import GraphQLError

from graph.languages import figure
from graph.limits.space import Space

T = TypeVar("T")

PIECE_SECONDS = 0.005
"""So long something is worked at before others have their turn."""

_WOKEN = 32
"""So many of those that wait go on in one turn of the loop, if there is time."""


class Allowance:
    """What one operation may still take. One at a time is under way; each message of a subscription begins anew."""

    __slots__ = ("_armed", "_comes_back", "_loop", "_since", "_space", "_waiting", "most", "reason", "taken")

    def __init__(self, most: int, space: Space | None = None) -> None:
        self.most = most
        """The longest answer, in bytes."""
        self._space = space or Space()
        self.taken = 0
        """Bytes that were made so far."""
        self.reason: GraphQLError | None = None
        """Why it has ended before it was done."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._since = 0.0
        self._armed = self._comes_back = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    def begin(self) -> None:
        """An answer begins: nothing was taken yet."""
        self.taken, self.reason = 0, None

    def done(self) -> None:
        """The answer is made: whoever has it counts it now."""
        self._space.leave(self)

    def take(self, count: int) -> None:
        """So many bytes more were made. Raises QUERY_TOO_COMPLEX, and ends all else, when they are too many."""
        self.taken += count
        self._space.take(self, count)
        if self.taken > self.most:
            self.end(too_long(self.most))
            self.check()

    def give_back(self, count: int) -> None:
        """So many bytes were thrown away again."""
        self.taken -= count
        self._space.take(self, -count)

    def end(self, reason: GraphQLError) -> None:
        """Whatever is under way ends at its next step, and nothing waits for its turn any more."""
        self.reason = self.reason or reason
        while self._waiting:
            each = self._waiting.popleft()
            if not each.done():
                each.set_result(None)
        self._space.wake()

    def check(self) -> None:
        """Raises what it was ended with: an error of its own each time, since one that is kept would keep, by its
        traceback, everything that was made.
        """
        if self.reason is not None:
            raise GraphQLError(self.reason.message, extensions=self.reason.extensions)

    @property
    def has_to_wait(self) -> bool:
        """Whether it cannot go on just now, for others or because it has ended."""
        return self.reason is not None or self.is_late or not self._space.has_room(self)

    @property
    def is_late(self) -> bool:
        """Whether others wait long enough: what it did since the loop had its last turn is all one piece."""
        return self.is_late_by(PIECE_SECONDS)

    def is_late_by(self, seconds: float) -> bool:
        """Whether others wait for longer than that."""
        now = perf_counter()
        if self._armed:
            return now - self._since > seconds
        # What is done from now on, until the loop has its next turn, is one piece. Whoever looks first goes on.
        self._since, self._armed = now, True
        self._come_back()
        return False

    def _come_back(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        if not self._comes_back:
            self._comes_back = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Others had their turn: the next of those that wait go on. All of them would be too many to look at."""
        self._armed = self._comes_back = False
        woken = 0
        while self._waiting and woken < _WOKEN:
            each = self._waiting.popleft()
            if not each.done():
                each.set_result(None)
                woken += 1
        if self._waiting:
            self._come_back()

    async def give_way(self) -> None:
        """Others have their turn, where this has taken long enough, and go first, where there is no room for all.
        Raises what it was ended with.
        """
        while self.reason is None:
            if not self._space.has_room(self):
                await self._space.wait()
                continue
            if not self.is_late:
                break
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self.check()

    async def through(self, steps: Generator[None, None, T]) -> T:
        """What comes of work that is done in steps; between them it gives way. Raises what it was ended with."""
        try:
            while True:
                next(steps)
                if self.has_to_wait:
                    await self.give_way()
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            steps.close()


def too_long(most: int) -> GraphQLError:
    """The answer to a question whose answer would be too long."""
    message = (
        f"The answer would be longer than {figure(most)} bytes. Ask for less at once: a shorter range, fewer options, "
        "fewer fields, or smaller pages."
    )
    return GraphQLError(message, extensions={"code": "QUERY_TOO_COMPLEX"})


def too_slow() -> GraphQLError:
    """The answer to a request that was given up."""
    return GraphQLError("This took too long. What it began may still be done.", extensions={"code": "TIMEOUT"})


def gone() -> GraphQLError:
    """Why an answer ends that nobody waits for any more. Nobody is told."""
    return GraphQLError("Nobody waits for this any more.", extensions={"code": "TIMEOUT"})
