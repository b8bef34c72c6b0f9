"""The log of a business: its revisions have no gaps, and their order is the order of commits."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from models import clock
from models.business import Business
from models.enums import ChangeAction, ChangeKind
from models.log import change_log
from models.log.change_log import LoggedTransaction, NoSuchBusinessError, is_kept, newest, write
from models.refusals import ErrorCode, Refused, refused
from models.storage.db import Row
from tests.models import invariants
from tests.models.actions.racer import PATIENCE, race
from tests.models.rows import a_business, a_shop, ahead

pytestmark = pytest.mark.usefixtures("database")

WRITERS = 12
WRITES = 8


async def note(business_id: UUID, count: int = 1) -> list[UUID]:
    """Writes that many changes at once, each of an entity of its own."""
    entities = [uuid4() for _ in range(count)]

    async def body(work: LoggedTransaction) -> None:
        for entity_id in entities:
            work.record(ChangeKind.TIME_OFF, entity_id, ChangeAction.UPSERTED)

    await write(business_id, body)
    return entities


async def tail(business_id: UUID, at: int, done: asyncio.Event) -> list[Row]:
    """What a reader sees who asks again and again for what came after the last he saw, until all is written."""
    seen: list[Row] = []
    while True:
        finished = done.is_set()
        while found := await change_log.after(business_id, at, limit=7):
            assert [row["revision"] for row in found] == list(range(at + 1, at + 1 + len(found))), "a gap"
            seen += found
            at = found[-1]["revision"]
        if finished:
            return seen
        await asyncio.sleep(0)


async def test_a_tailing_reader_misses_nothing_of_many_writers() -> None:
    business_id, done = await a_business(), asyncio.Event()

    async def writer(number: int) -> Sequence[UUID]:
        return [entity for turn in range(WRITES) for entity in await note(business_id, (number + turn) % 4)]

    before = await newest(business_id)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(tail(business_id, before, done))
        written = await asyncio.gather(*map(writer, range(WRITERS)))
        done.set()
    seen = reading.result()
    assert sorted(row["entity_id"] for row in seen) == sorted(entity for each in written for entity in each)


async def test_a_tailing_reader_misses_nothing_of_many_processes(database_url: str) -> None:
    shop, done = await a_shop(), asyncio.Event()
    before = await newest(shop.business_id)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(tail(shop.business_id, before, done))
        written = await race("note", database_url, shop, ahead())
        done.set()
    seen = reading.result()
    assert len(seen) == sum(int(count) * times for count, times in written.items())
    assert await newest(shop.business_id) == before + len(seen)


async def test_a_refused_write_leaves_no_revision() -> None:
    business_id = await a_business()

    async def refuse(_: LoggedTransaction) -> Refused:
        return refused(ErrorCode.NOT_FOUND, "There is no such thing.")

    await note(business_id)
    assert await write(business_id, refuse) == refused(ErrorCode.NOT_FOUND, "There is no such thing.")
    assert await newest(business_id) == 1
    await note(business_id)
    assert [row["revision"] for row in await change_log.after(business_id, 0)] == [1, 2]


async def test_a_failed_write_leaves_nothing() -> None:
    business_id = await a_business()

    async def fail(work: LoggedTransaction) -> None:
        await Business.filter(id=business_id).update(name="Changed")
        work.record(ChangeKind.BUSINESS, business_id, ChangeAction.UPSERTED)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write(business_id, fail)
    assert await newest(business_id) == 0
    assert await change_log.after(business_id, 0) == []
    assert await Business.filter(id=business_id, name="Changed").count() == 0


async def test_several_changes_of_one_write_take_several_revisions_in_order() -> None:
    business_id = await a_business()
    entities = [*await note(business_id, 3), *await note(business_id, 1), *await note(business_id, 2)]
    found = await change_log.after(business_id, 0)
    assert [(row["revision"], row["entity_id"]) for row in found] == list(enumerate(entities, start=1))
    assert len({row["at"] for row in found[:3]}) == 1, "one write happens at one time"


async def test_businesses_count_apart() -> None:
    one, other = await a_business(), await a_business()
    await asyncio.gather(*(note(each) for each in (one, other) * 5))
    assert await newest(one) == await newest(other) == 5
    await invariants.log_is_whole(one)
    await invariants.log_is_whole(other)


async def test_what_concerns_an_option_is_named_once_and_in_order() -> None:
    business_id, options = await a_business(), [uuid4() for _ in range(3)]

    async def body(work: LoggedTransaction) -> None:
        work.record(ChangeKind.BOOKING, uuid4(), ChangeAction.UPSERTED, [*options, *options])

    await write(business_id, body)
    (change,) = await change_log.after(business_id, 0)
    assert change["option_ids"] == sorted(map(str, options))


async def test_an_unknown_business_is_not_written_to() -> None:
    with pytest.raises(NoSuchBusinessError):
        await note(uuid4())
    with pytest.raises(NoSuchBusinessError):
        await newest(uuid4())


async def test_pruning_forgets_what_is_old_and_says_so() -> None:
    business_id = await a_business()
    await note(business_id, 3)
    between = clock.now()
    await note(business_id, 2)
    assert all([await is_kept(business_id, revision, 5) for revision in range(6)])
    assert await change_log.prune(between) == 3
    assert [await is_kept(business_id, revision, 5) for revision in range(7)] == [False] * 3 + [True] * 3 + [False]
    assert [row["revision"] for row in await change_log.after(business_id, 3)] == [4, 5]


async def test_pruning_everything_keeps_the_newest_position() -> None:
    business_id = await a_business()
    await note(business_id, 3)
    assert await change_log.prune(clock.now() + timedelta(days=1)) == 3
    assert [await is_kept(business_id, revision, 3) for revision in range(5)] == [False, False, False, True, False]
    await note(business_id)
    assert [row["revision"] for row in await change_log.after(business_id, 3)] == [4]
