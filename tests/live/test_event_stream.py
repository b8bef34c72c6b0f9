"""Server-sent events: an event's id is its cursor, and who says which was the last gets what came after it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from graph.server.http import event_stream
from models import api_key, clock
from models.enums import Role
from models.log import change_log
from tests.graph.shop import Shop, at, furnish
from tests.live.events import Event, Streamed, streaming
from tests.operations import operations
from tests.served import Served
from tests.stage import PATIENCE

ONLY_IDS = "subscription($after: Cursor) { calendarChanges(after: $after) { entryId } }"
ALIASED = "subscription($after: Cursor) { it: calendarChanges(after: $after) { cursor: action at: cursor } }"


async def followed(stream: Streamed, count: int) -> list[Event]:
    """The next events."""
    return [await stream.next() for _ in range(count)]


async def booked(shop: Shop, *clocks: str) -> list[str]:
    """Books at these hours, one after the other: the ids."""
    return [(await shop.booked(at(clock), optionId=shop.anna))["booking"]["id"] for clock in clocks]


def told(events: list[Event]) -> list[str]:
    """What changed, in order."""
    return [event.change["entryId"] for event in events]


async def refusal(stream: Streamed) -> list[str]:
    """The codes with which a stream is refused, before it began or as all that it says."""
    if not stream.response.headers["content-type"].startswith("text/event-stream"):
        await stream.response.aread()
        return [error["extensions"]["code"] for error in stream.response.json()["errors"]]
    (answer, end) = await stream.rest()
    assert (answer.name, answer.data.get("data"), end.name) == ("next", None, "complete")
    return answer.codes


async def test_every_events_id_is_its_cursor(shop: Shop) -> None:
    async with streaming(shop.served, "staff", after=await shop.cursor()) as stream:
        made = await booked(shop, "09:00", "10:00", "11:00")
        wanted = {"bookingId": made[1]}
        assert (await shop.served.do("CancelBooking", "staff", input=wanted))["errors"] == []
        events = await followed(stream, 4)
    assert told(events) == [*made, made[1]]
    assert [event.identity for event in events] == [event.change["cursor"] for event in events]
    assert events[-1].identity == await shop.cursor()


async def test_the_id_is_there_whatever_was_asked_for(shop: Shop) -> None:
    after = await shop.cursor()
    async with streaming(shop.served, "staff", ONLY_IDS, after=after) as stream:
        made = await booked(shop, "09:00", "10:00")
        plain = await followed(stream, 2)
    assert told(plain) == made
    async with streaming(shop.served, "staff", ALIASED, after=after) as stream:
        aliased = await followed(stream, 2)
    cursors = [event.data["data"]["it"]["at"] for event in aliased]
    assert [event.identity for event in plain] == [event.identity for event in aliased] == cursors


async def test_who_comes_back_with_the_last_id_goes_on_after_it_whatever_after_says(shop: Shop) -> None:
    begin = await shop.cursor()
    async with streaming(shop.served, "staff", after=begin) as stream:
        made = await booked(shop, "09:00", "10:00", "11:00")
        events = await followed(stream, 3)
    cursors = [event.change["cursor"] for event in events]
    afters: tuple[dict[str, Any], ...] = (
        {"after": begin},
        {},
        {"after": cursors[-1]},
        {"after": None},
        {"after": "nonsense"},
    )
    for more in afters:
        async with streaming(shop.served, "staff", last_event_id=cursors[0], **more) as stream:
            assert told(await followed(stream, 2)) == made[1:], more
    async with streaming(shop.served, "staff", ONLY_IDS, last_event_id=cursors[1]) as stream:
        assert told(await followed(stream, 1)) == made[2:]
    inline = f'subscription {{ calendarChanges(after: "{begin}") {{ cursor entryId }} }}'
    async with streaming(shop.served, "staff", inline, last_event_id=cursors[1]) as stream:
        assert told(await followed(stream, 1)) == made[2:]
    async with streaming(shop.served, "staff", last_event_id=cursors[-1], after=begin) as stream:
        made += await booked(shop, "12:00")
        assert told(await followed(stream, 1)) == made[3:]


async def test_a_client_that_breaks_off_again_and_again_sees_each_change_once(shop: Shop) -> None:
    begin, made, seen = await shop.cursor(), [], []
    last: str | None = None
    for clocks in (("09:00",), ("10:00", "11:00", "12:00"), ("13:00", "14:00")):
        made += await booked(shop, *clocks)
        async with streaming(shop.served, "staff", last_event_id=last, after=begin) as stream:
            seen += (new := await followed(stream, 1))
        last = new[-1].identity
    async with streaming(shop.served, "staff", last_event_id=last, after=begin) as stream:
        seen += await followed(stream, 3)
    assert told(seen) == made


async def test_a_last_id_that_is_no_cursor_of_this_business_is_bad_input(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    await other.booked(at("10:00"))
    own = await shop.cursor()
    for wrong in ("nonsense", "1", own[:-1], own + "x", await other.cursor(), "9" * 500, "Zm9v"):
        async with streaming(shop.served, "staff", last_event_id=wrong, after=own) as stream:
            assert await refusal(stream) == ["BAD_USER_INPUT"], wrong


async def test_a_last_id_older_than_what_is_kept_gets_reset_and_the_end(shop: Shop) -> None:
    old = await shop.cursor()
    await booked(shop, "09:00", "10:00")
    await change_log.prune(clock.now() + timedelta(seconds=1))
    newest = await shop.cursor()
    async with streaming(shop.served, "staff", last_event_id=old, after=newest) as stream:
        reset, end = await stream.rest()
    assert (reset.change["action"], reset.change["entryId"], end.name) == ("RESET", None, "complete")
    assert reset.identity == reset.change["cursor"]
    async with streaming(shop.served, "staff", last_event_id=reset.identity) as stream:
        made = await booked(shop, "11:00")
        assert told(await followed(stream, 1)) == made


async def test_a_last_id_means_nothing_where_nothing_is_resumed(shop: Shop) -> None:
    token = (await shop.booked(at("10:00")))["manageToken"]
    document = operations()["BookingChanges"]
    for last in (await shop.cursor(), "nonsense"):
        async with streaming(shop.served, "public", document, last_event_id=last, manageToken=token) as stream:
            event = await stream.next()
            assert (event.name, event.data["data"]["bookingChanges"]["start"]) == ("next", at("10:00"))
        async with streaming(shop.served, "staff", "{ __typename }", last_event_id=last) as stream:
            assert (await stream.next()).data == {"data": {"__typename": "Query"}}


async def test_a_revoked_key_ends_its_stream_and_says_why(shop: Shop) -> None:
    key_id, plain = await api_key.create(shop.served.business_id, Role.STAFF, "a lost laptop")
    lost = Served(shop.served.url, shop.served.business_id, {"staff": plain}, shop.served.http)
    after = await shop.cursor()
    async with (
        streaming(lost, "staff", after=after) as stream,
        streaming(lost, "staff", after=after, optionIds=[shop.ben]) as silent,
        streaming(shop.served, "staff", after=after) as other,
    ):
        made = await booked(shop, "09:00")
        assert told(await followed(stream, 1)) == made
        assert await api_key.revoke(key_id)
        for ended in (stream, silent):
            last = await ended.rest()
            assert [code for event in last for code in event.codes] == ["UNAUTHENTICATED"]
        made += await booked(shop, "10:00")
        assert told(await followed(other, 2)) == made
    async with streaming(lost, "staff", after=after, last_event_id=after) as stream:
        assert (stream.response.status_code, await refusal(stream)) == (401, ["UNAUTHENTICATED"])


async def test_an_idle_stream_says_something_now_and_then(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.02)
    async with streaming(shop.served, "staff", after=await shop.cursor()) as stream:
        lines = stream.response.aiter_lines()
        async with asyncio.timeout(PATIENCE):
            assert [await anext(lines) for _ in range(4)] == [": ping", ""] * 2
