"""Many who follow the slots of one service, each in its own way: it is worked out once, and everybody is told right."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import websockets

from graph.feeds import slot_feed
from tests.graph.server.metrics_client import Counting
from tests.graph.shop import Shop, at, furnish, hours, make_option
from tests.graph.socket_client import acknowledged, receive, subscribing
from tests.served import serving
from tests.stage import PATIENCE, Stage

FIELDS = (
    "days { date slots { start } }",
    "timeZone days { date slots { start end options { id name color timeZone description } } }",
    "days { slots { start options { id } unavailableOptions { id name kind } } }",
    "freshAsOf days { slots { end unavailableOptions { name services { name } openingHours { weekday opens } } } }",
)
ARGUMENTS = "serviceId: $serviceId, from: $from, to: $to, optionIds: $optionIds, timeZone: $timeZone"
DECLARED = "($serviceId: ID!, $from: DateTime!, $to: DateTime!, $optionIds: [ID!], $timeZone: TimeZone)"

MOST_BYTES = 100_000
"""What one subscription may cost: far less than what it is told."""


def asking(kind: str, fields: str) -> str:
    """The same as a query and as a subscription."""
    name = "availability" if kind == "query" else "availabilityChanges"
    return f"{kind}{DECLARED} {{ {name}({ARGUMENTS}) {{ {fields} }} }}"


def ways(shop: Shop) -> list[tuple[str, dict[str, Any]]]:
    """Windows that begin and end anywhere, options, zones, and what is shown: each with every other of its kind."""
    windows = [
        {"from": at("00:00"), "to": at("00:00", 62)},
        {"from": at("00:00:01"), "to": at("00:00:01", 1)},
        {"from": at("10:00"), "to": at("10:00:01")},
        {"from": at("10:00:01"), "to": at("16:00", 8)},
        {"from": at("00:00", 3), "to": at("00:00", 4)},
        {"from": at("00:00", 300), "to": at("00:00", 307)},
    ]
    options: list[dict[str, Any]] = [{}, {"optionIds": [shop.anna]}, {"optionIds": [shop.ben, shop.anna, shop.haircut]}]
    zones: list[dict[str, Any]] = [{}, {"timeZone": "Pacific/Auckland"}]
    return [
        (FIELDS[(one + two) % len(FIELDS)], {"serviceId": shop.haircut, **window, **some, **zone})
        for one, window in enumerate(windows)
        for two, some in enumerate(options)
        for zone in zones
    ]


FREELY: dict[str, Any] = {"socket_subscriptions": 0, "key_subscriptions": 0, "request_cost": 10**9, "key_cost": 0}
"""The settings under which nothing is too much."""


@pytest.fixture
async def kept(our_stage: Stage, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    """A shop where what was read is read again because of changes only, however slow the machine is."""
    monkeypatch.setattr(slot_feed, "KEPT_SECONDS", 3600.0)
    async with serving(our_stage, sqlite_url, **FREELY) as served:
        yield await furnish(served)


async def answers(socket: websockets.ClientConnection, many: int) -> dict[str, Any]:
    """The next messages of so many subscriptions, by their ids: each one's answer."""
    found: dict[str, Any] = {}
    while len(found) < many:
        message = await receive(socket)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        found[message["id"]] = message["payload"]["data"]["availabilityChanges"]
    return found


@pytest.fixture
async def anything(our_stage: Stage, database_url: str) -> AsyncIterator[Shop]:
    """A shop, once on each kind of database, where anything may be asked."""
    async with serving(our_stage, database_url, **FREELY) as served:
        yield await furnish(served)


async def test_whoever_follows_is_told_what_a_query_answers(anything: Shop) -> None:
    shop = anything
    served, asked = shop.served, ways(shop)

    async def expected() -> dict[str, Any]:
        found = {}
        for number, (fields, variables) in enumerate(asked):
            answer = (await served.send(asking("query", fields), served.keys["staff"], variables)).json()
            found[str(number)] = answer["data"]["availability"]
        return found

    async def must(operation: str, /, **wanted: Any) -> Any:
        payload = await served.do(operation, "staff", input=wanted)
        assert payload["errors"] == []
        return payload

    deeds: list[Callable[[], Awaitable[Any]]] = [
        lambda: shop.booked(at("10:00"), optionId=shop.anna),
        lambda: shop.booked(at("10:00", 4), optionId=shop.ben),
        lambda: must("CreateTimeOff", optionId=shop.ben, start=at("12:00", 2), end=at("12:00", 305)),
        lambda: must("UpdateOption", optionId=shop.anna, name="Zoe"),
        lambda: must("UpdateOption", optionId=shop.anna, color="#123456", description="Long hair"),
        lambda: must("UpdateOption", optionId=shop.ben, timeZone="Europe/Lisbon"),
        lambda: must("SetOpeningHours", optionId=shop.anna, openingHours=hours("08:00", "12:00")),
        lambda: must("SetDateOverride", optionId=shop.anna, date=at("12:00", 1)[:10], intervals=[]),
        lambda: must("UpdateService", serviceId=shop.haircut, durationMinutes=90, slotStepMinutes=30),
        lambda: make_option(served, name="Cleo", serviceIds=[shop.haircut]),
        lambda: must("UpdateService", serviceId=shop.haircut, optionIds=[shop.ben]),
    ]
    async with served.socket(served.keys["staff"]) as socket:
        await acknowledged(socket)
        for number, (fields, variables) in enumerate(asked):
            await socket.send(subscribing(str(number), asking("subscription", fields), **variables))
        told = await answers(socket, len(asked))
        assert told == await expected()
        for deed in deeds:
            await deed()
            right = await expected()
            async with asyncio.timeout(PATIENCE):
                while told != right:
                    told.update(await answers(socket, 1))


async def test_slots_are_worked_out_once_per_change_for_all_who_follow(kept: Shop) -> None:
    shop, many = kept, 120
    counting = Counting(shop.served)
    await counting()
    async with shop.served.socket(shop.served.keys["staff"]) as socket:
        await acknowledged(socket)
        for number in range(many):
            start = f"{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}"
            wanted = {"serviceId": shop.haircut, "from": at(start), "to": at(start, 40)}
            more: list[dict[str, Any]] = [{}, {"optionIds": [shop.anna]}, {"timeZone": "Asia/Tokyo"}]
            # Each shows who is free: the booking changes what all of them are told.
            document = asking("subscription", FIELDS[1 + number // 3 % 3])
            await socket.send(subscribing(str(number), document, **wanted, **more[number % len(more)]))
        await answers(socket, many)
        counted = await counting()
        assert (counted["groups"], counted["availability_looks"], counted["availability_readings"]) == (many, many, 1)
        await shop.booked(at("10:00", 2), optionId=shop.anna)
        await answers(socket, many)
        counted = await counting()
        assert (counted["availability_looks"], counted["availability_readings"]) == (2 * many, 2)


async def test_who_looks_far_away_makes_nobodys_work_more(kept: Shop) -> None:
    shop, counting = kept, Counting(kept.served)
    async with shop.served.socket(shop.served.keys["staff"]) as socket:
        await acknowledged(socket)
        for number in range(30):
            wanted = {"serviceId": shop.haircut, "from": at("00:00", 70 * number), "to": at("00:00", 70 * number + 1)}
            await socket.send(subscribing(str(number), asking("subscription", FIELDS[0]), **wanted))
        await answers(socket, 30)
        await counting()
        await shop.booked(at("10:00"), optionId=shop.anna)
        await shop.booked(at("10:00"), optionId=shop.ben)
        assert [*await answers(socket, 1)] == ["0"]
        counted = await counting()
        assert counted["availability_readings"] == counted["availability_looks"] <= 2


async def test_a_subscription_that_waits_takes_little(kept: Shop) -> None:
    shop, many = kept, 20
    fields = "days { slots { start end options { id name kind description } unavailableOptions { id name } } }"
    document = asking("subscription", fields)
    await shop.served.do("UpdateService", "staff", input={"serviceId": shop.haircut, "slotStepMinutes": 15})
    async with shop.served.socket(shop.served.keys["staff"]) as socket:
        await acknowledged(socket)

        async def follow(first: int) -> None:
            for number in range(first, first + many):
                wanted = {"serviceId": shop.haircut, "from": at(f"00:{number // 60:02}:{number % 60:02}")}
                await socket.send(subscribing(str(number), document, **wanted, to=at("00:00", 40)))
            assert len(json.dumps((await answers(socket, many))[str(first)])) > 2 * MOST_BYTES

        await follow(0)
        gc.collect()
        tracemalloc.start()
        try:
            await follow(many)
            await shop.booked(at("10:00"), optionId=shop.anna)
            await answers(socket, 2 * many)
            gc.collect()
            cost, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert cost / many < MOST_BYTES


async def test_when_many_hang_up_at_once_the_next_is_answered(kept: Shop) -> None:
    shop = kept
    for _ in range(3):
        async with shop.served.socket(shop.served.keys["staff"]) as socket:
            await acknowledged(socket)
            for number in range(50):
                wanted = {"serviceId": shop.haircut, "from": at(f"00:00:{number:02}"), "to": at("00:00", 60)}
                await socket.send(subscribing(str(number), asking("subscription", FIELDS[1]), **wanted))
            await answers(socket, 1)
            socket.transport.abort()
    async with shop.served.socket(shop.served.keys["staff"]) as socket:
        await acknowledged(socket)
        wanted = {"serviceId": shop.haircut, "from": at("00:00"), "to": at("00:00", 1)}
        await socket.send(subscribing("last", asking("subscription", FIELDS[0]), **wanted))
        assert [*await answers(socket, 1)] == ["last"]
