"""Writing events: ids, updates, deletions, preconditions and refusals, by the numbers of Google's rules §3."""

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
    synced,
    timed,
)

BODY = timed("2026-11-24T09:00", "2026-11-24T10:00", summary="Haircut")
OURS = BODY | {"id": "tbk0123456789abcdefv"}


@pytest.mark.parametrize("event_id", ["abcd", "tbk-1234", "tbk_1234", "TBK01234", "wxyz01234", "a" * 1025])
async def test_an_id_outside_base32hex_is_refused(anna: httpx2.AsyncClient, event_id: str) -> None:
    """§3.1"""
    answer = await anna.post(EVENTS_OF_ANNA, json=BODY | {"id": event_id})
    assert error_of(answer) == (400, "global", "invalid")
    assert answer.json()["error"]["message"] == "Invalid resource id value."


async def test_an_id_a_client_chose_is_kept(anna: httpx2.AsyncClient) -> None:
    """§3.1"""
    assert (await put_in(anna, OURS))["id"] == OURS["id"]
    read = (await anna.get(f"{EVENTS_OF_ANNA}/{OURS['id']}")).json()
    assert read["summary"] == "Haircut"
    assert read["organizer"] == {"email": ANNA, "self": True}


async def test_an_id_and_an_ical_uid_exclude_each_other(anna: httpx2.AsyncClient) -> None:
    """§3.1"""
    answer = await anna.post(EVENTS_OF_ANNA, json=OURS | {"iCalUID": "x@example.com"})
    assert error_of(answer) == (400, "global", "invalid")


async def test_an_id_is_unique_per_calendar_only(anna: httpx2.AsyncClient) -> None:
    """§3.1"""
    await put_in(anna, OURS)
    await put_in(anna, OURS, f"/calendars/{WORKSHOP}/events")


async def test_inserting_twice_is_a_duplicate(anna: httpx2.AsyncClient) -> None:
    """§3.2"""
    await put_in(anna, OURS)
    answer = await anna.post(EVENTS_OF_ANNA, json=OURS | {"summary": "again"})
    assert error_of(answer) == (409, "global", "duplicate")
    assert (await anna.get(f"{EVENTS_OF_ANNA}/{OURS['id']}")).json()["summary"] == "Haircut"


async def test_a_deleted_id_stays_taken(anna: httpx2.AsyncClient) -> None:
    """§3.3"""
    await put_in(anna, OURS)
    await anna.delete(f"{EVENTS_OF_ANNA}/{OURS['id']}")
    assert error_of(await anna.post(EVENTS_OF_ANNA, json=OURS)) == (409, "global", "duplicate")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_an_update_brings_a_deleted_event_back(anna: httpx2.AsyncClient, method: str) -> None:
    """§3.3"""
    await put_in(anna, OURS)
    path = f"{EVENTS_OF_ANNA}/{OURS['id']}"
    await anna.delete(path)
    kept = (await anna.get(path)).json()
    assert (kept["status"], kept["summary"]) == ("cancelled", "Haircut")
    answer = await anna.request(method, path, json=BODY | {"status": "confirmed", "summary": "back"})
    assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")
    assert [item["summary"] for item in (await listed(anna))["items"]] == ["back"]


async def test_a_cancelled_row_vanishes_in_the_end(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§3.3"""
    await put_in(anna, OURS)
    path = f"{EVENTS_OF_ANNA}/{OURS['id']}"
    await anna.delete(path)
    google.purge_deleted(ANNA)
    assert error_of(await anna.get(path)) == (404, "global", "notFound")
    await put_in(anna, OURS)


async def test_put_replaces_everything(anna: httpx2.AsyncClient) -> None:
    """§3.4"""
    event = await put_in(anna, BODY | {"location": "Room 1", "transparency": "transparent"})
    answer = await anna.put(f"{EVENTS_OF_ANNA}/{event['id']}", json=BODY)
    assert "location" not in answer.json()
    assert "transparency" not in answer.json()
    assert answer.json()["created"] == event["created"]


@pytest.mark.parametrize("missing", ["start", "end"])
async def test_put_needs_both_times(anna: httpx2.AsyncClient, missing: str) -> None:
    """§3.4"""
    event = await put_in(anna, BODY)
    body = {name: value for name, value in BODY.items() if name != missing}
    assert error_of(await anna.put(f"{EVENTS_OF_ANNA}/{event['id']}", json=body)) == (400, "global", "required")


async def test_patch_merges_objects_and_overwrites_arrays(anna: httpx2.AsyncClient) -> None:
    """§3.4"""
    event = await put_in(
        anna,
        BODY
        | {
            "location": "Room 1",
            "extendedProperties": {"private": {"a": "1", "b": "2"}},
            "attendees": [{"email": "x@example.com"}, {"email": "y@example.com"}],
        },
    )
    changes = {
        "location": None,
        "extendedProperties": {"private": {"b": None, "c": "3"}},
        "attendees": [{"email": "z@example.com"}],
    }
    patched = (await anna.patch(f"{EVENTS_OF_ANNA}/{event['id']}", json=changes)).json()
    assert "location" not in patched
    assert patched["extendedProperties"] == {"private": {"a": "1", "c": "3"}}
    assert [attendee["email"] for attendee in patched["attendees"]] == ["z@example.com"]
    assert patched["summary"] == "Haircut"


async def test_put_drops_the_properties_it_leaves_out(anna: httpx2.AsyncClient) -> None:
    """§2"""
    event = await put_in(anna, BODY | {"extendedProperties": {"private": {"a": "1", "b": "2"}}})
    body = BODY | {"extendedProperties": {"private": {"a": "1"}}}
    put = (await anna.put(f"{EVENTS_OF_ANNA}/{event['id']}", json=body)).json()
    assert put["extendedProperties"] == {"private": {"a": "1"}}


async def test_an_etag_that_is_old_meets_no_condition(anna: httpx2.AsyncClient) -> None:
    """§3.5"""
    event = await put_in(anna, BODY)
    path = f"{EVENTS_OF_ANNA}/{event['id']}"
    changed = await anna.put(path, json=BODY | {"summary": "new"}, headers={"If-Match": event["etag"]})
    assert changed.status_code == 200
    assert changed.json()["etag"] != event["etag"]
    stale = {"If-Match": event["etag"]}
    for answer in (
        await anna.put(path, json=BODY, headers=stale),
        await anna.patch(path, json={}, headers=stale),
        await anna.delete(path, headers=stale),
    ):
        assert error_of(answer) == (412, "global", "conditionNotMet")
    assert (await anna.get(path)).json()["summary"] == "new"


async def test_deleting_is_empty_then_gone_and_unknown_ids_are_not_found(anna: httpx2.AsyncClient) -> None:
    """§3.6"""
    event = await put_in(anna, BODY)
    path = f"{EVENTS_OF_ANNA}/{event['id']}"
    first = await anna.delete(path)
    assert (first.status_code, first.content) == (204, b"")
    assert error_of(await anna.delete(path)) == (410, "global", "deleted")
    assert error_of(await anna.delete(f"{EVENTS_OF_ANNA}/neverexisted")) == (404, "global", "notFound")


@pytest.mark.parametrize("choice", ["all", "externalOnly", "none"])
async def test_send_updates_is_accepted(anna: httpx2.AsyncClient, choice: str) -> None:
    """§3.7"""
    answer = await anna.post(EVENTS_OF_ANNA, params={"sendUpdates": choice}, json=BODY)
    assert answer.status_code == 200


async def test_the_body_of_a_booking_comes_back_as_it_was_written(anna: httpx2.AsyncClient) -> None:
    """§3.9"""
    body = OURS | {
        "description": "https://app.example/b/A17",
        "location": "Salon",
        "transparency": "opaque",
        "status": "confirmed",
        "reminders": {"useDefault": False},
        "source": {"title": "Booking", "url": "https://app.example/b/A17"},
        "extendedProperties": {"private": {"app": "x", "bookingId": "1", "h": "abc"}},
    }
    await put_in(anna, body)
    read = (await anna.get(f"{EVENTS_OF_ANNA}/{OURS['id']}")).json()
    for name in ("description", "location", "status", "reminders", "source", "extendedProperties", "summary"):
        assert read[name] == body[name]
    assert read["start"] == {"dateTime": "2026-11-24T09:00:00+01:00", "timeZone": "Europe/Oslo"}
    # What says no more than its absence is left out (§2).
    assert "transparency" not in read


@pytest.mark.parametrize(
    ("times", "refusal"),
    [
        (timed("2026-11-24T10:00", "2026-11-24T09:00"), ("calendar", "timeRangeEmpty")),
        (all_day("2026-11-24", "2026-11-24"), ("calendar", "timeRangeEmpty")),
        (timed("2026-11-24T09:00", "2026-11-24T10:00") | {"end": {"date": "2026-11-25"}}, ("global", "invalid")),
        (timed("2026-11-24T09:00", "2026-11-24T10:00", zone="Europe/Nowhere"), ("global", "invalid")),
        (
            {"start": {"dateTime": "2026-11-24T09:00:00"}, "end": {"dateTime": "2026-11-24T10:00:00"}},
            ("global", "required"),
        ),
        (timed("2026-11-24T09:00", "2026-11-24T10:00", status="maybe"), ("global", "invalid")),
        (timed("2026-11-24T09:00", "2026-11-24T10:00", recurrence=["RRULE:FREQ=HOURLY"]), ("global", "invalid")),
    ],
    ids=["ends first", "no days", "date and time", "no such zone", "no offset", "no such status", "no such rule"],
)
async def test_a_body_that_makes_no_sense_is_refused_and_writes_nothing(
    anna: httpx2.AsyncClient, times: dict[str, object], refusal: tuple[str, str]
) -> None:
    """§3.10"""
    assert error_of(await anna.post(EVENTS_OF_ANNA, json=times)) == (400, *refusal)
    assert (await listed(anna))["items"] == []


async def test_a_recurring_event_names_its_zone(anna: httpx2.AsyncClient) -> None:
    body = {
        "start": {"dateTime": "2026-11-24T09:00:00+01:00"},
        "end": {"dateTime": "2026-11-24T10:00:00+01:00"},
        "recurrence": ["RRULE:FREQ=DAILY"],
    }
    assert error_of(await anna.post(EVENTS_OF_ANNA, json=body)) == (400, "global", "required")


async def test_a_body_that_is_no_json_is_a_parse_error(anna: httpx2.AsyncClient) -> None:
    """§3.10"""
    assert error_of(await anna.post(EVENTS_OF_ANNA, content=b"{")) == (400, "global", "parseError")


@pytest.mark.parametrize("role", [Role.READER, Role.FREE_BUSY_READER])
async def test_a_reader_may_not_write(ben: httpx2.AsyncClient, google: SandboxGoogle, role: Role) -> None:
    """§3.10"""
    event = google.insert_event(WORKSHOP, BODY)
    google.share(WORKSHOP, BEN, role)
    path = f"/calendars/{WORKSHOP}/events"
    for answer in (
        await ben.post(path, json=BODY),
        await ben.put(f"{path}/{event['id']}", json=BODY),
        await ben.delete(f"{path}/{event['id']}"),
    ):
        assert error_of(answer) == (403, "calendar", "requiredAccessLevel")
    assert google.events(WORKSHOP) == [event]


async def test_a_calendar_nobody_shared_is_not_found(ben: httpx2.AsyncClient) -> None:
    """§3.10"""
    for calendar_id in (ANNA, "nobody@example.com"):
        assert error_of(await ben.get(f"/calendars/{calendar_id}/events")) == (404, "global", "notFound")
        assert error_of(await ben.post(f"/calendars/{calendar_id}/events", json=BODY)) == (404, "global", "notFound")


async def test_a_calendar_that_is_taken_away_is_not_found(ben: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§3.10"""
    path = f"/calendars/{WORKSHOP}/events"
    assert (await ben.get(path)).status_code == 200
    google.share(WORKSHOP, BEN, None)
    assert error_of(await ben.get(path)) == (404, "global", "notFound")


async def test_another_organizers_event_may_not_be_changed(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§3.10"""
    event = google.insert_event(ANNA, BODY | {"organizer": {"email": "boss@example.com"}})
    answer = await anna.put(f"{EVENTS_OF_ANNA}/{event['id']}", json=BODY | {"summary": "mine"})
    assert error_of(answer) == (403, "calendar", "forbiddenForNonOrganizer")


async def test_primary_is_a_word_for_the_accounts_own_calendar(anna: httpx2.AsyncClient) -> None:
    event = await put_in(anna, BODY, "/calendars/primary/events")
    assert [item["id"] for item in (await listed(anna))["items"]] == [event["id"]]


async def test_one_instance_is_changed_and_deleted_by_its_own_id(anna: httpx2.AsyncClient) -> None:
    """§1.6"""
    master = await put_in(anna, BODY | {"recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]})
    second = f"{EVENTS_OF_ANNA}/{master['id']}_20261125T080000Z"
    read = (await anna.get(second)).json()
    assert (read["recurringEventId"], read["summary"]) == (master["id"], "Haircut")
    await anna.put(second, json=timed("2026-11-25T12:00", "2026-11-25T13:00", summary="Late"))
    assert (await anna.delete(f"{EVENTS_OF_ANNA}/{master['id']}_20261126T080000Z")).status_code == 204
    assert error_of(await anna.delete(f"{EVENTS_OF_ANNA}/{master['id']}_20261126T080000Z")) == (
        410,
        "global",
        "deleted",
    )
    left = (await listed(anna, f"{EVENTS_OF_ANNA}/{master['id']}/instances"))["items"]
    assert [row["summary"] for row in left] == ["Haircut", "Late"]
    assert error_of(await anna.get(f"{EVENTS_OF_ANNA}/{master['id']}_20270101T080000Z")) == (404, "global", "notFound")


async def test_a_deleted_series_comes_back_without_its_exceptions(anna: httpx2.AsyncClient) -> None:
    """§3.3"""
    series = BODY | {"recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]}
    master = await put_in(anna, series)
    await anna.delete(f"{EVENTS_OF_ANNA}/{master['id']}_20261125T080000Z")
    await anna.delete(f"{EVENTS_OF_ANNA}/{master['id']}")
    await anna.put(f"{EVENTS_OF_ANNA}/{master['id']}", json=series)
    rows = (await listed(anna, f"{EVENTS_OF_ANNA}/{master['id']}/instances"))["items"]
    assert len(rows) == 3


async def test_the_sequence_counts_moves_and_may_not_go_back(anna: httpx2.AsyncClient) -> None:
    """§2"""
    event = await put_in(anna, BODY)
    path = f"{EVENTS_OF_ANNA}/{event['id']}"
    renamed = (await anna.put(path, json=BODY | {"summary": "new"})).json()
    moved = (await anna.put(path, json=timed("2026-11-24T11:00", "2026-11-24T12:00"))).json()
    assert [event["sequence"], renamed["sequence"], moved["sequence"]] == [0, 0, 1]
    assert error_of(await anna.put(path, json=BODY | {"sequence": 0})) == (400, "global", "invalid")


async def test_a_copy_is_another_event_with_the_same_properties(
    anna: httpx2.AsyncClient, google: SandboxGoogle
) -> None:
    """§8.3"""
    event = await put_in(anna, OURS | {"extendedProperties": {"private": {"bookingId": "1"}}})
    copy = google.copy_event(ANNA, event["id"])
    assert copy["id"] != event["id"]
    assert copy["iCalUID"] != event["iCalUID"]
    assert copy["extendedProperties"] == event["extendedProperties"]


async def test_whatever_is_written_appears_in_the_next_incremental_list(anna: httpx2.AsyncClient) -> None:
    """§8.5: our own writes come back, too."""
    _, token = await synced(anna)
    event = await put_in(anna, OURS)
    rows, token = await synced(anna, syncToken=token)
    assert rows == [event]
    again = (await anna.put(f"{EVENTS_OF_ANNA}/{event['id']}", json=BODY)).json()
    rows, _ = await synced(anna, syncToken=token)
    assert rows == [again]
