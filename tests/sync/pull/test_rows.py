"""From Google to here: what lies in a linked calendar is known here, and nothing else is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tortoise.backends.base.client import BaseDBAsyncClient

from models import clock
from models.enums import AllDayEvents, ChangeAction, ChangeKind, EventDetail, HealthState
from models.google.event import GoogleEvent
from models.google.tables import GoogleCalendar
from sync.sandbox.faults import FaultKind
from tests.sync.rows import HOUR, tomorrow
from tests.sync.sandbox.sandbox_client import ANNA, all_day
from tests.sync.sync_stack import Floor, Stages, busy, floor_on

OSLO = ZoneInfo("Europe/Oslo")
DAY = timedelta(days=1)


async def token() -> str | None:
    return (await GoogleCalendar.get(google_id=ANNA)).sync_token


async def test_what_was_there_before_the_link_is_listed(floor: Floor) -> None:
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9), summary="Doctor"))
    anna = await floor.linked_option()
    assert await floor.blocked(anna) == [(tomorrow(8), tomorrow(9))]


async def test_an_event_moved_and_deleted_in_google_is_moved_and_deleted_here(floor: Floor) -> None:
    anna = await floor.linked_option()
    event = floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))
    await floor.look()
    floor.sandbox.edit_event(ANNA, event["id"], busy(tomorrow(10), tomorrow(11)))
    await floor.look()
    assert await floor.blocked(anna) == [(tomorrow(10), tomorrow(11))]
    floor.sandbox.delete_event(ANNA, event["id"])
    await floor.look()
    assert await floor.blocked(anna) == []
    assert [action for action, _ in await floor.changes()] == [
        ChangeAction.UPSERTED,
        ChangeAction.UPSERTED,
        ChangeAction.REMOVED,
    ]


async def test_looking_again_at_an_unchanged_calendar_notes_nothing(floor: Floor) -> None:
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))
    await floor.linked_option()
    before = await floor.changes()
    await floor.look()
    await GoogleCalendar.all().update(snapshot_at=None)
    await floor.look()
    assert await floor.changes() == before


@pytest.mark.parametrize(
    "fields",
    [
        {"transparency": "transparent"},
        {"eventType": "workingLocation", "visibility": "public", "transparency": "transparent"},
        {"attendees": [{"email": ANNA, "self": True, "responseStatus": "declined"}]},
    ],
)
async def test_an_event_that_keeps_nobody_busy_is_shown_and_blocks_nobody(
    floor: Floor, fields: dict[str, object]
) -> None:
    anna = await floor.linked_option()
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9), **fields))
    await floor.look()
    (row,) = await GoogleEvent.all()
    assert not row.busy
    assert await floor.blocked(anna) == []


async def test_an_all_day_event_blocks_by_the_links_rule_in_the_calendars_zone(floor: Floor) -> None:
    first = (datetime.now(OSLO) + 3 * DAY).date()
    body = all_day(first.isoformat(), (first + DAY).isoformat(), transparency="transparent")
    floor.sandbox.insert_event(ANNA, body)
    midnight = datetime.combine(first, datetime.min.time(), OSLO)
    as_marked = await floor.linked_option("Anna")
    always = await floor.linked_option("Room", all_day_events=AllDayEvents.ALWAYS_BLOCK)
    assert await floor.blocked(as_marked) == []
    ((start, end),) = await floor.blocked(always)
    assert start == midnight
    assert end.astimezone(OSLO) == midnight + DAY


async def test_a_series_is_expanded_with_its_exceptions(floor: Floor) -> None:
    anna = await floor.linked_option()
    start = tomorrow(8)
    weekly = busy(start, start + HOUR, summary="Team", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    for when in ("start", "end"):
        weekly[when]["timeZone"] = "UTC"
    master = floor.sandbox.insert_event(ANNA, weekly)
    await floor.look()
    weeks = [(start + week * 7 * DAY, start + week * 7 * DAY + HOUR) for week in range(4)]
    assert await floor.blocked(anna) == weeks
    second, third = (f"{master['id']}_{begins:%Y%m%dT%H%M%SZ}" for begins, _ in weeks[1:3])
    floor.sandbox.delete_event(ANNA, second)
    moved = weeks[2][0] + 3 * HOUR
    floor.sandbox.edit_event(ANNA, third, busy(moved, moved + HOUR))
    await floor.look()
    assert await floor.blocked(anna) == [weeks[0], (moved, moved + HOUR), weeks[3]]
    floor.sandbox.delete_event(ANNA, master["id"])
    await floor.look()
    assert await floor.blocked(anna) == []
    assert await GoogleEvent.all() == []


async def test_many_pages_are_one_listing(floor: Floor) -> None:
    floor.sandbox.page_cap = 3
    for number in range(10):
        begins = tomorrow(8) + number * DAY
        floor.sandbox.insert_event(ANNA, busy(begins, begins + HOUR))
    anna = await floor.linked_option()
    assert len(await floor.blocked(anna)) == 10
    assert await token() is not None


async def test_a_dead_token_leads_to_a_full_listing_and_a_sweep(floor: Floor) -> None:
    anna = await floor.linked_option()
    kept = floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))
    gone = floor.sandbox.insert_event(ANNA, busy(tomorrow(10), tomorrow(11)))
    await floor.look()
    ids = {row.google_id: row.id for row in await GoogleEvent.all()}
    floor.sandbox.delete_event(ANNA, gone["id"])
    floor.sandbox.insert_event(ANNA, busy(tomorrow(12), tomorrow(13)))
    floor.sandbox.invalidate_sync_tokens(ANNA)
    await floor.look()
    assert await floor.blocked(anna) == [(tomorrow(8), tomorrow(9)), (tomorrow(12), tomorrow(13))]
    assert (await GoogleEvent.get(google_id=kept["id"])).id == ids[kept["id"]]
    changes = await floor.changes()
    assert changes.count((ChangeAction.UPSERTED, ids[kept["id"]])) == 1
    assert (ChangeAction.REMOVED, ids[gone["id"]]) in changes


@pytest.mark.parametrize("fault", [FaultKind.SERVER_ERROR, FaultKind.HTML_BAD_GATEWAY, FaultKind.DROP_BEFORE])
async def test_an_error_removes_nothing_and_passes(floor: Floor, fault: FaultKind) -> None:
    anna = await floor.linked_option()
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))
    await floor.look()
    before = await token()
    floor.sandbox.insert_event(ANNA, busy(tomorrow(10), tomorrow(11)))
    floor.sandbox.faults.add(fault, times=None, path="/events")
    await floor.look()
    floor.sandbox.faults.clear()
    assert await floor.blocked(anna) == [(tomorrow(8), tomorrow(9))]
    assert await token() == before
    inbound = (await floor.door.connections(floor.business_id, [anna]))[anna].health.inbound
    assert inbound.state is HealthState.LAGGING
    assert inbound.error is not None
    assert inbound.next_attempt_at is not None
    assert inbound.next_attempt_at > clock.now()
    await floor.look()
    assert len(await floor.blocked(anna)) == 2
    inbound = (await floor.door.connections(floor.business_id, [anna]))[anna].health.inbound
    assert (inbound.state, inbound.error) == (HealthState.OK, None)


async def test_an_error_in_the_middle_of_a_run_keeps_the_old_token(floor: Floor) -> None:
    anna = await floor.linked_option()
    before = await token()
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))
    series = busy(tomorrow(10), tomorrow(11), recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    for when in ("start", "end"):
        series[when]["timeZone"] = "UTC"
    floor.sandbox.insert_event(ANNA, series)
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, path="/instances")
    await floor.look()
    assert await token() == before
    await floor.look()
    assert await token() != before
    assert len(await floor.blocked(anna)) == 4


async def test_a_sweep_of_most_of_a_calendar_stops_and_asks(floor: Floor) -> None:
    anna = await floor.linked_option()
    events = []
    for number in range(24):
        begins = tomorrow(8) + number * DAY
        events.append(floor.sandbox.insert_event(ANNA, busy(begins, begins + HOUR)))
    await floor.look()
    for event in events[:22]:
        floor.sandbox.delete_event(ANNA, event["id"])
    floor.sandbox.invalidate_sync_tokens(ANNA)
    await floor.look()
    assert len(await floor.blocked(anna)) == 24
    inbound = (await floor.door.connections(floor.business_id, [anna]))[anna].health.inbound
    assert inbound.state is HealthState.ACTION_REQUIRED
    await floor.door.sync_now(floor.business_id, anna)
    await floor.settle()
    assert len(await floor.blocked(anna)) == 2


async def test_a_reading_that_begins_anew_and_fails_leaves_no_token(floor: Floor) -> None:
    first = (datetime.now(OSLO) + 3 * DAY).date()
    floor.sandbox.insert_event(ANNA, all_day(first.isoformat(), (first + DAY).isoformat()))
    anna = await floor.linked_option()
    before = await floor.blocked(anna)
    floor.sandbox.calendar(ANNA).time_zone = "America/New_York"
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9), transparency="transparent"))
    # The first request tells of the zone, the second begins anew.
    floor.sandbox.faults.add(FaultKind.SLOW, path="/events", seconds=0.001)
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, path="/events")
    await floor.look()
    assert await token() is None
    floor.sandbox.calendar(ANNA).time_zone = "Europe/Oslo"
    await floor.look()
    assert await token() is not None
    assert await floor.blocked(anna) == before


async def test_a_calendar_in_another_zone_is_listed_anew(floor: Floor) -> None:
    first = (datetime.now(OSLO) + 3 * DAY).date()
    floor.sandbox.insert_event(ANNA, all_day(first.isoformat(), (first + DAY).isoformat()))
    anna = await floor.linked_option()
    floor.sandbox.calendar(ANNA).time_zone = "America/New_York"
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(8)))
    await floor.look()
    ((start, _),) = await floor.blocked(anna)
    assert start == datetime.combine(first, datetime.min.time(), ZoneInfo("America/New_York"))
    assert (await GoogleCalendar.get(google_id=ANNA)).time_zone == "America/New_York"


async def test_no_more_than_busy_is_kept_where_that_was_asked(floor: Floor) -> None:
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9), summary="Secret", location="Here"))
    anna = await floor.linked_option(detail=EventDetail.BUSY_ONLY)
    (row,) = await GoogleEvent.all()
    assert not any((row.title, row.location, row.attendees))
    assert await floor.blocked(anna) == [(tomorrow(8), tomorrow(9))]


async def test_a_copy_that_a_person_made_of_a_mirror_is_a_foreign_event(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna, tomorrow(9))
    await floor.settle()
    (mirror,) = floor.sandbox.events(ANNA)
    floor.sandbox.copy_event(ANNA, mirror["id"])
    await floor.look()
    assert await floor.blocked(anna) == [(tomorrow(9), tomorrow(10))]
    assert len(floor.sandbox.events(ANNA)) == 2


async def test_an_event_long_over_is_forgotten(floor: Floor) -> None:
    await floor.linked_option()
    event = floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))
    await floor.look()
    floor.sandbox.edit_event(
        ANNA, event["id"], busy(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC))
    )
    await floor.look()
    assert await GoogleEvent.all() == []


async def test_what_the_window_has_left_behind_goes_with_the_nights_listing(floor: Floor) -> None:
    await floor.linked_option()
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))
    await floor.look()
    row = await GoogleEvent.get()
    floor.sandbox.edit_event(ANNA, row.google_id, {"summary": "Later"})
    long_ago = clock.now() - timedelta(days=36)
    old = await GoogleEvent.create(
        business_id=floor.business_id,
        calendar_id=row.calendar_id,
        google_id="old",
        starts_at=long_ago - HOUR,
        ends_at=long_ago,
        may_block=True,
        busy=True,
    )
    await floor.look()
    assert await GoogleEvent.all().count() == 2
    await GoogleCalendar.filter(google_id=ANNA).update(snapshot_at=long_ago)
    await floor.look()
    assert await floor.titles() == ["Later"]
    assert (await floor.changes())[-1] == (ChangeAction.REMOVED, old.id)


async def test_health_changes_are_told(floor: Floor) -> None:
    await floor.linked_option()
    before = len(await floor.changes(ChangeKind.GOOGLE_LINK))
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, path="/events")
    await floor.look()
    await floor.look()
    assert len(await floor.changes(ChangeKind.GOOGLE_LINK)) == before + 2


def without_a_zone(app: ASGIApp) -> ASGIApp:
    """Google, saying "America" (a folder of zones, no zone) wherever it would say "Europe/Oslo", offsets left out."""

    async def say(scope: Scope, receive: Receive, send: Send) -> None:
        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message["headers"] if name != b"content-length"]
                message = {**message, "headers": kept}
            if message["type"] == "http.response.body":
                body = message["body"].replace(b"Europe/Oslo", b"America")
                message = {**message, "body": body.replace(b":00+01:00", b":00").replace(b":00+02:00", b":00")}
            await send(message)

        await app(scope, receive, changed if scope["type"] == "http" else send)

    return say


async def test_what_google_calls_a_zone_and_is_none_stops_no_pull(
    database: BaseDBAsyncClient, on_stage: Stages
) -> None:
    assert database is not None
    async with floor_on(on_stage, around=without_a_zone) as floor:
        day = tomorrow(0) + DAY
        date, eight = day.date(), day + timedelta(hours=8)
        spelled = {"timeZone": "Europe/Oslo"}
        start, end = (at.replace(tzinfo=OSLO).isoformat() for at in (eight, eight + HOUR))
        timed: dict[str, Any] = {"start": {"dateTime": start, **spelled}, "end": {"dateTime": end, **spelled}}
        floor.sandbox.insert_event(ANNA, all_day(date.isoformat(), (date + DAY).isoformat()))
        floor.sandbox.insert_event(ANNA, timed)
        anna = await floor.linked_option()
        # Without any zone that is one, UTC: hours off, the day is still busy.
        assert await floor.blocked(anna) == [(day, day + DAY), (eight, eight + HOUR)]
        inbound = (await floor.door.connections(floor.business_id, [anna]))[anna].health.inbound
        assert (inbound.state, inbound.error) == (HealthState.OK, None)
        assert (await GoogleCalendar.get(google_id=ANNA)).time_zone == "UTC"
