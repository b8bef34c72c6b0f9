"""Links: made, changed, moved and ended, with everything that follows from it."""

from typing import Any
from uuid import UUID

import pytest

from models import clock
from models.enums import (
    AllDayEvents,
    Blocking,
    ChangeAction,
    ChangeKind,
    EventDetail,
    GoogleAccessRole,
    MatcherField,
    MirrorState,
    UnroutedEvents,
)
from models.google.event import GoogleEvent
from models.google.mirror import Mirror
from models.google.tables import GoogleCalendar, GoogleChannel, GoogleLink
from models.refusals import ErrorCode, Refused
from sync.sandbox.calendars.calendars import Role
from sync.sandbox.faults import FaultKind
from sync.service import LinkChoices, Matcher
from tests.sync import rows
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import ANNA, BEN, WORKSHOP
from tests.sync.sync_stack import Floor, busy

COURSES = "courses@group.calendar.google.com"


def refusal(answer: object) -> tuple[str, tuple[str, ...]]:
    assert isinstance(answer, Refused), answer
    (reason,) = answer.reasons
    return reason.code, reason.path


def named(*names: str) -> tuple[Matcher, ...]:
    return tuple(Matcher(MatcherField.TITLE, name) for name in names)


async def relink(floor: Floor, option_id: UUID, calendar: str, **choices: Any) -> None:
    answer = await floor.door.link(floor.business_id, option_id, calendar, LinkChoices(**choices))
    assert not isinstance(answer, Refused), answer
    await floor.settle()


async def test_linking_mirrors_every_future_booking(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    booking = await floor.book(anna)
    assert (await floor.door.mirror_states(floor.business_id, [booking]))[booking].state is MirrorState.NOT_LINKED
    await floor.signed_in(anna)
    await relink(floor, anna, ANNA)
    assert len(floor.sandbox.events(ANNA)) == 1


async def test_a_link_starts_with_the_defaults_and_keeps_what_was_chosen(floor: Floor) -> None:
    anna = await floor.linked_option()
    first = (await floor.door.connections(floor.business_id, [anna]))[anna]
    assert (first.blocking, first.all_day_events, first.detail) == (
        Blocking.ALL_EVENTS,
        AllDayEvents.AS_MARKED,
        EventDetail.FULL,
    )
    assert first.calendar is not None
    assert first.calendar.unrouted_events is UnroutedEvents.BLOCK_ALL
    await relink(
        floor,
        anna,
        ANNA,
        blocking=Blocking.MATCHED_EVENTS,
        matchers=named("Anna"),
        unrouted_events=UnroutedEvents.BLOCK_NONE,
    )
    await floor.door.unlink(floor.business_id, anna)
    await relink(floor, anna, ANNA)
    again = (await floor.door.connections(floor.business_id, [anna]))[anna]
    assert (again.id, again.blocking, again.matchers) == (first.id, Blocking.MATCHED_EVENTS, named("Anna"))
    assert again.calendar is not None
    assert again.calendar.unrouted_events is UnroutedEvents.BLOCK_NONE


async def test_unlinking_removes_the_future_events_and_what_was_pulled(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    floor.sandbox.insert_event(ANNA, busy(tomorrow(12), tomorrow(13)))
    await floor.look()
    (row,) = await GoogleEvent.all()
    assert await floor.door.unlink(floor.business_id, anna) == anna
    assert await floor.blocked(anna) == []
    await floor.settle()
    assert [event["start"] for event in floor.sandbox.events(ANNA)] != []
    assert len(floor.sandbox.events(ANNA)) == 1
    assert await GoogleEvent.all() == []
    assert (await floor.changes())[-1] == (ChangeAction.REMOVED, row.id)
    calendar = await GoogleCalendar.get(google_id=ANNA)
    assert not any((calendar.sync_token, calendar.pull_due_at, calendar.pulled_at))
    assert await GoogleChannel.all() == []
    connection = (await floor.door.connections(floor.business_id, [anna]))[anna]
    assert connection.calendar is None


async def test_unlinking_can_leave_the_events_and_linking_takes_them_up_again(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    (ours,) = floor.sandbox.events(ANNA)
    await floor.door.unlink(floor.business_id, anna, keep_events=True)
    await floor.settle()
    assert [event["id"] for event in floor.sandbox.events(ANNA)] == [ours["id"]]
    assert (await floor.door.mirror_states(floor.business_id, [booking]))[booking].state is MirrorState.NOT_LINKED
    await relink(floor, anna, ANNA)
    assert [event["id"] for event in floor.sandbox.events(ANNA)] == [ours["id"]]
    assert await floor.blocked(anna) == []
    await floor.cancel(booking, anna)
    await floor.settle()
    assert floor.sandbox.events(ANNA) == []


async def test_linking_another_calendar_moves_everything(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    floor.sandbox.insert_event(ANNA, busy(tomorrow(12), tomorrow(13), summary="Old"))
    floor.sandbox.insert_event(COURSES, busy(tomorrow(14), tomorrow(15), summary="New"))
    await floor.look()
    await relink(floor, anna, COURSES)
    assert [event["summary"] for event in floor.sandbox.events(ANNA)] == ["Old"]
    assert len(floor.sandbox.events(COURSES)) == 2
    assert await floor.blocked(anna) == [(tomorrow(14), tomorrow(15))]
    assert await floor.titles() == ["New"]


async def test_linking_while_unlinking_is_under_way_ends_linked(floor: Floor) -> None:
    floor.sandbox.insert_event(ANNA, busy(tomorrow(12), tomorrow(13)))
    anna = await floor.linked_option()
    await floor.book(anna)
    await floor.door.unlink(floor.business_id, anna)
    await relink(floor, anna, ANNA)
    assert await floor.blocked(anna) == [(tomorrow(12), tomorrow(13))]
    assert len(floor.sandbox.events(ANNA)) == 2


async def test_a_shared_calendar_blocks_all_its_options_and_is_followed_once(floor: Floor) -> None:
    one = await floor.linked_option("Room 1", WORKSHOP)
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9)))
    await floor.look()
    two = await floor.linked_option("Room 2", WORKSHOP)
    for room in (one, two):
        assert await floor.blocked(room) == [(tomorrow(8), tomorrow(9))]
    assert await GoogleEvent.all().count() == 1
    assert await GoogleCalendar.filter(pull_due_at__isnull=False).count() == 1
    connection = (await floor.door.connections(floor.business_id, [two]))[two]
    assert connection.calendar is not None
    assert set(connection.calendar.shared_with) == {one, two}


async def test_on_a_shared_calendar_a_booking_of_one_option_does_not_block_the_other(floor: Floor) -> None:
    one = await floor.linked_option("Room 1", WORKSHOP)
    two = await floor.linked_option("Room 2", WORKSHOP)
    await floor.book(one)
    await floor.book(two)
    await floor.settle()
    await floor.look()
    assert len(floor.sandbox.events(WORKSHOP)) == 2
    assert await floor.blocked(one) == await floor.blocked(two) == []


async def test_one_of_two_options_leaves_a_shared_calendar(floor: Floor) -> None:
    one = await floor.linked_option("Room 1", WORKSHOP)
    two = await floor.linked_option("Room 2", WORKSHOP)
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9)))
    await floor.look()
    before = len(await floor.changes())
    await floor.door.unlink(floor.business_id, one)
    await floor.settle()
    assert await floor.blocked(one) == []
    assert await floor.blocked(two) == [(tomorrow(8), tomorrow(9))]
    told = (await floor.changes())[before:]
    assert [action for action, _ in told] == [ChangeAction.UPSERTED]


async def test_matched_events_block_whom_they_name_and_changed_rules_apply_to_what_is_there(floor: Floor) -> None:
    rules: dict[str, Any] = {"blocking": Blocking.MATCHED_EVENTS}
    one = await floor.linked_option("Room 1", WORKSHOP, matchers=named("Room 1"), **rules)
    two = await floor.linked_option("Room 2", WORKSHOP, matchers=named("Room 2"), **rules)
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9), summary="Party in Room 1"))
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(10), tomorrow(11), summary="Room 1 and room 2"))
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(12), tomorrow(13), summary="Holiday"))
    await floor.look()
    first, both, unnamed = ((tomorrow(hour), tomorrow(hour + 1)) for hour in (8, 10, 12))
    assert await floor.blocked(one) == [first, both, unnamed]
    assert await floor.blocked(two) == [both, unnamed]
    await relink(floor, two, WORKSHOP, unrouted_events=UnroutedEvents.BLOCK_NONE)
    assert await floor.blocked(one) == [first, both]
    assert await floor.blocked(two) == [both]
    await relink(floor, two, WORKSHOP, matchers=named("Party"))
    assert await floor.blocked(two) == [first]
    await relink(floor, one, WORKSHOP, blocking=Blocking.NO_EVENTS)
    assert await floor.blocked(one) == []


async def test_rules_that_need_what_was_not_kept_lead_to_a_full_listing(floor: Floor) -> None:
    anna = await floor.linked_option(detail=EventDetail.BUSY_ONLY)
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9), summary="Dentist"))
    floor.sandbox.insert_event(ANNA, busy(tomorrow(10), tomorrow(11), summary="Lunch"))
    await floor.look()
    await relink(
        floor,
        anna,
        ANNA,
        blocking=Blocking.MATCHED_EVENTS,
        matchers=named("dentist"),
        unrouted_events=UnroutedEvents.BLOCK_NONE,
    )
    assert await floor.blocked(anna) == [(tomorrow(8), tomorrow(9))]
    assert await floor.titles() == ["None", "None"]
    await relink(floor, anna, ANNA, detail=EventDetail.FULL)
    assert await floor.titles() == ["Dentist", "Lunch"]
    await relink(floor, anna, ANNA, detail=EventDetail.BUSY_ONLY)
    assert await floor.titles() == ["None", "None"]


async def test_what_an_option_is_blocked_by_outlives_others_links_also_without_texts(floor: Floor) -> None:
    rules: dict[str, Any] = {
        "blocking": Blocking.MATCHED_EVENTS,
        "unrouted_events": UnroutedEvents.BLOCK_NONE,
        "detail": EventDetail.BUSY_ONLY,
    }
    one = await floor.linked_option("Room 1", WORKSHOP, matchers=named("Room 1"), **rules)
    two = await floor.linked_option("Room 2", WORKSHOP, matchers=named("Room 2"), **rules)
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9), summary="Room 1"))
    await floor.look()
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, times=None, method="GET", path="/events")
    await floor.door.unlink(floor.business_id, two)
    await floor.settle()
    assert await floor.blocked(one) == [(tomorrow(8), tomorrow(9))]
    await relink(floor, one, WORKSHOP, unrouted_events=UnroutedEvents.BLOCK_ALL)
    assert await floor.blocked(one) == [(tomorrow(8), tomorrow(9))]
    floor.sandbox.faults.clear()
    await floor.look()
    assert await floor.blocked(one) == [(tomorrow(8), tomorrow(9))]


async def test_texts_go_with_the_last_link_that_wanted_them(floor: Floor) -> None:
    await floor.linked_option("Room 1", WORKSHOP, detail=EventDetail.BUSY_ONLY)
    two = await floor.linked_option("Room 2", WORKSHOP)
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9), summary="Party"))
    await floor.look()
    assert await floor.titles() == ["Party"]
    await floor.door.unlink(floor.business_id, two)
    await floor.settle()
    assert await floor.titles() == ["None"]


async def test_a_run_that_began_under_other_rules_does_not_end_under_them(floor: Floor) -> None:
    anna = await floor.linked_option(detail=EventDetail.BUSY_ONLY)
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9), summary="Dentist"))
    await floor.look()
    await GoogleCalendar.filter(google_id=ANNA).update(pull_due_at=clock.now())
    came = floor.held("GET", "/events")
    await floor.worker.start_due()
    await came.wait()
    await floor.door.link(floor.business_id, anna, ANNA, LinkChoices(detail=EventDetail.FULL))
    floor.sandbox.faults.clear()
    await floor.worker.finish()
    await floor.settle()
    assert await floor.titles() == ["Dentist"]


async def test_matching_attendees_asks_google_for_all_of_them(floor: Floor) -> None:
    guests = [{"email": "a@example.com"}, {"email": "room2@example.com"}]
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9), attendees=guests))
    two = await floor.linked_option(
        "Room 2",
        WORKSHOP,
        unrouted_events=UnroutedEvents.BLOCK_NONE,
        blocking=Blocking.MATCHED_EVENTS,
        matchers=named("Room 2"),
    )
    assert await floor.blocked(two) == []
    await relink(floor, two, WORKSHOP, matchers=(Matcher(MatcherField.ATTENDEE, "Room2@example.com"),))
    assert await floor.blocked(two) == [(tomorrow(8), tomorrow(9))]


async def test_a_calendar_that_may_only_be_read_blocks_and_shows_no_booking(floor: Floor) -> None:
    floor.sandbox.share(WORKSHOP, BEN, Role.READER)
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9)))
    ben = await floor.linked_option("Ben", WORKSHOP, BEN)
    connection = (await floor.door.connections(floor.business_id, [ben]))[ben]
    assert connection.calendar is not None
    assert connection.calendar.access_role is GoogleAccessRole.READER
    await floor.book(ben, tomorrow(12))
    await floor.settle()
    assert await Mirror.all() == []
    assert await floor.blocked(ben) == [(tomorrow(8), tomorrow(9))]
    answer = await floor.door.link(floor.business_id, ben, WORKSHOP, LinkChoices(blocking=Blocking.NO_EVENTS))
    assert refusal(answer) == (ErrorCode.GOOGLE_CALENDAR_READ_ONLY, ("input", "blocking"))


async def test_only_calendars_of_the_account_can_be_linked(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    answer = await floor.door.link(floor.business_id, anna, ANNA, LinkChoices())
    assert refusal(answer) == (ErrorCode.GOOGLE_NOT_CONNECTED, ("input", "optionId"))
    await floor.signed_in(anna)
    answer = await floor.door.link(floor.business_id, anna, BEN, LinkChoices())
    assert refusal(answer) == (ErrorCode.NOT_FOUND, ("input", "calendarId"))
    other = await rows.a_business()
    answer = await floor.door.link(other, anna, ANNA, LinkChoices())
    assert refusal(answer) == (ErrorCode.NOT_FOUND, ("input", "optionId"))
    for verb in (floor.door.unlink, floor.door.sync_now):
        assert refusal(await verb(other, anna)) == (ErrorCode.NOT_FOUND, ("input", "optionId"))


@pytest.mark.parametrize("value", ["", "  ", "x" * 201])
async def test_a_matcher_needs_something_to_look_for(floor: Floor, value: str) -> None:
    anna = await floor.linked_option()
    choices = LinkChoices(matchers=named("fine", value))
    answer = await floor.door.link(floor.business_id, anna, ANNA, choices)
    assert refusal(answer) == (ErrorCode.INVALID_INPUT, ("input", "matchers", "1", "value"))


async def test_unlinking_twice_is_harmless_and_noted_once(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.door.unlink(floor.business_id, anna)
    noted = await floor.changes(ChangeKind.GOOGLE_LINK)
    assert await floor.door.unlink(floor.business_id, anna) == anna
    assert await floor.changes(ChangeKind.GOOGLE_LINK) == noted


async def test_the_same_link_again_writes_nothing_to_google(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    await floor.settle()
    before = (await Mirror.get()).wanted_version
    await relink(floor, anna, ANNA)
    assert (await Mirror.get()).wanted_version == before
    assert await GoogleLink.all().count() == 1


async def test_asking_for_a_sync_makes_both_directions_due(floor: Floor) -> None:
    anna = await floor.linked_option()
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))
    assert await floor.door.sync_now(floor.business_id, anna) == anna
    await floor.settle()
    assert len(await floor.blocked(anna)) == 1
