"""`events.list` and `events.instances`, by the numbers of Google's rules §1.1 to §1.8."""

from datetime import datetime, timedelta

import httpx2
import pytest

from sync.sandbox.calendars.calendars import Role
from sync.sandbox.events.query import FORBIDDEN_WITH_SYNC_TOKEN
from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import (
    ANNA,
    BEN,
    EVENTS_OF_ANNA,
    WORKSHOP,
    Clock,
    Param,
    all_day,
    error_of,
    listed,
    put_in,
    summaries,
    synced,
    timed,
)


def hourly(count: int, day: str = "2026-11-24") -> list[dict[str, object]]:
    return [timed(f"{day}T{hour:02}:00", f"{day}T{hour:02}:30", summary=str(hour)) for hour in range(count)]


async def test_the_sync_token_comes_with_the_last_page_only(anna: httpx2.AsyncClient) -> None:
    """§1.1"""
    for body in hourly(5):
        await put_in(anna, body)
    pages = []
    params: dict[str, Param] = {"maxResults": 2}
    while True:
        pages.append(await listed(anna, **params))
        if "nextPageToken" not in pages[-1]:
            break
        params["pageToken"] = pages[-1]["nextPageToken"]
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert ["nextSyncToken" in page for page in pages] == [False, False, True]
    assert ["nextPageToken" in page for page in pages] == [True, True, False]


async def test_a_page_may_be_empty_and_still_not_be_the_last(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§1.1"""
    await put_in(anna, hourly(1)[0])
    google.faults.add("empty_page")
    first = await listed(anna)
    assert first["items"] == []
    second = await listed(anna, pageToken=first["nextPageToken"])
    assert summaries(second["items"]) == ["0"]
    assert "nextSyncToken" in second


async def test_a_page_may_be_shorter_than_asked(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§1.1"""
    for body in hourly(3):
        await put_in(anna, body)
    google.page_cap = 1
    assert len((await listed(anna, maxResults=2500))["items"]) == 1
    items, _ = await synced(anna, maxResults=2500)
    assert summaries(items) == ["0", "1", "2"]


async def test_an_incremental_list_pages_with_the_same_sync_token(anna: httpx2.AsyncClient) -> None:
    """§1.1"""
    _, token = await synced(anna, maxResults=2)
    for body in hourly(3):
        await put_in(anna, body)
    first = await listed(anna, maxResults=2, syncToken=token)
    assert len(first["items"]) == 2
    alone = await anna.get(EVENTS_OF_ANNA, params={"maxResults": 2, "pageToken": first["nextPageToken"]})
    assert error_of(alone) == (400, "global", "invalid")
    second = await listed(anna, maxResults=2, syncToken=token, pageToken=first["nextPageToken"])
    assert len(second["items"]) == 1
    assert "nextSyncToken" in second


async def test_what_appears_while_paging_is_not_missed(anna: httpx2.AsyncClient) -> None:
    """§1.1"""
    ids = [(await put_in(anna, body))["id"] for body in hourly(3)]
    first = await listed(anna, maxResults=1)
    await put_in(anna, timed("2026-11-25T09:00", "2026-11-25T10:00", summary="new"))
    await anna.delete(f"{EVENTS_OF_ANNA}/{ids[0]}")
    seen, token = list(first["items"]), first["nextPageToken"]
    while True:
        page = await listed(anna, maxResults=1, pageToken=token)
        seen += page["items"]
        if "nextSyncToken" in page:
            break
        token = page["nextPageToken"]
    later, _ = await synced(anna, maxResults=1, syncToken=page["nextSyncToken"])
    local = {item["id"]: item for item in seen}
    for item in later:
        local[item["id"]] = item
    assert [item["summary"] for item in local.values() if item["status"] != "cancelled"] == ["1", "2", "new"]


async def test_what_changes_while_an_incremental_list_pages_is_not_missed(anna: httpx2.AsyncClient) -> None:
    """§1.1"""
    _, token = await synced(anna, maxResults=1)
    ids = [(await put_in(anna, body))["id"] for body in hourly(3)]
    first = await listed(anna, maxResults=1, syncToken=token)
    await anna.patch(f"{EVENTS_OF_ANNA}/{ids[1]}", json={"summary": "changed"})
    rest, after = await synced_from(anna, first["nextPageToken"], maxResults=1, syncToken=token)
    later, _ = await synced(anna, maxResults=1, syncToken=after)
    assert summaries(first["items"] + rest) == ["0", "2"]
    assert summaries(later) == ["changed"]


async def synced_from(client: httpx2.AsyncClient, page_token: str, **params: Param) -> tuple[list[dict[str, str]], str]:
    items: list[dict[str, str]] = []
    while True:
        page = await listed(client, pageToken=page_token, **params)
        items += page["items"]
        if "nextSyncToken" in page:
            return items, page["nextSyncToken"]
        page_token = page["nextPageToken"]


async def test_a_sync_token_belongs_to_one_account(anna: httpx2.AsyncClient, ben: httpx2.AsyncClient) -> None:
    """§1.1"""
    path = f"/calendars/{WORKSHOP}/events"
    _, token = await synced(anna, path)
    answer = await ben.get(path, params={"syncToken": token})
    assert error_of(answer) == (410, "calendar", "fullSyncRequired")


@pytest.mark.parametrize("parameter", FORBIDDEN_WITH_SYNC_TOKEN)
async def test_a_sync_token_forbids_what_narrows_the_list(anna: httpx2.AsyncClient, parameter: str) -> None:
    """§1.2"""
    _, token = await synced(anna)
    value = "2026-11-22T00:00:00Z" if parameter.startswith(("time", "updated")) else "a=b"
    answer = await anna.get(EVENTS_OF_ANNA, params={"syncToken": token, parameter: value})
    assert error_of(answer) == (400, "global", "invalid")
    assert answer.json()["error"]["errors"][0]["location"] == parameter


@pytest.mark.parametrize("change", [{"singleEvents": "true"}, {"maxResults": "9"}, {"eventTypes": "default"}])
async def test_a_sync_token_is_bound_to_its_query(anna: httpx2.AsyncClient, change: dict[str, str]) -> None:
    """§1.2: undefined in Google, refused here."""
    _, token = await synced(anna, maxResults=10)
    answer = await anna.get(EVENTS_OF_ANNA, params={"maxResults": "10", "syncToken": token} | change)
    assert error_of(answer) == (400, "global", "invalid")


async def test_a_sync_token_always_brings_deletions(anna: httpx2.AsyncClient) -> None:
    """§1.3"""
    event = await put_in(anna, hourly(1)[0])
    _, token = await synced(anna)
    await anna.delete(f"{EVENTS_OF_ANNA}/{event['id']}")
    refused = await anna.get(EVENTS_OF_ANNA, params={"syncToken": token, "showDeleted": "false"})
    assert error_of(refused) == (400, "global", "invalid")
    for params in ({}, {"showDeleted": "true"}):
        items, _ = await synced(anna, syncToken=token, **params)
        assert [(item["id"], item["status"]) for item in items] == [(event["id"], "cancelled")]


async def test_a_full_list_has_no_tombstones_unless_asked(anna: httpx2.AsyncClient) -> None:
    """§1.3, §1.7"""
    event = await put_in(anna, hourly(1)[0])
    await anna.delete(f"{EVENTS_OF_ANNA}/{event['id']}")
    assert (await listed(anna))["items"] == []
    shown = await listed(anna, showDeleted="true")
    assert [item["status"] for item in shown["items"]] == ["cancelled"]


async def test_pages_hold_250_unless_asked_and_2500_at_most(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§1.4"""
    start = datetime.fromisoformat("2026-11-24T00:00:00+00:00")
    for number in range(2501):
        begins = start + timedelta(minutes=number)
        google.insert_event(
            ANNA,
            {
                "start": {"dateTime": begins.isoformat()},
                "end": {"dateTime": (begins + timedelta(minutes=1)).isoformat()},
            },
        )
    assert len((await listed(anna))["items"]) == 250
    assert len((await listed(anna, maxResults=9999))["items"]) == 2500
    assert error_of(await anna.get(EVENTS_OF_ANNA, params={"maxResults": 0})) == (400, "global", "invalid")


async def test_an_invalidated_sync_token_asks_for_a_full_sync(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§1.7"""
    _, token = await synced(anna)
    google.invalidate_sync_tokens(ANNA)
    answer = await anna.get(EVENTS_OF_ANNA, params={"syncToken": token})
    assert error_of(answer) == (410, "calendar", "fullSyncRequired")
    assert answer.json()["error"]["errors"][0]["location"] == "syncToken"
    _, fresh = await synced(anna)
    assert await synced(anna, syncToken=fresh) == ([], fresh)


async def test_changed_rights_end_the_sync_token(ben: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§1.7"""
    path = f"/calendars/{WORKSHOP}/events"
    _, token = await synced(ben, path)
    google.share(WORKSHOP, BEN, Role.READER)
    assert error_of(await ben.get(path, params={"syncToken": token})) == (410, "calendar", "fullSyncRequired")


async def test_updated_min_reaches_back_about_a_month(anna: httpx2.AsyncClient, clock: Clock) -> None:
    """§1.7"""
    event = await put_in(anna, hourly(1)[0])
    clock.turn(minutes=30)
    await anna.delete(f"{EVENTS_OF_ANNA}/{event['id']}")
    items = (await listed(anna, updatedMin="2026-11-22T12:15:00Z"))["items"]
    assert [item["status"] for item in items] == ["cancelled"]
    late = await anna.get(EVENTS_OF_ANNA, params={"updatedMin": "2026-09-01T00:00:00Z"})
    assert error_of(late) == (410, "calendar", "updatedMinTooLongAgo")


async def test_a_window_bounds_the_end_below_and_the_start_above(anna: httpx2.AsyncClient) -> None:
    """§1.8"""
    for hour in range(8, 12):
        await put_in(anna, timed(f"2026-11-24T{hour:02}:00", f"2026-11-24T{hour + 1:02}:00", summary=str(hour)))
    page = await listed(anna, timeMin="2026-11-24T09:00:00+01:00", timeMax="2026-11-24T11:00:00.5+01:00")
    assert summaries(page["items"]) == ["9", "10"]
    assert "nextSyncToken" in page


@pytest.mark.parametrize("text", ["2026-11-24T09:00:00", "2026-11-24", "soon"])
async def test_a_window_needs_an_offset(anna: httpx2.AsyncClient, text: str) -> None:
    """§1.8"""
    assert error_of(await anna.get(EVENTS_OF_ANNA, params={"timeMin": text})) == (400, "global", "invalid")


async def test_a_window_does_not_bind_the_incremental_lists_after_it(anna: httpx2.AsyncClient) -> None:
    """§1.8: nobody knows; so a client has to bear it."""
    _, token = await synced(anna, timeMin="2026-11-21T00:00:00Z")
    await put_in(anna, timed("2020-01-01T09:00", "2020-01-01T10:00", summary="long ago"))
    rows, _ = await synced(anna, syncToken=token)
    assert summaries(rows) == ["long ago"]


async def test_a_list_by_start_time_needs_single_events(anna: httpx2.AsyncClient) -> None:
    for body in reversed(hourly(3)):
        await put_in(anna, body)
    answer = await anna.get(EVENTS_OF_ANNA, params={"orderBy": "startTime"})
    assert error_of(answer) == (400, "global", "invalid")
    page = await listed(anna, orderBy="startTime", singleEvents="true")
    assert summaries(page["items"]) == ["0", "1", "2"]
    assert "nextSyncToken" not in page


async def test_a_boolean_is_written_in_lower_case(anna: httpx2.AsyncClient) -> None:
    """§6.3"""
    answer = await anna.get(EVENTS_OF_ANNA, params={"singleEvents": "True"})
    assert error_of(answer) == (400, "global", "invalid")


async def test_lists_are_narrowed_by_type_property_and_words(anna: httpx2.AsyncClient) -> None:
    await put_in(anna, hourly(1)[0] | {"extendedProperties": {"private": {"app": "timebok"}}})
    await put_in(anna, all_day("2026-11-24", "2026-11-25", summary="Cake", eventType="birthday"))
    assert summaries((await listed(anna, eventTypes=["birthday", "focusTime"]))["items"]) == ["Cake"]
    assert summaries((await listed(anna, privateExtendedProperty="app=timebok"))["items"]) == ["0"]
    assert summaries((await listed(anna, q="cak"))["items"]) == ["Cake"]


async def test_garbage_is_no_token(anna: httpx2.AsyncClient) -> None:
    for name in ("pageToken", "syncToken"):
        answer = await anna.get(EVENTS_OF_ANNA, params={name: "Z2FyYmFnZQ"})
        assert error_of(answer) == (400, "global", "invalid")
