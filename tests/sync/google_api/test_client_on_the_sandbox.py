"""The client against the sandbox Google, over real HTTP: that the two of them mean the same."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from models.enums import GoogleAccessRole
from sync.google_api import scopes
from sync.google_api.client import GoogleClient
from sync.google_api.replies import (
    CalendarList,
    ChannelReply,
    Done,
    EventReply,
    Failure,
    FailureKind,
    IdClaims,
    Page,
    Tokens,
)
from sync.push import machine
from sync.sandbox.app import sandbox_app
from sync.sandbox.state import SandboxGoogle
from tests.stage import Stage, browser
from tests.sync.sandbox.sandbox_client import ANNA, BEN, CALLBACK, CLIENT, WORKSHOP, all_day, timed

STREAM = {"singleEvents": "false", "maxResults": "2500", "maxAttendees": "1"}
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@pytest.fixture
async def google() -> AsyncIterator[SandboxGoogle]:
    google = SandboxGoogle()
    google.seed_demo()
    yield google
    await google.close()


@pytest.fixture
async def client(google: SandboxGoogle, google_stage: Stage) -> AsyncIterator[GoogleClient]:
    async with (
        google_stage.playing(sandbox_app(google)) as origin,
        GoogleClient(CLIENT["client_id"], CLIENT["client_secret"], origin, CALLBACK) as client,
    ):
        yield client


async def consented(client: GoogleClient, *, email: str = ANNA, ticked: tuple[str, ...] = scopes.REQUIRED) -> str:
    """The code that comes back when a person opens the page, ticks these boxes and allows."""
    url = await client.authorization_url("state-1", CHALLENGE)
    assert isinstance(url, str)
    async with browser() as person:
        assert (await person.get(url)).status_code == 200
        form: Mapping[str, Any] = {"account": email, "scope": list(ticked), "decision": "allow"}
        back = await person.post(url, data=form)
    answer = parse_qs(urlsplit(back.headers["Location"]).query)
    assert answer["state"] == ["state-1"]
    return answer["code"][0]


async def signed_in(client: GoogleClient, email: str = ANNA) -> Tokens:
    tokens = await client.exchange(await consented(client, email=email), VERIFIER)
    assert isinstance(tokens, Tokens)
    return tokens


def kind_of(answer: object) -> FailureKind:
    assert isinstance(answer, Failure), answer
    return answer.kind


async def test_signing_in_yields_an_identity_and_everything_we_asked_for(
    client: GoogleClient, google: SandboxGoogle
) -> None:
    tokens = await signed_in(client)
    assert tokens.id_claims == IdClaims(google.account(ANNA).sub, ANNA)
    assert scopes.missing(tokens.scopes) == ()
    assert tokens.refresh
    assert tokens.expires_in > 3000


async def test_an_unticked_box_is_a_missing_scope(client: GoogleClient) -> None:
    tokens = await client.exchange(await consented(client, ticked=(scopes.EVENTS,)), VERIFIER)
    assert isinstance(tokens, Tokens)
    assert scopes.missing(tokens.scopes) == (scopes.CALENDAR_LIST,)
    assert kind_of(await client.calendars(tokens.access)) is FailureKind.RECONNECT


async def test_a_code_is_good_once_and_only_for_who_started(client: GoogleClient) -> None:
    code = await consented(client)
    assert kind_of(await client.exchange(code, "w" * 43)) is FailureKind.RECONNECT
    code = await consented(client)
    assert isinstance(await client.exchange(code, VERIFIER), Tokens)
    assert kind_of(await client.exchange(code, VERIFIER)) is FailureKind.RECONNECT


async def test_an_access_token_can_be_replaced_until_the_grant_is_revoked(
    client: GoogleClient, google: SandboxGoogle
) -> None:
    tokens = await signed_in(client)
    assert tokens.refresh is not None
    google.grants.expire_access(ANNA)
    assert kind_of(await client.calendars(tokens.access)) is FailureKind.UNAUTHORIZED
    fresh = await client.refresh(tokens.refresh)
    assert isinstance(fresh, Tokens)
    assert fresh.refresh is None
    assert isinstance(await client.calendars(fresh.access), CalendarList)
    assert await client.revoke(tokens.refresh) == Done()
    assert kind_of(await client.refresh(tokens.refresh)) is FailureKind.RECONNECT
    assert await client.revoke(tokens.refresh) == Done()


async def test_a_wrong_secret_is_the_operators_to_mend(google: SandboxGoogle, google_stage: Stage) -> None:
    async with (
        google_stage.playing(sandbox_app(google)) as origin,
        GoogleClient(CLIENT["client_id"], "wrong", origin, CALLBACK) as client,
    ):
        assert kind_of(await client.refresh("1//0abc")) is FailureKind.MISCONFIGURED


async def test_the_calendars_come_with_what_may_be_done_with_them(client: GoogleClient, google: SandboxGoogle) -> None:
    google.page_cap = 1
    tokens = await signed_in(client, BEN)
    listed = await client.calendars(tokens.access)
    assert isinstance(listed, CalendarList)
    assert [(each.google_id, each.access_role, each.primary) for each in listed.items] == [
        (BEN, GoogleAccessRole.OWNER, True),
        (WORKSHOP, GoogleAccessRole.WRITER, False),
    ]
    assert listed.items[0].time_zone == "Europe/Oslo"


async def test_a_mirror_lives_through_insert_update_delete_and_comes_back(client: GoogleClient) -> None:
    at = (await signed_in(client)).access
    body = timed("2027-01-11T09:00", "2027-01-11T10:00", summary="Haircut")
    inserted = await client.insert(at, ANNA, "bk0001", body)
    assert isinstance(inserted, EventReply)
    assert inserted.event["summary"] == "Haircut"
    assert kind_of(await client.insert(at, ANNA, "bk0001", body)) is FailureKind.DUPLICATE
    updated = await client.update(at, ANNA, "bk0001", body | {"summary": "Cut"})
    assert isinstance(updated, EventReply)
    assert updated.event["etag"] != inserted.event["etag"]
    assert await client.delete(at, ANNA, "bk0001") == Done()
    assert kind_of(await client.delete(at, ANNA, "bk0001")) is FailureKind.GONE
    assert kind_of(await client.delete(at, ANNA, "bk0002")) is FailureKind.NOT_FOUND
    assert kind_of(await client.insert(at, ANNA, "bk0001", body)) is FailureKind.DUPLICATE
    gone = await client.get(at, ANNA, "bk0001")
    assert isinstance(gone, EventReply)
    assert gone.event["status"] == "cancelled"
    assert isinstance(await client.update(at, ANNA, "bk0001", body | {"status": "confirmed"}), EventReply)


async def test_the_token_stream_tells_what_changed_page_by_page(client: GoogleClient, google: SandboxGoogle) -> None:
    at = (await signed_in(client)).access
    google.page_cap = 1
    kept = google.insert_event(ANNA, timed("2027-01-11T09:00", "2027-01-11T10:00", summary="Doctor"))
    dropped = google.insert_event(ANNA, all_day("2027-01-12", "2027-01-13"))
    first = await client.list_events(at, ANNA, STREAM)
    assert isinstance(first, Page)
    assert first.time_zone == "Europe/Oslo"
    assert first.next_sync_token is None
    assert first.next_page is not None
    last = await client.list_events(at, ANNA, STREAM | {"pageToken": first.next_page})
    assert isinstance(last, Page)
    assert [event["id"] for event in first.items + last.items] == [kept["id"], dropped["id"]]
    assert last.next_sync_token is not None
    google.delete_event(ANNA, dropped["id"])
    changes = await client.list_events(at, ANNA, STREAM | {"syncToken": last.next_sync_token})
    assert isinstance(changes, Page)
    assert [(event["id"], event["status"]) for event in changes.items] == [(dropped["id"], "cancelled")]
    google.invalidate_sync_tokens(ANNA)
    dead = await client.list_events(at, ANNA, STREAM | {"syncToken": last.next_sync_token})
    assert kind_of(dead) is FailureKind.TOKEN_INVALID


async def test_a_series_is_expanded_by_google(client: GoogleClient, google: SandboxGoogle) -> None:
    at = (await signed_in(client)).access
    body = timed("2027-01-11T09:00", "2027-01-11T10:00", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    series = google.insert_event(ANNA, body)["id"]
    query = {"timeMin": "2027-01-01T00:00:00Z", "timeMax": "2027-01-20T00:00:00Z", "maxResults": "2500"}
    page = await client.instances(at, ANNA, series, query)
    assert isinstance(page, Page)
    assert [event["recurringEventId"] for event in page.items] == [series, series]
    assert kind_of(await client.instances(at, ANNA, "nosuch", query)) is FailureKind.NOT_FOUND


async def test_a_calendar_may_be_read_only_lost_or_unwatchable(client: GoogleClient, google: SandboxGoogle) -> None:
    at = (await signed_in(client, BEN)).access
    body = timed("2027-01-11T09:00", "2027-01-11T10:00")
    google.share(WORKSHOP, BEN, "reader")
    assert kind_of(await client.insert(at, WORKSHOP, "bk0001", body)) is FailureKind.READ_ONLY
    google.share(WORKSHOP, BEN, None)
    assert kind_of(await client.list_events(at, WORKSHOP, STREAM)) is FailureKind.NOT_FOUND
    google.calendar(BEN).watchable = False
    refused = await client.watch(at, BEN, "c1", "https://us.example/hook", "secret", 3600)
    assert kind_of(refused) is FailureKind.UNWATCHABLE


async def test_a_channel_is_opened_and_closed(client: GoogleClient, our_stage: Stage) -> None:
    at = (await signed_in(client)).access
    async with our_stage.playing(sandbox_app()) as hook:
        address = f"{hook}/google/notifications"
        opened = await client.watch(at, ANNA, "c1", address, "secret", 3600)
        assert isinstance(opened, ChannelReply)
        assert opened.expires_at is not None
        assert kind_of(await client.watch(at, ANNA, "c1", address, "secret", 3600)) is FailureKind.RETRY
        assert await client.stop(at, "c1", opened.resource_id) == Done()
        assert await client.stop(at, "c1", opened.resource_id) == Done()


FAULTS = [
    ("rate_limited", FailureKind.RETRY),
    ("user_rate_limited", FailureKind.RETRY),
    ("quota_exceeded", FailureKind.QUOTA),
    ("server_error", FailureKind.RETRY),
    ("html_bad_gateway", FailureKind.RETRY),
    ("drop_before", FailureKind.RETRY),
]


@pytest.mark.parametrize(("fault", "kind"), FAULTS)
async def test_every_trouble_has_its_kind(
    client: GoogleClient, google: SandboxGoogle, fault: str, kind: FailureKind
) -> None:
    at = (await signed_in(client)).access
    google.faults.add(fault, method="POST")
    body = timed("2027-01-11T09:00", "2027-01-11T10:00")
    assert kind_of(await client.insert(at, ANNA, "bk0001", body)) is kind
    assert google.events(ANNA) == []


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "html_bad_gateway"])
async def test_a_lost_answer_is_made_good_by_the_next_attempt(
    client: GoogleClient, google: SandboxGoogle, fault: str
) -> None:
    at = (await signed_in(client)).access
    body = timed("2027-01-11T09:00", "2027-01-11T10:00", summary="Haircut")
    google.faults.add(fault, method="POST")
    outcomes = [await pushed(client, at, body) for _ in range(2)]
    assert isinstance(outcomes[0], machine.Again)
    assert isinstance(outcomes[1], machine.Pushed)
    assert [event["summary"] for event in google.events(ANNA)] == ["Haircut"]


async def pushed(client: GoogleClient, at: str, body: Mapping[str, Any]) -> machine.Outcome:
    """The push machine, driven to its end."""
    progress, call = machine.begin(present=True, generation=0, pushed_before=False)
    following: machine.Call | machine.Outcome = call
    while isinstance(following, machine.Call):
        google_id = f"bk000{following.generation}"
        reply: machine.Reply
        match following:
            case machine.Insert():
                reply = await client.insert(at, ANNA, google_id, body)
            case machine.Get():
                reply = await client.get(at, ANNA, google_id)
            case machine.Update():
                reply = await client.update(at, ANNA, google_id, body)
            case machine.Delete():
                reply = await client.delete(at, ANNA, google_id)
        progress, following = machine.step(progress, reply)
    return following


async def test_a_cancelled_call_leaves_the_client_usable(client: GoogleClient, google: SandboxGoogle) -> None:
    at = (await signed_in(client)).access
    google.faults.add("hold", times=1)
    held = asyncio.create_task(client.list_events(at, ANNA, STREAM))
    await asyncio.sleep(0)
    held.cancel()
    with pytest.raises(asyncio.CancelledError):
        await held
    google.faults.clear()
    assert isinstance(await client.list_events(at, ANNA, STREAM), Page)
