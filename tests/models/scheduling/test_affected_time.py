"""A change tells which time it touches: all that is taken otherwise by it, and for most changes no more than that."""

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from models import clock
from models.actions import change_booking, create_booking, hold_slot
from models.actions.change_service import change_service
from models.actions.create_booking import BookingRequest
from models.bookings import hold
from models.bookings.hold import Hold
from models.catalog import option, time_off
from models.catalog.time_off import TimeOff
from models.enums import ChangeKind, Role
from models.google import mirror
from models.log import change_log
from models.log.change_log import LoggedTransaction
from models.refusals import Refused
from models.scheduling.affected_time import NO_TIME, hull, touches
from models.scheduling.intervals import Interval, interval, to_datetime
from models.storage.db import Row
from tests.models.log.log_check import telling
from tests.models.rows import GOOGLE_DAYS, Shop, a_shop, ahead, an_option, done
from tests.world.bookings.booking_model import HOLD_SECONDS, Trade
from tests.world.bookings.test_booking_world import (
    BEGIN,
    EXPLORING,
    Stage,
    maybe_options,
    options,
    services,
    staged,
    starts,
)

HOUR = timedelta(hours=1)
BEFORE, AFTER = timedelta(minutes=15), timedelta(minutes=10)
NINE = datetime(2030, 3, 30, 9, tzinfo=UTC)
ANNA, BEN = uuid4(), uuid4()


async def a_padded_shop() -> Shop:
    """Its service is an hour, every half hour, with buffers on both sides."""
    return await a_shop(buffer_before_minutes=15, buffer_after_minutes=10, slot_step_minutes=30)


def around(start: datetime) -> Interval:
    """What the padded service occupies."""
    return interval(start - BEFORE, start + HOUR + AFTER)


async def touched(shop: Shop, deed: Coroutine[Any, Any, object]) -> list[tuple[str, Interval | None]]:
    """What each change that the deed makes is about, and the time it touches; None for any time."""
    revision = await change_log.newest(shop.business_id)
    assert not isinstance(await deed, Refused)
    log = await change_log.after(shop.business_id, revision)
    return [(row["kind"], _during(row)) for row in log]


def _during(row: Row) -> Interval | None:
    return interval(row["touches_from"], row["touches_to"]) if row["touches_from"] else None


@pytest.mark.usefixtures("database")
async def test_a_booking_touches_what_it_occupies_buffers_included() -> None:
    shop, start = await a_padded_shop(), ahead()
    assert await touched(shop, shop.book(start)) == [(ChangeKind.BOOKING, around(start))]


@pytest.mark.usefixtures("database")
async def test_a_cancelled_booking_touches_what_it_occupied() -> None:
    shop, start = await a_padded_shop(), ahead()
    booking_id = done(await shop.book(start))
    assert await touched(shop, change_booking.cancel(shop.staff, booking_id)) == [(ChangeKind.BOOKING, around(start))]


@pytest.mark.usefixtures("database")
async def test_a_moved_booking_touches_where_it_was_and_where_it_is_for_both_options() -> None:
    shop, start, later = await a_padded_shop(), ahead(), ahead(days=9)
    other = await an_option(shop.business_id, "Ben", service_ids=[shop.service_id])
    booking_id = done(await shop.book(start, option_id=shop.option_id))
    moved = change_booking.reschedule(shop.staff, booking_id, later, option_id=other, google_days=GOOGLE_DAYS)
    whole = Interval(around(start).start, around(later).end)
    assert await touched(shop, moved) == [(ChangeKind.BOOKING, whole)]
    (row,) = await change_log.after(shop.business_id, await change_log.newest(shop.business_id) - 1)
    assert all(touches(row, [each], around(at)) for each in (shop.option_id, other) for at in (start, later))


@pytest.mark.usefixtures("database")
async def test_what_is_said_of_a_booking_touches_no_time() -> None:
    shop = await a_padded_shop()
    booking_id = done(await shop.book(ahead()))

    async def mirrored(work: LoggedTransaction) -> None:
        await mirror.record_bookings(work, [booking_id])

    noted = change_booking.update(shop.staff, booking_id, {"note": "Window seat"})
    assert await touched(shop, noted) == [(ChangeKind.BOOKING, NO_TIME)]
    assert await touched(shop, change_log.write(shop.business_id, mirrored)) == [(ChangeKind.BOOKING, NO_TIME)]


@pytest.mark.usefixtures("database")
async def test_a_hold_touches_what_it_occupies_however_it_ends() -> None:
    shop, start = await a_padded_shop(), ahead()
    held = (ChangeKind.HOLD, around(start))
    assert await touched(shop, shop.hold(start)) == [held]
    (holding_it,) = await Hold.filter(business_id=shop.business_id)
    assert await touched(shop, hold_slot.release(shop.staff, holding_it.id)) == [held]
    confirmed = BookingRequest("Kari", hold_id=done(await shop.hold(start)))
    booked = create_booking.create(shop.staff, confirmed, once=None, google_days=GOOGLE_DAYS)
    assert await touched(shop, booked) == [held, (ChangeKind.BOOKING, around(start))]
    lapsing = start + 3 * HOUR
    done(await shop.hold(lapsing, seconds=0))
    assert await touched(shop, hold.sweep_lapsed(clock.now())) == [(ChangeKind.HOLD, around(lapsing))]


@pytest.mark.usefixtures("database")
async def test_a_lapsed_hold_that_stands_in_the_way_is_told_of_with_what_replaces_it() -> None:
    shop, start = await a_padded_shop(), ahead()
    done(await shop.hold(start + HOUR / 2, seconds=0))
    told = [(ChangeKind.HOLD, around(start + HOUR / 2)), (ChangeKind.BOOKING, around(start))]
    assert await touched(shop, shop.book(start)) == told


@pytest.mark.usefixtures("database")
async def test_time_off_touches_itself_when_made_and_when_lifted() -> None:
    shop, start = await a_shop(), ahead()
    made = time_off.create(shop.business_id, shop.option_id, start, start + 5 * HOUR, None)
    expected = [(ChangeKind.TIME_OFF, interval(start, start + 5 * HOUR))]
    assert await touched(shop, made) == expected
    (off,) = await TimeOff.filter(business_id=shop.business_id)
    assert await touched(shop, time_off.delete(shop.business_id, off.id)) == expected


@pytest.mark.usefixtures("database")
async def test_what_an_option_or_a_service_is_like_may_touch_any_time() -> None:
    shop = await a_shop()
    closed = option.set_date_override(shop.business_id, shop.option_id, ahead().date(), [])
    assert await touched(shop, closed) == [(ChangeKind.OPTION, None)]
    longer = change_service(shop.business_id, shop.service_id, {"duration_minutes": 90})
    assert await touched(shop, longer) == [(ChangeKind.SERVICE, None)]


class Told(Trade):
    """A business of which the log tells all: after every deed it is compared with busy time."""

    async def _try(self, deed: Coroutine[Any, Any, UUID | Refused]) -> UUID | Refused:
        async with telling(self.business_id, self.options):
            return await super()._try(deed)

    async def sweep(self) -> None:
        async with telling(self.business_id, self.options):
            await super().sweep()


class ToldWorld(RuleBasedStateMachine):
    """Everything that takes time or gives it back, in any order."""

    stage: Stage

    @initialize()
    def begin(self) -> None:
        self.stage.now = BEGIN
        self.trade = self.stage.run(Told.begun())

    @rule(service=services, option=maybe_options, start=starts)
    def book(self, service: int, option: int | None, start: datetime) -> None:
        chosen = None if option is None else self.trade.options[option]
        self.stage.run(self.trade.book(self.trade.services[service], chosen, start, override=True))

    @rule(service=services, option=maybe_options, start=starts)
    def hold(self, service: int, option: int | None, start: datetime) -> None:
        chosen = None if option is None else self.trade.options[option]
        self.stage.run(self.trade.keep(self.trade.services[service], chosen, start))

    @precondition(lambda self: self.trade.ledger.bookings)
    @rule(data=st.data(), option=options, start=starts)
    def move(self, data: st.DataObject, option: int, start: datetime) -> None:
        booking_id = data.draw(st.sampled_from(sorted(self.trade.ledger.bookings)))
        self.stage.run(self.trade.move(booking_id, self.trade.options[option], start, Role.STAFF, override=True))

    @precondition(lambda self: self.trade.ledger.bookings)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        booking_id = data.draw(st.sampled_from(sorted(self.trade.ledger.bookings)))
        self.stage.run(self.trade.cancel(booking_id, Role.STAFF))

    @precondition(lambda self: self.trade.ledger.holds)
    @rule(data=st.data(), booked=st.booleans())
    def end_a_hold(self, data: st.DataObject, booked: bool) -> None:
        hold_id = data.draw(st.sampled_from(sorted(self.trade.ledger.holds)))
        self.stage.run(self._end(hold_id, booked))

    async def _end(self, hold_id: UUID, booked: bool) -> None:
        await (self.trade.confirm(hold_id) if booked else self.trade.release(hold_id))

    @rule(option=options, start=starts, hours=st.integers(1, 3))
    def take_off(self, option: int, start: datetime, hours: int) -> None:
        self.stage.run(self.trade.take_off(self.trade.options[option], start, hours))

    @precondition(lambda self: self.trade.ledger.time_off)
    @rule(data=st.data())
    def come_back(self, data: st.DataObject) -> None:
        self.stage.run(self.trade.come_back(data.draw(st.sampled_from(sorted(self.trade.ledger.time_off)))))

    @rule(swept=st.booleans())
    def let_holds_lapse(self, swept: bool) -> None:
        self.stage.now += timedelta(seconds=HOLD_SECONDS)
        if swept:
            self.stage.run(self.trade.sweep())


def test_no_verb_takes_or_gives_back_time_that_the_log_does_not_tell_of(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with staged(sqlite_url, monkeypatch) as ToldWorld.stage:
        run_state_machine_as_test(ToldWorld, settings=settings(EXPLORING, max_examples=20, stateful_step_count=25))


def a_row(kind: ChangeKind = ChangeKind.BOOKING, *options: UUID, during: Interval | None = None) -> Row:
    """A change as the log gives it."""
    times = (to_datetime(during.start), to_datetime(during.end)) if during else (None, None)
    return {"kind": kind, "option_ids": sorted(map(str, options)), "touches_from": times[0], "touches_to": times[1]}


def test_a_change_of_another_option_touches_nothing() -> None:
    assert touches(a_row(ChangeKind.BOOKING, ANNA, during=around(NINE)), [ANNA, BEN], around(NINE))
    assert touches(a_row(ChangeKind.BOOKING, ANNA, BEN, during=around(NINE)), [BEN], around(NINE))
    assert not touches(a_row(ChangeKind.BOOKING, ANNA, during=around(NINE)), [BEN], around(NINE))
    assert not touches(a_row(ChangeKind.OPTION, ANNA), [BEN], around(NINE))


def test_a_change_that_only_borders_on_the_time_does_not_touch_it() -> None:
    row = a_row(ChangeKind.BOOKING, ANNA, during=interval(NINE, NINE + HOUR))
    assert not touches(row, [ANNA], interval(NINE + HOUR, NINE + 2 * HOUR))
    assert not touches(row, [ANNA], interval(NINE - HOUR, NINE))
    instant = timedelta(microseconds=1)
    assert touches(row, [ANNA], interval(NINE + HOUR - instant, NINE + 2 * HOUR))
    assert touches(row, [ANNA], interval(NINE - HOUR, NINE + instant))


def test_a_change_without_times_touches_any_and_one_of_no_time_touches_none() -> None:
    assert touches(a_row(ChangeKind.SERVICE, ANNA), [ANNA], around(NINE))
    assert not touches(a_row(ChangeKind.BOOKING, ANNA, during=NO_TIME), [ANNA], Interval(-1, 1))
    empty = interval(NINE, NINE)
    assert not touches(a_row(ChangeKind.BOOKING, ANNA, during=empty), [ANNA], around(NINE))


def test_a_change_of_the_business_concerns_every_option_and_one_of_a_key_none() -> None:
    assert touches(a_row(ChangeKind.BUSINESS), [ANNA], around(NINE))
    assert not touches(a_row(ChangeKind.KEY), [ANNA], around(NINE))


def test_a_hull_holds_all_and_ignores_what_is_empty() -> None:
    assert hull([]) == hull([Interval(5, 5), Interval(9, 7)]) == NO_TIME
    assert hull([Interval(30, 40), Interval(5, 5), Interval(10, 20)]) == Interval(10, 40)
