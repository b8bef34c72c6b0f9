"""Loaders read what one level of an answer needs at once; dear operations read two at a time in the whole process."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import uuid4

import pytest

from graph.request.context import LIGHT, STATEMENTS_AT_ONCE, Context
from models.api_key import Caller
from models.enums import Role
from tests.graph.fields.test_compiler import app_state


class Statements:
    """Stands where the database would be asked: says how many are asked together, and answers when it is told to."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.under_way = self.most = self.asked = 0

    async def load(self, keys: Sequence[int]) -> Mapping[int, int]:
        """Each key's double."""
        self.asked += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.open.wait()
        self.under_way -= 1
        return {key: 2 * key for key in keys}


@pytest.fixture
def shared() -> Context:
    """A context in a process that others share."""
    return Context(app_state(completer=True))


def asks(context: Context, cost: int) -> Context:
    """Another operation in the same process, of another key."""
    caller = Caller(business_id=uuid4(), key_id=uuid4(), role=Role.STAFF, name="")
    return Context(context.state, caller, cost=cost)


async def settled() -> None:
    """Everything that can go on has gone on."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_dear_operations_read_two_at_a_time_and_cheap_ones_do_not_wait(shared: Context) -> None:
    slow, quick = Statements(), Statements()
    dear = [asks(shared, LIGHT) for _ in range(4)]
    asked = [asyncio.ensure_future(each.loaders.one(name, 1, slow.load)) for each in dear for name in "abc"]
    await settled()
    assert slow.under_way == STATEMENTS_AT_ONCE
    quick.open.set()
    assert await asks(shared, LIGHT - 1).loaders.one("a", 21, quick.load) == 42
    slow.open.set()
    assert await asyncio.gather(*asked) == [2] * 12
    assert (slow.most, slow.asked) == (STATEMENTS_AT_ONCE, 12)


async def test_one_level_is_one_statement(shared: Context) -> None:
    statements, context = Statements(), asks(shared, LIGHT)
    statements.open.set()
    assert await asyncio.gather(*(context.loaders.one("a", key, statements.load) for key in range(9))) == [
        2 * key for key in range(9)
    ]
    assert statements.asked == 1
