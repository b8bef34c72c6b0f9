"""Clients hang up whenever they like: a cancelled task leaves no lock, no connection and no task behind."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from models import clock
from models.actions import calendar_entries, change_booking
from models.actions.load_offer import offer_of
from models.bookings.booking import Booking
from models.catalog.service import RULE_COLUMNS, read, rules
from models.enums import BookingStatus, ChangeAction, ChangeKind
from models.log import change_log, notifier
from models.log.idempotency import IdempotentRequest
from models.scheduling.intervals import Interval, to_instant
from models.storage import db
from models.storage.columns import new_id
from tests.models import invariants
from tests.models.rows import GOOGLE_DAYS, Shop, a_shop, ahead, done

CANCELLATIONS = 300
AT_ONCE = 10
PATIENCE = 120.0

Deed = Callable[[Shop, random.Random], Awaitable[object]]


def some_time(chance: random.Random) -> datetime:
    return ahead(hour=8) + timedelta(hours=chance.randrange(10), days=chance.randrange(5))


async def some_booking(shop: Shop, chance: random.Random) -> UUID:
    rows = await Booking.filter(business_id=shop.business_id, status=BookingStatus.CONFIRMED).values("id")
    return chance.choice(rows)["id"] if rows else new_id()


async def book(shop: Shop, chance: random.Random) -> None:
    start = some_time(chance)
    await shop.book(
        start, IdempotentRequest(shop.staff.key_id, "createBooking", str(chance.random()), {"start": start})
    )


async def move(shop: Shop, chance: random.Random) -> None:
    booking_id = await some_booking(shop, chance)
    await change_booking.reschedule(shop.staff, booking_id, some_time(chance), google_days=GOOGLE_DAYS)


async def cancel(shop: Shop, chance: random.Random) -> None:
    await change_booking.cancel(shop.staff, await some_booking(shop, chance))


async def read_slots(shop: Shop, _: random.Random) -> None:
    row = await read(shop.business_id, shop.service_id, ("id", "business_id", "active", *RULE_COLUMNS))
    assert row
    window = Interval(to_instant(ahead(6)), to_instant(ahead(12)))
    await offer_of(row, rules(row), window, now=to_instant(clock.now()), google_days=GOOGLE_DAYS)


async def read_calendar(shop: Shop, _: random.Random) -> None:
    async def body() -> None:
        columns = {kind: frozenset({"id"}) for kind in calendar_entries.TABLES}
        await change_log.newest(shop.business_id)
        await calendar_entries.overlapping(shop.business_id, ahead(5), ahead(15), None, columns)

    await db.snapshot(body)


DEEDS: tuple[Deed, ...] = (book, book, move, cancel, read_slots, read_calendar)


async def test_cancelling_at_random_leaves_nothing_behind(database: BaseDBAsyncClient) -> None:
    seed = random.randrange(2**32)  # noqa: S311 - chance that is told, so that it can repeat
    try:
        await _storm(database, random.Random(seed))  # noqa: S311
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise


async def _storm(database: BaseDBAsyncClient, chance: random.Random) -> None:
    shop = await a_shop()
    seconds = await _duration(shop, chance)
    connections, tasks = _connections(database), asyncio.all_tasks()
    cut_short = 0
    async with asyncio.timeout(PATIENCE):
        while cut_short < CANCELLATIONS:
            cut_short += await _cancelled(shop, chance, seconds)
        await _settled(shop)
    assert not db._under_way
    assert asyncio.all_tasks() == tasks
    assert _connections(database) == connections
    await invariants.hold_in(shop.business_id)


async def _duration(shop: Shop, chance: random.Random) -> float:
    """Seconds that one round takes here when nobody hangs up; also fills the calendar and the pool."""
    began = asyncio.get_running_loop().time()
    rounds = 3
    for _ in range(rounds):
        await asyncio.gather(*(chance.choice(DEEDS)(shop, chance) for _ in range(AT_ONCE)))
    return (asyncio.get_running_loop().time() - began) / rounds


async def _cancelled(shop: Shop, chance: random.Random, seconds: float) -> int:
    """Begins some deeds at once and cancels each at a time of its own; returns how many were under way then."""
    tasks = [asyncio.ensure_future(chance.choice(DEEDS)(shop, chance)) for _ in range(AT_ONCE)]
    for task in tasks:
        asyncio.get_running_loop().call_later(chance.uniform(0, seconds / 2), task.cancel)
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    errors = [error for error in ended if isinstance(error, Exception)]
    assert not errors, errors
    return sum(isinstance(error, asyncio.CancelledError) for error in ended)


async def _settled(shop: Shop) -> None:
    """A write and a read still come through, once what was begun is finished."""
    free = ahead(days=100)
    booking_id = done(await shop.book(free))
    await change_booking.cancel(shop.staff, booking_id)
    assert await calendar_entries.one(shop.business_id, ChangeKind.BOOKING, booking_id, None, frozenset({"id"})) is None
    while db._under_way:
        await asyncio.wait(db._under_way)


def _connections(connection: Any) -> tuple[int, int] | bool:
    """PostgreSQL: how many connections the pool may have, and how many are in use. SQLite: whether its lock is held."""
    if connection.capabilities.dialect == "sqlite":
        return bool(connection._lock.locked())
    pool = connection._pool
    return pool.get_max_size(), pool.get_size() - pool.get_idle_size()


@pytest.mark.usefixtures("database")
async def test_a_write_whose_caller_hung_up_is_whole_and_rings() -> None:
    shop = await a_shop()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def body(work: change_log.LoggedTransaction) -> None:
        begun.set()
        await go_on.wait()
        work.record(ChangeKind.OPTION, shop.option_id, ChangeAction.UPSERTED)

    before = await change_log.newest(shop.business_id)
    with notifier.current().listening(shop.business_id) as rung:
        caller = asyncio.create_task(change_log.write(shop.business_id, body))
        await begun.wait()
        caller.cancel()
        await asyncio.wait([caller])
        assert caller.cancelled()
        go_on.set()
        await asyncio.wait(db._under_way, timeout=PATIENCE)
        assert rung.is_set()
    assert await change_log.newest(shop.business_id) == before + 1
    await invariants.hold_in(shop.business_id)


async def test_the_database_closes_only_after_work_in_hand_is_done(database_url: str) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def body(work: change_log.LoggedTransaction) -> None:
        begun.set()
        await go_on.wait()
        work.record(ChangeKind.OPTION, shop.option_id, ChangeAction.UPSERTED)

    async def session() -> None:
        async with db.opened(database_url):
            write = asyncio.create_task(change_log.write(shop.business_id, body))
            await begun.wait()
            write.cancel()

    async with db.opened(database_url):
        shop = await a_shop()
        before = await change_log.newest(shop.business_id)
    closing = asyncio.create_task(session())
    await begun.wait()
    go_on.set()
    async with asyncio.timeout(PATIENCE):
        await closing
    async with db.opened(database_url):
        assert await change_log.newest(shop.business_id) == before + 1
