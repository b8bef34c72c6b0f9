"""From here to Google: one event for each booking, with its content, whatever happened on the way."""

from uuid import UUID

import pytest

from models import clock
from models.bookings.booking import Booking
from models.business import Business
from models.enums import ChangeAction, ChangeKind, Drift, HealthState, MirrorAs, MirrorState
from models.google.mirror import Mirror, event_id
from models.google.tables import GoogleCalendar
from sync.push.drift import REPAIRS_A_DAY
from sync.sandbox.calendars.calendars import Role
from sync.sandbox.faults import FaultKind
from sync.service import MirrorStatus
from tests.sync import rows
from tests.sync.rows import HOUR, tomorrow
from tests.sync.sandbox.sandbox_client import ANNA, BEN
from tests.sync.sync_stack import Floor, busy


async def shown(floor: Floor, booking_id: UUID) -> MirrorStatus:
    return (await floor.door.mirror_states(floor.business_id, [booking_id]))[booking_id]


async def outbound_state(floor: Floor, option_id: UUID) -> HealthState:
    return (await floor.door.connections(floor.business_id, [option_id]))[option_id].health.outbound.state


@pytest.mark.parametrize(
    "fault",
    [
        FaultKind.DROP_AFTER,
        FaultKind.DROP_BEFORE,
        FaultKind.SERVER_ERROR,
        FaultKind.HTML_BAD_GATEWAY,
        FaultKind.RATE_LIMITED,
    ],
)
async def test_a_write_that_fails_or_whose_answer_is_lost_ends_in_one_event(floor: Floor, fault: FaultKind) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    floor.sandbox.faults.add(fault, times=1, method="POST", path="/events")
    await floor.settle()
    assert (await shown(floor, booking)).state is MirrorState.PENDING
    await floor.look()
    assert (await shown(floor, booking)).state is MirrorState.MIRRORED
    assert len(floor.sandbox.events(ANNA)) == 1


async def test_with_google_down_the_queue_grows_and_then_drains_by_itself(floor: Floor) -> None:
    anna = await floor.linked_option()
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, times=None)
    for hour in (8, 9, 10):
        await floor.book(anna, tomorrow(hour))
    await floor.settle()
    health = (await floor.door.connections(floor.business_id, [anna]))[anna].health.outbound
    assert health.pending == 3
    assert health.oldest_pending_at is not None
    assert health.error is not None
    assert health.next_attempt_at is not None
    assert health.next_attempt_at > clock.now()
    floor.sandbox.faults.clear()
    await floor.look()
    health = (await floor.door.connections(floor.business_id, [anna]))[anna].health.outbound
    assert (health.state, health.pending, health.error) == (HealthState.OK, 0, None)
    assert len(floor.sandbox.events(ANNA)) == 3


async def test_a_booking_made_anew_after_its_event_was_removed_comes_back_under_its_id(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    (first,) = floor.sandbox.events(ANNA)
    await floor.want(booking, anna, present=False)
    await floor.settle()
    assert floor.sandbox.events(ANNA) == []
    await floor.want(booking, anna, present=True)
    await floor.settle()
    (again,) = floor.sandbox.events(ANNA)
    assert again["id"] == first["id"]


async def test_a_booking_changed_while_its_event_waits_is_written_as_it_is_now(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna, tomorrow(9))
    await floor.move(booking, tomorrow(13), anna)
    await floor.settle()
    (event,) = floor.sandbox.events(ANNA)
    assert event["start"]["dateTime"].startswith(f"{tomorrow(13).astimezone(rows.OSLO):%Y-%m-%dT%H}")
    (row,) = await Mirror.all()
    assert row.wanted_version == row.pushed_version == 2


async def test_a_booking_that_changes_its_option_changes_its_calendar(floor: Floor) -> None:
    anna = await floor.linked_option()
    ben = await floor.linked_option("Ben", BEN, BEN)
    booking = await floor.book(anna)
    await floor.settle()
    await floor.move(booking, tomorrow(9), ben)
    await floor.settle()
    assert floor.sandbox.events(ANNA) == []
    assert len(floor.sandbox.events(BEN)) == 1


@pytest.mark.parametrize(
    ("edit", "drift"),
    [
        (busy(tomorrow(18), tomorrow(19)), Drift.MOVED),
        ({"summary": "Mine now"}, Drift.EDITED),
        ({"transparency": "transparent"}, Drift.EDITED),
        ({"recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]}, Drift.EDITED),
    ],
)
async def test_an_edit_in_google_is_put_right_and_shown_and_never_changes_the_booking(
    floor: Floor, edit: dict[str, object], drift: Drift
) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna, tomorrow(9))
    await floor.settle()
    before = await Booking.get(id=booking)
    (ours,) = floor.sandbox.events(ANNA)
    floor.sandbox.edit_event(ANNA, ours["id"], edit)
    await floor.look()
    await floor.look()
    (event,) = floor.sandbox.events(ANNA)
    assert {name: event[name] for name in ("summary", "start", "end")} == {
        name: ours[name] for name in ("summary", "start", "end")
    }
    assert "recurrence" not in event
    assert (await shown(floor, booking)).drift is drift
    after = await Booking.get(id=booking)
    assert (after.version, after.starts_at) == (before.version, before.starts_at)
    assert (await Mirror.get()).repairs == 1
    assert await floor.blocked(anna) == []


async def test_a_deletion_in_google_is_put_right_and_shown(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    (ours,) = floor.sandbox.events(ANNA)
    before = len(await floor.changes(ChangeKind.BOOKING))
    floor.sandbox.delete_event(ANNA, ours["id"])
    await floor.look()
    await floor.settle()
    assert len(floor.sandbox.events(ANNA)) == 1
    assert (await shown(floor, booking)).drift is Drift.DELETED
    told = (await floor.changes(ChangeKind.BOOKING))[before:]
    assert told == [(ChangeAction.UPSERTED, booking)] * 2


async def test_a_deletion_that_no_delta_tells_of_is_found_by_the_full_listing(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    await floor.look()
    (ours,) = floor.sandbox.events(ANNA)
    floor.sandbox.delete_event(ANNA, ours["id"])
    floor.sandbox.purge_deleted(ANNA)
    floor.sandbox.invalidate_sync_tokens(ANNA)
    await floor.look()
    await floor.settle()
    assert len(floor.sandbox.events(ANNA)) == 1
    assert (await shown(floor, booking)).drift is Drift.DELETED


async def test_an_event_that_should_be_gone_and_is_restored_is_removed_again(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    (ours,) = floor.sandbox.events(ANNA)
    await floor.cancel(booking, anna)
    await floor.settle()
    await floor.look()
    floor.sandbox.replace_event(ANNA, ours["id"], busy(tomorrow(9), tomorrow(10), summary="Back"))
    await floor.look()
    await floor.settle()
    assert floor.sandbox.events(ANNA) == []
    assert await floor.blocked(anna) == []


async def test_there_is_no_war_over_an_event_that_is_changed_all_the_time(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    (ours,) = floor.sandbox.events(ANNA)
    for number in range(REPAIRS_A_DAY + 2):
        floor.sandbox.edit_event(ANNA, ours["id"], {"summary": f"Mine {number}"})
        await floor.look()
        await floor.look()
    (event,) = floor.sandbox.events(ANNA)
    assert event["summary"].startswith("Mine")
    state = await shown(floor, booking)
    assert state.state is MirrorState.FAILED
    assert state.error is not None
    assert await outbound_state(floor, anna) is HealthState.ACTION_REQUIRED
    before = await floor.changes(ChangeKind.BOOKING)
    await floor.door.sync_now(floor.business_id, anna)
    assert await floor.changes(ChangeKind.BOOKING) == [*before, (ChangeAction.UPSERTED, booking)]
    await floor.settle()
    assert (await shown(floor, booking)).state is MirrorState.MIRRORED
    assert await outbound_state(floor, anna) is HealthState.OK
    floor.sandbox.edit_event(ANNA, ours["id"], {"summary": "Mine again"})
    await floor.look()
    assert (await shown(floor, booking)).state is MirrorState.MIRRORED


async def test_an_event_that_google_refuses_fails_alone(floor: Floor) -> None:
    anna = await floor.linked_option()
    refused = await floor.book(anna, tomorrow(9))
    fine = await floor.book(anna, tomorrow(12))
    # What took our id is somebody else's to change.
    theirs = {"id": event_id(refused, ANNA, 0), "organizer": {"email": BEN}}
    floor.sandbox.insert_event(ANNA, busy(tomorrow(9), tomorrow(10), **theirs))
    await floor.settle()
    assert (await shown(floor, fine)).state is MirrorState.MIRRORED
    failed = await shown(floor, refused)
    assert failed.state is MirrorState.FAILED
    assert failed.error is not None
    await floor.look()
    assert (await shown(floor, refused)).error == failed.error
    assert await outbound_state(floor, anna) is HealthState.ACTION_REQUIRED


def taken_for_good(floor: Floor, booking_id: UUID) -> None:
    """The booking's first event id can neither be used nor freed: a deleted event of somebody else's has it."""
    theirs = {"id": event_id(booking_id, ANNA, 0), "organizer": {"email": BEN}}
    event = floor.sandbox.insert_event(ANNA, busy(tomorrow(9), tomorrow(10), **theirs))
    floor.sandbox.delete_event(ANNA, event["id"])


async def test_a_booking_whose_id_is_lost_for_good_gets_another_and_keeps_it(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna, tomorrow(9))
    taken_for_good(floor, booking)
    await floor.settle()
    (event,) = floor.sandbox.events(ANNA)
    assert event["id"] == event_id(booking, ANNA, 1)
    await floor.look()
    assert await floor.blocked(anna) == []
    await floor.move(booking, tomorrow(13), anna)
    await floor.settle()
    (moved,) = floor.sandbox.events(ANNA)
    assert moved["id"] == event["id"]


async def test_a_new_id_is_known_before_google_hears_of_it(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna, tomorrow(9))
    taken_for_good(floor, booking)
    came = floor.held("PUT", "/events")
    await floor.worker.start_due()
    await came.wait()
    floor.sandbox.faults.clear()
    floor.sandbox.faults.add(FaultKind.DROP_AFTER, method="POST", path="/events")
    await floor.worker.finish()
    assert len(floor.sandbox.events(ANNA)) == 1
    await floor.cancel(booking, anna)
    await floor.look()
    assert floor.sandbox.events(ANNA) == []


async def test_a_calendar_that_became_read_only_asks_for_action_and_resumes(floor: Floor) -> None:
    workshop = "workshop@group.calendar.google.com"
    ben = await floor.linked_option("Ben", workshop, BEN)
    floor.sandbox.share(workshop, BEN, Role.READER)
    booking = await floor.book(ben)
    await floor.settle()
    assert await outbound_state(floor, ben) is HealthState.ACTION_REQUIRED
    floor.sandbox.share(workshop, BEN, Role.WRITER)
    await floor.look()
    assert (await shown(floor, booking)).state is MirrorState.MIRRORED


async def test_a_revoked_grant_keeps_the_queue(floor: Floor) -> None:
    anna = await floor.linked_option()
    floor.sandbox.revoke(ANNA)
    booking = await floor.book(anna)
    await floor.look()
    assert (await shown(floor, booking)).state is MirrorState.PENDING
    assert await outbound_state(floor, anna) is HealthState.ACTION_REQUIRED


async def test_the_businesss_templates_and_the_links_choice_make_the_event(floor: Floor) -> None:
    await Business.filter(id=floor.business_id).update(
        title_template="{customer_name} ({option_name})",
        description_template="{manage_link}",
        location_template="Storgata 1",
        booking_url="https://book.example/{token}",
    )
    anna = await floor.linked_option(mirror_as=MirrorAs.FREE)
    booking = await floor.book(anna)
    await floor.settle()
    (event,) = floor.sandbox.events(ANNA)
    assert event["summary"] == "Kari Nordmann (Anna)"
    assert event["location"] == "Storgata 1"
    assert event["transparency"] == "transparent"
    assert rows.SECRETS.managed(event["description"].removeprefix("https://book.example/")) == (booking, 0)
    assert not event.get("attendees")


async def test_our_own_echo_is_no_change(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    before = await Mirror.get(booking_id=booking)
    bookings = await floor.changes(ChangeKind.BOOKING)
    await floor.look()
    after = await Mirror.get(booking_id=booking)
    assert (after.wanted_version, after.drift) == (before.wanted_version, Drift.NONE)
    assert await floor.changes(ChangeKind.BOOKING) == bookings


async def test_a_hundred_bookings_are_written_in_one_go(floor: Floor) -> None:
    anna = await floor.linked_option()
    for number in range(45):
        await floor.book(anna, tomorrow(8) + number * HOUR)
    await floor.settle()
    assert len(floor.sandbox.events(ANNA)) == 45
    calendar = await GoogleCalendar.get(google_id=ANNA)
    assert (calendar.push_due_at, calendar.push_lease) == (None, None)
