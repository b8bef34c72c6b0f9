"""Faults to order, over real connections."""

import asyncio

import httpx2
import pytest

from sync.sandbox.state import SandboxGoogle
from tests.stage import browser
from tests.sync.sandbox.sandbox_client import ANNA, EVENTS_OF_ANNA, bearer, error_of, timed

BODY = timed("2026-11-24T09:00", "2026-11-24T10:00", summary="Haircut")
PATH = f"/calendar/v3{EVENTS_OF_ANNA}"


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        ("rate_limited", (429, "usageLimits", "rateLimitExceeded")),
        ("user_rate_limited", (403, "usageLimits", "userRateLimitExceeded")),
        ("quota_exceeded", (403, "usageLimits", "quotaExceeded")),
        ("server_error", (500, "global", "backendError")),
    ],
)
async def test_a_refusal_to_order_comes_as_often_as_asked(
    anna: httpx2.AsyncClient, google: SandboxGoogle, kind: str, refusal: tuple[int, str, str]
) -> None:
    """§3.10"""
    google.faults.add(kind, times=2)
    for _ in range(2):
        assert error_of(await anna.get(EVENTS_OF_ANNA)) == refusal
    assert (await anna.get(EVENTS_OF_ANNA)).status_code == 200


async def test_a_rate_limit_says_when_to_come_back(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§3.11"""
    google.faults.add("rate_limited", seconds=7)
    google.faults.add("rate_limited")
    assert (await anna.get(EVENTS_OF_ANNA)).headers["retry-after"] == "7"
    assert (await anna.get(EVENTS_OF_ANNA)).headers["retry-after"] == "1"


async def test_a_fault_strikes_only_what_it_is_meant_for(
    anna: httpx2.AsyncClient, web: httpx2.AsyncClient, google: SandboxGoogle
) -> None:
    google.faults.add("server_error", times=None, method="POST", path="/events")
    for _ in range(3):
        assert (await anna.post(EVENTS_OF_ANNA, json=BODY)).status_code == 500
    assert (await anna.get(EVENTS_OF_ANNA)).json()["items"] == []
    google.faults.clear()
    assert (await anna.post(EVENTS_OF_ANNA, json=BODY)).status_code == 200
    google.faults.add("server_error", times=None)
    assert (await web.get("/")).status_code == 200
    assert (await web.post("/token", data={})).status_code == 500


async def test_a_front_end_answers_html_without_a_reason_phrase(origin: str, google: SandboxGoogle) -> None:
    """§6.5: the shape that makes clients trip."""
    google.faults.add("html_bad_gateway")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(origin.rpartition(":")[2]))
    writer.write(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 502 \r\n")
    assert b"text/html" in answer
    assert answer.endswith(b"</html>")


async def test_a_connection_can_break_before_the_write(origin: str, google: SandboxGoogle) -> None:
    """§3.2"""
    google.faults.add("drop_before")
    async with browser(headers=bearer(google)) as client:
        with pytest.raises(httpx2.TransportError):
            await client.post(f"{origin}{PATH}", json=BODY)
        assert google.events(ANNA) == []
        assert (await client.post(f"{origin}{PATH}", json=BODY)).status_code == 200


async def test_a_connection_can_break_after_the_write(origin: str, google: SandboxGoogle) -> None:
    """§3.2: the response is lost; the retry meets its own event."""
    body = BODY | {"id": "tbk0123456789"}
    google.faults.add("drop_after")
    async with browser(headers=bearer(google)) as client:
        with pytest.raises(httpx2.TransportError):
            await client.post(f"{origin}{PATH}", json=body)
        assert [event["id"] for event in google.events(ANNA)] == [body["id"]]
        again = await client.post(f"{origin}{PATH}", json=body)
        assert error_of(again) == (409, "global", "duplicate")


async def test_a_held_request_goes_on_when_the_faults_are_cleared(
    anna: httpx2.AsyncClient, google: SandboxGoogle
) -> None:
    google.faults.add("hold")
    asking = asyncio.create_task(anna.post(EVENTS_OF_ANNA, json=BODY))
    await google.faults.held.wait()
    assert google.events(ANNA) == []
    google.faults.clear()
    assert (await asking).status_code == 200


async def test_a_slow_answer_is_still_an_answer(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    google.faults.add("slow", seconds=0.01)
    assert (await anna.get(EVENTS_OF_ANNA)).status_code == 200


async def test_a_kind_of_fault_that_does_not_exist_is_refused(google: SandboxGoogle) -> None:
    with pytest.raises(ValueError, match="gremlins"):
        google.faults.add("gremlins")
