"""Connections that are over: nothing of them waits for the garbage collector, which looks rarely in a long process."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from websockets.server import ServerProtocol

from graph.server.transport.connection import Connection
from graph.server.transport.frames import Frames
from tests.graph.server.raw_http import line, posting, status_in
from tests.graph.server.transport.test_strange_frames import GOODBYE, TEXT, UPGRADE, frame, opened, shown
from tests.served import Served
from tests.stage import PATIENCE

KINDS = (Connection, RequestResponseCycle, Frames, ServerProtocol)
GET = b"GET /healthz HTTP/1.1\r\nhost: here\r\n"
BAD_HANDSHAKES = (b"x: " + b"y" * 9000, b"content-length: 10\r\n\r\nabc", b"sec-websocket-key: another")


def left() -> Counter[type]:
    """How many of each kind there are, of connections that are open or closed."""
    return Counter(type(each) for each in gc.get_objects() if isinstance(each, KINDS))


@pytest.fixture
async def collected_by_hand(studio: Served) -> AsyncIterator[Served]:
    """The studio on a server without a garbage collector."""
    await studio.http.get(f"{studio.url}/healthz")
    gc.collect()
    gc.disable()
    yield studio
    gc.enable()


async def gone(served: Served, before: Counter[type]) -> bool:
    """Whether all that came after is gone by itself, in the end. The client that asks has a connection of its own."""
    try:
        async with asyncio.timeout(PATIENCE / 4):
            while left() - before:
                await served.http.get(f"{served.url}/healthz")
    except TimeoutError:
        return False
    return True


REQUESTS = {
    "nothing": b"",
    "half a head": GET + b"x: y\r\n",
    "one request": GET + b"x: y\r\n\r\n",
    "several requests": (GET + b"\r\n") * 5,
    "no HTTP": b"nonsense\r\n\r\n",
    "too many headers": GET + b"a:\r\n" * 6500 + b"\r\n",
    "half a body": posting(b"{", "key", length=10),
    "a request that closes": GET + b"connection: close\r\n\r\n",
}


@pytest.mark.parametrize("sent", REQUESTS)
async def test_nothing_of_a_closed_connection_is_left(collected_by_hand: Served, sent: str) -> None:
    before = left()
    for _ in range(3):
        async with line(collected_by_hand.url) as stranger:
            await stranger.send(REQUESTS[sent])
            if sent not in ("nothing", "half a head", "half a body"):
                await stranger.until(b"\r\n\r\n")
    assert await gone(collected_by_hand, before)


async def test_nothing_of_a_connection_that_answers_is_left(collected_by_hand: Served) -> None:
    before = left()
    for _ in range(3):
        async with line(collected_by_hand.url) as client:
            asked = posting(b'{"query":"{ options { nodes { id } } }"}', collected_by_hand.keys["staff"])
            await client.send(asked * 3)
            for _ in range(3):
                await client.until(b'"resetSeconds":')
    assert await gone(collected_by_hand, before)


@pytest.mark.parametrize("key", [None, "nonsense", "staff"])
@pytest.mark.parametrize("goodbye", [b"", GOODBYE, frame(TEXT, b"\xff"), b"\xff\xff"], ids=str)
async def test_nothing_of_a_closed_socket_is_left(
    collected_by_hand: Served, capfd: pytest.CaptureFixture[str], key: str | None, goodbye: bytes
) -> None:
    before = left()
    for _ in range(3):
        async with line(collected_by_hand.url) as stranger:
            await opened(stranger)
            if key == "staff":
                await shown(stranger, collected_by_hand.keys["staff"])
            elif key:
                await stranger.send(frame(TEXT, b'{"type":"connection_init","payload":{"Authorization":"Bearer x"}}'))
            await stranger.send(goodbye)
    assert await gone(collected_by_hand, before)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("more", BAD_HANDSHAKES, ids=range(len(BAD_HANDSHAKES)))
async def test_nothing_of_a_bad_handshake_is_left(collected_by_hand: Served, more: bytes) -> None:
    before = left()
    for _ in range(3):
        async with line(collected_by_hand.url) as stranger:
            await stranger.send(UPGRADE + more + b"\r\n\r\n")
            assert status_in(await stranger.rest()) == 400
    assert await gone(collected_by_hand, before)


async def test_an_answered_request_leaves_no_headers_on_its_open_connection(studio: Served) -> None:
    async with line(studio.url) as idle:
        await idle.send(GET + b"x-mark: leaves-no-trace\r\n\r\n")
        await idle.until(b'{"status":"ok"}')
        gc.collect()
        kept = [
            each for each in gc.get_objects() if isinstance(each, tuple) and each == (b"x-mark", b"leaves-no-trace")
        ]
        assert kept == []
