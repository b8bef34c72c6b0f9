"""What an account sees of an event, by the fields that decide "busy": Google's rules §2."""

import httpx2
import pytest

from sync.sandbox.calendars.calendars import Role
from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import (
    ANNA,
    BEN,
    EVENTS_OF_ANNA,
    WORKSHOP,
    all_day,
    error_of,
    listed,
    put_in,
    timed,
)

BODY = timed("2026-11-24T09:00", "2026-11-24T10:00", summary="Doctor")
SHARED = f"/calendars/{WORKSHOP}/events"


async def test_opaque_is_said_by_saying_nothing(anna: httpx2.AsyncClient) -> None:
    """§2"""
    assert "transparency" not in await put_in(anna, BODY | {"transparency": "opaque"})
    assert (await put_in(anna, BODY | {"transparency": "transparent"}))["transparency"] == "transparent"


async def test_a_missing_title_stays_missing(anna: httpx2.AsyncClient) -> None:
    """§2"""
    event = await put_in(anna, timed("2026-11-24T09:00", "2026-11-24T10:00"))
    assert "summary" not in event
    assert (event["status"], event["eventType"]) == ("confirmed", "default")


async def test_the_entry_that_stands_for_the_calendar_is_marked_self(anna: httpx2.AsyncClient) -> None:
    """§2"""
    guests = [{"email": ANNA, "responseStatus": "declined"}, {"email": "x@example.com"}]
    event = await put_in(anna, BODY | {"attendees": guests})
    assert event["attendees"] == [
        {"email": ANNA, "responseStatus": "declined", "self": True},
        {"email": "x@example.com", "responseStatus": "needsAction"},
    ]


async def test_max_attendees_leaves_only_ones_own_entry(anna: httpx2.AsyncClient) -> None:
    """§1.10, §2"""
    guests = [{"email": "x@example.com"}, {"email": ANNA, "responseStatus": "accepted"}]
    await put_in(anna, BODY | {"attendees": guests})
    (event,) = (await listed(anna, maxAttendees=1))["items"]
    assert event["attendees"] == [{"email": ANNA, "responseStatus": "accepted", "self": True}]
    assert event["attendeesOmitted"] is True
    (event,) = (await listed(anna, maxAttendees=2))["items"]
    assert (len(event["attendees"]), "attendeesOmitted" in event) == (2, False)


async def test_all_day_events_have_dates_and_an_exclusive_end(anna: httpx2.AsyncClient) -> None:
    """§2"""
    event = await put_in(anna, all_day("2026-12-24", "2026-12-25"))
    assert (event["start"], event["end"]) == ({"date": "2026-12-24"}, {"date": "2026-12-25"})


async def test_all_day_events_lie_in_the_calendars_zone(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§2"""
    tokyo = google.add_calendar("Tokyo", ANNA, time_zone="Asia/Tokyo")
    path = f"/calendars/{tokyo.id}/events"
    await put_in(anna, all_day("2026-12-24", "2026-12-25"), path)
    assert (await listed(anna, path))["timeZone"] == "Asia/Tokyo"
    # Midnight in Tokyo is 15:00 UTC the day before.
    assert len((await listed(anna, path, timeMax="2026-12-23T15:00:01Z"))["items"]) == 1
    assert (await listed(anna, path, timeMax="2026-12-23T15:00:00Z"))["items"] == []
    assert (await listed(anna, path, timeMin="2026-12-24T15:00:00Z"))["items"] == []


async def test_times_always_carry_an_offset_and_zones_may_differ(anna: httpx2.AsyncClient) -> None:
    """§2: a flight."""
    flight = {
        "start": {"dateTime": "2026-11-24T09:00:00", "timeZone": "Europe/Oslo"},
        "end": {"dateTime": "2026-11-24T10:30:00", "timeZone": "Europe/London"},
    }
    event = await put_in(anna, flight)
    assert event["start"] == {"dateTime": "2026-11-24T09:00:00+01:00", "timeZone": "Europe/Oslo"}
    assert event["end"] == {"dateTime": "2026-11-24T11:30:00+01:00", "timeZone": "Europe/London"}
    (seen,) = (await listed(anna, timeZone="UTC"))["items"]
    assert seen["start"]["dateTime"] == "2026-11-24T08:00:00Z"


async def test_an_event_may_have_no_length(anna: httpx2.AsyncClient) -> None:
    """§2"""
    await put_in(anna, timed("2026-11-24T09:00", "2026-11-24T09:00"))


async def test_private_properties_that_are_too_long_are_dropped_or_cut(anna: httpx2.AsyncClient) -> None:
    """§2"""
    properties = {"k" * 44: "kept", "k" * 45: "dropped", "long": "v" * 1025}
    event = await put_in(anna, BODY | {"extendedProperties": {"private": properties}})
    assert event["extendedProperties"]["private"] == {"k" * 44: "kept", "long": "v" * 1024}


@pytest.mark.parametrize("visibility", ["private", "confidential"])
@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (Role.READER, False),
        (Role.WRITER_WITHOUT_PRIVATE_ACCESS, False),
        (Role.WRITER, True),
        (Role.OWNER, True),
    ],
)
async def test_private_events_have_no_details_without_private_access(
    ben: httpx2.AsyncClient, google: SandboxGoogle, role: Role, sees: bool, visibility: str
) -> None:
    """§2"""
    google.insert_event(WORKSHOP, BODY | {"visibility": visibility, "description": "x", "location": "y"})
    google.share(WORKSHOP, BEN, role)
    page = await listed(ben, SHARED)
    (event,) = page["items"]
    assert page["accessRole"] == role
    assert [name in event for name in ("summary", "description", "location", "creator")] == [sees] * 4
    assert event["start"]["dateTime"] == "2026-11-24T09:00:00+01:00"
    assert event["visibility"] == visibility


async def test_a_free_busy_reader_sees_times_and_single_events(ben: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§2"""
    google.insert_event(WORKSHOP, BODY | {"recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]})
    google.share(WORKSHOP, BEN, Role.FREE_BUSY_READER)
    items = (await listed(ben, SHARED))["items"]
    assert [item["start"]["dateTime"] for item in items] == ["2026-11-24T09:00:00+01:00", "2026-11-25T09:00:00+01:00"]
    assert all(item.keys() == {"kind", "etag", "id", "status", "start", "end"} for item in items)


WORKING = {"transparency": "transparent", "visibility": "public"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("outOfOffice", BODY),
        ("focusTime", BODY),
        ("workingLocation", all_day("2026-11-24", "2026-11-25") | WORKING),
        ("birthday", all_day("2026-11-24", "2026-11-25")),
    ],
)
async def test_the_type_of_an_event_is_kept(anna: httpx2.AsyncClient, kind: str, body: dict[str, object]) -> None:
    """§2"""
    event = await put_in(anna, body | {"eventType": kind})
    assert event["eventType"] == kind
    changed = await anna.patch(f"{EVENTS_OF_ANNA}/{event['id']}", json={"eventType": "default"})
    assert error_of(changed) == (400, "global", "invalid")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SHARED, BODY | {"eventType": "outOfOffice"}),
        (EVENTS_OF_ANNA, all_day("2026-11-24", "2026-11-25") | {"eventType": "outOfOffice"}),
        (EVENTS_OF_ANNA, BODY | {"eventType": "workingLocation"}),
        (EVENTS_OF_ANNA, BODY | {"eventType": "fromGmail"}),
    ],
    ids=["on a secondary calendar", "all day", "not public and free", "made by Gmail alone"],
)
async def test_status_events_have_rules_of_their_own(
    anna: httpx2.AsyncClient, path: str, body: dict[str, object]
) -> None:
    """§2"""
    assert error_of(await anna.post(path, json=body)) == (400, "calendar", "eventTypeRestriction")


async def test_gmail_puts_events_in_that_applications_cannot(google: SandboxGoogle) -> None:
    """§2"""
    assert google.insert_event(ANNA, BODY | {"eventType": "fromGmail"})["eventType"] == "fromGmail"


async def test_an_etag_changes_with_every_change(anna: httpx2.AsyncClient) -> None:
    """§2"""
    event = await put_in(anna, BODY)
    path = f"{EVENTS_OF_ANNA}/{event['id']}"
    etags = [event["etag"]] + [(await anna.put(path, json=BODY)).json()["etag"] for _ in range(2)]
    assert len(set(etags)) == 3
    assert all(etag.startswith('"') and etag.endswith('"') for etag in etags)
