"""The client over real HTTP, against a server that says whatever a test puts into its mouth."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from sync.google_api.client import GoogleClient
from sync.google_api.replies import CalendarList, Done, EventReply, Failure, FailureKind, Page
from tests.sync.google_api.test_failures import ROWS, refusal
from tests.sync.scripted_server import Mouth, blunt, speaking

CALENDAR = "team/1#a@group.calendar.google.com"
CALLBACK = "http://127.0.0.1:8000/google/callback"
EVENT = {"id": "bk1", "status": "confirmed"}


@pytest.fixture(scope="module")
async def open_mouth() -> AsyncIterator[Mouth]:
    async with speaking() as mouth:
        yield mouth


@pytest.fixture
def mouth(open_mouth: Mouth) -> Mouth:
    """The one server of this module, with nothing to say and nothing heard."""
    open_mouth.answers.clear()
    open_mouth.heard.clear()
    return open_mouth


@pytest.fixture
async def client(mouth: Mouth) -> AsyncIterator[GoogleClient]:
    async with GoogleClient("id", "secret", mouth.origin, CALLBACK) as client:
        yield client


CALLS: list[tuple[str, Callable[[GoogleClient], Awaitable[object]]]] = [
    ("calendars", lambda client: client.calendars("at")),
    ("list", lambda client: client.list_events("at", CALENDAR, {"syncToken": "t"})),
    ("instances", lambda client: client.instances("at", CALENDAR, "m", {})),
    ("get", lambda client: client.get("at", CALENDAR, "bk1")),
    ("insert", lambda client: client.insert("at", CALENDAR, "bk1", {})),
    ("update", lambda client: client.update("at", CALENDAR, "bk1", {})),
    ("delete", lambda client: client.delete("at", CALENDAR, "bk1")),
    ("watch", lambda client: client.watch("at", CALENDAR, "c1", "https://us.example/hook", "secret", 60)),
    ("stop", lambda client: client.stop("at", "c1", "r1")),
    ("refresh", lambda client: client.refresh("rt")),
    ("exchange", lambda client: client.exchange("code", "verifier")),
    ("revoke", lambda client: client.revoke("rt")),
]
every_call = pytest.mark.parametrize("call", [case[1] for case in CALLS], ids=[case[0] for case in CALLS])


@pytest.mark.parametrize(("status", "reason", "kind"), ROWS)
async def test_each_row_of_googles_table_is_told_apart(
    client: GoogleClient, mouth: Mouth, status: int, reason: str, kind: FailureKind
) -> None:
    mouth.say(JSONResponse(refusal(reason), status, {"Retry-After": "7"}))
    assert await client.list_events("at", CALENDAR, {}) == Failure(kind, reason, "No.", 7.0)


@every_call
async def test_a_bad_gateways_page_is_worth_another_try(
    client: GoogleClient, mouth: Mouth, call: Callable[[GoogleClient], Awaitable[object]]
) -> None:
    mouth.say(HTMLResponse("<title>Error 502 (Server Error)!!1</title>", 502))
    assert await call(client) == Failure(FailureKind.RETRY, "HTTP_502", "Google answered with status 502.")


@every_call
async def test_a_busy_google_says_when_to_come_back(
    client: GoogleClient, mouth: Mouth, call: Callable[[GoogleClient], Awaitable[object]]
) -> None:
    mouth.say(JSONResponse(refusal("rateLimitExceeded"), 429, {"Retry-After": "30"}))
    assert await call(client) == Failure(FailureKind.RETRY, "rateLimitExceeded", "No.", 30.0)


@pytest.mark.parametrize(
    "answer",
    [
        HTMLResponse("<p>Log in to the hotel's wireless"),
        Response(b"\xff\xfe{", media_type="application/json"),
        JSONResponse([]),
    ],
    ids=["a portal's page", "no text at all", "a list"],
)
async def test_a_success_that_cannot_be_read_is_none(client: GoogleClient, mouth: Mouth, answer: Response) -> None:
    mouth.say(answer)
    failure = await client.list_events("at", CALENDAR, {})
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code) == (FailureKind.RETRY, "unreadable")


async def test_a_404_that_is_not_googles_is_no_proof(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say(HTMLResponse("Not Found", 404))
    failure = await client.get("at", CALENDAR, "bk1")
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.RETRY


async def test_an_answer_without_a_reason_phrase_is_an_answer() -> None:
    html = b"<html>502"
    head = b"HTTP/1.1 502 \r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(html)
    async with blunt(head + html) as origin, GoogleClient("id", "secret", origin, CALLBACK) as client:
        failure = await client.list_events("at", CALENDAR, {})
    assert failure == Failure(FailureKind.RETRY, "HTTP_502", "Google answered with status 502.")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    ],
    ids=["before the answer", "in the middle of it", "no HTTP", "broken compression"],
)
async def test_a_connection_that_breaks_is_worth_another_try(answer: bytes) -> None:
    async with blunt(answer) as origin, GoogleClient("id", "secret", origin, CALLBACK) as client:
        failure = await client.list_events("at", CALENDAR, {})
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code) == (FailureKind.RETRY, "unreachable")


@every_call
async def test_silence_ends_with_the_timeout(call: Callable[[GoogleClient], Awaitable[object]]) -> None:
    async with (
        blunt(None) as origin,
        GoogleClient("id", "secret", origin, CALLBACK, aiohttp.ClientTimeout(total=0.05)) as client,
    ):
        assert await call(client) == Failure(FailureKind.RETRY, "timeout", "Google did not answer in time.")


async def test_nobody_at_home_is_worth_another_try() -> None:
    async with blunt(b"") as origin:
        pass
    async with GoogleClient("id", "secret", origin, CALLBACK) as client:
        failure = await client.calendars("at")
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.code) == (FailureKind.RETRY, "unreachable")
        assert await client.authorization_url("state", "challenge") == failure


async def test_ids_go_whole_and_tokens_unchanged(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say({"items": [EVENT], "nextSyncToken": "t2", "timeZone": "Europe/Oslo"})
    page = await client.list_events("at", CALENDAR, {"syncToken": "a+b/c==&d", "singleEvents": "false"})
    assert page == Page((EVENT,), None, "t2", "Europe/Oslo")
    (heard,) = mouth.heard
    assert heard["path"].replace("@", "%40") == "/calendar/v3/calendars/team%2F1%23a%40group.calendar.google.com/events"
    assert heard["query"] == {"syncToken": "a+b/c==&d", "singleEvents": "false"}
    assert heard["headers"]["authorization"] == "Bearer at"


async def test_a_write_carries_our_id_and_tells_nobody(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say(EVENT, EVENT, Response(status_code=204))
    assert await client.insert("at", CALENDAR, "bk1", {"summary": "x"}) == EventReply(EVENT)
    assert await client.update("at", CALENDAR, "bk1", {"summary": "x"}) == EventReply(EVENT)
    assert await client.delete("at", CALENDAR, "bk1") == Done()
    insert, update, delete = mouth.heard
    assert json.loads(insert["body"]) == {"summary": "x", "id": "bk1"}
    assert json.loads(update["body"]) == {"summary": "x"}
    assert [each["method"] for each in mouth.heard] == ["POST", "PUT", "DELETE"]
    assert [each["query"] for each in (insert, update, delete)] == [{"sendUpdates": "none"}] * 3


async def test_the_calendar_list_is_read_to_its_end(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say(
        {"items": [{"id": "a"}], "nextPageToken": "p2"},
        {"items": [], "nextPageToken": "p3"},
        {"items": [{"id": "b"}, {"id": "c", "deleted": True}]},
    )
    listed = await client.calendars("at")
    assert isinstance(listed, CalendarList)
    assert [calendar.google_id for calendar in listed.items] == ["a", "b"]
    assert [each["query"].get("pageToken") for each in mouth.heard] == [None, "p2", "p3"]
    assert mouth.heard[0]["query"]["showHidden"] == "true"


async def test_a_calendar_list_that_breaks_off_is_no_list(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say({"items": [{"id": "a"}], "nextPageToken": "p2"}, JSONResponse(refusal("backendError"), 500))
    assert await client.calendars("at") == Failure(FailureKind.RETRY, "backendError", "No.")


async def test_a_channel_is_asked_for_with_its_life_in_seconds(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say({"resourceId": "r1", "expiration": "1796000000000"})
    await client.watch("at", CALENDAR, "c1", "https://us.example/hook", "secret", 604_800)
    assert json.loads(mouth.heard[0]["body"]) == {
        "id": "c1",
        "type": "web_hook",
        "address": "https://us.example/hook",
        "token": "secret",
        "params": {"ttl": "604800"},
    }


async def test_stopping_a_channel_that_is_gone_is_done(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say(JSONResponse(refusal("notFound"), 404))
    assert await client.stop("at", "c1", "r1") == Done()
    assert json.loads(mouth.heard[0]["body"]) == {"id": "c1", "resourceId": "r1"}


async def test_an_access_token_does_not_follow_a_redirect_to_strangers(client: GoogleClient, mouth: Mouth) -> None:
    async with speaking() as stranger:
        mouth.say(RedirectResponse(f"{stranger.origin}/calendar"))
        stranger.say({"items": []})
        await client.calendars("at")
    assert "authorization" in mouth.heard[0]["headers"]
    assert "authorization" not in stranger.heard[0]["headers"]


async def test_many_calls_at_once_stay_apart(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say(*[{"items": [EVENT]} for _ in range(8)])
    pages = await asyncio.gather(*(client.list_events(f"at{each}", CALENDAR, {}) for each in range(8)))
    assert pages == [Page((EVENT,))] * 8
    assert {each["headers"]["authorization"] for each in mouth.heard} == {f"Bearer at{each}" for each in range(8)}


async def test_a_cookie_for_one_account_does_not_go_out_with_anothers_call(mouth: Mouth) -> None:
    # By name, since cookies from bare addresses are not kept anyway.
    named = mouth.origin.replace("127.0.0.1", "localhost")
    first = JSONResponse({"items": []})
    first.set_cookie("who", "anna")
    mouth.say(first, {"items": []})
    async with GoogleClient("id", "secret", named, CALLBACK) as client:
        await client.calendars("anna")
        await client.calendars("ben")
    assert "cookie" not in mouth.heard[1]["headers"]
