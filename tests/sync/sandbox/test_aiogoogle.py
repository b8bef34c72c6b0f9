"""The sandbox driven by aiogoogle over real HTTP, with Google's own discovery document."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiogoogle.auth import creds
from aiogoogle.client import Aiogoogle
from aiogoogle.excs import HTTPError
from aiogoogle.resource import GoogleAPI

import sync.sandbox
from sync.sandbox.accounts.grants import full_scopes
from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import ANNA, CALLBACK, CLIENT, SCOPES, Hook, timed

# aiogoogle leaves these without types.
AIOGOOGLE: Any = Aiogoogle
GOOGLE_API: Any = GoogleAPI
CREDS: Any = creds

DOCUMENT = Path(sync.sandbox.__file__).parents[1] / "calendar.v3.json"
BODY = timed("2026-11-24T09:00", "2026-11-24T10:00", summary="Haircut", id="tbk0123456789")


def calendar_api(origin: str) -> Any:
    return GOOGLE_API(json.loads(DOCUMENT.read_text()) | {"rootUrl": f"{origin}/"})


async def signed_in(google: SandboxGoogle, origin: str) -> Any:
    """Tokens from the real endpoint, as a client of ours would hold them."""
    code = google.grants.consent(ANNA, CLIENT["client_id"], CALLBACK, full_scopes(SCOPES), offline=True, prompted=True)
    fields = CLIENT | {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    async with aiohttp.ClientSession() as session, session.post(f"{origin}/token", data=fields) as answer:
        tokens = await answer.json()
    held = CREDS.UserCreds(
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        expires_at="2099-01-01T00:00:00",
        scopes=tokens["scope"].split(),
    )
    return AIOGOOGLE(user_creds=held, client_creds=CREDS.ClientCreds(**CLIENT, redirect_uri=CALLBACK))


async def test_aiogoogle_lists_writes_syncs_and_deletes(google: SandboxGoogle, origin: str) -> None:
    calendar = calendar_api(origin)
    async with await signed_in(google, origin) as client:
        calendars = await client.as_user(calendar.calendarList.list(maxResults=250, showHidden="true"))
        assert calendars["items"][0]["id"] == ANNA

        fixed = {"calendarId": ANNA, "singleEvents": "false", "maxResults": 2500, "maxAttendees": 1}
        first = await client.as_user(calendar.events.list(timeMin="2026-11-21T00:00:00Z", **fixed))
        event = await client.as_user(calendar.events.insert(calendarId=ANNA, sendUpdates="none", json=BODY))
        assert event["id"] == BODY["id"]

        change = await client.as_user(calendar.events.list(syncToken=first["nextSyncToken"], **fixed))
        assert [item["id"] for item in change["items"]] == [event["id"]]

        request = calendar.events.update(calendarId=ANNA, eventId=event["id"], json=BODY | {"summary": "Shave"})
        request.headers["If-Match"] = event["etag"]
        assert (await client.as_user(request))["summary"] == "Shave"
        with pytest.raises(HTTPError) as refusal:
            await client.as_user(request)
        assert refusal.value.res is not None
        assert refusal.value.res.status_code == 412
        assert refusal.value.res.json["error"]["errors"][0]["reason"] == "conditionNotMet"

        assert await client.as_user(calendar.events.delete(calendarId=ANNA, eventId=event["id"])) is None
        gone = await client.as_user(calendar.events.list(syncToken=change["nextSyncToken"], **fixed))
        assert [item["status"] for item in gone["items"]] == ["cancelled"]


async def test_aiogoogle_expands_and_watches(google: SandboxGoogle, origin: str, hook: Hook) -> None:
    calendar = calendar_api(origin)
    async with await signed_in(google, origin) as client:
        wish = {"id": "channel-1", "type": "web_hook", "address": hook.address, "token": "secret"}
        channel = await client.as_user(calendar.events.watch(calendarId=ANNA, json=wish))
        assert (await hook.heard.get())["x-goog-resource-state"] == "sync"

        series = BODY | {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]}
        master = await client.as_user(calendar.events.insert(calendarId=ANNA, json=series))
        assert (await hook.heard.get())["x-goog-channel-token"] == "secret"
        page = await client.as_user(
            calendar.events.instances(
                calendarId=ANNA, eventId=master["id"], timeMin="2026-11-30T00:00:00Z", timeMax="2027-01-01T00:00:00Z"
            )
        )
        assert len(page["items"]) == 2

        stop = calendar.channels.stop(json={"id": channel["id"], "resourceId": channel["resourceId"]})
        assert await client.as_user(stop) is None
        google.delete_event(ANNA, master["id"])
        await google.channels.settled()
        assert hook.heard.empty()


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "html_bad_gateway"])
async def test_aiogoogle_meets_faults_it_does_not_wrap(google: SandboxGoogle, origin: str, fault: str) -> None:
    """§6.5: what a client of ours has to expect."""
    calendar = calendar_api(origin)
    async with await signed_in(google, origin) as client:
        google.faults.add(fault, path="/calendar/v3/")
        with pytest.raises((aiohttp.ClientError, TypeError)):
            await client.as_user(calendar.events.insert(calendarId=ANNA, json=BODY), timeout=5)
    assert len(google.events(ANNA)) == (1 if fault == "drop_after" else 0)
    # aiohttp takes a turn of the loop to let a broken connection go.
    await asyncio.sleep(0)
