"""One reader per business: whoever follows sees every change once and in order, from wherever they begin."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from graph.server.live import change_feed
from graph.server.live.change_feed import BATCH, ChangeFeeds
from models.enums import ChangeAction, ChangeKind
from models.log import change_log, notifier
from tests.models.rows import a_business
from tests.stage import PATIENCE

pytestmark = pytest.mark.usefixtures("database")


async def nothing(_: UUID) -> None:
    """A guard that lets everything by."""


async def change(business_id: UUID, times: int = 1, kind: ChangeKind = ChangeKind.OPTION) -> None:
    """Writes so many changes in one transaction."""

    async def body(work: change_log.LoggedTransaction) -> None:
        for _ in range(times):
            work.record(kind, business_id, ChangeAction.UPSERTED)

    await change_log.write(business_id, body)


async def seen(readers: ChangeFeeds, business_id: UUID, after: int, upto: int) -> list[int]:
    """The revisions that a follower sees, up to one."""
    found: list[int] = []
    async with asyncio.timeout(PATIENCE), readers.following(business_id, after) as follower:
        while not found or found[-1] < upto:
            found += [row["revision"] for row in await follower.next()]
    return found


@pytest.fixture
async def readers(database: BaseDBAsyncClient) -> AsyncIterator[ChangeFeeds]:
    """Readers, with a bell that rings."""
    del database
    async with notifier.open_notifier("memory://"):
        yield ChangeFeeds(nothing)


async def test_followers_who_begin_anywhere_see_the_rest_once_and_in_order(readers: ChangeFeeds) -> None:
    business_id = await a_business()
    await change(business_id, 2 * BATCH + 17)
    newest = await change_log.newest(business_id)
    begun = [asyncio.create_task(seen(readers, business_id, after, newest + 3)) for after in (0, 1, BATCH, newest)]
    for _ in range(3):
        await change(business_id)
    for after, task in zip((0, 1, BATCH, newest), begun, strict=True):
        assert await task == list(range(after + 1, newest + 4))


async def test_one_who_is_far_behind_the_others_reads_the_table(readers: ChangeFeeds) -> None:
    business_id = await a_business()
    newest = await change_log.newest(business_id)
    async with readers.following(business_id, newest) as follower:
        following = asyncio.ensure_future(follower.next())
        await change(business_id, 3 * BATCH)
        await following
        assert await seen(readers, business_id, 0, newest + 3 * BATCH) == list(range(1, newest + 3 * BATCH + 1))


async def test_nobody_sees_what_came_after_a_key_before_the_guard_has_looked(database: BaseDBAsyncClient) -> None:
    del database
    business_id = await a_business()
    newest, asked, may_pass = await change_log.newest(business_id), asyncio.Event(), asyncio.Event()

    async def guard(_: UUID) -> None:
        asked.set()
        await may_pass.wait()

    async with notifier.open_notifier("memory://"):
        follower = asyncio.create_task(seen(ChangeFeeds(guard), business_id, newest, newest + 2))
        await change(business_id)
        await change(business_id, kind=ChangeKind.KEY)
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
        await change(business_id)
        for _ in range(50):
            await asyncio.sleep(0)
        assert not follower.done()
        may_pass.set()
        assert (await follower)[:2] == [newest + 1, newest + 2]


async def test_a_ring_that_was_lost_costs_seconds_and_nothing_else(
    readers: ChangeFeeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_feed, "LOOK_SECONDS", 0.05)
    business_id = await a_business()
    newest = await change_log.newest(business_id)
    async with (
        asyncio.timeout(PATIENCE),
        readers.following(business_id, newest) as follower,
    ):
        following = asyncio.ensure_future(follower.next())
        await change(business_id)
        assert [row["revision"] for row in await following] == [newest + 1]
        async with notifier.open_notifier("memory://"):
            # Another process's bell: nobody here hears it.
            await change(business_id)
            assert [row["revision"] for row in await follower.next()] == [newest + 2]


async def test_what_comes_while_it_looks_is_looked_at_again(
    database: BaseDBAsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    del database
    monkeypatch.setattr(change_feed, "LOOK_SECONDS", 3600.0)
    business_id = await a_business()
    newest = await change_log.newest(business_id)
    async with notifier.open_notifier("memory://"):
        # The guard is asked in the middle of a look: after it has read, and before it has finished.
        follower = asyncio.create_task(seen(ChangeFeeds(change), business_id, newest, newest + 2))
        await change(business_id, kind=ChangeKind.KEY)
        assert await follower == [newest + 1, newest + 2]


async def test_one_who_falls_behind_what_is_kept_goes_on_in_the_table(readers: ChangeFeeds) -> None:
    business_id = await a_business()
    newest = await change_log.newest(business_id)
    last = newest + 1 + 3 * BATCH
    async with (
        asyncio.timeout(PATIENCE),
        readers.following(business_id, newest) as follower,
    ):
        following = asyncio.ensure_future(follower.next())
        await change(business_id)
        found = [row["revision"] for row in await following]
        keeps_up = asyncio.create_task(seen(readers, business_id, newest, last))
        await change(business_id, 3 * BATCH)
        assert await keeps_up == list(range(newest + 1, last + 1))
        while found[-1] < last:
            found += [row["revision"] for row in await follower.next()]
        assert found == list(range(newest + 1, last + 1))


async def test_an_alarm_comes_back_though_nothing_changed(readers: ChangeFeeds) -> None:
    business_id = await a_business()
    newest = await change_log.newest(business_id)
    async with readers.following(business_id, newest) as follower:
        async with asyncio.timeout(PATIENCE):
            assert await follower.next(0.01) == []


async def test_somebody_who_asks_is_attended_to_though_nothing_changed(readers: ChangeFeeds) -> None:
    business_id = await a_business()
    newest = await change_log.newest(business_id)
    async with asyncio.timeout(PATIENCE), readers.following(business_id, newest) as follower:
        following = asyncio.ensure_future(follower.next())
        await asyncio.sleep(0)
        follower.wake()
        assert await following == []


async def test_rows_from_far_behind_pass_the_guard_too(database: BaseDBAsyncClient) -> None:
    del database
    business_id, guarded = await a_business(), list[UUID]()
    began = await change_log.newest(business_id)

    async def guard(business_id: UUID) -> None:
        guarded.append(business_id)

    async with notifier.open_notifier("memory://"):
        readers = ChangeFeeds(guard)
        await change(business_id, kind=ChangeKind.KEY)
        async with readers.following(business_id, began + 1) as ahead:
            following = asyncio.ensure_future(ahead.next())
            await change(business_id)
            await following
            assert guarded == []
            assert await seen(readers, business_id, began, began + 2) == [began + 1, began + 2]
            assert guarded == [business_id]


async def test_who_is_cancelled_while_a_reader_closes_is_cancelled(readers: ChangeFeeds) -> None:
    business_id = await a_business()
    closing = asyncio.Event()

    async def follow() -> None:
        async with readers.following(business_id, 0) as follower:
            await follower.next()
            closing.set()

    await change(business_id)
    task = asyncio.create_task(follow())
    await closing.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
