"""Limits one answer: its bytes in all, the time of one piece of its work, and the memory that it shares with others.

Code that makes an answer asks here as it goes on. It gives way to other requests when it takes long, and ends when the
answer gets too long or nobody waits for it any more.
"""

import asyncio
from collections import deque
from collections.abc import Generator
from time import perf_counter
from typing import TypeVar

from graphql import GraphQLError

from graph.languages import format_number
from graph.limits.space import Space

T = TypeVar("T")

PIECE_SECONDS = 0.005
"""How long one answer works before others have their turn."""

_WOKEN = 32
"""How many waiting coroutines go on in one turn of the event loop, if there is time."""


class Allowance:
    """The allowance of one operation, which makes one answer at a time; each message of a subscription begins anew."""

    __slots__ = ("_armed", "_comes_back", "_loop", "_since", "_space", "_waiting", "most", "reason", "taken")

    def __init__(self, most: int, space: Space | None = None) -> None:
        self.most = most
        """The longest answer, in bytes."""
        self._space = space or Space()
        self.taken = 0
        """The bytes of the answer so far."""
        self.reason: GraphQLError | None = None
        """The error with which the answer has ended early."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._since = 0.0
        self._armed = self._comes_back = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    def begin(self) -> None:
        """Begins an answer with no bytes."""
        self.taken, self.reason = 0, None

    def done(self) -> None:
        """Ends an answer that is finished; its bytes no longer count here."""
        self._space.leave(self)

    def take(self, count: int) -> None:
        """Counts `count` more bytes. When they are too many, ends the answer and raises QUERY_TOO_COMPLEX."""
        self.taken += count
        self._space.take(self, count)
        if self.taken > self.most:
            self.end(too_long(self.most))
            self.check()

    def give_back(self, count: int) -> None:
        """Counts `count` bytes less, which were thrown away."""
        self.taken -= count
        self._space.take(self, -count)

    def end(self, reason: GraphQLError) -> None:
        """Ends the answer with an error, which `check` raises at its next step; wakes everything that waits."""
        self.reason = self.reason or reason
        while self._waiting:
            each = self._waiting.popleft()
            if not each.done():
                each.set_result(None)
        self._space.wake()

    def check(self) -> None:
        """Raises the error with which the answer has ended, if it has. Makes a new one each time, since the traceback
        of an error that is kept would keep everything in memory.
        """
        if self.reason is not None:
            raise GraphQLError(self.reason.message, extensions=self.reason.extensions)

    @property
    def has_to_wait(self) -> bool:
        """Whether it must not go on now: others have to have a turn, memory is full, or it has ended."""
        return self.reason is not None or self.is_late or not self._space.has_room(self)

    @property
    def is_late(self) -> bool:
        """Whether it has worked for PIECE_SECONDS since the event loop's last turn."""
        return self.is_late_by(PIECE_SECONDS)

    def is_late_by(self, seconds: float) -> bool:
        """Whether it has worked for so many seconds since the event loop's last turn."""
        now = perf_counter()
        if self._armed:
            return now - self._since > seconds
        # A piece begins now and lasts until the loop's next turn.
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
        """Lets the next waiting coroutines go on, after the loop had a turn; not all, which could be very many."""
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
        """Waits for others' turns, after a long piece, and for memory. Raises the error of an ended answer."""
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
        """Runs all steps, gives way between them, and returns the result. Raises the error of an ended answer."""
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
    """Builds the error for an answer that would be too long."""
    message = (
        f"The answer would be longer than {format_number(most)} bytes. Ask for less at once: a shorter range, "
        "fewer options, fewer fields, or smaller pages."
    )
    return GraphQLError(message, extensions={"code": "QUERY_TOO_COMPLEX"})


def too_slow() -> GraphQLError:
    """Builds the error for a request that took too long."""
    return GraphQLError("This took too long. What it began may still be done.", extensions={"code": "TIMEOUT"})


def nobody_waits() -> GraphQLError:
    """Builds the error that ends an answer for which nobody waits any more; no client sees it."""
    return GraphQLError("Nobody waits for this any more.", extensions={"code": "TIMEOUT"})
