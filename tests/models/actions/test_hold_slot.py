"""A live hold is a promise; a lapsed one never stands in the way."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from models import clock
from models.actions import change_booking
from models.actions.change_option import change_option
from models.actions.change_service import change_service
from models.actions.create_booking import BookingRequest, create
from models.bookings import hold
from models.bookings.booking import Booking
from models.bookings.hold import Hold
from models.catalog import option
from models.enums import ChangeAction, ChangeKind
from models.log import change_log
from models.refusals import Refused
from tests.models import invariants
from tests.models.rows import GOOGLE_DAYS, Shop, a_shop, ahead, done, told

pytestmark = pytest.mark.usefixtures("database")

SECONDS = 600
Deed = Callable[[Shop, datetime], Awaitable[UUID | Refused]]


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Clock:
    standing = Clock(clock.now())
    monkeypatch.setattr(clock, "now", lambda: standing.now)
    return standing


async def book(shop: Shop, start: datetime) -> UUID | Refused:
    return await shop.book(start)


async def keep(shop: Shop, start: datetime) -> UUID | Refused:
    return await shop.hold(start, seconds=SECONDS)


async def move(shop: Shop, start: datetime) -> UUID | Refused:
    (row,) = await Booking.filter(business_id=shop.business_id).values("id")
    return await change_booking.reschedule(shop.staff, row["id"], start, google_days=GOOGLE_DAYS)


@pytest.mark.parametrize("deed", [book, keep, move])
async def test_a_hold_stands_in_the_way_until_the_moment_it_lapses(still: Clock, deed: Deed) -> None:
    shop = await a_shop()
    done(await shop.book(ahead(hour=16)))
    held = done(await keep(shop, ahead()))
    still.move(SECONDS - 0.000_001)
    assert told(await deed(shop, ahead())) == ["SLOT_TAKEN"]
    still.move(0.000_001)
    done(await deed(shop, ahead()))
    assert await Hold.filter(id=held).count() == 0
    await invariants.hold_in(shop.business_id)


async def test_a_lapsed_hold_cannot_be_booked(still: Clock) -> None:
    shop = await a_shop()
    held = done(await keep(shop, ahead()))
    still.move(SECONDS)
    assert told(await _confirm(shop, held)) == ["HOLD_EXPIRED"]


async def test_a_hold_is_booked_as_it_was_made_whatever_changed_meanwhile(still: Clock) -> None:
    shop = await a_shop(buffer_before_minutes=10, buffer_after_minutes=5)
    held = done(await keep(shop, ahead()))
    still.move(SECONDS - 1)
    await change_service(shop.business_id, shop.service_id, {"duration_minutes": 90, "buffer_after_minutes": 0})
    await change_option(shop.business_id, shop.option_id, {"active": False, "service_ids": []})
    await option.set_opening_hours(shop.business_id, shop.option_id, [])
    booking_id = done(await _confirm(shop, held))
    (row,) = await Booking.filter(id=booking_id).values()
    assert (row["starts_at"], row["ends_at"]) == (ahead(), ahead(hour=11))
    assert (row["buffer_before_minutes"], row["buffer_after_minutes"]) == (10, 5)
    await invariants.hold_in(shop.business_id)
    assert told(await _confirm(shop, held)) == ["HOLD_EXPIRED"], "it is used up"


async def test_a_hold_is_booked_once_however_often_it_is_asked_for_at_once() -> None:
    shop = await a_shop()
    held = done(await keep(shop, ahead()))
    answers = await asyncio.gather(*(_confirm(shop, held) for _ in range(5)))
    assert len([answer for answer in answers if not isinstance(answer, Refused)]) == 1
    await invariants.hold_in(shop.business_id)


async def test_each_lapse_is_told_once_however_many_sweep(still: Clock) -> None:
    shop, other = await a_shop(), await a_shop()
    lapsing = {done(await keep(each, ahead(hour=hour))) for each in (shop, other) for hour in (10, 12)}
    still.move(SECONDS)
    staying = done(await keep(shop, ahead(hour=14)))
    await asyncio.gather(*(hold.sweep_lapsed(clock.now()) for _ in range(4)))
    told_of = [
        row["entity_id"]
        for each in (shop, other)
        for row in await change_log.after(each.business_id, 0)
        if (row["kind"], row["action"]) == (ChangeKind.HOLD, ChangeAction.REMOVED)
    ]
    assert sorted(told_of) == sorted(lapsing)
    assert [row["id"] for row in await Hold.all().values("id")] == [staying]
    await invariants.hold_in(shop.business_id)


async def _confirm(shop: Shop, hold_id: UUID) -> UUID | Refused:
    wish = BookingRequest(customer_name="Kari Nordmann", hold_id=hold_id)
    return await create(shop.staff, wish, once=None, google_days=GOOGLE_DAYS)
