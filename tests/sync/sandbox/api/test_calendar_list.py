"""`calendarList`, by the numbers of Google's rules §1.4 and §5.8."""

import httpx2

from sync.sandbox.calendars.calendars import Role
from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import ANNA, BEN, WORKSHOP, error_of, listed

PATH = "/users/me/calendarList"


async def test_the_list_has_every_calendar_with_its_role(ben: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§5.8"""
    google.calendar(WORKSHOP).shares[BEN].summary_override = "Our workshop"
    items = (await listed(ben, PATH))["items"]
    assert [(item["id"], item["accessRole"], item["timeZone"]) for item in items] == [
        (BEN, "owner", "Europe/Oslo"),
        (WORKSHOP, "writer", "Europe/Oslo"),
    ]
    primary, shared = items
    assert primary["primary"] is True
    assert "dataOwner" not in primary
    assert "primary" not in shared
    assert (shared["summary"], shared["summaryOverride"], shared["dataOwner"]) == ("Workshop", "Our workshop", ANNA)


async def test_the_list_can_be_cut_to_a_least_role(ben: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§5.8"""
    google.share(WORKSHOP, BEN, Role.READER)
    assert len((await listed(ben, PATH, minAccessRole="reader"))["items"]) == 2
    assert [item["id"] for item in (await listed(ben, PATH, minAccessRole="writer"))["items"]] == [BEN]


async def test_hidden_calendars_are_shown_when_asked_for(ben: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§5.8"""
    google.calendar(WORKSHOP).shares[BEN].hidden = True
    assert [item["id"] for item in (await listed(ben, PATH))["items"]] == [BEN]
    hidden = (await listed(ben, PATH, showHidden="true"))["items"][1]
    assert (hidden["id"], hidden["hidden"]) == (WORKSHOP, True)


async def test_ids_are_found_through_their_percent_encoding(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§5.8"""
    google.add_calendar("Holidays", ANNA, calendar_id="en.usa#holiday@group.v.calendar.google.com", watchable=False)
    answer = await anna.get(f"{PATH}/en.usa%23holiday%40group.v.calendar.google.com")
    assert answer.json()["summary"] == "Holidays"
    events = await anna.get("/calendars/en.usa%23holiday%40group.v.calendar.google.com/events")
    assert events.json()["summary"] == "Holidays"


async def test_the_list_pages_by_100_and_250_at_most(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§1.4"""
    for number in range(260):
        google.add_calendar(f"Car {number}", ANNA)
    first = await listed(anna, PATH)
    assert len(first["items"]) == 100
    largest = await listed(anna, PATH, maxResults=1000)
    assert len(largest["items"]) == 250
    rest = await listed(anna, PATH, maxResults=1000, pageToken=largest["nextPageToken"])
    ids = {item["id"] for item in largest["items"] + rest["items"]}
    assert len(ids) == 263
    assert "nextPageToken" not in rest


async def test_an_unknown_calendar_is_not_found(ben: httpx2.AsyncClient) -> None:
    """§3.6: how a client tells that it lost a calendar."""
    assert error_of(await ben.get(f"{PATH}/{ANNA}")) == (404, "global", "notFound")
    assert (await ben.get(f"{PATH}/primary")).json()["id"] == BEN
