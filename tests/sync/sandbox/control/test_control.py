"""The controls under `/sandbox`: the world around Google, played over HTTP."""

import httpx2

from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import (
    ANNA,
    BEN,
    EVENTS_OF_ANNA,
    WORKSHOP,
    Json,
    bearer,
    error_of,
    listed,
    synced,
    timed,
)

BODY = timed("2026-11-24T09:00", "2026-11-24T10:00", summary="Doctor")
ANNAS = f"/sandbox/calendars/{ANNA}"


async def told(web: httpx2.AsyncClient, method: str, path: str, body: Json | None = None) -> httpx2.Response:
    answer = await web.request(method, path, json=body if body is not None else {})
    assert answer.status_code in (200, 201, 204), answer.text
    return answer


async def test_the_overview_has_every_account_and_its_calendars(web: httpx2.AsyncClient) -> None:
    accounts = (await web.get("/sandbox")).json()["accounts"]
    assert [(account["email"], len(account["calendars"])) for account in accounts] == [(ANNA, 3), (BEN, 2)]


async def test_accounts_calendars_and_shares_are_made(web: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    await told(web, "POST", "/sandbox/accounts", {"email": "carla@example.com", "timeZone": "Asia/Tokyo"})
    made = await told(
        web, "POST", "/sandbox/calendars", {"summary": "Cars", "owner": "carla@example.com", "watchable": False}
    )
    calendar_id = made.json()["id"]
    await told(web, "POST", f"/sandbox/calendars/{calendar_id}/share", {"email": BEN, "role": "freeBusyReader"})
    assert google.calendar("carla@example.com").time_zone == "Asia/Tokyo"
    assert google.calendar(calendar_id).watchable is False
    assert google.calendar(calendar_id).role_of(BEN) == "freeBusyReader"
    await told(web, "POST", f"/sandbox/calendars/{calendar_id}/share", {"email": BEN, "role": None})
    assert google.calendar(calendar_id).role_of(BEN) is None
    await told(web, "DELETE", f"/sandbox/calendars/{calendar_id}")
    assert calendar_id not in google.calendars


async def test_a_person_adds_moves_copies_and_deletes_events(web: httpx2.AsyncClient, anna: httpx2.AsyncClient) -> None:
    event = (await told(web, "POST", f"{ANNAS}/events", BODY)).json()
    moved = (
        await told(web, "PATCH", f"{ANNAS}/events/{event['id']}", timed("2026-11-24T12:00", "2026-11-24T13:00"))
    ).json()
    assert moved["start"]["dateTime"] == "2026-11-24T12:00:00+01:00"
    assert moved["summary"] == "Doctor"
    copy = (await told(web, "POST", f"{ANNAS}/events/{event['id']}/copy")).json()
    await told(web, "POST", f"{ANNAS}/events/{copy['id']}/transfer", {"to": WORKSHOP})
    assert [item["id"] for item in (await web.get(f"{ANNAS}/events")).json()["items"]] == [event["id"]]
    await told(web, "DELETE", f"{ANNAS}/events/{event['id']}")
    assert (await listed(anna))["items"] == []
    assert len((await listed(anna, f"/calendars/{WORKSHOP}/events"))["items"]) == 1


async def test_sync_tokens_are_ended(web: httpx2.AsyncClient, anna: httpx2.AsyncClient) -> None:
    _, token = await synced(anna)
    await told(web, "POST", f"{ANNAS}/invalidate")
    assert error_of(await anna.get(EVENTS_OF_ANNA, params={"syncToken": token}))[0] == 410


async def test_grants_are_revoked_and_access_is_ended(
    web: httpx2.AsyncClient, anna: httpx2.AsyncClient, google: SandboxGoogle
) -> None:
    await told(web, "POST", f"/sandbox/accounts/{ANNA}/expire-access")
    assert error_of(await anna.get(EVENTS_OF_ANNA))[0] == 401
    anna.headers |= bearer(google)
    assert (await anna.get(EVENTS_OF_ANNA)).status_code == 200
    await told(web, "POST", f"/sandbox/accounts/{ANNA}/revoke")
    assert error_of(await anna.get(EVENTS_OF_ANNA))[0] == 401


async def test_faults_are_ordered_and_cleared(web: httpx2.AsyncClient, anna: httpx2.AsyncClient) -> None:
    await told(web, "POST", "/sandbox/faults", {"kind": "server_error", "times": None, "path": "/events"})
    assert (await anna.get(EVENTS_OF_ANNA)).status_code == 500
    await told(web, "DELETE", "/sandbox/faults")
    assert (await anna.get(EVENTS_OF_ANNA)).status_code == 200
    unknown = await web.post("/sandbox/faults", json={"kind": "gremlins"})
    assert error_of(unknown) == (400, "global", "invalid")


async def test_a_calendar_changes_its_habits(web: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    await told(web, "PATCH", ANNAS, {"watchable": False, "bareTombstones": True})
    calendar = google.calendar(ANNA)
    assert (calendar.watchable, calendar.bare_tombstones) == (False, True)
    await told(web, "POST", f"{ANNAS}/purge")


async def test_what_is_not_there_is_not_found(web: httpx2.AsyncClient) -> None:
    assert error_of(await web.get("/sandbox/calendars/nowhere/events")) == (404, "global", "notFound")
    assert error_of(await web.post("/sandbox/accounts", json={})) == (400, "global", "required")
    assert error_of(await web.post("/sandbox/accounts", json={"email": ANNA})) == (409, "global", "duplicate")
