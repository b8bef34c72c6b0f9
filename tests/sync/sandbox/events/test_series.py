"""Series in lists and on their own: masters, instances, exceptions, by the numbers of Google's rules §1.3 to §1.10."""

import httpx2
import pytest

from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import (
    ANNA,
    EVENTS_OF_ANNA,
    WORKSHOP,
    all_day,
    error_of,
    listed,
    put_in,
    summaries,
    synced,
    timed,
)

HOUR = timed("2026-11-24T09:00", "2026-11-24T10:00", summary="Once")
WEEKLY = timed("2026-11-24T09:00", "2026-11-24T10:00", summary="Training", recurrence=["RRULE:FREQ=WEEKLY"])


async def test_a_full_list_has_the_cancelled_instances_of_a_live_series(anna: httpx2.AsyncClient) -> None:
    """§1.3"""
    master = await put_in(anna, WEEKLY)
    gone = f"{master['id']}_20261201T080000Z"
    await anna.delete(f"{EVENTS_OF_ANNA}/{gone}")
    items = (await listed(anna))["items"]
    assert [(item["id"], item["status"]) for item in items] == [(master["id"], "confirmed"), (gone, "cancelled")]
    await anna.delete(f"{EVENTS_OF_ANNA}/{master['id']}")
    assert (await listed(anna))["items"] == []


async def test_single_events_with_deleted_ones_have_no_masters(anna: httpx2.AsyncClient) -> None:
    """§1.3"""
    master = await put_in(anna, WEEKLY)
    window = {"timeMin": "2026-11-23T00:00:00Z", "timeMax": "2026-12-07T00:00:00Z", "singleEvents": "true"}
    await anna.delete(f"{EVENTS_OF_ANNA}/{master['id']}")
    assert (await listed(anna, **window))["items"] == []
    items = (await listed(anna, showDeleted="true", **window))["items"]
    assert [(item["id"].removeprefix(master["id"]), item["status"]) for item in items] == [
        ("_20261124T080000Z", "cancelled"),
        ("_20261201T080000Z", "cancelled"),
    ]


async def test_unexpanded_lists_have_masters_and_exceptions(anna: httpx2.AsyncClient) -> None:
    """§1.5"""
    master = await put_in(anna, WEEKLY)
    moved = f"{master['id']}_20261201T080000Z"
    await anna.patch(f"{EVENTS_OF_ANNA}/{moved}", json=timed("2026-12-01T15:00", "2026-12-01T16:00"))
    items, _ = await synced(anna)
    assert [item["id"] for item in items] == [master["id"], moved]
    assert items[0]["recurrence"] == ["RRULE:FREQ=WEEKLY"]


async def test_expanded_lists_have_instances_and_no_masters(anna: httpx2.AsyncClient) -> None:
    """§1.5"""
    master = await put_in(anna, WEEKLY)
    moved = f"{master['id']}_20261201T080000Z"
    await anna.patch(f"{EVENTS_OF_ANNA}/{moved}", json=timed("2026-12-01T15:00", "2026-12-01T16:00"))
    items, _ = await synced(anna, singleEvents="true", timeMin="2026-11-23T00:00:00Z", timeMax="2026-12-14T00:00:00Z")
    assert [(item["id"].removeprefix(master["id"]), item["start"]["dateTime"]) for item in items] == [
        ("_20261124T080000Z", "2026-11-24T09:00:00+01:00"),
        ("_20261201T080000Z", "2026-12-01T15:00:00+01:00"),
        ("_20261208T080000Z", "2026-12-08T09:00:00+01:00"),
    ]
    assert all(item["recurringEventId"] == master["id"] and "recurrence" not in item for item in items)


async def test_an_endless_series_is_expanded_far_but_not_without_end(anna: httpx2.AsyncClient) -> None:
    """§1.5"""
    await put_in(anna, WEEKLY)
    items, _ = await synced(anna, singleEvents="true", maxResults=2500)
    assert 100 <= len(items) <= 110


async def test_editing_a_series_is_one_row_unexpanded_and_many_expanded(anna: httpx2.AsyncClient) -> None:
    """§1.5"""
    master = await put_in(anna, WEEKLY | {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]})
    _, plain = await synced(anna)
    _, expanded = await synced(anna, singleEvents="true")
    await anna.patch(f"{EVENTS_OF_ANNA}/{master['id']}", json={"summary": "Run"})
    rows, plain = await synced(anna, syncToken=plain)
    assert [row["id"] for row in rows] == [master["id"]]
    rows, expanded = await synced(anna, singleEvents="true", syncToken=expanded)
    assert summaries(rows) == ["Run"] * 3
    await anna.delete(f"{EVENTS_OF_ANNA}/{master['id']}")
    rows, _ = await synced(anna, syncToken=plain)
    assert [(row["id"], row["status"]) for row in rows] == [(master["id"], "cancelled")]
    rows, _ = await synced(anna, singleEvents="true", syncToken=expanded)
    assert [row["status"] for row in rows] == ["cancelled"] * 3
    assert all(row["id"].startswith(f"{master['id']}_") for row in rows)


async def test_a_moved_instance_comes_as_a_row_with_its_original_start(anna: httpx2.AsyncClient) -> None:
    """§1.6"""
    master = await put_in(anna, WEEKLY)
    _, token = await synced(anna)
    moved = f"{master['id']}_20261201T080000Z"
    await anna.patch(f"{EVENTS_OF_ANNA}/{moved}", json=timed("2026-12-02T15:00", "2026-12-02T16:00"))
    ((row,), _) = await synced(anna, syncToken=token)
    assert (row["id"], row["recurringEventId"], row["status"]) == (moved, master["id"], "confirmed")
    assert row["originalStartTime"] == {"dateTime": "2026-12-01T09:00:00+01:00", "timeZone": "Europe/Oslo"}
    assert row["start"]["dateTime"] == "2026-12-02T15:00:00+01:00"


@pytest.mark.parametrize("bare", [False, True])
async def test_a_cancelled_instance_comes_with_its_master_or_bare(
    anna: httpx2.AsyncClient, google: SandboxGoogle, bare: bool
) -> None:
    """§1.6"""
    google.calendar(ANNA).bare_tombstones = bare
    master = await put_in(anna, WEEKLY)
    _, token = await synced(anna)
    gone = f"{master['id']}_20261201T080000Z"
    await anna.delete(f"{EVENTS_OF_ANNA}/{gone}")
    ((row,), _) = await synced(anna, syncToken=token)
    assert (row["id"], row["status"]) == (gone, "cancelled")
    if bare:
        assert row.keys() == {"kind", "etag", "id", "status"}
    else:
        assert row["recurringEventId"] == master["id"]
        assert row["originalStartTime"]["dateTime"] == "2026-12-01T09:00:00+01:00"


async def test_a_deleted_event_comes_as_its_id_and_nothing_more(anna: httpx2.AsyncClient) -> None:
    """§1.6"""
    event = await put_in(anna, HOUR)
    _, token = await synced(anna)
    await anna.delete(f"{EVENTS_OF_ANNA}/{event['id']}")
    ((row,), _) = await synced(anna, syncToken=token)
    assert row.keys() == {"kind", "etag", "id", "status"}


async def test_an_all_day_instance_is_named_by_its_date(anna: httpx2.AsyncClient) -> None:
    """§1.6"""
    master = await put_in(anna, all_day("2026-11-24", "2026-11-25", recurrence=["RRULE:FREQ=DAILY;COUNT=2"]))
    items = (await listed(anna, f"{EVENTS_OF_ANNA}/{master['id']}/instances"))["items"]
    assert [item["id"] for item in items] == [f"{master['id']}_20261124", f"{master['id']}_20261125"]
    assert items[1]["originalStartTime"] == {"date": "2026-11-25"}


async def test_cutting_a_series_short_resets_its_later_exceptions(anna: httpx2.AsyncClient) -> None:
    """§1.6: the old master gets an UNTIL, a new one is inserted."""
    master = await put_in(anna, WEEKLY)
    moved = f"{master['id']}_20261208T080000Z"
    await anna.patch(f"{EVENTS_OF_ANNA}/{moved}", json=timed("2026-12-09T15:00", "2026-12-09T16:00"))
    _, token = await synced(anna)
    until = {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20261202T000000Z"]}
    await anna.patch(f"{EVENTS_OF_ANNA}/{master['id']}", json=until)
    rows, _ = await synced(anna, syncToken=token)
    assert {row["id"]: row["status"] for row in rows} == {master["id"]: "confirmed", moved: "cancelled"}
    left = (await listed(anna, f"{EVENTS_OF_ANNA}/{master['id']}/instances"))["items"]
    assert [row["start"]["dateTime"] for row in left] == ["2026-11-24T09:00:00+01:00", "2026-12-01T09:00:00+01:00"]


async def test_an_event_that_moves_to_another_calendar_leaves_a_tombstone(
    anna: httpx2.AsyncClient, google: SandboxGoogle
) -> None:
    """§1.6"""
    event = await put_in(anna, HOUR)
    _, token = await synced(anna)
    google.transfer_event(ANNA, event["id"], WORKSHOP)
    ((row,), _) = await synced(anna, syncToken=token)
    assert (row["id"], row["status"]) == (event["id"], "cancelled")
    assert summaries((await listed(anna, f"/calendars/{WORKSHOP}/events"))["items"]) == ["Once"]


async def test_a_series_lies_in_the_window_when_an_instance_does(anna: httpx2.AsyncClient) -> None:
    """§1.8, §1.10"""
    old = timed("2025-01-07T09:00", "2025-01-07T10:00", summary="old")
    await put_in(anna, old | {"recurrence": ["RRULE:FREQ=WEEKLY"]})
    await put_in(anna, old | {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]})
    assert len((await listed(anna, timeMin="2026-11-21T00:00:00Z"))["items"]) == 1


async def test_instances_come_with_exceptions_in_place_and_without_cancelled_ones(anna: httpx2.AsyncClient) -> None:
    """§1.10"""
    master = await put_in(anna, WEEKLY)
    path = f"{EVENTS_OF_ANNA}/{master['id']}/instances"
    await anna.delete(f"{EVENTS_OF_ANNA}/{master['id']}_20261201T080000Z")
    await anna.patch(
        f"{EVENTS_OF_ANNA}/{master['id']}_20261208T080000Z", json=timed("2026-11-26T09:00", "2026-11-26T10:00")
    )
    window = {"timeMin": "2026-11-23T00:00:00Z", "timeMax": "2026-12-16T00:00:00Z"}
    page = await listed(anna, path, **window)
    assert [item["start"]["dateTime"][:10] for item in page["items"]] == ["2026-11-24", "2026-11-26", "2026-12-15"]
    assert "nextSyncToken" not in page
    shown = await listed(anna, path, showDeleted="true", **window)
    assert [item["status"] for item in shown["items"]].count("cancelled") == 1


async def test_instances_page(anna: httpx2.AsyncClient) -> None:
    """§1.10"""
    master = await put_in(anna, WEEKLY | {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"]})
    path = f"{EVENTS_OF_ANNA}/{master['id']}/instances"
    first = await listed(anna, path, maxResults=3)
    second = await listed(anna, path, maxResults=3, pageToken=first["nextPageToken"])
    assert (len(first["items"]), len(second["items"])) == (3, 2)
    assert "nextPageToken" not in second


async def test_instances_of_what_does_not_recur_are_refused(anna: httpx2.AsyncClient) -> None:
    event = await put_in(anna, HOUR)
    answer = await anna.get(f"{EVENTS_OF_ANNA}/{event['id']}/instances")
    assert error_of(answer) == (400, "global", "invalid")
    missing = await anna.get(f"{EVENTS_OF_ANNA}/nosuchevent/instances")
    assert error_of(missing) == (404, "global", "notFound")
