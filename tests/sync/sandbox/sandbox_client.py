"""What the sandbox's tests have at hand: a clock, tokens, event bodies, a real server, an ear."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from sync.sandbox.accounts.grants import full_scopes
from sync.sandbox.callers import PREFIX
from sync.sandbox.state import SandboxGoogle

ANNA, BEN = "anna@example.com", "ben@example.com"
WORKSHOP = "workshop@group.calendar.google.com"
CALLBACK = "http://127.0.0.1:8000/google/callback"
CLIENT = {"client_id": "timebok-demo", "client_secret": "timebok-demo-secret"}
EVENTS = f"{PREFIX}calendar.events"
CALENDAR_LIST = f"{PREFIX}calendar.calendarlist.readonly"
SCOPES = f"openid email {EVENTS} {CALENDAR_LIST}"

EVENTS_OF_ANNA = f"/calendars/{ANNA}/events"

Json = dict[str, Any]
Param = str | int | Sequence[str]


class Clock:
    """A time that stands still until it is turned."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def turn(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass(frozen=True)
class Hook:
    """An address for notifications: what it heard, and what it is to answer before it answers 204."""

    address: str
    heard: asyncio.Queue[dict[str, str]]
    answers: list[int]


def bearer(google: SandboxGoogle, email: str = ANNA, scopes: str = SCOPES) -> dict[str, str]:
    """The header of an application this account has granted the scopes."""
    code = google.grants.consent(email, "timebok-demo", CALLBACK, full_scopes(scopes), offline=True, prompted=True)
    issued = google.grants.exchange(code, "timebok-demo", CALLBACK, None)
    return {"Authorization": f"Bearer {issued.access_token}"}


def timed(start: str, end: str, zone: str = "Europe/Oslo", **fields: object) -> Json:
    """An event body from wall-clock times like `2026-11-24T09:00`."""
    times = {name: {"dateTime": f"{wall}:00", "timeZone": zone} for name, wall in (("start", start), ("end", end))}
    return times | fields


def all_day(first: str, after: str, **fields: object) -> Json:
    return {"start": {"date": first}, "end": {"date": after}} | fields


async def put_in(client: httpx2.AsyncClient, body: Json, path: str = EVENTS_OF_ANNA) -> Json:
    """Insert an event over HTTP."""
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    event: Json = answer.json()
    return event


async def listed(client: httpx2.AsyncClient, path: str = EVENTS_OF_ANNA, /, **params: Param) -> Json:
    """One page of a list."""
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    page: Json = answer.json()
    return page


async def synced(client: httpx2.AsyncClient, path: str = EVENTS_OF_ANNA, /, **params: Param) -> tuple[list[Json], str]:
    """Every page of a list, and the sync token of the last one."""
    items: list[Json] = []
    page = await listed(client, path, **params)
    while "nextPageToken" in page:
        assert "nextSyncToken" not in page
        items += page["items"]
        page = await listed(client, path, pageToken=page["nextPageToken"], **params)
    return items + page["items"], page["nextSyncToken"]


def summaries(items: Iterable[Json]) -> list[str]:
    return [item["summary"] for item in items]


def error_of(answer: httpx2.Response) -> tuple[int, str, str]:
    """Status, domain and reason of a refusal in Google's shape (§3.10)."""
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    assert error["message"]
    detail = error["errors"][0]
    assert detail["message"] == error["message"]
    return answer.status_code, detail["domain"], detail["reason"]
