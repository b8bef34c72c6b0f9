"""Connections: whatever is begun and not finished has an end, and what is too large is not read."""

import asyncio
import gc
import json
from contextlib import AsyncExitStack

import pytest
from starlette.types import Receive, Scope, Send

from graph.commands.serve import Site, serving
from graph.server.http.body_limit import LARGEST_BODY
from graph.server.transport import connection
from graph.server.transport.connection import LARGEST_HEAD, MOST_HEADERS, MOST_PIPELINED
from tests.graph.server.raw_http import line, posting, status_in
from tests.graph.shop import KARI, Shop, at
from tests.operations import operations
from tests.served import Served
from tests.stage import PATIENCE, free_port

GET = b"GET /healthz HTTP/1.1\r\nhost: here\r\n"
SOCKET = b"GET /graphql HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
CHUNKED = b"POST /graphql HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n"

HALF_SENT = {
    b"": None,
    b"\r\n": None,
    b"G": 408,
    b"GET /healthz": 408,
    GET: 408,
    GET + b"x: y": 408,
    SOCKET: 408,
    SOCKET + b"sec-websocket-key: ": 408,
    posting(b"{", "key", length=10): 408,
    CHUNKED: 408,
    CHUNKED + b"2\r\n{}\r\n": 408,
    CHUNKED + b"2\r\n{}\r\n0\r\nx: y": 408,
}
"""What somebody sends before they fall silent, and the status that is answered; None: the line is closed."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything has to arrive at once."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.01)
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.01)


async def outcome(origin: str, sent: bytes, after: bytes = b"") -> int | None:
    """The status with which a connection ends that falls silent after these bytes, maybe after an answer."""
    async with line(origin) as quiet:
        if after:
            await quiet.send(after)
            await quiet.until(b'{"status":"ok"}')
        await quiet.send(sent)
        return status_in(await quiet.rest())


@pytest.mark.usefixtures("impatient")
async def test_what_is_half_sent_is_closed(studio: Served) -> None:
    ends = await asyncio.gather(*(outcome(studio.url, sent) for sent in HALF_SENT))
    assert dict(zip(HALF_SENT, ends, strict=True)) == HALF_SENT


@pytest.mark.usefixtures("impatient")
async def test_what_falls_silent_after_an_answer_is_closed(studio: Served) -> None:
    ends = await asyncio.gather(*(outcome(studio.url, sent, GET + b"\r\n") for sent in HALF_SENT))
    assert dict(zip(HALF_SENT, ends, strict=True)) == HALF_SENT


def test_the_times_are_those_that_are_promised() -> None:
    assert (connection.HEAD_SECONDS, connection.BODY_SECONDS) == (10, 30)


async def test_a_request_that_comes_in_pieces_is_answered(studio: Served) -> None:
    body = json.dumps({"query": "{ __typename }"}).encode()
    whole = posting(body, studio.keys["public"])
    async with line(studio.url) as slow:
        for _ in range(2):
            for at_byte in range(len(whole)):
                await slow.send(whole[at_byte : at_byte + 1])
            assert status_in(await slow.until(b"}}}")) == 200


ENDLESS = {
    "one header that never ends": (GET + b"x: ", b"y" * 4096),
    "headers without end": (GET, b"x: y\r\n" * 1000),
    "an address that never ends": (b"GET /", b"x" * 4096),
    "a name that never ends": (GET, b"x" * 4096),
    "a socket's header that never ends": (SOCKET + b"cookie: ", b"y" * 4096),
    "one large header": (GET + b"x: " + b"y" * 8_000_000 + b"\r\n\r\n", b""),
    "headers of two bytes": (GET + b"a:\r\n" * MOST_HEADERS + b"\r\n", b""),
    "a socket's headers of two bytes": (SOCKET + b"a:\r\n" * MOST_HEADERS + b"\r\n", b""),
    "one header a little too large": (GET + b"x: " + b"y" * LARGEST_HEAD + b"\r\n\r\n", b""),
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_a_head_that_is_too_large_is_431_and_not_read(studio: Served, kind: str) -> None:
    begin, more = ENDLESS[kind]
    async with line(studio.url) as endless:
        await endless.send(begin)
        for _ in range(200 if more else 0):
            await endless.send(more)
        assert status_in(await endless.rest()) == 431


async def test_a_head_as_large_as_it_may_be_is_read(studio: Served) -> None:
    async with line(studio.url) as large:
        await large.send(GET + b"x: " + b"y" * (LARGEST_HEAD - 1000) + b"\r\n\r\n")
        assert status_in(await large.until(b'{"status":"ok"}')) == 200


async def test_as_many_headers_as_there_may_be_are_read(studio: Served) -> None:
    async with line(studio.url) as talkative:
        for _ in range(3):
            await talkative.send(GET + b"a:\r\n" * (MOST_HEADERS - 1) + b"\r\n")
            assert status_in(await talkative.until(b'{"status":"ok"}')) == 200


async def test_half_sent_headers_count_with_what_they_take_in_memory(
    studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_BYTES_HALF_SENT", 20_000)
    async with line(studio.url) as first, line(studio.url) as second:
        await first.send(GET + b"a:\r\n" * 90)
        await second.send(GET + b"a:\r\n" * 90)
        assert await first.rest() == b""


async def test_a_body_far_larger_than_the_head_may_be_is_read(studio: Served) -> None:
    document = json.dumps({"query": "{ __typename }", "variables": {"x": "y" * (LARGEST_BODY - 1000)}}).encode()
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (document[:7], document[7:])) + b"0\r\n\r\n"
    for sent in (posting(document, studio.keys["public"]), posting(pieces, studio.keys["public"], length=-1)):
        async with line(studio.url) as large:
            await large.send(sent)
            assert status_in(await large.until(b"}}}")) == 200


@pytest.mark.parametrize("trailer", [b"x: y\r\n" * 1000, b"x" * 4096])
async def test_what_follows_a_body_without_end_is_not_kept(studio: Served, trailer: bytes) -> None:
    async with line(studio.url) as endless:
        await endless.send(posting(b"0\r\n", studio.keys["public"], length=-1))
        for _ in range(1000):
            await endless.send(trailer)
        assert status_in(await endless.rest()) == 413


def in_pieces(body: bytes, size: int, extension: bytes = b"") -> bytes:
    """A body in pieces of so many bytes."""
    pieces = (body[begin : begin + size] for begin in range(0, len(body), size))
    return b"".join(b"%x%b\r\n%b\r\n" % (len(each), extension, each) for each in pieces) + b"0\r\n\r\n"


def asking(length: int) -> bytes:
    """A request's body of so many bytes."""
    body = json.dumps({"query": "{ __typename }"}).encode()
    return body + b" " * (length - len(body))


async def test_a_body_in_many_small_pieces_is_413_and_in_so_many_it_is_read(studio: Served) -> None:
    most = connection.MOST_PIECES
    status = {}
    for length, size in ((most - 1, 1), (most + 100, 1), (500_000, 1), (500_000, 300), (500_000, 1024)):
        async with line(studio.url) as hasty:
            body = in_pieces(asking(length), size)
            await hasty.send(posting(body, studio.keys["public"], b"connection: close", length=-1))
            status[length, size] = status_in(await hasty.rest())
    expected = {(most - 1, 1): 200, (500_000, 1024): 200}
    assert status == dict.fromkeys(status, 413) | expected


async def test_what_is_said_about_the_pieces_of_a_body_is_bounded_too(studio: Served) -> None:
    for length, expected in ((1000, 200), (600_000, 413)):
        async with line(studio.url) as talkative:
            body = in_pieces(asking(100), 100, b";x=" + b"y" * length)
            await talkative.send(posting(body, studio.keys["public"], b"connection: close", length=-1))
            assert status_in(await talkative.rest()) == expected


async def test_a_body_that_breaks_off_is_not_run(shop: Shop) -> None:
    wanted = {"serviceId": shop.haircut, "start": at("10:00"), "customer": KARI}
    body = json.dumps({"query": operations()["Book"], "variables": {"input": wanted}}).encode()
    key = shop.served.keys["public"]
    stands = await shop.cursor()
    for sent in (
        posting(b"%x\r\n%b\r\n" % (len(body), body), key, length=-1),
        posting(body, key, length=len(body) + 1),
        posting(b"%x\r\n%b\r\nnonsense" % (len(body), body), key, length=-1),
    ):
        async with line(shop.served.url) as broken:
            await broken.send(sent)
            broken.end()
            assert status_in(await broken.rest()) in (None, 400)
    assert await shop.cursor() == stands


async def test_of_many_that_are_half_sent_the_oldest_make_room(studio: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_HALF_SENT", 5)
    async with AsyncExitStack() as lines:
        opened = []
        for _ in range(8):
            opened.append(await lines.enter_async_context(line(studio.url)))
            await opened[-1].send(GET)
        async with line(studio.url) as honest:
            await honest.send(GET + b"\r\n")
            assert status_in(await honest.until(b'{"status":"ok"}')) == 200
        for each in opened[:3]:
            assert await each.rest() == b""
        await opened[-1].send(b"\r\n")
        assert status_in(await opened[-1].until(b'{"status":"ok"}')) == 200


async def test_what_is_half_sent_is_kept_up_to_so_many_bytes_in_all(
    studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_BYTES_HALF_SENT", 1_000_000)
    big = b"x" * 400_000
    begun = posting(big, "key", length=LARGEST_BODY)
    message = bytes((0x01, 0x80 | 127)) + (LARGEST_BODY).to_bytes(8) + bytes(4) + big
    upgrade = (
        b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n"
    )
    async with AsyncExitStack() as lines:
        first, second, third = [await lines.enter_async_context(line(studio.url)) for _ in range(3)]
        await first.send(begun)
        await second.send(GET.replace(b"/healthz", b"/graphql") + upgrade)
        assert status_in(await second.until(b"\r\n\r\n")) == 101
        init = b'{"type":"connection_init","payload":{"Authorization":"Bearer %b"}}' % studio.keys["public"].encode()
        await second.send(bytes((0x81, 0x80 | 126)) + len(init).to_bytes(2) + bytes(4) + init)
        await second.until(b'"connection_ack"')
        await second.until(b"}")
        await second.send(message)
        await third.send(begun)
        assert await first.rest() == b""
        async with line(studio.url) as fourth:
            await fourth.send(begun)
            assert await second.rest() == b""
        async with line(studio.url) as honest:
            await honest.send(posting(b'{"query": "{ __typename }"}', studio.keys["public"]))
            assert status_in(await honest.until(b"}}")) == 200
        await third.send(b"x" * (LARGEST_BODY - len(big)))
        assert status_in(await third.until(b"}]}")) == 400


async def test_so_many_requests_can_wait_for_an_answer_and_no_more(studio: Served) -> None:
    async with line(studio.url) as hasty:
        await hasty.send((GET + b"\r\n") * MOST_PIPELINED)
        for _ in range(MOST_PIPELINED):
            assert status_in(await hasty.until(b'{"status":"ok"}')) == 200
        await hasty.send((GET + b"\r\n") * 1000)
        assert (await hasty.rest()).count(b"HTTP/1.1") <= MOST_PIPELINED + 1


async def test_an_answer_that_nobody_reads_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STALLED_SECONDS", 0.01)
    given_up = asyncio.Event()

    async def talkative(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 50_000_000, "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        given_up.set()

    port = free_port()
    async with serving([Site(talkative, "127.0.0.1", port)]), line(f"http://127.0.0.1:{port}") as deaf:
        await deaf.send(GET + b"\r\n")
        async with asyncio.timeout(PATIENCE):
            await given_up.wait()


async def test_a_client_has_its_time_to_read_from_when_it_fell_behind() -> None:
    written = asyncio.Event()

    async def talkative(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x" * 50_000_000, "more_body": True})
            written.set()
            await receive()
            await receive()

    port = free_port()
    async with serving([Site(talkative, "127.0.0.1", port)]), line(f"http://127.0.0.1:{port}") as slow:
        await slow.send(GET + b"\r\n")
        async with asyncio.timeout(PATIENCE):
            await written.wait()
        # The server looks now and then: it may be the first time since the connection was made.
        # Not isinstance: that asks weak references for the class of what they lead to, which may be gone.
        (behind,) = (
            each for each in gc.get_objects() if type(each) is connection.Connection and each.flow.write_paused
        )
        behind.look(asyncio.get_running_loop().time())
        assert not behind.transport.is_closing()


async def test_an_address_with_a_slash_too_many_leads_nowhere(studio: Served) -> None:
    for path in ("/graphql/", "/healthz/", "/graphql//"):
        for more in (b"", b"x-forwarded-host: evil.example\r\n"):
            async with line(studio.url) as stranger:
                head = b"GET " + path.encode() + b" HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n"
                await stranger.send(head + more + b"\r\n")
                answer = await stranger.rest()
            assert status_in(answer) == 404, path
            assert b"evil.example" not in answer
