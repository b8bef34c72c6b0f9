"""Subscribers of every pace, on the live side alone: no socket in between hides what one of them is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from graph.documents.cache import Documents
from graph.limits.cost_budget import CostBudget
from graph.request.context import AppState, Context
from graph.schema import schema
from graph.server.live.execution import OperationRequest
from graph.server.live.hub import Hub
from graph.server.live.member import Member
from graph.server.live.message_buffer import Message
from models.api_key import Caller
from models.log import change_log
from models.settings import read
from models.storage.secrets import Secrets, new_secret_key
from sync.service import Google
from tests.operations import operations
from tests.world.dice import Dice


@dataclass(frozen=True)
class Side:
    """The live side of one process, and its state."""

    live: Hub
    state: AppState


@asynccontextmanager
async def side() -> AsyncIterator[Side]:
    """The live side, as the composition root wires it; all that runs has ended with the block."""
    settings = read(_env_file=None, secret_keys=(new_secret_key(),))
    secrets, live = Secrets(settings.secret_keys), Hub(schema.core)
    state = AppState(settings, secrets, Google(settings, secrets), CostBudget(settings), Documents())
    try:
        yield Side(live, state)
    finally:
        await live.stopped()


@dataclass
class Subscriber:
    """Follows the calendar from a revision on, comes and goes, takes messages at once or not, quickly or not."""

    side: Side
    caller: Caller
    began: int
    dice: Dice
    told: list[int] = field(default_factory=list)
    _task: asyncio.Task[None] | None = None

    @property
    def is_here(self) -> bool:
        """Whether it follows now."""
        return self._task is not None

    def come(self) -> None:
        """Follows from what it was told last."""
        self._task = asyncio.create_task(self._follow())

    async def go(self) -> None:
        """Is cut off in the middle of whatever it does. Raises what went wrong with it before."""
        assert self._task
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()
            raise AssertionError("the stream ended by itself")
        self._task = None

    async def _follow(self) -> None:
        cursor = change_log.to_cursor(self.caller.business_id, self.told[-1] if self.told else self.began)
        context = Context(self.side.state, self.caller)
        asked = OperationRequest(operations()["CalendarChanges"], {"after": cursor}, None, context)
        async with aclosing(self.side.live.stream(asked, Member(self.caller, self._push))) as messages:
            async for message in messages:
                self._take(message)
                for _ in range(self.dice.choice([0, 0, 1, 5, 40])):
                    await asyncio.sleep(0)

    def _push(self, message: Message) -> bool:
        if self.dice.random() < 0.3:
            return False
        self._take(message)
        return True

    def _take(self, message: Message) -> None:
        assert b'"errors"' not in message.payload, message.payload
        self.told.append(message.position)
