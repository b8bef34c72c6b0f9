"""Groups: equal subscribers are executed for once and share the bytes; what they may see stays their own matter."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

import pytest
import websockets
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.relay.nodes import id_of
from graph.server.live import change_feed, message_buffer, open_streams
from graph.server.transport.connection import EXTENSION
from models import api_key
from models.api_key import Key
from models.enums import ChangeAction, ChangeKind, Role
from models.log import change_log, notifier
from tests.graph.server.metrics_client import Counting
from tests.graph.shop import Shop, at, furnish
from tests.graph.socket_client import acknowledged, receive, subscribing
from tests.live.events import streaming
from tests.operations import operations
from tests.served import Served, Stream, serving
from tests.stage import PATIENCE, Stage


async def followed(shop: Shop, many: int, things: AsyncExitStack, **variables: Any) -> list[Stream]:
    """So many followers of the calendar, begun, each on a socket of its own."""
    follow = shop.served.following
    return [await things.enter_async_context(follow("CalendarChanges", "staff", **variables)) for _ in range(many)]


async def entries(stream: Stream, many: int) -> list[str]:
    """The ids of the next entries that changed."""
    return [(await stream.next())["calendarChanges"]["entryId"] for _ in range(many)]


async def left_of(stream: Stream) -> tuple[list[Any], int | None]:
    """The messages up to the end of a socket, and the code it ends with."""
    told: list[Any] = []
    try:
        while True:
            told.append(await stream.message())
    except websockets.ConnectionClosed as end:
        return told, end.rcvd.code if end.rcvd else None


async def quiet(counting: Counting, name: str) -> None:
    """Returns once there are as many as there were when counting began."""
    async with asyncio.timeout(PATIENCE):
        for _ in count():
            if not (await counting())[name]:
                return


async def test_equal_subscribers_are_executed_for_once_per_change(shop: Shop) -> None:
    counting, cursors = Counting(shop.served), [await shop.cursor()]
    await counting()
    made = []
    async with AsyncExitStack() as things:
        first = await followed(shop, 8, things, after=cursors[0])
        for hour in range(9, 12):
            made.append((await shop.booked(at(f"{hour:02}:00")))["booking"]["id"])
            cursors.append(await shop.cursor())
        # They join from where each of them is, and go on together.
        later = [(await followed(shop, 2, things, after=cursor))[0] for cursor in cursors]
        for hour in range(12, 15):
            made.append((await shop.booked(at(f"{hour:02}:00")))["booking"]["id"])
        for stream in first:
            assert await entries(stream, 6) == made
        for missed, stream in enumerate(later):
            assert await entries(stream, 6 - missed) == made[missed:]
        counted = await counting()
    assert (counted["groups"], counted["messages"]) == (1, 6)
    assert counted["subscribers"] == 8 + 2 * len(cursors)


async def test_whoever_is_from_before_the_group_reads_for_itself_and_then_joins(shop: Shop) -> None:
    counting, early = Counting(shop.served), await shop.cursor()
    made = [(await shop.booked(at(f"{hour:02}:00")))["booking"]["id"] for hour in (9, 10)]
    late = await shop.cursor()
    await counting()
    async with AsyncExitStack() as things:
        (newer,) = await followed(shop, 1, things, after=late)
        made.append((await shop.booked(at("11:00")))["booking"]["id"])
        assert await entries(newer, 1) == made[2:]
        (older,) = await followed(shop, 1, things, after=early)
        assert await entries(older, 3) == made
        made.append((await shop.booked(at("12:00")))["booking"]["id"])
        assert await entries(older, 1) == await entries(newer, 1) == made[3:]
        counted = await counting()
    assert (counted["groups"], counted["messages"]) == (1, 2)


async def test_nobody_waits_for_one_who_comes_from_far_behind(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_buffer, "KEPT", 3)
    counting, old = Counting(shop.served), await shop.cursor()
    made = [(await shop.booked(at(f"{hour:02}:00")))["booking"]["id"] for hour in range(9, 17)]
    await counting()
    async with AsyncExitStack() as things:
        (older,) = await followed(shop, 1, things, after=old)
        (newer,) = await followed(shop, 1, things, after=await shop.cursor())
        last = (await shop.booked(at("09:00", 1)))["booking"]["id"]
        assert await entries(newer, 1) == [last]
        assert await entries(older, 9) == [*made, last]
        # What was said before they came together was said to one of them alone.
        assert (await counting())["messages"] <= 1


async def test_a_group_ends_with_its_last_member(shop: Shop) -> None:
    counting, cursor = Counting(shop.served), await shop.cursor()
    await counting()
    async with shop.served.socket(shop.served.keys["staff"]) as socket:
        await acknowledged(socket)
        for identity in ("one", "two"):
            await socket.send(subscribing(identity, operations()["CalendarChanges"], after=cursor))
        await shop.booked(at("10:00"))
        assert {(await receive(socket))["id"] for _ in range(2)} == {"one", "two"}
        assert (await counting())["groups"] == 1
        await socket.send('{"type": "complete", "id": "one"}')
        await shop.booked(at("11:00"))
        assert (await receive(socket))["id"] == "two"
        assert (await counting())["groups"] == 1
        await socket.send('{"type": "complete", "id": "two"}')
        await socket.send(subscribing("last", "{ __typename }"))
        assert (await receive(socket))["id"] == "last"
        await quiet(counting, "groups")
    await quiet(counting, "subscribers")


async def test_what_differs_is_executed_apart(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    counting, cursor = Counting(shop.served), await shop.cursor()
    await counting()
    follow = shop.served.following
    async with (
        follow("CalendarChanges", "staff", after=cursor) as one,
        follow("CalendarChanges", "staff", after=cursor, optionIds=[shop.anna]) as filtered,
        follow("CalendarChanges", "admin", after=cursor) as another_role,
        other.served.following("CalendarChanges", "staff", after=await other.cursor()) as neighbour,
    ):
        mine = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
        theirs = (await other.booked(at("10:00")))["booking"]["id"]
        for stream in (one, filtered, another_role):
            assert await entries(stream, 1) == [mine]
        assert await entries(neighbour, 1) == [theirs]
        assert (await counting())["groups"] == 4


@pytest.mark.parametrize("ending", ["revoked", "another role"])
async def test_a_key_that_has_ended_gets_nothing_more_while_its_equals_go_on(shop: Shop, ending: str) -> None:
    key_id, plain = await api_key.create(shop.served.business_id, Role.STAFF, "an old dashboard")
    old = Served(shop.served.url, shop.served.business_id, {"staff": plain}, shop.served.http)
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
    anna, about = id_of("Option", shop.anna), id_of("Booking", booking)
    assert anna
    assert about

    async def end_and_change(work: change_log.LoggedTransaction) -> None:
        ended: dict[str, Any] = {"revoked_at": work.now} if ending == "revoked" else {"role": Role.PUBLIC}
        await Key.filter(id=key_id).update(**ended)
        work.record(ChangeKind.KEY, key_id, ChangeAction.UPSERTED)
        work.record(ChangeKind.BOOKING, about, ChangeAction.UPSERTED, [anna])

    cursor = await shop.cursor()
    async with (
        old.following("CalendarChanges", "staff", after=cursor) as gone,
        shop.served.following("CalendarChanges", "staff", after=cursor) as stays,
    ):
        before = (await shop.booked(at("12:00")))["booking"]["id"]
        assert await entries(gone, 1) == await entries(stays, 1) == [before]
        # Both in one transaction: who looks at what came after the key's end must have seen that end.
        await change_log.write(shop.served.business_id, end_and_change)
        assert await entries(stays, 1) == [booking]
        told, code = await left_of(gone)
        assert code == 4403
        assert not [each for each in told if (each.get("payload") or {}).get("data")]


async def test_a_key_that_was_revoked_unheard_begins_nothing(
    our_stage: Stage, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_streams, "CHECK_SECONDS", 3600.0)
    async with serving(our_stage, sqlite_url) as served:
        key_id, plain = await api_key.create(served.business_id, Role.STAFF, "an old dashboard")
        async with served.socket(plain) as socket:
            await acknowledged(socket)
            async with notifier.open_notifier("memory://"):
                await api_key.revoke(key_id)
            await socket.send(subscribing("1", operations()["CalendarChanges"]))
            answer = await receive(socket)
            assert [each["extensions"]["code"] for each in answer["payload"]["errors"]] == ["UNAUTHENTICATED"]


def window(shop: Shop, *options: str) -> dict[str, Any]:
    """What is followed of the slots: a haircut on MONDAY, with some options or all."""
    return {"serviceId": shop.haircut, "from": at("00:00"), "to": at("00:00", 1), "optionIds": list(options) or None}


async def starts(stream: Stream) -> set[str]:
    """The starts of the next answer."""
    answer = (await stream.next())["availabilityChanges"]
    return {slot["start"] for day in answer["days"] for slot in day["slots"]}


async def test_slots_are_worked_out_anew_only_when_a_change_can_matter_and_once_for_all(shop: Shop) -> None:
    counting = Counting(shop.served)
    annas = (await shop.booked(at("16:00"), optionId=shop.anna))["booking"]["id"]
    follow = shop.served.following
    async with (
        follow("AvailabilityChanges", "public", **window(shop, shop.anna)) as one,
        follow("AvailabilityChanges", "public", **window(shop, shop.anna)) as two,
        follow("CalendarChanges", "staff", after=await shop.cursor()) as calendar,
    ):
        assert await starts(one) == await starts(two)
        await counting()
        await shop.booked(at("10:00"), optionId=shop.ben)
        moved = (await shop.booked(at("10:00", 7), optionId=shop.anna))["booking"]["id"]
        await shop.served.do("UpdateBooking", "staff", input={"bookingId": annas, "note": "Allergic"})
        await shop.served.do("UpdateService", "staff", input={"serviceId": shop.colouring, "durationMinutes": 30})
        await shop.served.do("UpdateOption", "staff", input={"optionId": shop.ben, "description": "Tall"})
        for _ in range(3):
            await calendar.next()
        wanted = {"bookingId": moved, "start": at("12:00")}
        assert (await shop.served.do("RescheduleBooking", "staff", input=wanted))["errors"] == []
        for stream in (one, two):
            assert at("12:00") not in await starts(stream)
        assert (await counting())["availability_looks"] == 1


async def test_whoever_joins_sees_what_it_did_before(shop: Shop) -> None:
    async with shop.served.following("AvailabilityChanges", "public", **window(shop, shop.anna)) as first:
        free = await starts(first)
        for start in sorted(free):
            await shop.booked(start, optionId=shop.anna)
            free.remove(start)
            async with shop.served.following("AvailabilityChanges", "public", **window(shop, shop.anna)) as joins:
                assert await starts(joins) == free


async def test_whoever_joins_does_not_wait_for_a_ring_that_was_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_feed, "LOOK_SECONDS", 3600.0)
    async with (
        shop.served.following("AvailabilityChanges", "public", **window(shop, shop.anna)) as first,
        shop.served.following("CalendarChanges", "staff", after=await shop.cursor()) as behind,
    ):
        free = await starts(first)
        async with notifier.open_notifier("memory://"):
            # Rings another process's bell: nobody here hears it.
            lost = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
        async with shop.served.following("AvailabilityChanges", "public", **window(shop, shop.anna)) as joins:
            assert await starts(joins) == await starts(first) == free - {at("10:00")}
        assert await entries(behind, 1) == [lost]


async def test_whoever_joins_ahead_of_its_group_is_not_told_what_it_knows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_feed, "LOOK_SECONDS", 3600.0)
    async with shop.served.following("CalendarChanges", "staff", after=await shop.cursor()) as behind:
        first = (await shop.booked(at("09:00")))["booking"]["id"]
        assert await entries(behind, 1) == [first]
        async with notifier.open_notifier("memory://"):
            lost = (await shop.booked(at("10:00")))["booking"]["id"]
        async with shop.served.following("CalendarChanges", "staff", after=await shop.cursor()) as ahead:
            assert await entries(behind, 1) == [lost]
            # The bell is gone for good now: somebody who comes tells the reader that there is more.
            last = (await shop.booked(at("11:00")))["booking"]["id"]
            async with shop.served.following("CalendarChanges", "staff", after=await shop.cursor()):
                assert await entries(ahead, 1) == await entries(behind, 1) == [last]


class WithoutFrames:
    """A server that offers no short way out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {name: each for name, each in scope.get("extensions", {}).items() if name != EXTENSION}
        await self._app({**scope, "extensions": extensions}, receive, send)


@pytest.fixture
async def plain_shop(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Shop]:
    """A shop on a server that offers no short way out."""
    async with serving(our_stage, sqlite_url, around=WithoutFrames) as served:
        yield await furnish(served)


async def test_without_the_short_way_messages_go_by_send(plain_shop: Shop) -> None:
    counting, cursor = Counting(plain_shop.served), await plain_shop.cursor()
    await counting()
    async with AsyncExitStack() as things:
        streams = await followed(plain_shop, 3, things, after=cursor)
        made = [(await plain_shop.booked(at(f"{hour:02}:00")))["booking"]["id"] for hour in range(9, 13)]
        for stream in streams:
            assert await entries(stream, 4) == made
        counted = await counting()
    assert (counted["groups"], counted["messages"], counted["deliveries"]) == (1, 4, 0)


BEHIND = "option { services { name } }"
"""What no message is sent for: it lies further behind what is followed."""

NAMES = {
    "BookingChanges": "subscription ($m: String!) { bookingChanges(manageToken: $m) { " + BEHIND + " } }",
    "SyncHealthChanges": "subscription ($o: [ID!]) { syncHealthChanges(optionIds: $o) { " + BEHIND + " } }",
}


@pytest.mark.parametrize("name", NAMES)
async def test_whoever_joins_is_told_how_things_are_now_also_what_was_not_worth_a_message(
    shop: Shop, name: str
) -> None:
    token = (await shop.booked(at("10:00"), optionId=shop.anna))["manageToken"]
    variables: dict[str, Any] = {
        "BookingChanges": {"m": token},
        "SyncHealthChanges": {"o": [shop.anna]},
    }[name]
    async with shop.served.socket(shop.served.keys["staff"]) as socket:
        await acknowledged(socket)
        await socket.send(subscribing("first", NAMES[name], **variables))
        assert "Colouring" in str(await receive(socket))
        wanted = {"serviceId": shop.colouring, "name": "Tinting"}
        assert (await shop.served.do("UpdateService", "staff", input=wanted))["errors"] == []
        for number in range(3):
            await socket.send(subscribing(str(number), NAMES[name], **variables))
            answer = await receive(socket)
            # To those who are there already it is nothing new.
            assert answer["id"] == str(number)
            assert "Tinting" in str(answer["payload"])
            assert "Colouring" not in str(answer["payload"])


async def test_those_who_come_back_from_many_places_are_executed_for_once(shop: Shop) -> None:
    counting, cursors = Counting(shop.served), []
    for number in range(6):
        cursors.append(await shop.cursor())
        # Nothing that concerns a calendar lies between the places they come from.
        await shop.served.do("UpdateOption", "staff", input={"optionId": shop.ben, "description": f"Tall {number}"})
    await counting()
    async with AsyncExitStack() as things:
        streams = [(await followed(shop, 1, things, after=cursor))[0] for cursor in reversed(cursors)]
        async with asyncio.timeout(PATIENCE):
            while (await counting())["members"] < len(cursors):
                pass
        made = (await shop.booked(at("10:00")))["booking"]["id"]
        assert [await entries(stream, 1) for stream in streams] == [[made]] * len(streams)
        counted = await counting()
    assert (counted["groups"], counted["messages"]) == (1, 1)


@pytest.mark.parametrize("role", ["staff", "admin"])
async def test_a_stream_that_reads_for_itself_ends_with_its_key(shop: Shop, role: str) -> None:
    """Its group, if it has one, begins later; nothing of interest lies in between."""
    key_id, plain = await api_key.create(shop.served.business_id, Role(role.upper()), "an old dashboard")
    old = Served(shop.served.url, shop.served.business_id, {role: plain}, shop.served.http)
    early = await shop.cursor()
    await shop.served.do("UpdateOption", "staff", input={"optionId": shop.ben, "description": "Tall"})
    async with (
        shop.served.following("CalendarChanges", "staff", after=await shop.cursor()),
        streaming(old, role, after=early) as stream,
    ):
        await api_key.revoke(key_id)
        events = await stream.rest()
    assert [event.codes for event in events if event.codes] == [["UNAUTHENTICATED"]]
