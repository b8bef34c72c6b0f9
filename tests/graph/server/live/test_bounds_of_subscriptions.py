"""How much may be followed: on one socket, with one key, from one address, and by one operation."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest
import websockets
from graphql import GraphQLError

from graph.limits.seats import EQUAL, SubscriptionSeats
from graph.server.live.hub import LONGEST
from graph.server.websocket.protocol import LONGEST_ID
from models.api_key import Caller
from models.enums import Role
from tests.graph.shop import Shop, at, furnish
from tests.graph.socket_client import acknowledged, close_code, receive, silent, subscribing
from tests.live.events import streaming
from tests.operations import operations
from tests.served import serving
from tests.stage import PATIENCE, Stage

SLOTS = operations()["AvailabilityChanges"]


@pytest.fixture
async def narrow(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Shop]:
    """A shop where a socket may have three operations open, a key four different ones, and an address two of these."""
    bounds: dict[str, Any] = {"socket_subscriptions": 3, "key_subscriptions": 4, "address_share": 0.5}
    async with serving(our_stage, sqlite_url, **bounds) as served:
        yield await furnish(served)


def window(shop: Shop, seconds: int) -> dict[str, str]:
    """A day of haircuts that begins so many seconds after midnight."""
    return {"serviceId": shop.haircut, "from": at(f"00:00:{seconds:02}"), "to": at("00:00", 1)}


async def told(socket: websockets.ClientConnection) -> tuple[str, list[str]]:
    """The type of the next message, and the codes of the errors in it."""
    message = await receive(socket)
    errors: Any = message["payload"] if message["type"] == "error" else message["payload"].get("errors", [])
    return message["type"], [each["extensions"]["code"] for each in errors]


async def begun(socket: websockets.ClientConnection, shop: Shop, identity: str, seconds: int) -> tuple[str, list[str]]:
    """Follows a day: what comes first."""
    await socket.send(subscribing(identity, SLOTS, **window(shop, seconds)))
    return await told(socket)


REFUSED = ("error", ["QUERY_TOO_COMPLEX"])
FOLLOWS: tuple[str, list[str]] = ("next", [])


async def test_a_socket_has_so_many_operations_open_and_no_more(narrow: Shop) -> None:
    async with narrow.served.socket(narrow.served.keys["staff"]) as socket:
        await acknowledged(socket)
        for identity in ("one", "two", "three"):
            assert await begun(socket, narrow, identity, 0) == FOLLOWS
        assert await begun(socket, narrow, "four", 0) == REFUSED
        await socket.send('{"type": "complete", "id": "two"}')
        assert await begun(socket, narrow, "four", 0) == FOLLOWS


async def test_a_key_follows_so_many_different_things_and_no_more(narrow: Shop) -> None:
    served = narrow.served
    async with served.socket(served.keys["staff"]) as one, served.socket(served.keys["staff"]) as two:
        for socket in (one, two):
            await acknowledged(socket)
        for socket, seconds in ((one, 0), (one, 1), (two, 2), (two, 3)):
            assert await begun(socket, narrow, str(seconds), seconds) == FOLLOWS
        # Equal ones count once; what is left for a fifth is nothing, on a socket as on a stream of events.
        assert await begun(one, narrow, "equal", 3) == FOLLOWS
        assert await begun(two, narrow, "fifth", 4) == REFUSED
        async with streaming(served, "staff", SLOTS, **window(narrow, 4)) as stream:
            first = await stream.next()
            assert (first.name, first.codes) == ("next", ["QUERY_TOO_COMPLEX"])
            assert "4 different subscriptions" in first.data["errors"][0]["message"]
        # Another key has its own, and one that is closed makes room.
        async with streaming(served, "admin", SLOTS, **window(narrow, 4)) as stream:
            assert (await stream.next()).codes == []
        await one.send('{"type": "complete", "id": "0"}')
        async with asyncio.timeout(PATIENCE):
            while await begun(two, narrow, "fifth", 4) == REFUSED:
                pass


async def test_an_address_has_its_share_of_what_a_public_key_may_follow(narrow: Shop) -> None:
    served = narrow.served
    async with (
        served.socket(served.keys["public"]) as socket,
        streaming(served, "public", SLOTS, **window(narrow, 0)) as stream,
    ):
        await acknowledged(socket)
        assert (await stream.next()).codes == []
        assert await begun(socket, narrow, "1", 1) == FOLLOWS
        assert await begun(socket, narrow, "2", 2) == REFUSED
        assert await begun(socket, narrow, "equal", 0) == FOLLOWS


async def test_without_bounds_there_are_none(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, socket_subscriptions=0, key_subscriptions=0) as served:
        shop = await furnish(served)
        async with served.socket(served.keys["public"]) as socket:
            await acknowledged(socket)
            for second in range(60):
                await socket.send(subscribing(str(second), SLOTS, **window(shop, second)))
            assert [await told(socket) for _ in range(60)] == [FOLLOWS] * 60


async def test_queries_and_mutations_take_no_seat(narrow: Shop) -> None:
    async with narrow.served.socket(narrow.served.keys["public"]) as socket:
        await acknowledged(socket)
        for number in range(10):
            await socket.send(subscribing(str(number), f"{{ a{number}: __typename }}"))
            assert [(await receive(socket))["type"] for _ in range(2)] == ["next", "complete"]


async def test_what_is_too_long_to_be_kept_is_not_begun(narrow: Shop) -> None:
    async with narrow.served.socket(narrow.served.keys["staff"]) as socket:
        await acknowledged(socket)
        variables = {**window(narrow, 0), "optionIds": ["x" * LONGEST]}
        for document, values in ((SLOTS, variables), (SLOTS + "#" * LONGEST, window(narrow, 0))):
            await socket.send(subscribing("long", document, **values))
            assert await told(socket) == REFUSED
        # A query is done with at once: it may be longer.
        await socket.send(subscribing("query", "{ __typename }" + "#" * LONGEST))
        assert await told(socket) == FOLLOWS


async def test_an_id_is_no_longer_than_an_id(narrow: Shop) -> None:
    for kind in ("subscribe", "complete"):
        async with narrow.served.socket(narrow.served.keys["staff"]) as socket:
            await acknowledged(socket)
            message = json.loads(subscribing("x" * (LONGEST_ID + 1), "{ __typename }"))
            await socket.send(json.dumps({**message, "type": kind}))
            assert await close_code(socket) == 4400


async def test_refusals_on_a_socket_come_in_the_callers_language(narrow: Shop) -> None:
    connecting = silent(narrow.served)
    connecting.additional_headers = {"Accept-Language": "nb"}
    async with connecting as socket:
        key = {"Authorization": f"Bearer {narrow.served.keys['staff']}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": key}))
        await acknowledged(socket)
        for number in range(3):
            assert await begun(socket, narrow, str(number), number) == FOLLOWS
        await socket.send(subscribing("3", SLOTS, **window(narrow, 3)))
        (error,) = (await receive(socket))["payload"]
        assert error["message"].startswith("En socket kan ha 3 åpne operasjoner.")


@pytest.mark.parametrize("role", Role)
def test_equal_subscriptions_count_once_but_have_a_limit_too(role: Role) -> None:
    seats, caller = SubscriptionSeats(4, 0.5), Caller(uuid4(), uuid4(), role, "a key")

    def refused(address: str | None, sameness: bytes) -> bool:
        with ExitStack() as attempt:
            try:
                attempt.enter_context(seats.taken(caller, address, sameness, "en"))
            except GraphQLError as error:
                return bool((error.extensions or {})["code"] == "QUERY_TOO_COMPLEX")
        return False

    with ExitStack() as taken:
        for _ in range(2 * EQUAL):
            taken.enter_context(seats.taken(caller, "192.0.2.1", b"one", "en"))
        assert refused("192.0.2.1", b"one")
        assert not refused("192.0.2.2", b"one")
        for _ in range(2 * EQUAL):
            taken.enter_context(seats.taken(caller, None, b"one", "en"))
        assert refused(None, b"one")
        assert refused("192.0.2.3", b"two")
    assert not seats._taken


def test_of_those_who_left_nothing_is_kept() -> None:
    seats = SubscriptionSeats(2, 0.5)
    for caller in (Caller(uuid4(), uuid4(), role, "a key") for role in Role):
        with seats.taken(caller, "192.0.2.1", b"one", "en"), seats.taken(caller, "192.0.2.1", b"one", "en"):
            assert seats._taken
    assert not seats._taken
