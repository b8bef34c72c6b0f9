"""What Google should show of a booking, wanted in the same write as the booking."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from models import clock
from models.bookings.booking import Booking
from models.enums import BookingStatus, ChangeAction, ChangeKind, GoogleAccessRole
from models.google import mirror
from models.google.mirror import Mirror
from models.google.tables import GoogleCalendar, GoogleLink
from models.log import change_log
from models.log.change_log import Change, LoggedTransaction
from tests.sync import rows

pytestmark = pytest.mark.usefixtures("database")


async def _linked(name: str = "anna@example.com", **more: object) -> tuple[UUID, UUID, UUID]:
    """A business, an option, and the calendar it is linked to."""
    business_id = await rows.a_business()
    option_id = await rows.an_option(business_id)
    account_id = await rows.an_account(business_id)
    calendar_id = await rows.a_calendar(business_id, account_id, name, **more)
    await rows.a_link(business_id, option_id, account_id, calendar_id)
    return business_id, option_id, calendar_id


async def _want(business_id: UUID, booking_id: UUID, option_id: UUID, *, present: bool = True) -> None:
    async def body(work: LoggedTransaction) -> None:
        await mirror.want(work, booking_id, option_id, present)

    await change_log.write(business_id, body)


async def _pushed(**more: object) -> None:
    """Everything wanted so far is in Google."""
    for row in await Mirror.all():
        await Mirror.filter(id=row.id).update(pushed_version=row.wanted_version, pending_since=None, **more)


def test_an_event_id_is_one_google_takes_and_always_the_same() -> None:
    booking_id = uuid4()
    first = mirror.event_id(booking_id, "anna@example.com", 0)
    assert re.fullmatch("[a-v0-9]{5,1024}", first)
    assert first == mirror.event_id(booking_id, "anna@example.com", 0)
    others = {mirror.event_id(booking_id, "anna@example.com", 1), mirror.event_id(booking_id, "ben@example.com", 0)}
    assert first not in others
    assert len(others) == 2


async def test_a_booking_of_a_linked_option_is_wanted_and_its_calendar_due() -> None:
    business_id, option_id, calendar_id = await _linked()
    booking_id = await rows.a_booking(business_id, option_id)
    await _want(business_id, booking_id, option_id)
    (row,) = await Mirror.all()
    assert (row.booking_id, row.calendar_id, row.present) == (booking_id, calendar_id, True)
    assert row.wanted_version != row.pushed_version
    assert row.pending_since is not None
    assert (await GoogleCalendar.get(id=calendar_id)).push_due_at is not None


async def test_a_booking_of_an_option_without_a_calendar_is_wanted_nowhere() -> None:
    business_id = await rows.a_business()
    option_id = await rows.an_option(business_id)
    await _want(business_id, await rows.a_booking(business_id, option_id), option_id)
    assert await Mirror.all() == []


@pytest.mark.parametrize("role", mirror.READ_ONLY)
async def test_a_calendar_that_may_only_be_read_shows_no_booking(role: GoogleAccessRole) -> None:
    business_id, option_id, _ = await _linked(access_role=role)
    await _want(business_id, await rows.a_booking(business_id, option_id), option_id)
    assert await Mirror.all() == []


async def test_a_booking_that_is_over_is_not_put_into_google() -> None:
    business_id, option_id, _ = await _linked()
    booking_id = await rows.a_booking(business_id, option_id, clock.now() - timedelta(days=1))
    await _want(business_id, booking_id, option_id)
    assert await Mirror.all() == []


async def test_a_change_is_a_new_version_that_waits_from_now_on() -> None:
    business_id, option_id, _ = await _linked()
    booking_id = await rows.a_booking(business_id, option_id)
    await _want(business_id, booking_id, option_id)
    (before,) = await Mirror.all()
    await _want(business_id, booking_id, option_id)
    (waiting,) = await Mirror.all()
    assert waiting.wanted_version == before.wanted_version + 1
    assert waiting.pending_since == before.pending_since
    await _pushed(failed_version=7, error_code="x")
    await _want(business_id, booking_id, option_id)
    (again,) = await Mirror.all()
    assert again.pending_since > before.pending_since
    assert (again.failed_version, again.error_code) == (None, None)


async def test_a_cancelled_booking_is_wanted_gone() -> None:
    business_id, option_id, _ = await _linked()
    booking_id = await rows.a_booking(business_id, option_id)
    await _want(business_id, booking_id, option_id)
    await _pushed()
    await _want(business_id, booking_id, option_id, present=False)
    (row,) = await Mirror.all()
    assert not row.present
    assert row.wanted_version != row.pushed_version


async def test_a_booking_that_changes_its_option_moves_to_the_other_calendar() -> None:
    business_id, anna, hers = await _linked()
    ben = await rows.an_option(business_id, "Ben")
    account_id = await rows.an_account(business_id)
    his = await rows.a_calendar(business_id, account_id, "ben@example.com")
    await rows.a_link(business_id, ben, account_id, his)
    booking_id = await rows.a_booking(business_id, anna)
    await _want(business_id, booking_id, anna)
    await Booking.filter(id=booking_id).update(option_id=ben)
    await _want(business_id, booking_id, ben)
    assert {(row.calendar_id, row.present) for row in await Mirror.all()} == {(hers, False), (his, True)}


async def test_the_same_google_calendar_through_another_account_keeps_its_event() -> None:
    business_id, option_id, first = await _linked()
    booking_id = await rows.a_booking(business_id, option_id)
    await _want(business_id, booking_id, option_id)
    account_id = await rows.an_account(business_id)
    second = await rows.a_calendar(business_id, account_id, "anna@example.com")
    await GoogleLink.filter(option_id=option_id).update(account_id=account_id, calendar_id=second)
    await _want(business_id, booking_id, option_id)
    (row,) = await Mirror.all()
    assert (row.calendar_id, row.present) == (second, True)
    assert first != second


async def test_linking_wants_every_future_booking_and_no_other() -> None:
    business_id, option_id, _ = await _linked()
    other = await rows.an_option(business_id, "Ben")
    future = await rows.a_booking(business_id, option_id)
    await rows.a_booking(business_id, option_id, clock.now() - timedelta(days=2))
    await rows.a_booking(business_id, option_id, status=BookingStatus.CANCELLED)
    await rows.a_booking(business_id, other)
    await change_log.write(business_id, lambda work: mirror.want_future(work, option_id))
    assert [row.booking_id for row in await Mirror.all()] == [future]


async def test_unlinking_wants_the_future_gone_and_leaves_the_past() -> None:
    business_id, option_id, _ = await _linked()
    future = await rows.a_booking(business_id, option_id)
    past = await rows.a_booking(business_id, option_id)
    for booking_id in (future, past):
        await _want(business_id, booking_id, option_id)
    await _pushed()
    yesterday = clock.now() - timedelta(days=1)
    await Booking.filter(id=past).update(starts_at=yesterday, ends_at=yesterday + rows.HOUR)
    await GoogleLink.filter(option_id=option_id).update(calendar_id=None)
    await change_log.write(business_id, lambda work: mirror.want_future(work, option_id))
    wanted = {row.booking_id: (row.present, row.wanted_version != row.pushed_version) for row in await Mirror.all()}
    assert wanted == {future: (False, True), past: (True, False)}


async def test_letting_go_leaves_the_events_and_nothing_waiting() -> None:
    business_id, option_id, _ = await _linked()
    await _want(business_id, await rows.a_booking(business_id, option_id), option_id)
    await change_log.write(business_id, lambda work: mirror.leave_events(work, option_id))
    (row,) = await Mirror.all()
    assert not row.present
    assert (row.wanted_version, row.pending_since) == (row.pushed_version, None)


async def test_changed_templates_want_every_future_mirror_anew() -> None:
    business_id, option_id, _ = await _linked()
    await _want(business_id, await rows.a_booking(business_id, option_id), option_id)
    await _pushed()
    await change_log.write(business_id, mirror.rerender_all)
    (row,) = await Mirror.all()
    assert row.present
    assert row.wanted_version == row.pushed_version + 1


async def _noted(business_id: UUID) -> list[tuple[str, UUID, list[str]]]:
    """The log of bookings, and forgets it."""
    log = Change.filter(business_id=business_id, kind=ChangeKind.BOOKING)
    found = [(row.action, row.entity_id, row.option_ids) for row in await log.order_by("revision")]
    await log.delete()
    return found


async def test_whoever_makes_a_mirror_look_different_notes_its_booking_once() -> None:
    business_id, option_id, calendar_id = await _linked()
    booking_id = await rows.a_booking(business_id, option_id)
    cancelled = await rows.a_booking(business_id, option_id, status=BookingStatus.CANCELLED)
    once = [(ChangeAction.UPSERTED, booking_id, [str(option_id)])]
    await _want(business_id, booking_id, option_id)
    await _want(business_id, cancelled, option_id, present=False)
    assert await _noted(business_id) == []
    await change_log.write(business_id, lambda work: mirror.want_future(work, option_id))
    assert await _noted(business_id) == once
    await change_log.write(business_id, mirror.rerender_all)
    assert await _noted(business_id) == once
    await change_log.write(business_id, lambda work: mirror.retry_failed(work, calendar_id))
    assert await _noted(business_id) == []
    await Mirror.all().update(failed_version=3, repairs=11)
    await change_log.write(business_id, lambda work: mirror.retry_failed(work, calendar_id))
    assert await _noted(business_id) == once
    (row,) = await Mirror.all()
    assert (row.failed_version, row.repairs) == (None, 0)
    await change_log.write(business_id, lambda work: mirror.leave_events(work, option_id))
    assert await _noted(business_id) == once
    await change_log.write(business_id, lambda work: mirror.leave_events(work, option_id))
    assert await _noted(business_id) == []
