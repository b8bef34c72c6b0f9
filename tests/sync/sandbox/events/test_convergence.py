"""Whoever keeps rows by id and follows the sync token ends with what a full list has, whatever happens meanwhile."""

from collections.abc import Iterable
from contextlib import suppress
from random import Random

import httpx2
import pytest

from sync.sandbox.errors import GoogleError
from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import ANNA, Json, listed, synced, timed

SERIES = ["RRULE:FREQ=DAILY;COUNT=6"]


class Person:
    """Does something to a calendar, at random but the same for the same seed."""

    def __init__(self, google: SandboxGoogle, seed: int) -> None:
        self.google = google
        self.random = Random(seed)  # noqa: S311 - chance that must repeat
        self.ids: list[str] = []

    def act(self) -> None:
        deeds = (self.add, self.add, self.rename, self.move, self.delete, self.restore, self.cut_short)
        with suppress(GoogleError):  # there may be nothing to do it to
            self.random.choice(deeds)()

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


def live(rows: Iterable[Json]) -> dict[str, Json]:
    """The rows that stand for something: not cancelled, and not exceptions of a series that is."""
    kept = {row["id"]: row for row in rows if row["status"] != "cancelled"}
    return {event_id: row for event_id, row in kept.items() if row.get("recurringEventId", event_id) in kept}


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
    assert live(local.values()) == live(whole)
    assert live(whole)
