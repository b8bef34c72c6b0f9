"""The hub and a source that is none of ours: what `Source` says of the two is so, whatever is followed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import ClassVar, get_type_hints

import pytest
import strawberry
from graphql import GraphQLError
from tortoise.backends.base.client import BaseDBAsyncClient

from graph.operation.executor import Executor
from graph.request.context import Context, Info
from graph.schema import schema
from graph.server.live.execution import OperationRequest
from graph.server.live.hub import Hub
from graph.server.live.member import Member
from graph.server.live.message_buffer import Message
from graph.strawberry_internals import core_schema
from graph.subscriptions.source import Look, Source, SourceEvent
from models.enums import ChangeAction, ChangeKind
from models.log import change_log, notifier
from models.storage.db import Row
from tests.graph.server.live.paced_subscribers import side
from tests.models.rows import Shop, a_shop
from tests.stage import PATIENCE


@dataclass(eq=False)
class Looks(Source):
    """Shows how often anybody has looked; to nobody who asks for less than nothing."""

    least: int
    made: ClassVar[list["Looks"]]
    room: ClassVar[asyncio.Lock]
    fails: ClassVar[asyncio.Event | None]
    """Looks wait for this, and then fail."""
    waits: int = 0
    looks: list[Look] = field(default_factory=list)

    async def start(self, newest: int) -> int:
        """Counts who comes."""
        self.made.append(self)
        if self.least < 0:
            raise GraphQLError("Nobody may follow that.", extensions={"code": "FORBIDDEN"})
        return newest

    def concerns(self, row: Row) -> bool:
        """Only options do."""
        return bool(row["kind"] == ChangeKind.OPTION)

    async def events(self, look: Look) -> AsyncGenerator[SourceEvent, None]:
        """Each look shows another number."""
        self.looks.append(look)
        if self.fails is not None:
            await self.fails.wait()
            raise LookupError
        yield SourceEvent(len(self.looks), is_repeated=look.again and not look.rows)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """While nobody else has the room."""
        self.waits += 1
        return self.room


@strawberry.type
class Query:
    nothing: str = ""


@strawberry.type
class Subscription:
    @strawberry.subscription(graphql_type=int)  # type: ignore[untyped-decorator]
    def looks(self, info: Info, least: int = 0) -> Looks:
        return Looks(info, least)


TOY = strawberry.Schema(Query, subscription=Subscription, execution_context_class=Executor)


@dataclass
class Toy:
    """A hub with the toy, and who may ask."""

    hub: Hub
    shop: Shop
    context: Callable[[], Context]

    @asynccontextmanager
    async def following(
        self, member: Member, document: str = "subscription { looks }"
    ) -> AsyncIterator[AsyncGenerator[Message, None]]:
        """One who follows for as long as the block lasts."""
        asked = OperationRequest(document, None, None, self.context())
        async with asyncio.timeout(PATIENCE), aclosing(self.hub.stream(asked, member)) as messages:
            yield messages

    async def change(self, kind: ChangeKind) -> None:
        """Something happens."""

        async def body(work: change_log.LoggedTransaction) -> None:
            work.record(kind, self.shop.option_id, ChangeAction.UPSERTED, [self.shop.option_id])

        await change_log.write(self.shop.business_id, body)


@pytest.fixture
async def toy(database: BaseDBAsyncClient) -> AsyncIterator[Toy]:
    """A hub with the toy."""
    del database
    Looks.made, Looks.room, Looks.fails = [], asyncio.Lock(), None
    async with notifier.open_notifier("memory://"), side() as ours:
        shop, hub = await a_shop(), Hub(core_schema(TOY))
        yield Toy(hub, shop, lambda: Context(ours.state, shop.staff))
        await hub.stopped()


async def until(holds: Callable[[], bool]) -> None:
    """Returns once it holds."""
    async with asyncio.timeout(PATIENCE):
        for _ in count():
            if holds():
                return
            await asyncio.sleep(0)


async def test_everybody_is_asked_and_the_source_of_the_first_runs_for_all(toy: Toy) -> None:
    one, two = Member(toy.shop.staff), Member(toy.shop.staff)
    async with toy.following(one) as first, toy.following(two) as second:
        assert (await anext(first)).payload == b'{"data":{"looks":1}}'
        hears = asyncio.ensure_future(anext(first))
        await until(lambda: one.is_waiting)
        assert (await anext(second)).payload == b'{"data":{"looks":2}}'
        await toy.change(ChangeKind.SERVICE)
        await toy.change(ChangeKind.OPTION)
        # What was for the second alone is not told to the first.
        assert await anext(second) is await hears
    ours, other = Looks.made
    assert [([row["kind"] for row in look.rows], look.again) for look in ours.looks] == [
        ([], True),
        ([], True),
        ([ChangeKind.OPTION], False),
    ]
    assert other.looks == []


async def test_who_may_not_follow_joins_nobody(toy: Toy) -> None:
    for member in (Member(toy.shop.staff), Member(toy.shop.staff)):
        async with toy.following(member, "subscription { looks(least: -1) }") as messages:
            told = [message async for message in messages]
        assert [(message.is_last, b"FORBIDDEN" in message.payload) for message in told] == [(True, True)]
    assert [each.looks for each in Looks.made] == [[], []]


async def test_whoever_joins_while_a_look_waits_for_its_turn_is_answered_by_that_look(toy: Toy) -> None:
    one, two = Member(toy.shop.staff), Member(toy.shop.staff)
    async with toy.following(one) as first, toy.following(two) as second:
        async with Looks.room:
            waiting = [asyncio.ensure_future(anext(first))]
            await until(lambda: bool(Looks.made and Looks.made[0].waits))
            waiting.append(asyncio.ensure_future(anext(second)))
            await until(lambda: two.is_asking)
        assert [(await each).payload for each in waiting] == [b'{"data":{"looks":1}}'] * 2
    assert [len(each.looks) for each in Looks.made] == [1, 0]


async def test_whoever_waits_for_a_look_hears_that_the_one_before_it_failed(toy: Toy) -> None:
    Looks.fails = asyncio.Event()
    one, two = Member(toy.shop.staff), Member(toy.shop.staff)
    async with toy.following(one) as first, toy.following(two) as second:
        waiting = [asyncio.ensure_future(anext(first))]
        await until(lambda: bool(Looks.made and Looks.made[0].looks))
        waiting.append(asyncio.ensure_future(anext(second)))
        await until(lambda: two.is_asking)
        Looks.fails.set()
        told = [await each for each in waiting]
    assert [(message.is_last, b"INTERNAL" in message.payload) for message in told] == [(True, True)] * 2
    assert [len(each.looks) for each in Looks.made] == [1, 0]


async def test_a_turn_lasts_until_what_was_found_is_handed_out(toy: Toy) -> None:
    handed: list[bool] = []

    def push(_: Message) -> bool:
        handed.append(Looks.room.locked())
        return True

    async with toy.following(Member(toy.shop.staff, push)) as messages:
        await anext(messages)
        waiting = asyncio.ensure_future(anext(messages))
        await toy.change(ChangeKind.OPTION)
        await until(lambda: len(handed) == 1)
        await toy.change(ChangeKind.OPTION)
        await until(lambda: len(handed) == 2)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert handed == [True, True]


def test_the_field_of_a_subscription_makes_a_source_and_does_nothing_else() -> None:
    fields = schema.core.subscription_type
    assert fields
    for name, each in fields.fields.items():
        definition = each.extensions["strawberry-definition"]
        made = get_type_hints(definition.base_resolver.wrapped_func)["return"]
        assert (issubclass(made, Source), definition.is_async) == (True, False), name
