"""One subscriber, or whoever asks on a socket: what it was sent, and when its reader can take more.

What is dear is not begun for a reader that is behind, and little of it at once for one that is not: what is made for
somebody who does not read would only lie about.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from graph.limits.turns import Holder, Turns
from graph.server.live.message_buffer import Message
from models.api_key import Caller

T = TypeVar("T")

CHEAP = 2000
"""What costs less does not wait for what else is made for its reader."""

COST_AT_ONCE = 20_000
"""What is made for one reader may cost so much together, some 7 MB at most; what costs more is made alone."""

Push: TypeAlias = Callable[[Message], bool]
"""Takes a message without waiting; False when its reader is behind, and would have to be waited for."""

Ready: TypeAlias = Callable[[], Coroutine[Any, Any, Any] | None]
"""What to wait for until a reader is not behind any more; None when it is not."""


@dataclass(eq=False, slots=True)
class Member:
    """One subscriber."""

    caller: Caller | None
    push: Push | None = None
    """Without it, it takes all its messages at its own pace."""
    ready: Ready | None = None
    turns: Turns | None = None
    """Those of its reader."""
    cost: int = 0
    """What it asked for may cost, each time."""
    position: int = -1
    """Of the last message it was sent."""
    is_asking: bool = False
    """Whether it waits for what is shown again."""
    is_waiting: bool = False
    """Whether it has all there is, so that it may be handed the next message."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    follows: bool = False
    """Whether it follows something: a query on a socket has been asked, and that is all."""
    _turn: AsyncExitStack | None = None
    _parting: Exception | None = None
    _gone: asyncio.Future[None] | None = None

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

    async def wait_for(self, awaited: Coroutine[Any, Any, T]) -> T:
        """The result of something. Raises what it was parted with meanwhile."""
        task = asyncio.create_task(awaited)
        try:
            await self.until_done(task)
            return task.result()
        finally:
            task.cancel()

    async def until_done(self, future: asyncio.Future[Any]) -> None:
        """Returns once it is done. Raises what it was parted with."""
        self.check()
        self._gone = asyncio.get_running_loop().create_future()
        await asyncio.wait({future, self._gone}, return_when=asyncio.FIRST_COMPLETED)
        self._gone = None
        self.check()

    async def until_ready(self) -> None:
        """Returns once its reader is not behind. Raises what it was parted with."""
        while self.ready is not None and (until := self.ready()) is not None:
            await self.wait_for(until)

    async def take_turn(self) -> None:
        """Returns once what it asked for may be worked out: its reader is not behind, and not too much is made for it
        already. Raises what it was parted with.
        """
        if self._turn is None and self.turns is not None and self.cost >= CHEAP:
            turn = AsyncExitStack()
            await turn.enter_async_context(self.turns.turn(Holder(None), self.cost))
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
