"""After any linking, all that is ours on that Google calendar is as its booking says, whoever put it there and when."""

from importlib import import_module
from typing import Any
from uuid import UUID

import pytest

from models import clock
from models.bookings.booking import Booking
from models.enums import Blocking, HealthState, MirrorState
from models.google.mirror import Mirror
from models.google.tables import GoogleAccount, GoogleCalendar
from models.refusals import Refused
from models.storage import db
from sync.push.mirrors import PATIENCE
from sync.sandbox.calendars.calendars import Role
from sync.service import LinkChoices
from tests.sync import rows
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import ANNA, BEN, WORKSHOP
from tests.sync.sync_stack import Floor


async def linked(floor: Floor, option_id: UUID, calendar: str = WORKSHOP, **choices: Any) -> None:
    answer = await floor.door.link(floor.business_id, option_id, calendar, LinkChoices(**choices))
    assert not isinstance(answer, Refused), answer
    await floor.settle()


async def unlinked(floor: Floor, option_id: UUID, keep_events: bool = True) -> None:
    assert await floor.door.unlink(floor.business_id, option_id, keep_events) == option_id
    await floor.settle()


def shown(floor: Floor, calendar: str = WORKSHOP) -> list[tuple[str, str]]:
    """Title and start of what lies in a calendar."""
    return sorted((str(each["summary"]), each["start"]["dateTime"][11:16]) for each in floor.sandbox.events(calendar))


async def left_there(floor: Floor, *, by: str = BEN) -> tuple[UUID, UUID, UUID]:
    """Three bookings whose events were left in the workshop's calendar: as it was, moved since, cancelled since."""
    option_id = await floor.linked_option("Ben", WORKSHOP, by)
    made = [await floor.book(option_id, tomorrow(hour)) for hour in (8, 10, 12)]
    await floor.settle()
    await unlinked(floor, option_id)
    await floor.move(made[1], tomorrow(15), option_id)
    await floor.cancel(made[2], option_id)
    await floor.settle()
    assert len(floor.sandbox.events(WORKSHOP)) == 3
    return made[0], made[1], made[2]


def hours(*wanted: int) -> list[tuple[str, str]]:
    return [("Cut – Kari Nordmann", f"{tomorrow(hour).astimezone(rows.OSLO):%H:%M}") for hour in wanted]


@pytest.mark.parametrize("by", [BEN, ANNA])
async def test_linking_again_puts_everything_right_through_whichever_account(floor: Floor, by: str) -> None:
    await left_there(floor)
    option_id = (await Booking.first().values("option_id"))["option_id"]
    await floor.signed_in(option_id, by)
    await linked(floor, option_id)
    assert shown(floor) == hours(8, 15)
    assert await floor.titles() == []
    connection = (await floor.door.connections(floor.business_id, [option_id]))[option_id]
    assert connection.health.outbound.state is HealthState.OK


@pytest.mark.parametrize("by", [BEN, ANNA])
async def test_linking_another_option_puts_right_what_an_earlier_one_left_there(floor: Floor, by: str) -> None:
    kept, moved, _ = await left_there(floor)
    carl = await rows.an_option(floor.business_id, "Carl")
    await floor.signed_in(carl, by)
    await linked(floor, carl)
    assert shown(floor) == hours(8, 15)
    assert await floor.blocked(carl) == []
    states = await floor.door.mirror_states(floor.business_id, [kept, moved])
    assert {state.state for state in states.values()} == {MirrorState.NOT_LINKED}
    # From now on somebody is there who can keep them up.
    option_id = (await Booking.get(id=kept)).option_id
    await floor.cancel(kept, option_id)
    await floor.move(moved, tomorrow(17), option_id)
    await floor.settle()
    assert shown(floor) == hours(17)


async def test_what_people_delete_of_what_was_left_to_them_does_not_come_back(floor: Floor) -> None:
    kept, moved, _ = await left_there(floor)
    carl = await rows.an_option(floor.business_id, "Carl")
    await floor.signed_in(carl, ANNA)
    await linked(floor, carl)
    for event in floor.sandbox.events(WORKSHOP):
        floor.sandbox.delete_event(WORKSHOP, event["id"])
    await floor.look()
    option_id = (await Booking.get(id=kept)).option_id
    for booking, hour in ((kept, 17), (moved, 18)):
        await floor.move(booking, tomorrow(hour), option_id)
    await floor.look()
    assert shown(floor) == []
    await linked(floor, option_id)
    assert shown(floor) == hours(17, 18)


async def test_what_was_kept_stays_where_it_is_while_nobody_is_linked_there(floor: Floor) -> None:
    kept, moved, cancelled = await left_there(floor)
    before = floor.sandbox.events(WORKSHOP)
    option_id = (await Booking.get(id=kept)).option_id
    await linked(floor, option_id, BEN)
    assert floor.sandbox.events(WORKSHOP) == before
    states = await floor.door.mirror_states(floor.business_id, [kept, moved, cancelled])
    found = [states[each].state for each in (kept, moved, cancelled)]
    assert found == [MirrorState.MIRRORED, MirrorState.MIRRORED, MirrorState.NOT_LINKED]
    assert shown(floor, BEN) == hours(8, 15)


async def test_what_a_forgotten_account_left_behind_is_known_again_by_its_id(floor: Floor) -> None:
    kept, _, cancelled = await left_there(floor)
    account = await GoogleAccount.get(email=BEN)
    await floor.door.disconnect(floor.business_id, account.id)
    await floor.settle()
    assert not await GoogleAccount.filter(email=BEN).exists()
    assert not await Mirror.exists()
    copied = floor.sandbox.copy_event(WORKSHOP, str(floor.sandbox.events(WORKSHOP)[0]["id"]))
    option_id = (await Booking.get(id=kept)).option_id
    carl = await rows.an_option(floor.business_id, "Carl")
    await floor.signed_in(carl, ANNA)
    await linked(floor, carl)
    # A copy is a person's own event, whatever its properties say.
    assert copied["id"] in [each["id"] for each in floor.sandbox.events(WORKSHOP)]
    floor.sandbox.delete_event(WORKSHOP, copied["id"])
    await floor.look()
    assert shown(floor) == hours(8, 15)
    assert await floor.blocked(carl) == []
    assert not await Mirror.filter(booking_id=cancelled, present=True).exists()
    await floor.cancel(kept, option_id)
    await floor.settle()
    assert shown(floor) == hours(15)


async def test_what_waited_for_an_account_that_lost_the_calendar_is_done_through_another(floor: Floor) -> None:
    ben = await floor.linked_option("Ben", WORKSHOP, BEN)
    await floor.book(ben, tomorrow(8))
    await floor.settle()
    floor.sandbox.share(WORKSHOP, BEN, None)
    await floor.door.link(floor.business_id, ben, BEN, LinkChoices())
    await floor.look()
    assert shown(floor) == hours(8)
    await floor.linked_option("Carl", WORKSHOP, ANNA)
    assert shown(floor) == []
    assert shown(floor, BEN) == hours(8)


async def test_a_calendar_that_may_be_written_to_again_is_put_right(floor: Floor) -> None:
    await left_there(floor)
    floor.sandbox.share(WORKSHOP, BEN, Role.READER)
    account = await GoogleAccount.get(email=BEN)
    await floor.engine.list_calendars(account.id)
    option_id = (await Booking.first().values("option_id"))["option_id"]
    await linked(floor, option_id, blocking=Blocking.ALL_EVENTS)
    (kept,) = await Booking.filter(starts_at=tomorrow(8))
    await floor.move(kept.id, tomorrow(9), option_id)
    await floor.look()
    assert len(floor.sandbox.events(WORKSHOP)) == 3
    connection = (await floor.door.connections(floor.business_id, [option_id]))[option_id]
    assert connection.health.outbound.pending == 0
    floor.sandbox.share(WORKSHOP, BEN, Role.WRITER)
    await floor.engine.list_calendars(account.id)
    await floor.look()
    assert shown(floor) == hours(9, 15)


@pytest.mark.parametrize("access", [None, Role.READER])
async def test_a_calendar_that_is_out_of_reach_says_nothing_of_its_events(floor: Floor, access: Role | None) -> None:
    ben = await floor.linked_option("Ben", WORKSHOP, BEN)
    await floor.book(ben, tomorrow(8))
    await floor.settle()
    floor.sandbox.share(WORKSHOP, BEN, access)
    await floor.door.link(floor.business_id, ben, BEN, LinkChoices())
    await floor.look()
    assert shown(floor) == hours(8)
    floor.sandbox.share(WORKSHOP, BEN, Role.WRITER)
    await floor.look()
    assert shown(floor) == []
    assert shown(floor, BEN) == hours(8)


async def test_an_event_that_is_gone_for_good_is_gone_where_its_calendar_can_be_read(floor: Floor) -> None:
    ben = await floor.linked_option("Ben", WORKSHOP, BEN)
    booking = await floor.book(ben, tomorrow(8))
    await floor.settle()
    floor.sandbox.delete_event(WORKSHOP, str(floor.sandbox.events(WORKSHOP)[0]["id"]))
    floor.sandbox.purge_deleted(WORKSHOP)
    await floor.cancel(booking, ben)
    await floor.settle()
    row = await Mirror.get()
    assert row.wanted_version == row.pushed_version


async def test_nobody_waits_for_ever_for_a_calendar_that_is_out_of_reach(floor: Floor) -> None:
    ben = await floor.linked_option("Ben", WORKSHOP, BEN)
    booking = await floor.book(ben, tomorrow(8))
    await floor.settle()
    floor.sandbox.share(WORKSHOP, BEN, None)
    await floor.door.link(floor.business_id, ben, BEN, LinkChoices())
    await floor.look()
    calendar = GoogleCalendar.filter(google_id=WORKSHOP, account__email=BEN)
    assert (await calendar.get()).push_due_at is not None
    there = Mirror.filter(booking_id=booking, calendar__google_id=WORKSHOP)
    await there.update(pending_since=clock.now() - PATIENCE)
    await floor.look()
    await floor.look()
    assert (await calendar.get()).push_due_at is None
    assert (await there.get()).failed_version is not None
    floor.sandbox.share(WORKSHOP, BEN, Role.WRITER)
    await linked(floor, ben)
    # Linked again, it is taken up where it was.
    assert shown(floor) == hours(8)


async def test_what_was_left_by_an_earlier_version_is_marked_as_kept(floor: Floor) -> None:
    kept, _, cancelled = await left_there(floor)
    await Mirror.all().update(kept=False, present=False)
    await Mirror.filter(booking_id=cancelled).update(content_hash=None)
    await db.connection().execute_script(import_module("models.migrations.0003_mirror_drift").KEPT)
    assert await Mirror.filter(kept=True, present=True).count() == 2
    assert (await Mirror.get(booking_id=kept)).kept
    assert not (await Mirror.get(booking_id=cancelled)).kept
