"""Whoever keeps rows by id and follows the sync token ends with what a full list has, whatever happens meanwhile."""

import random

import httpx2
import pytest

from sync.sandbox.errors import GoogleError
from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.doors import ANNA, EVENTS_OF_ANNA, Json, listed, synced, timed

SERIES = ["RRULE:FREQ=DAILY;COUNT=6"]


class Person:
    """Does something to a calendar, at random but the same for the same seed."""

    def __init__(self, google: SandboxGoogle, seed: int) -> None:
        self.google = google
        self.random = random.Random(seed)
        self.ids: list[str] = []

    def act(self) -> None:
        deeds = (self.add, self.add, self.rename, self.move, self.delete, self.restore, self.cut_short)
        try:
            self.random.choice(deeds)()
        except GoogleError as error:
            # There was nothing to do it to.
            assert error.status in (404, 410), error

    def add(self) -> None:
        body = self._times() | ({"recurrence": SERIES} if self.random.random() < 0.4 else {})
        event = self.google.insert_event(ANNA, body | {"summary": "added"})
        self.ids.append(event["id"])
        if "recurrence" in event:
            hour = event["start"]["dateTime"][11:13]
            self.ids += [f"{event['id']}_202611{day}T{int(hour) - 1:02}0000Z" for day in range(24, 28)]

    def rename(self) -> None:
        self.google.edit_event(ANNA, self._any(), {"summary": f"renamed {self.random.random()}"})

    def move(self) -> None:
        self.google.edit_event(ANNA, self._any(), self._times())

    def delete(self) -> None:
        self.google.delete_event(ANNA, self._any())

    def restore(self) -> None:
        event = self.google.event(ANNA, self._any())
        self.google.edit_event(ANNA, event["id"], {"status": "confirmed"})

    def cut_short(self) -> None:
        event = self.google.event(ANNA, self._any())
        if "recurrence" in event:
            self.google.edit_event(ANNA, event["id"], {"recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]})

    def _any(self) -> str:
        return self.random.choice(self.ids or ["nothing"])

    def _times(self) -> Json:
        hour = self.random.randrange(8, 20)
        return timed(f"2026-11-24T{hour:02}:00", f"2026-11-24T{hour + 1:02}:00")


async def pulled(client: httpx2.AsyncClient, person: Person, local: dict[str, Json], token: str | None) -> str:
    """One sync, page by page, with the person at work between the pages."""
    params: dict[str, str | int] = {"maxResults": 3} | ({"syncToken": token} if token else {})
    while True:
        page = await listed(client, **params)
        local |= {item["id"]: item for item in page["items"]}
        if "nextSyncToken" in page:
            return str(page["nextSyncToken"])
        params["pageToken"] = page["nextPageToken"]
        person.act()


@pytest.mark.parametrize("seed", range(25))
async def test_following_the_token_ends_where_a_full_list_does(
    anna: httpx2.AsyncClient, google: SandboxGoogle, seed: int
) -> None:
    """§1.1, §1.6"""
    person, local = Person(google, seed), dict[str, Json]()
    token = None
    for _ in range(8):
        for _ in range(person.random.randrange(5)):
            person.act()
        token = await pulled(anna, person, local, token)
    rest, _ = await synced(anna, maxResults=3, syncToken=token or "")
    local |= {item["id"]: item for item in rest}

    whole, _ = await synced(anna)
    masters = {item["id"] for item in whole if "recurringEventId" not in item}
    followed = {
        event_id: item
        for event_id, item in local.items()
        # A cancelled instance is kept for as long as its master lives; other cancelled rows are dropped.
        if item["status"] != "cancelled" or item.get("recurringEventId") in masters
    }
    orphans = {
        event_id for event_id in followed if followed[event_id].get("recurringEventId", event_id) not in followed
    }
    for event_id in orphans:
        del followed[event_id]
    listed_now = {item["id"]: item for item in whole}
    for event_id in followed.keys() ^ listed_now.keys():
        # What an exception leaves behind when the rule no longer gives it: a tombstone without a series.
        assert (followed | listed_now)[event_id]["status"] == "cancelled"
    for event_id in followed.keys() & listed_now.keys():
        assert followed[event_id] == listed_now[event_id]
    instances = await listed(anna, EVENTS_OF_ANNA, singleEvents="true", maxResults=2500)
    assert all(item["status"] != "cancelled" for item in instances["items"])
