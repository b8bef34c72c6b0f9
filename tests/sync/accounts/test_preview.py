"""A rule tried before it is saved: what each event would block, from rows or from Google, and the same once saved."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from graph.spoken import translate_message
from models.enums import AllDayEvents, Blocking, EventDetail, GoogleAccountState, MatcherField, UnroutedEvents
from models.google.event import GoogleBlock
from models.google.tables import GoogleAccount, GoogleCalendar
from models.refusals import ErrorCode, Refused
from sync.accounts import preview as previewing
from sync.sandbox.faults import FaultKind
from sync.service import LinkChoices, Matcher, Proposal, RoutingPreview
from tests.sync import rows
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import ANNA, BEN, WORKSHOP
from tests.sync.sync_stack import SCOPES_WANTED, Floor, busy

MATCHED = Blocking.MATCHED_EVENTS


def named(*names: str, field: MatcherField = MatcherField.TITLE) -> tuple[Matcher, ...]:
    return tuple(Matcher(field, name) for name in names)


def proposal(option_id: UUID, calendar: str = WORKSHOP, **more: Any) -> Proposal:
    """A rule tried on two days, the day after tomorrow first."""
    values: dict[str, Any] = {
        "blocking": Blocking.ALL_EVENTS,
        "matchers": None,
        "unrouted_events": None,
        "since": tomorrow(0),
        "until": tomorrow(0) + timedelta(days=2),
        **more,
    }
    return Proposal(option_id=option_id, calendar_google_id=calendar, **values)


async def preview(floor: Floor, option_id: UUID, calendar: str = WORKSHOP, **more: Any) -> RoutingPreview:
    answer = await floor.door.preview_routing(floor.business_id, proposal(option_id, calendar, **more))
    assert isinstance(answer, RoutingPreview), answer
    return answer


async def refusal(floor: Floor, option_id: UUID, calendar: str = WORKSHOP, **more: Any) -> tuple[str, tuple[str, ...]]:
    answer = await floor.door.preview_routing(floor.business_id, proposal(option_id, calendar, **more))
    assert isinstance(answer, Refused), answer
    return answer.reasons[0].code, answer.reasons[0].path


def blocks(found: RoutingPreview) -> dict[str | None, tuple[UUID, ...]]:
    return {each.title: each.blocks for each in found.events}


async def a_room(floor: Floor, name: str = "Room 1") -> UUID:
    """An option that is signed in and not linked."""
    option_id = await rows.an_option(floor.business_id, name)
    await floor.signed_in(option_id)
    return option_id


def three_events(floor: Floor) -> None:
    for hour, title in ((8, "Party in Room 1"), (10, "Room 1 and Room 2"), (12, "Holiday")):
        floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(hour), tomorrow(hour + 1), summary=title))


async def test_a_calendar_that_nobody_follows_is_read_for_the_moment(floor: Floor) -> None:
    three_events(floor)
    room = await a_room(floor)
    found = await preview(floor, room)
    assert [(each.title, each.starts_at, each.ends_at) for each in found.events] == [
        ("Party in Room 1", tomorrow(8), tomorrow(9)),
        ("Room 1 and Room 2", tomorrow(10), tomorrow(11)),
        ("Holiday", tomorrow(12), tomorrow(13)),
    ]
    assert {each.blocks for each in found.events} == {(room,)}
    assert found.unrouted == 0
    assert await floor.titles() == []
    calendar = await GoogleCalendar.get(google_id=WORKSHOP)
    assert not any((calendar.pull_due_at, calendar.sync_token))


async def test_a_rule_is_tried_beside_those_of_the_other_options(floor: Floor) -> None:
    three_events(floor)
    two = await floor.linked_option("Room 2", WORKSHOP, blocking=MATCHED, matchers=named("Room 2"))
    one = await a_room(floor)
    matched: dict[str, Any] = {"blocking": MATCHED, "matchers": named("Room 1")}
    found = await preview(floor, one, **matched)
    assert blocks(found) == {"Party in Room 1": (one,), "Room 1 and Room 2": (one, two), "Holiday": (one, two)}
    assert found.unrouted == 1
    found = await preview(floor, one, unrouted_events=UnroutedEvents.BLOCK_NONE, **matched)
    assert blocks(found)["Holiday"] == ()
    found = await preview(floor, one, blocking=Blocking.NO_EVENTS)
    assert blocks(found) == {"Party in Room 1": (two,), "Room 1 and Room 2": (two,), "Holiday": (two,)}
    assert found.unrouted == 2


@pytest.mark.parametrize("unrouted", UnroutedEvents)
@pytest.mark.parametrize("blocking", Blocking)
async def test_what_is_saved_then_blocks_what_was_shown(
    floor: Floor, blocking: Blocking, unrouted: UnroutedEvents
) -> None:
    three_events(floor)
    await floor.linked_option("Room 2", WORKSHOP, blocking=MATCHED, matchers=named("Room 2"))
    one = await a_room(floor)
    rule: dict[str, Any] = {"blocking": blocking, "matchers": named("Room 1"), "unrouted_events": unrouted}
    shown = await preview(floor, one, **rule)
    assert not isinstance(await floor.door.link(floor.business_id, one, WORKSHOP, LinkChoices(**rule)), Refused)
    await floor.settle()
    expected = {(each.starts_at, option_id) for each in shown.events for option_id in each.blocks}
    assert {(block.starts_at, block.option_id) for block in await GoogleBlock.all()} == expected
    assert await preview(floor, one, **rule) == shown


async def test_a_calendar_kept_with_its_texts_is_told_without_google(floor: Floor) -> None:
    three_events(floor)
    one = await floor.linked_option("Room 1", WORKSHOP)
    asked = floor.on.google.arrival("GET", "/events")
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, None)
    found = await preview(floor, one, blocking=MATCHED, matchers=named("Party"))
    assert blocks(found) == {"Party in Room 1": (one,), "Room 1 and Room 2": (one,), "Holiday": (one,)}
    assert found.unrouted == 2
    assert not asked.is_set()


async def test_rules_that_look_at_guests_ask_google_unless_all_guests_are_kept(floor: Floor) -> None:
    guests = [{"email": "a@example.com"}, {"email": "room1@example.com"}]
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(8), tomorrow(9), attendees=guests))
    one = await floor.linked_option("Room 1", WORKSHOP, unrouted_events=UnroutedEvents.BLOCK_NONE)
    rule: dict[str, Any] = {
        "blocking": MATCHED,
        "matchers": named("room1@example.com", field=MatcherField.ATTENDEE),
    }
    asked = floor.on.google.arrival("GET", "/events")
    assert [each.blocks for each in (await preview(floor, one, **rule)).events] == [(one,)]
    assert asked.is_set()
    await floor.door.link(floor.business_id, one, WORKSHOP, LinkChoices(**rule))
    await floor.settle()
    asked = floor.on.google.arrival("GET", "/events")
    assert [each.blocks for each in (await preview(floor, one, **rule)).events] == [(one,)]
    assert not asked.is_set()


async def test_a_window_beyond_what_is_kept_is_asked_of_google(floor: Floor) -> None:
    far = tomorrow(8) + timedelta(days=floor.settings.google_days)
    weekly = busy(tomorrow(8), tomorrow(9), recurrence=["RRULE:FREQ=DAILY"], summary="Daily")
    for end in ("start", "end"):
        weekly[end]["timeZone"] = "UTC"
    floor.sandbox.insert_event(WORKSHOP, weekly)
    one = await floor.linked_option("Room 1", WORKSHOP)
    found = await preview(floor, one, since=far, until=far + timedelta(days=3))
    assert [each.starts_at for each in found.events] == [far + timedelta(days=day) for day in range(3)]


async def test_only_what_takes_time_within_the_window_is_shown(floor: Floor) -> None:
    room = await a_room(floor)
    declined = [{"email": ANNA, "self": True, "responseStatus": "declined"}]
    for title, start, end, more in (
        ("Before", tomorrow(6), tomorrow(8), {}),
        ("Into", tomorrow(7), tomorrow(9), {}),
        ("Free", tomorrow(9), tomorrow(10), {"transparency": "transparent"}),
        ("No time", tomorrow(9), tomorrow(9), {}),
        ("Declined", tomorrow(9), tomorrow(10), {"attendees": declined}),
        ("Out of", tomorrow(10), tomorrow(12), {}),
        ("After", tomorrow(11), tomorrow(12), {}),
    ):
        floor.sandbox.insert_event(ANNA, busy(start, end, summary=title, **more))
    window = {"since": tomorrow(8), "until": tomorrow(11)}
    live = await preview(floor, room, ANNA, **window)
    assert [each.title for each in live.events] == ["Into", "Out of"]
    assert not isinstance(await floor.door.link(floor.business_id, room, ANNA, LinkChoices()), Refused)
    await floor.settle()
    assert await preview(floor, room, ANNA, **window) == live


@pytest.mark.parametrize(("rule", "count"), [(AllDayEvents.ALWAYS_BLOCK, 1), (AllDayEvents.NEVER_BLOCK, 0)])
async def test_all_day_events_follow_the_rule_the_option_has(floor: Floor, rule: AllDayEvents, count: int) -> None:
    room = await a_room(floor)
    day = tomorrow().date()
    times = {"start": {"date": str(day)}, "end": {"date": str(day + timedelta(days=1))}}
    floor.sandbox.insert_event(ANNA, {**times, "summary": "Birthday", "transparency": "transparent"})
    assert (await preview(floor, room, ANNA)).events == ()
    assert not isinstance(
        await floor.door.link(floor.business_id, room, ANNA, LinkChoices(all_day_events=rule)), Refused
    )
    assert len((await preview(floor, room, ANNA)).events) == count


async def test_titles_of_private_events_are_hidden_and_still_matched(floor: Floor) -> None:
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9), summary="Dentist", visibility="private"))
    floor.sandbox.insert_event(ANNA, busy(tomorrow(10), tomorrow(11), summary="Lunch"))
    room = await a_room(floor)
    rule: dict[str, Any] = {
        "blocking": MATCHED,
        "matchers": named("dentist"),
        "unrouted_events": UnroutedEvents.BLOCK_NONE,
    }
    found = await preview(floor, room, ANNA, **rule)
    assert [(each.hidden, each.blocks) for each in found.events] == [(True, (room,)), (False, ())]


async def test_a_calendar_kept_without_texts_is_matched_by_google_and_shown_without(floor: Floor) -> None:
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9), summary="Dentist"))
    anna = await floor.linked_option(detail=EventDetail.BUSY_ONLY)
    found = await preview(
        floor, anna, ANNA, blocking=MATCHED, matchers=named("lunch"), unrouted_events=UnroutedEvents.BLOCK_NONE
    )
    assert [(each.hidden, each.blocks) for each in found.events] == [(True, ())]
    assert found.unrouted == 1


async def test_our_own_events_are_left_out(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    await floor.settle()
    await floor.door.unlink(floor.business_id, anna, keep_events=True)
    await floor.settle()
    floor.sandbox.insert_event(ANNA, busy(tomorrow(12), tomorrow(13), summary="Lunch"))
    assert [each.title for each in (await preview(floor, anna, ANNA)).events] == ["Lunch"]


async def test_a_calendar_followed_through_another_account_is_tried_there(floor: Floor) -> None:
    three_events(floor)
    two = await floor.linked_option("Room 2", WORKSHOP, BEN)
    one = await a_room(floor)
    asked = floor.on.google.arrival("GET", "/events")
    assert blocks(await preview(floor, one))["Holiday"] == (one, two)
    assert not asked.is_set()


async def test_options_that_would_come_along_from_a_dead_account_are_counted(floor: Floor) -> None:
    three_events(floor)
    rule: dict[str, Any] = {"matchers": named("Room 2"), "unrouted_events": UnroutedEvents.BLOCK_NONE}
    two = await floor.linked_option("Room 2", WORKSHOP, BEN, blocking=MATCHED, **rule)
    await GoogleAccount.filter(email=BEN).update(state=GoogleAccountState.RECONNECT_REQUIRED)
    one = await a_room(floor)
    shown = await preview(floor, one)
    assert blocks(shown) == {"Party in Room 1": (one,), "Room 1 and Room 2": (one, two), "Holiday": (one,)}
    assert not isinstance(await floor.door.link(floor.business_id, one, WORKSHOP, LinkChoices()), Refused)
    await floor.settle()
    assert await preview(floor, one) == shown


async def test_the_earliest_events_are_shown_when_there_are_too_many(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_events(floor)
    room = await a_room(floor)
    monkeypatch.setattr(previewing, "EVENTS_AT_MOST", 2)
    shown = ["Party in Room 1", "Room 1 and Room 2"]
    assert [each.title for each in (await preview(floor, room)).events] == shown
    assert not isinstance(await floor.door.link(floor.business_id, room, WORKSHOP, LinkChoices()), Refused)
    await floor.settle()
    assert [each.title for each in (await preview(floor, room)).events] == shown


async def test_every_page_is_read(floor: Floor) -> None:
    three_events(floor)
    room = await a_room(floor)
    floor.sandbox.faults.add(FaultKind.EMPTY_PAGE)
    assert len((await preview(floor, room)).events) == 3


async def test_google_in_trouble_is_said_so(floor: Floor) -> None:
    room = await a_room(floor)
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR)
    assert await refusal(floor, room) == (ErrorCode.GOOGLE_UNAVAILABLE, ("input", "calendarId"))


async def test_nobody_waits_long_for_google(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    room = await a_room(floor)
    monkeypatch.setattr(previewing, "SECONDS", 0.0)
    came = floor.held("GET", "/events")
    assert await refusal(floor, room) == (ErrorCode.GOOGLE_UNAVAILABLE, ("input", "calendarId"))
    (late,) = floor.door._late
    async with asyncio.timeout(20):
        await came.wait()
        floor.sandbox.faults.clear()
        await asyncio.wait({late})
    assert not floor.door._late


async def test_a_dead_grant_must_be_renewed_first(floor: Floor) -> None:
    room = await a_room(floor)
    floor.sandbox.revoke(ANNA)
    reconnect = (ErrorCode.GOOGLE_RECONNECT_REQUIRED, ("input", "optionId"))
    assert await refusal(floor, room) == reconnect
    assert (await GoogleAccount.get()).state == GoogleAccountState.RECONNECT_REQUIRED
    assert await refusal(floor, room) == reconnect


async def test_a_permission_that_is_missing_is_named(floor: Floor) -> None:
    room = await a_room(floor)
    await floor.sign_in(room, scopes=SCOPES_WANTED[1:])
    answer = await floor.door.preview_routing(floor.business_id, proposal(room))
    assert isinstance(answer, Refused), answer
    (reason,) = answer.reasons
    assert (reason.code, reason.path) == (ErrorCode.GOOGLE_RECONNECT_REQUIRED, ("input", "optionId"))
    assert SCOPES_WANTED[0] in reason.text
    said = translate_message(reason.text, "nb")
    assert said.startswith(f"Google-kontoen mangler en tillatelse: {SCOPES_WANTED[0]}. Logg inn med den på nytt")


async def test_what_is_not_there_is_refused(floor: Floor) -> None:
    room, stranger = await a_room(floor), await rows.an_option(floor.business_id, "Nobody")
    missing = (ErrorCode.NOT_FOUND, ("input", "optionId"))
    assert await refusal(floor, uuid4()) == missing
    assert await refusal(floor, await rows.an_option(await rows.a_business())) == missing
    assert await refusal(floor, stranger) == (ErrorCode.GOOGLE_NOT_CONNECTED, ("input", "optionId"))
    assert await refusal(floor, room, BEN) == (ErrorCode.NOT_FOUND, ("input", "calendarId"))
    wrong = ("input", "matchers", "0", "value")
    assert await refusal(floor, room, matchers=named(" ")) == (ErrorCode.INVALID_INPUT, wrong)
