"""What a client does not read is not made for it: its answers wait to be worked out, and what waits is counted."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import websockets
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from graph.availability.query import Slot
from graph.commands.serve import Site
from graph.commands.serve import serving as serving_sites
from graph.server.transport.connection import EXTENSION, MOST_BYTES_UNREAD, READY
from graph.server.transport.frames import WAIT, WRITE
from tests.graph.operation.test_executor import BEGIN, PLAIN, SLOTS, Crowd, begun, crowded
from tests.graph.server.metrics_client import Counting
from tests.graph.server.raw_http import Line, line, posting
from tests.graph.socket_client import acknowledged, close_code, receive, subscribing
from tests.served import serving
from tests.stage import PATIENCE, Stage, free_port

FOLLOWED = SLOTS.replace("query(", "subscription(").replace("{ availability(", "{ availabilityChanges(") % "id name"
LONG = 10_000_000
"""More bytes than lie between a client that does not read and a server: an answer for eight days has more."""


@pytest.fixture
async def crowd(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Crowd]:
    """A crowd that answers at length."""
    async with serving(
        our_stage, sqlite_url, answer_bytes=1 << 30, key_requests=0, request_cost=10**9, key_cost=0
    ) as served:
        yield await crowded(served)


def windows(crowd: Crowd, many: int) -> list[dict[str, Any]]:
    """Different questions with long answers."""
    starts = [BEGIN + timedelta(hours=number) for number in range(many)]
    return [
        {"service": crowd.service, "from": start.isoformat(), "to": (start + timedelta(days=8)).isoformat()}
        for start in starts
    ]


@asynccontextmanager
async def patient_socket(crowd: Crowd) -> AsyncIterator[websockets.ClientConnection]:
    """A socket that takes messages of any length."""
    address = f"{crowd.served.url.replace('http', 'ws', 1)}/graphql"
    protocols = [websockets.Subprotocol("graphql-transport-ws")]
    async with websockets.connect(address, subprotocols=protocols, max_size=None) as socket:
        key = {"Authorization": f"Bearer {crowd.served.keys['staff']}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": key}))
        await acknowledged(socket)
        yield socket
        # One that does not read would wait for the other half of a goodbye.
        socket.transport.abort()


def kept() -> int:
    """Bytes of the long texts that something in this process holds on to, each once: what was made, and its copies."""
    gc.collect()
    texts = {
        id(each): len(each)
        for holder in gc.get_objects()
        for each in gc.get_referents(holder)
        if isinstance(each, bytes | str | bytearray) and len(each) > LONG / 10
    }
    return sum(texts.values())


async def settled(crowd: Crowd) -> None:
    """Returns once nothing new is made."""
    before = -1
    async with asyncio.timeout(PATIENCE):
        while (now := kept()) != before or slots():
            before = now
            for _ in range(20):
                await crowd.served.http.get(f"{crowd.served.url}/healthz")


def slots() -> int:
    """How many slots there are."""
    return sum(isinstance(each, Slot) for each in gc.get_objects())


@pytest.mark.parametrize("document", [PLAIN, FOLLOWED], ids=["queries", "subscriptions"])
@pytest.mark.parametrize("many", [1, 3], ids=["one socket", "three sockets"])
async def test_what_a_client_does_not_read_is_not_made(crowd: Crowd, document: str, many: int) -> None:
    each_asks = 6 // many
    async with AsyncExitStack() as open_sockets:
        sockets = []
        for _ in range(many):
            socket = await open_sockets.enter_async_context(patient_socket(crowd))
            socket.transport.pause_reading()
            sockets.append(socket)
        asked = windows(crowd, 6)
        for number, variables in enumerate(asked):
            await sockets[number % many].send(subscribing(str(number), document, **variables))
        await begun(crowd.served)
        await settled(crowd)
        # The first of each socket is on its way; no other was made, of six.
        assert kept() < many * 1.2 * LONG
        sockets[-1].transport.resume_reading()
        told = set[str]()
        async with asyncio.timeout(PATIENCE):
            while len(told) < each_asks:
                message = await receive(sockets[-1])
                if message["type"] == "next":
                    assert len(json.dumps(message)) > LONG, message
                    told.add(message["id"])


async def test_of_what_changes_meanwhile_only_the_latest_waits(crowd: Crowd) -> None:
    book = "mutation($input: CreateBookingInput!) { createBooking(input: $input) { errors { code } } }"
    async with patient_socket(crowd) as socket:
        socket.transport.pause_reading()
        await socket.send(subscribing("1", FOLLOWED, **windows(crowd, 1)[0]))
        await settled(crowd)
        for hours in range(2, 6):
            start = (BEGIN + timedelta(days=1, hours=hours)).isoformat()
            wanted = {"serviceId": crowd.service, "start": start, "customer": {"name": "Kari"}}
            answer = await crowd.served.send(book, crowd.served.keys["staff"], {"input": wanted})
            assert answer.json()["data"]["createBooking"]["errors"] == []
            await settled(crowd)
        # One is on its way, and one is there for when it is read.
        assert kept() < 2 * 1.2 * LONG


async def test_cheap_questions_do_not_wait_for_dear_ones_of_their_socket(crowd: Crowd) -> None:
    async with patient_socket(crowd) as socket:
        for number, variables in enumerate(windows(crowd, 3)):
            await socket.send(subscribing(str(number), PLAIN, **variables))
        await begun(crowd.served)
        await socket.send(subscribing("cheap", "{ viewer { role } }"))
        ids = [message["id"] for message in [await receive(socket) for _ in range(8)] if message["type"] == "next"]
        assert ids.index("cheap") < len(ids) - 1


async def asked_by_http(crowd: Crowd, to: Line, document: str, number: int, *headers: bytes) -> None:
    """Asks for a long answer."""
    body = {"query": document, "variables": windows(crowd, number + 1)[number]}
    await to.send(posting(json.dumps(body).encode(), crowd.served.keys["staff"], *headers))


@pytest.mark.parametrize("document", [PLAIN, FOLLOWED], ids=["query", "subscription"])
async def test_what_an_event_stream_does_not_read_is_there_once(crowd: Crowd, document: str) -> None:
    async with AsyncExitStack() as lines:
        for number in range(3):
            each = await lines.enter_async_context(line(crowd.served.url))
            await asked_by_http(crowd, each, document, number, b"accept: text/event-stream")
            await each.until(b"event: next")
        await settled(crowd)
        assert kept() < 3 * 1.2 * LONG
    await settled(crowd)
    assert kept() == 0


async def test_a_stream_ends_with_its_connection_though_a_question_waits_behind_it(crowd: Crowd) -> None:
    count = Counting(crowd.served)
    await count()
    async with line(crowd.served.url) as each:
        await asked_by_http(crowd, each, FOLLOWED, 0, b"accept: text/event-stream")
        await each.until(b"event: next")
        await asked_by_http(crowd, each, "{ viewer { role } }", 0)
        assert (await count())["subscribers"] == 1
    async with asyncio.timeout(PATIENCE):
        while (await count())["subscribers"]:
            pass


async def test_what_is_asked_on_one_connection_is_made_when_the_answer_before_it_is_read(crowd: Crowd) -> None:
    async with line(crowd.served.url) as lazy:
        for number in range(3):
            await asked_by_http(crowd, lazy, PLAIN, number, *([b"connection: close"] if number == 2 else []))
        await lazy.until(b"HTTP/1.1 200")
        await settled(crowd)
        assert kept() < 1.2 * LONG
        assert (await lazy.rest()).count(b"HTTP/1.1 200") == 2


async def test_messages_that_wait_for_a_reader_count_and_the_one_behind_longest_is_cut() -> None:
    port, waits, stands = free_port(), asyncio.Event(), asyncio.Event()

    async def first(socket: WebSocket) -> None:
        await fill(socket)
        await socket.receive()

    async def second(socket: WebSocket) -> None:
        await fill(socket)
        with socket.scope["extensions"][EXTENSION][WAIT](MOST_BYTES_UNREAD):
            waits.set()
            await socket.receive()

    async def alone(socket: WebSocket) -> None:
        await fill(socket)
        ways = socket.scope["extensions"][EXTENSION]
        with ways[WAIT](2 * MOST_BYTES_UNREAD):
            # One message may be of any size.
            behind = ways[READY]()
            assert behind is not None
            behind.close()
            stands.set()
            with ways[WAIT](1):
                await socket.receive()

    async def fill(socket: WebSocket) -> None:
        await socket.accept()
        while socket.scope["extensions"][EXTENSION][WRITE](b"x" * 100_000):
            pass
        await socket.receive()

    routes = [WebSocketRoute(f"/{each.__name__}", each) for each in (first, second, alone)]
    address = f"ws://127.0.0.1:{port}"
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as server:
        await server.enter_async_context(serving_sites([Site(Starlette(routes=routes), "127.0.0.1", port)]))
        behind = await websockets.connect(f"{address}/first", max_queue=1, max_size=None)
        later = await websockets.connect(f"{address}/second", max_queue=1, max_size=None, close_timeout=0.1)
        await later.send("go on")
        await waits.wait()
        assert await close_code(behind) is None
        # It is the only one now, and one message waits.
        await later.close()
        single = await websockets.connect(f"{address}/alone", max_queue=1, max_size=None)
        await single.send("go on")
        assert await close_code(single) is None
        assert stands.is_set()
