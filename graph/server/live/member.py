"""One subscriber, or whoever asks on a socket: what it was sent, and when its reader can take more.

What is dear is not begun for a reader that is behind, and little of it at once for one that is not: what is made for
somebody who does not read would only lie about.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

from graph.limits.turns import Turns
from graph.server.live.message_buffer import Message
from models.api_key import Caller

CHEAP = 2000
"""What costs less does not wait for what else is made for its reader."""

COST_AT_ONCE = 20_000
"""What is made for one reader may cost so much together, some 7 MB at most; what costs more is made alone."""

Push: TypeAlias = Callable[[Message], bool]
"""Takes a message without waiting; False when its reader is behind, and would have to be waited for."""

Ready: TypeAlias = Callable[[], Coroutine[Any, Any, Any] | None]
"""What to wait for until a reader is not behind any more; None when it is not."""


class Member:
    """One subscriber."""

    __slots__ = (
        "_gone",
        "_parting",
        "_ready",
        "_turn",
        "_turns",
        "caller",
        "cost",
        "follows",
        "is_asking",
        "is_waiting",
        "position",
        "push",
        "woken",
    )

    def __init__(
        self, caller: Caller | None, push: Push | None = None, ready: Ready | None = None, turns: Turns | None = None
    ) -> None:
        """Without `push` it takes all its messages at its own pace. `turns` are those of its reader."""
        self.caller = caller
        self.push = push
        self.cost = 0
        """What it asked for may cost, each time."""
        self._ready = ready
        self._turns = turns
        self._turn: AsyncExitStack | None = None
        self.is_asking = False
        """Whether it waits for what is said anew."""
        self.position = -1
        """Of the last message it was sent."""
        self.is_waiting = False
        """Whether it has all there is, so that it may be handed the next message."""
        self.woken = asyncio.Event()
        self.follows = False
        """Whether it follows something: a query on a socket has been asked, and that is all."""
        self._parting: Exception | None = None
        self._gone: asyncio.Future[None] | None = None

    def part(self, reason: Exception) -> None:
        """It gets no message any more."""
        self._parting = reason
        self.is_waiting = False
        self.woken.set()
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    def check(self) -> None:
        """Raises what it was parted with."""
        if self._parting is not None:
            raise self._parting

    async def first_of(self, *tasks: asyncio.Future[Any]) -> None:
        """Returns when one of them is done. Raises what it was parted with."""
        self.check()
        self._gone = asyncio.get_running_loop().create_future()
        await asyncio.wait({*tasks, self._gone}, return_when=asyncio.FIRST_COMPLETED)
        self._gone = None
        self.check()

    async def until_ready(self) -> None:
        """Returns once its reader is not behind. Raises what it was parted with."""
        while self._ready is not None and (until := self._ready()) is not None:
            waiting = asyncio.create_task(until)
            try:
                await self.first_of(waiting)
            finally:
                waiting.cancel()

    async def take_turn(self) -> None:
        """Returns once what it asked for may be worked out: its reader is not behind, and not too much is made for it
        already. Raises what it was parted with.
        """
        if self._turn is None and self._turns is not None and self.cost >= CHEAP:
            turn = AsyncExitStack()
            await turn.enter_async_context(self._turns.turn(None, self.cost))
            self._turn = turn
        await self.until_ready()
        self.check()

    async def give_turn_back(self) -> None:
        """It has what was worked out."""
        if self._turn is not None:
            turn, self._turn = self._turn, None
            await turn.aclose()

    def offer(self, message: Message) -> bool:
        """Hands it a message; False when it is woken to fetch it, or has it already."""
        if self.position >= message.position:
            return False
        if self.is_waiting and message.is_repeated:
            self.position = message.position
            return False
        if self.is_waiting and self.push is not None and self.push(message):
            self.position = message.position
            return True
        self.is_waiting = False
        self.woken.set()
        return False
