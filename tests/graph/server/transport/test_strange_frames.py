"""Sockets of clients that break the rules below GraphQL: each is closed with a reason, and nothing of it is logged."""

import asyncio
import json
from collections import Counter

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from graph.server.transport.frames import AT_ONCE
from tests.graph.server.raw_http import Line, line, status_in
from tests.graph.socket_client import acknowledged, close_code, receive, silent, subscribing
from tests.served import Served

TEXT, CLOSE, PING, PONG, MORE = 1, 8, 9, 10, 0
UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n"
)


def frame(kind: int, data: bytes, *, last: bool = True) -> bytes:
    """A client's frame of less than 126 bytes, under a mask of zeros."""
    return bytes(((0x80 if last else 0) | kind, 0x80 | len(data))) + bytes(4) + data


GOODBYE = frame(CLOSE, b"\x03\xe8")
NO_TEXT = {
    "bytes that are no UTF-8": frame(TEXT, b"\xff\xfe"),
    "half a character": frame(TEXT, b'{"type":"ping"}\xc3'),
    "no UTF-8 in two pieces": frame(TEXT, b"\xc3", last=False) + frame(MORE, b"\x28"),
    "a surrogate": frame(TEXT, b"\xed\xa0\x80"),
    "again and again": frame(TEXT, b"\xff") * 10,
}


async def opened(quiet: Line) -> None:
    """Does the handshake of the protocol below."""
    await quiet.send(UPGRADE + b"\r\n")
    assert status_in(await quiet.until(b"\r\n\r\n")) == 101


def large(data: bytes) -> bytes:
    """A text frame of any length."""
    return bytes((0x80 | TEXT, 0x80 | 127)) + len(data).to_bytes(8) + bytes(4) + data


async def shown(stranger: Line, key: str) -> None:
    """Shows a key, as graphql-transport-ws does it."""
    await stranger.send(large(b'{"type":"connection_init","payload":{"Authorization":"Bearer %b"}}' % key.encode()))
    await stranger.until(b"connection_ack")


def code_in(answer: bytes) -> int | None:
    """The code of the close frame that an answer begins with; None when it is another frame, or nothing."""
    return int.from_bytes(answer[2:4]) if answer[:1] == b"\x88" else None


@pytest.mark.parametrize("kind", NO_TEXT)
async def test_text_that_is_no_utf_8_closes_the_socket_with_1007(
    studio: Served, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    async with line(studio.url) as stranger:
        await opened(stranger)
        await stranger.send(NO_TEXT[kind])
        assert code_in(await stranger.rest()) == 1007
    assert caplog.text == ""


@pytest.mark.parametrize("sent", [frame(TEXT, b"\xff") + GOODBYE, GOODBYE + frame(TEXT, b"\xff")])
async def test_no_utf_8_and_a_goodbye_at_once_are_a_goodbye(
    studio: Served, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    async with line(studio.url) as stranger:
        await opened(stranger)
        await stranger.send(sent)
        assert code_in(await stranger.rest()) == 1000
    assert caplog.text == ""


async def test_a_message_of_endless_empty_pieces_closes_the_socket_with_1009(
    studio: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with line(studio.url) as stranger:
        await opened(stranger)
        await stranger.send(frame(TEXT, b"", last=False) + frame(MORE, b"", last=False) * 100_000)
        assert code_in(await stranger.rest()) == 1009
    assert caplog.text == ""


async def test_a_handshake_that_cannot_be_read_is_refused_and_not_left_open(
    studio: Served, caplog: pytest.LogCaptureFixture
) -> None:
    more = (
        b"x: " + b"y" * 9000 + b"\r\n\r\n",
        b"content-length: 10\r\n\r\nabc",
        b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"sec-websocket-key: another\r\n\r\n",
    )

    async def status(rest: bytes) -> int | None:
        async with line(studio.url) as stranger:
            await stranger.send(UPGRADE + rest)
            return status_in(await stranger.rest())

    assert await asyncio.gather(*map(status, more)) == [400] * len(more)
    assert await status(b"x: y\r\n" * 200 + b"\r\n") == 431
    # What uvicorn itself says of bad requests is a line a minute: it may have been said before.
    assert {each.message for each in caplog.records} <= {"Invalid HTTP request received."}


async def test_a_flood_of_pings_closes_the_socket_with_1008_and_some_are_answered(
    studio: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with line(studio.url) as stranger:
        await opened(stranger)
        for _ in range(50):
            await stranger.send(frame(PING, b""))
            assert await stranger.until(b"\x8a\x00")
        await stranger.send(frame(PING, b"") * 100_000)
        answer = await stranger.rest()
    assert code_in(answer.lstrip(b"\x8a\x00")) == 1008
    assert caplog.text == ""


FLOODS = {
    "pongs": frame(PONG, b""),
    "pings": frame(PING, b"x"),
    "messages in two pieces": frame(TEXT, b"", last=False) + frame(MORE, b'{"type":"pong"}'),
    "pings between pieces": frame(PING, b"") + frame(PONG, b"y"),
}


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_of_frames_of_any_kind_closes_the_socket_with_1008(
    studio: Served, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    async with line(studio.url) as stranger:
        await opened(stranger)
        await shown(stranger, studio.keys["public"])
        await stranger.send(FLOODS[kind] * 100_000)
        assert b"\x03\xf0Too many frames" in await stranger.rest()
    assert caplog.text == ""


async def test_large_messages_one_after_the_other_are_a_flood_too(studio: Served) -> None:
    message = b'{"type":"pong","payload":{"x":"%b"}}' % (b"y" * 1_000_000)
    whole = large(message)
    async with line(studio.url) as stranger:
        await opened(stranger)
        await shown(stranger, studio.keys["public"])

        async def send_on() -> None:
            for _ in range(20):
                await stranger.send(whole + frame(PING, b""))
                await stranger.until(b"\x8a\x00")

        with pytest.raises(asyncio.IncompleteReadError) as end:
            await send_on()
        assert b"\x03\xf0Too many frames" in end.value.partial


@pytest.mark.parametrize("kind", ["pongs", "pings"])
async def test_and_so_before_a_key_is_shown(studio: Served, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    async with line(studio.url) as stranger:
        await opened(stranger)
        await stranger.send(FLOODS[kind] * 100_000)
        assert b"\x03\xf0Too many frames" in await stranger.rest()
    assert caplog.text == ""


async def test_a_flood_that_ends_with_a_goodbye_leaves_nothing_open(
    studio: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with line(studio.url) as stranger:
        await opened(stranger)
        await stranger.send(frame(PONG, b"") * 900)
        await stranger.send(frame(PONG, b"") * 500 + GOODBYE)
        assert code_in(await stranger.rest()) in (1000, 1008)
    assert caplog.text == ""


async def test_what_comes_in_is_read_a_little_at_a_time_and_others_have_their_turn(
    studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, turn, read = asyncio.get_running_loop(), 0, []
    reading = WebSocketsSansIOProtocol.data_received
    ticking: asyncio.Handle = loop.call_soon(int)

    def next_turn() -> None:
        nonlocal turn, ticking
        turn += 1
        ticking = loop.call_soon(next_turn)

    def reads(protocol: WebSocketsSansIOProtocol, data: bytes) -> None:
        read.append((turn, len(data)))
        reading(protocol, data)

    async with line(studio.url) as stranger:
        await opened(stranger)
        await shown(stranger, studio.keys["public"])
        monkeypatch.setattr(WebSocketsSansIOProtocol, "data_received", reads)
        ticking = loop.call_soon(next_turn)
        message = b'{"type":"pong","payload":{"x":"%b"}}' % (b"y" * 300_000)
        whole = large(message)
        await stranger.send(whole + frame(PING, b"end"))
        await stranger.until(b"\x8a\x03end")
        ticking.cancel()
    assert sum(length for _, length in read) == len(whole) + len(frame(PING, b"end"))
    assert max(length for _, length in read) <= AT_ONCE
    assert len({each for each, _ in read}) == len(read)


async def test_what_is_read_a_little_at_a_time_keeps_its_order(studio: Served) -> None:
    async with studio.socket(studio.keys["public"]) as socket:
        await acknowledged(socket)
        asked = [subscribing(str(number), "{ __typename }", x="y" * 30_000) for number in range(50)]
        for each in asked:
            await socket.send(each)
        pong = await socket.ping()
        answers = [await receive(socket) for _ in range(2 * len(asked))]
        await pong
        assert sorted(int(each["id"]) for each in answers if each["type"] == "next") == list(range(50))
        await socket.send("{")
        assert await close_code(socket) == 4400


async def test_a_hundred_subscribe_at_once_and_stay(studio: Served) -> None:
    async with studio.socket(studio.keys["staff"]) as socket:
        await acknowledged(socket)
        for number in range(100):
            await socket.send(subscribing(str(number), "{ __typename }"))
            await socket.send('{"type": "ping"}')
        answers = [await receive(socket) for _ in range(300)]
    assert Counter(each["type"] for each in answers) == {"next": 100, "complete": 100, "pong": 100}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b'{"type":"ping"}') * 6, 1008),
        (frame(TEXT, b'{"type":"pong"}') * 1000, 1008),
        (large(b'{"type":"pong","payload":{"x":"%b"}}' % (b"y" * 4096)), 1009),
        (large(b'{"type":"connection_init","payload":{"x":"%b"}}' % (b"y" * 500_000))[:20_000], 1009),
        ((frame(TEXT, b"y" * 100, last=False) + frame(MORE, b"y" * 100, last=False) * 50), 1009),
    ],
)
async def test_before_a_key_is_shown_little_is_read(
    studio: Served, caplog: pytest.LogCaptureFixture, sent: bytes, code: int
) -> None:
    async with line(studio.url) as stranger:
        await opened(stranger)
        await stranger.send(sent)
        answer = await stranger.rest()
        while answer.startswith(b"\x81"):
            answer = answer[2 + answer[1] :]
        assert code_in(answer) == code
    assert caplog.text == ""


async def test_a_key_may_be_shown_after_some_pings_and_in_a_payload_of_some_size(studio: Served) -> None:
    async with silent(studio) as socket:
        for _ in range(4):
            await socket.send('{"type": "ping"}')
            assert (await receive(socket))["type"] == "pong"
        payload = {"Authorization": f"Bearer {studio.keys['public']}", "x": "y" * 3900}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        await acknowledged(socket)
        for _ in range(20):
            await socket.send(json.dumps({"type": "ping", "payload": {"x": "y" * 10_000}}))
            assert (await receive(socket))["type"] == "pong"


async def test_who_shows_no_valid_key_stays_a_stranger(studio: Served) -> None:
    async with silent(studio) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": "Bearer nonsense"}}))
        await socket.send(json.dumps({"type": "ping", "payload": {"x": "y" * 10_000}}))
        assert await close_code(socket) in (4403, 1009)
