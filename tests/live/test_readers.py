"""Readers of every kind: slow ones, a thousand idle ones, and such as come with an old cursor or a filter."""

import asyncio
import gc
import json
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import websockets

from graph.server.live import hub, message_buffer
from models import clock
from models.log import change_log
from tests.graph.shop import Shop, at, furnish
from tests.graph.socket_client import acknowledged, receive, subscribing
from tests.live.calendar_copy import Copy, leaving
from tests.operations import operations
from tests.served import serving
from tests.stage import PATIENCE, Stage

NOTE = "🪑" * 5000
"""The longest note there may be: 20 kB."""

NOTES = " ".join(f"note{number}: note" for number in range(30))
LARGE = f"""subscription($after: Cursor) {{
    calendarChanges(after: $after) {{ cursor action entryId entry {{ ... on Booking {{ {NOTES} }} }} }}
}}"""
"""Asks for 600 kB at each change."""

SMALL = """subscription($after: Cursor, $optionIds: [ID!]) {
    calendarChanges(after: $after, optionIds: $optionIds) { cursor }
}"""

CHANGES = 24

MOST_BYTES = 6 * 2**20
"""What a reader that fell behind by 14 MB may cost, with what its client took before it stopped."""


@asynccontextmanager
async def not_reading(shop: Shop, document: str, **variables: Any) -> AsyncIterator[websockets.ClientConnection]:
    """A socket on which a lot was asked for, and that takes next to nothing until somebody reads."""
    line = socket.socket()
    # Otherwise the system would take megabytes for us.
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**18)
    line.connect(("127.0.0.1", urlsplit(shop.served.url).port))
    address = shop.served.url.replace("http", "ws") + "/graphql"
    protocol = websockets.Subprotocol("graphql-transport-ws")
    async with websockets.connect(
        address, sock=line, subprotocols=[protocol], max_queue=1, max_size=None
    ) as connection:
        payload = {"Authorization": f"Bearer {shop.served.keys['staff']}"}
        await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
        await acknowledged(connection)
        await connection.send(subscribing("large", document, **variables))
        try:
            yield connection
        finally:
            # Its goodbye would wait for what lies before it.
            connection.transport.abort()


async def changed(connection: websockets.ClientConnection) -> Any:
    """The next change of the calendar."""
    message = await receive(connection)
    assert (message["type"], "errors" in message["payload"]) == ("next", False)
    return message["payload"]["data"]["calendarChanges"]


async def annotate(shop: Shop, booking: str, numbers: range) -> None:
    """Gives a booking one long note after the other."""
    for number in numbers:
        note = f"{number:02}{NOTE[2:]}"
        payload = await shop.served.do("UpdateBooking", "staff", input={"bookingId": booking, "note": note})
        assert payload["errors"] == []


async def test_a_slow_reader_costs_little_holds_up_nobody_and_misses_nothing(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
    began, keys = await shop.cursor(), shop.served.keys
    async with (
        not_reading(shop, LARGE, after=began) as slow,
        shop.served.socket(keys["staff"]) as one,
        shop.served.socket(keys["admin"]) as other,
    ):
        for line in (one, other):
            await acknowledged(line)
            await line.send(subscribing("small", SMALL, after=began))

        async def told(count: int) -> list[list[str]]:
            """The next cursors of those who read."""
            return [[(await changed(line))["cursor"] for _ in range(count)] for line in (one, other)]

        await annotate(shop, booking, range(1))
        first = await told(1)
        gc.collect()
        tracemalloc.start()
        try:
            await annotate(shop, booking, range(1, CHANGES))
            # All others are up to date while the slow one has read nothing.
            rest = await told(CHANGES - 1)
            gc.collect()
            cost, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert cost < MOST_BYTES

        seen = [await changed(slow) for _ in range(CHANGES)]
        assert [[change["cursor"] for change in seen]] * 2 == [[*a, *b] for a, b in zip(first, rest, strict=True)]
        assert {(change["action"], change["entryId"]) for change in seen} == {("UPSERTED", booking)}
        assert set(seen[-1]["entry"].values()) == {f"{CHANGES - 1:02}{NOTE[2:]}"}


async def test_a_reader_so_slow_that_its_place_is_forgotten_is_told(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
    other = await Copy.of(shop.served)
    async with not_reading(shop, LARGE, after=other.began) as slow, leaving(other):
        await other.follow()
        other.read()
        await annotate(shop, booking, range(CHANGES))
        await other.until(CHANGES)
        await change_log.prune(clock.now())
        seen = [await changed(slow)]
        while seen[-1]["action"] != "RESET" and len(seen) < CHANGES:
            seen.append(await changed(slow))
        told = [change["cursor"] for change in seen if change["action"] != "RESET"]
        assert told == other.cursors[: len(told)]
        if len(told) < CHANGES:
            assert (seen[-1]["cursor"], await receive(slow)) == (other.cursors[-1], {"id": "large", "type": "complete"})


async def test_a_slow_reader_of_states_is_told_how_it_is_at_last_though_nothing_was_kept_for_it(
    our_stage: Stage, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "Room", lambda: message_buffer.Room(0))
    names = " ".join(f"name{number}: name" for number in range(30))
    slots = f"""subscription($serviceId: ID!, $from: DateTime!, $to: DateTime!) {{
        availabilityChanges(serviceId: $serviceId, from: $from, to: $to) {{
            days {{ slots {{ start options {{ id {names} }} }} }}
        }}
    }}"""
    async with serving(our_stage, sqlite_url, request_cost=10**9, key_cost=0, address_bookings=0) as served:
        shop = await furnish(served)
        window = {"serviceId": shop.haircut, "from": at("00:00"), "to": at("00:00", 60)}

        async def days(line: websockets.ClientConnection) -> Any:
            return (await receive(line))["payload"]["data"]["availabilityChanges"]["days"]

        async with not_reading(shop, slots, **window) as slow, served.socket(served.keys["admin"]) as one:
            await acknowledged(one)
            await one.send(subscribing("large", slots, **window))
            now = await days(one)
            for number in range(32):
                await shop.booked(at(f"{9 + number % 8:02}:00", number // 8), optionId=shop.anna)
                now = await days(one)
            told = 1
            while await days(slow) != now:
                told += 1
            # It was told less often than what it did not read.
            assert told < 33


async def connections(server_url: str, database_url: str) -> list[str]:
    """What each connection to a database does."""
    name = urlsplit(database_url).path[1:]
    connection = await asyncpg.connect(server_url)
    try:
        rows = await connection.fetch("SELECT state FROM pg_stat_activity WHERE datname = $1", name)
    finally:
        await connection.close()
    return [row["state"] for row in rows]


async def test_a_thousand_idle_subscriptions_hold_no_connection(
    our_stage: Stage, postgres_server: str, postgres_url: str
) -> None:
    sockets, each_follows = 10, 100
    two_connections = f"{postgres_url}{'&' if '?' in postgres_url else '?'}maxsize=2"
    async with serving(our_stage, two_connections) as served, AsyncExitStack() as stack:
        shop = await furnish(served)
        cursor = await shop.cursor()
        window = {"serviceId": shop.haircut, "from": at("00:00"), "to": at("00:00", 1)}
        slots = (operations()["AvailabilityChanges"], window)
        annas, all_entries = (SMALL, {"after": cursor, "optionIds": [shop.anna]}), (SMALL, {"after": cursor})
        asked: list[tuple[str, dict[str, Any]]] = [slots, *[annas] * 19, *[all_entries] * 80]
        lines = [await stack.enter_async_context(served.socket(served.keys["staff"])) for _ in range(sockets)]

        async def told(line: websockets.ClientConnection, count: int) -> set[str]:
            messages = [await receive(line) for _ in range(count)]
            assert {message["type"] for message in messages} == {"next"}
            return {message["id"] for message in messages}

        for line in lines:
            await acknowledged(line)
            for number, (document, variables) in enumerate(asked):
                await line.send(subscribing(str(number), document, **variables))
        assert await asyncio.gather(*(told(line, 1) for line in lines)) == [{"0"}] * sockets
        await shop.booked(at("10:00"), optionId=shop.anna)
        for ids in await asyncio.gather(*(told(line, each_follows) for line in lines)):
            assert ids == {str(number) for number in range(each_follows)}

        # Now all of them wait for what comes next.
        states = await connections(postgres_server, postgres_url)
        assert (len(states) <= 2, set(states)) == (True, {"idle"})
        async with asyncio.timeout(PATIENCE):
            answers = await asyncio.gather(*(served.ask("Home", "staff") for _ in range(5)))
        assert all("errors" not in answer for answer in answers)


async def test_every_cursor_within_what_is_kept_resumes_and_every_older_one_is_reset(shop: Shop) -> None:
    began = await shop.cursor()
    for hour in range(9, 16):
        await shop.booked(at(f"{hour:02}:00"), optionId=shop.anna)
    business_id = shop.served.business_id
    rows = await change_log.after(business_id, change_log.from_cursor(began, business_id))
    cursors = [began, *(change_log.to_cursor(business_id, row["revision"]) for row in rows)]
    forgotten = 4
    assert await change_log.prune(rows[forgotten]["at"]) >= forgotten

    document = operations()["CalendarChanges"]
    for options in (None, [shop.anna], [shop.ben]):
        own = [] if options == [shop.ben] else cursors
        async with shop.served.socket(shop.served.keys["staff"]) as line:
            await acknowledged(line)
            for number, cursor in enumerate(cursors):
                await line.send(subscribing(str(number), document, after=cursor, optionIds=options))
                seen = []
                while number < forgotten and (message := await receive(line))["type"] == "next":
                    seen.append(message["payload"]["data"]["calendarChanges"])
                assert [(each["action"], each["cursor"]) for each in seen] == [("RESET", cursors[-1])] * (
                    number < forgotten
                )
                for cursor_due in own[number + 1 :] * (number >= forgotten):
                    message = await receive(line)
                    change = message["payload"]["data"]["calendarChanges"]
                    assert (message["id"], change["action"], change["cursor"]) == (str(number), "UPSERTED", cursor_due)


async def test_a_cursor_that_is_none_of_this_business_is_bad_input_whatever_is_asked_for(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    document = operations()["CalendarChanges"]
    wrong = ("nonsense", "", await other.cursor(), (await shop.cursor())[1:], "0")
    filters: tuple[dict[str, Any], ...] = ({}, {"optionIds": [shop.anna]}, {"optionIds": []})
    asked = [(cursor, more) for cursor in wrong for more in filters]
    async with shop.served.socket(shop.served.keys["staff"]) as line:
        await acknowledged(line)
        for number, (cursor, more) in enumerate(asked):
            await line.send(subscribing(str(number), document, after=cursor, **more))
            message = await receive(line)
            errors = message["payload"]
            if message["type"] == "next":
                errors = message["payload"]["errors"]
                assert await receive(line) == {"id": str(number), "type": "complete"}
            assert [error["extensions"]["code"] for error in errors] == ["BAD_USER_INPUT"], (cursor, more)


async def test_what_leaves_a_filter_is_removed_from_it_for_who_listens_and_who_was_away(shop: Shop) -> None:
    async def act(name: str, **wanted: Any) -> Any:
        payload = await shop.served.do(name, "staff", input=wanted)
        assert payload["errors"] == []
        return payload

    stays, goes, returns = [
        (await shop.booked(at(clock_time), optionId=shop.anna))["booking"]["id"]
        for clock_time in ("09:00", "10:00", "11:00")
    ]
    copies = [await Copy.of(shop.served, options=options) for options in ([shop.anna], [shop.ben], None) * 2]
    assert [[*copy.entries] for copy in copies[:2]] == [[stays, goes, returns], []]
    present, away = copies[:3], copies[3:]
    lefts: Any = ({stays, returns}, {goes}, {stays, goes, returns})
    async with leaving(*copies):
        for copy in present:
            await copy.follow()
            copy.read()
        await act("RescheduleBooking", bookingId=goes, start=at("10:00"), optionId=shop.ben)
        await act("RescheduleBooking", bookingId=returns, start=at("11:00"), optionId=shop.ben)
        # Nothing that he does now is hers.
        await act("UpdateBooking", bookingId=goes, note="Ben's")
        await act("RescheduleBooking", bookingId=returns, start=at("12:00"), optionId=shop.anna)
        for copy in away:
            await copy.follow()
            copy.read()
        for copy, count, left in zip(copies, (3, 4, 4) * 2, lefts * 2, strict=True):
            await copy.until(count)
            await copy.quiet()
            assert {*copy.entries} == left
    assert [copy.cursors for copy in present] == [copy.cursors for copy in away]
