"""Push channels, by the numbers of Google's rules §4, with real notifications between real servers."""

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import pytest

from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import (
    ANNA,
    BEN,
    EVENTS_OF_ANNA,
    WORKSHOP,
    Clock,
    Hook,
    Json,
    bearer,
    error_of,
    put_in,
    timed,
)

WATCH = f"{EVENTS_OF_ANNA}/watch"
STOP = "/channels/stop"
BODY = timed("2026-11-24T09:00", "2026-11-24T10:00", summary="Doctor")


def wish(address: str, channel_id: str = "channel-1", **fields: object) -> Json:
    return {"id": channel_id, "type": "web_hook", "address": address, "token": "secret"} | fields


async def watched(client: httpx2.AsyncClient, hook: Hook, channel_id: str = "channel-1", path: str = WATCH) -> Json:
    """Open a channel; its sync message has been heard when this returns."""
    answer = await client.post(path, json=wish(hook.address, channel_id))
    assert answer.status_code == 200, answer.text
    assert (await hook.heard.get())["x-goog-resource-state"] == "sync"
    channel: Json = answer.json()
    return channel


async def test_a_channel_is_answered_with_its_resource(anna: httpx2.AsyncClient, hook: Hook, clock: Clock) -> None:
    """§4.1"""
    channel = await watched(anna, hook)
    week = 7 * 24 * 3600
    assert (channel["kind"], channel["id"], channel["token"]) == ("api#channel", "channel-1", "secret")
    assert channel["expiration"] == str(int((clock().timestamp() + week) * 1000))
    assert channel["resourceUri"] == ("http://google.test/calendar/v3/calendars/anna%40example.com/events?alt=json")
    assert channel["resourceId"]


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ({"params": {"ttl": "3600"}}, 3600),
        ({"params": {"ttl": str(365 * 86400)}}, 30 * 86400),
        ({"expiration": str(int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1000))}, 86400),
    ],
    ids=["ttl", "too long", "expiration"],
)
async def test_a_channel_lives_the_shorter_of_what_is_asked_and_allowed(
    anna: httpx2.AsyncClient, hook: Hook, clock: Clock, asked: Json, seconds: int
) -> None:
    """§4.1"""
    channel = (await anna.post(WATCH, json=wish(hook.address, **asked))).json()
    assert int(channel["expiration"]) / 1000 - clock().timestamp() == seconds


async def test_every_notification_carries_the_headers_and_no_body(anna: httpx2.AsyncClient, hook: Hook) -> None:
    """§4.2"""
    channel = await watched(anna, hook)
    await put_in(anna, BODY)
    headers = await hook.heard.get()
    assert headers["x-goog-channel-id"] == "channel-1"
    assert headers["x-goog-channel-token"] == "secret"
    assert headers["x-goog-resource-id"] == channel["resourceId"]
    assert headers["x-goog-resource-uri"] == channel["resourceUri"]
    assert headers["x-goog-resource-state"] == "exists"
    expires = parsedate_to_datetime(headers["x-goog-channel-expiration"])
    assert expires.timestamp() * 1000 == int(channel["expiration"])
    assert headers["content-type"] == "application/json; utf-8"
    assert headers["content-length"] == "0"
    assert headers["user-agent"].startswith("APIs-Google")


async def test_message_numbers_start_at_one_and_rise(anna: httpx2.AsyncClient, hook: Hook) -> None:
    """§4.2"""
    await anna.post(WATCH, json=wish(hook.address))
    for _ in range(4):
        await put_in(anna, BODY)
    numbers = [int((await hook.heard.get())["x-goog-message-number"]) for _ in range(5)]
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))


async def test_the_sync_message_comes_before_the_answer(anna: httpx2.AsyncClient, hook: Hook) -> None:
    """§4.3"""
    asking = asyncio.create_task(anna.post(WATCH, json=wish(hook.address)))
    first = await hook.heard.get()
    assert (first["x-goog-resource-state"], first["x-goog-message-number"]) == ("sync", "1")
    assert not asking.done()
    await asking


async def test_every_kind_of_change_rings(anna: httpx2.AsyncClient, hook: Hook, google: SandboxGoogle) -> None:
    """§4.2, §4.5: also our own writes, also a person's."""
    await watched(anna, hook)
    event = google.insert_event(ANNA, BODY)
    google.edit_event(ANNA, event["id"], {"summary": "Dentist"})
    await anna.put(f"{EVENTS_OF_ANNA}/{event['id']}", json=BODY)
    await anna.delete(f"{EVENTS_OF_ANNA}/{event['id']}")
    assert [(await hook.heard.get())["x-goog-resource-state"] for _ in range(4)] == ["exists"] * 4


async def test_other_calendars_do_not_ring(anna: httpx2.AsyncClient, hook: Hook, google: SandboxGoogle) -> None:
    """§4.9"""
    await watched(anna, hook)
    google.insert_event(WORKSHOP, BODY)
    await google.channels.settled()
    assert hook.heard.empty()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_some_answers_are_worth_another_try(
    anna: httpx2.AsyncClient, hook: Hook, google: SandboxGoogle, status: int
) -> None:
    """§4.5"""
    google.channels.retry_seconds = 0
    await watched(anna, hook)
    hook.answers.extend([status, status])
    google.insert_event(ANNA, BODY)
    await google.channels.settled()
    numbers = [hook.heard.get_nowait()["x-goog-message-number"] for _ in range(3)]
    assert len(set(numbers)) == 1
    assert hook.heard.empty()


@pytest.mark.parametrize("status", [200, 201, 202, 204, 404])
async def test_other_answers_end_the_matter(
    anna: httpx2.AsyncClient, hook: Hook, google: SandboxGoogle, status: int
) -> None:
    """§4.5"""
    await watched(anna, hook)
    hook.answers.append(status)
    google.insert_event(ANNA, BODY)
    await google.channels.settled()
    assert hook.heard.qsize() == 1


async def test_an_address_must_be_https_or_on_this_machine(anna: httpx2.AsyncClient) -> None:
    """§4.6"""
    answer = await anna.post(WATCH, json=wish("http://app.example/google/notifications"))
    assert error_of(answer) == (400, "global", "push.webhookUrlNotHttps")


async def test_an_address_nobody_answers_does_no_harm(anna: httpx2.AsyncClient) -> None:
    """§4.10"""
    answer = await anna.post(WATCH, json=wish("http://127.0.0.1:9/google/notifications"))
    assert answer.status_code == 200
    assert (await put_in(anna, BODY))["status"] == "confirmed"


async def test_channels_overlap_while_one_follows_another(
    anna: httpx2.AsyncClient, hook: Hook, google: SandboxGoogle
) -> None:
    """§4.7"""
    await watched(anna, hook)
    await watched(anna, hook, "channel-2")
    google.insert_event(ANNA, BODY)
    assert {(await hook.heard.get())["x-goog-channel-id"] for _ in range(2)} == {"channel-1", "channel-2"}


async def test_a_channel_id_is_used_once(anna: httpx2.AsyncClient, ben: httpx2.AsyncClient, hook: Hook) -> None:
    """§3.10, §4.1"""
    channel = await watched(anna, hook)
    again = await ben.post(f"/calendars/{BEN}/events/watch", json=wish(hook.address))
    assert error_of(again) == (400, "push", "channelIdNotUnique")
    await anna.post(STOP, json=channel)
    assert error_of(await anna.post(WATCH, json=wish(hook.address))) == (400, "push", "channelIdNotUnique")


async def test_a_stopped_channel_is_silent(anna: httpx2.AsyncClient, hook: Hook, google: SandboxGoogle) -> None:
    """§4.8"""
    channel = await watched(anna, hook)
    stopped = await anna.post(STOP, json={"id": channel["id"], "resourceId": channel["resourceId"]})
    assert (stopped.status_code, stopped.content) == (204, b"")
    google.insert_event(ANNA, BODY)
    await google.channels.settled()
    assert hook.heard.empty()
    assert error_of(await anna.post(STOP, json=channel)) == (404, "global", "notFound")


async def test_only_who_opened_a_channel_may_stop_it(
    anna: httpx2.AsyncClient, ben: httpx2.AsyncClient, hook: Hook
) -> None:
    """§4.8"""
    channel = await watched(anna, hook)
    assert error_of(await ben.post(STOP, json=channel)) == (404, "global", "notFound")
    wrong = channel | {"resourceId": "another"}
    assert error_of(await anna.post(STOP, json=wrong)) == (404, "global", "notFound")
    assert (await anna.post(STOP, json=channel)).status_code == 204


async def test_channels_belong_to_an_account_and_a_calendar(
    anna: httpx2.AsyncClient, ben: httpx2.AsyncClient, hook: Hook, google: SandboxGoogle
) -> None:
    """§4.9"""
    path = f"/calendars/{WORKSHOP}/events/watch"
    first = await watched(anna, hook, "of-anna", path)
    second = await watched(ben, hook, "of-ben", path)
    assert first["resourceId"] != second["resourceId"]
    google.insert_event(WORKSHOP, BODY)
    assert {(await hook.heard.get())["x-goog-channel-id"] for _ in range(2)} == {"of-anna", "of-ben"}


async def test_an_expired_channel_is_silent(
    anna: httpx2.AsyncClient, hook: Hook, google: SandboxGoogle, clock: Clock
) -> None:
    """§4.7"""
    channel = await watched(anna, hook)
    clock.turn(days=7)
    google.insert_event(ANNA, BODY)
    await google.channels.settled()
    assert hook.heard.empty()
    anna.headers |= bearer(google)
    assert error_of(await anna.post(STOP, json=channel)) == (404, "global", "notFound")


async def test_notifications_may_be_lost_or_doubled(
    anna: httpx2.AsyncClient, hook: Hook, google: SandboxGoogle
) -> None:
    """§4.10"""
    await watched(anna, hook)
    google.faults.add("lose_notification")
    google.faults.add("double_notification")
    google.insert_event(ANNA, BODY)
    await google.channels.settled()
    assert hook.heard.empty()
    google.insert_event(ANNA, BODY)
    await google.channels.settled()
    assert hook.heard.qsize() == 2


async def test_some_calendars_refuse_to_be_watched(anna: httpx2.AsyncClient, google: SandboxGoogle, hook: Hook) -> None:
    """§3.10"""
    google.calendar(ANNA).watchable = False
    answer = await anna.post(WATCH, json=wish(hook.address))
    assert error_of(answer) == (400, "calendar", "pushNotSupportedForRequestedResource")
    assert hook.heard.empty()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "required"),
        ({"id": "x" * 65}, "invalid"),
        ({"type": "email"}, "required"),
        ({"address": None}, "required"),
        ({"token": "x" * 257}, "invalid"),
        ({"params": {"ttl": "soon"}}, "invalid"),
        ({"expiration": "1"}, "invalid"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(anna: httpx2.AsyncClient, change: Json, reason: str) -> None:
    """§4.1"""
    answer = await anna.post(WATCH, json=wish("https://app.example/hook") | change)
    assert error_of(answer) == (400, "global", reason)
