"""Which connections go when there are too many: a flood from one address makes room by itself."""

import asyncio
import gc
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graph.commands.serve import Site, run, serving
from graph.server.transport import connection, eviction
from graph.server.transport.connection import Connection
from tests.graph.server.raw_http import Line, line, status_in
from tests.served import Served
from tests.stage import PATIENCE, free_port

GET = b"GET /healthz HTTP/1.1\r\nhost: here\r\n"
OK = b'{"status":"ok"}'
STRANGER, HONEST, THIRD = "127.0.0.2", "127.0.0.3", "127.0.0.4"
LONG = 20_000_000


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing ends because it takes long."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", 1000)
    monkeypatch.setattr(HttpToolsProtocol, "timeout_keep_alive_handler", lambda _: None)


@pytest.mark.usefixtures("patient")
async def test_of_many_that_are_idle_after_an_answer_the_oldest_make_room(
    studio: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_HALF_SENT", 6)
    async with AsyncExitStack() as lines:
        opened = [await lines.enter_async_context(line(studio.url, STRANGER)) for _ in range(12)]
        for each in opened:
            await each.send(GET + b"\r\n")
            assert status_in(await each.until(OK)) == 200
        for each in opened[:6]:
            assert await each.rest() == b""
        await opened[-1].send(GET + b"\r\n")
        assert status_in(await opened[-1].until(OK)) == 200


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("sent", [b"", GET, GET + b"\r\n"], ids=["nothing", "half a head", "a request"])
async def test_a_flood_from_one_address_pushes_nobody_else_out(
    studio: Served, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "MOST_HALF_SENT", 6)
    async with AsyncExitStack() as lines:
        honest = await lines.enter_async_context(line(studio.url, HONEST))
        await honest.send(GET)
        flood = []
        for _ in range(40):
            flood.append(await lines.enter_async_context(line(studio.url, STRANGER)))
            await flood[-1].send(sent)
        for each in flood[:30]:
            await each.rest()
        await honest.send(b"\r\n")
        assert status_in(await honest.until(OK)) == 200


async def test_a_burst_of_whole_requests_is_answered(studio: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_HALF_SENT", 20)
    loop, server = asyncio.get_running_loop(), urlsplit(studio.url)
    burst = []
    for _ in range(60):
        # The server has no turn before all of them have said all.
        burst.append(socket.create_connection((server.hostname or "", server.port or 0)))
        burst[-1].sendall(GET + b"connection: close\r\n\r\n")
        burst[-1].setblocking(False)
    async with asyncio.timeout(PATIENCE):
        answers = [await loop.sock_recv(each, 4096) for each in burst]
    for each in burst:
        each.close()
    assert [status_in(each) for each in answers] == [200] * len(burst)


async def test_no_more_wait_than_leave_files_for_others(studio: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [eviction._bound(1000, files, 0.5) for files in (-1, 1024, 100_000)] == [1000, 512, 1000]
    monkeypatch.setattr(connection, "MOST_HALF_SENT", 1)
    async with AsyncExitStack() as lines:
        # Of those that have just begun only so many more may be there.
        opened = [await lines.enter_async_context(line(studio.url, STRANGER)) for _ in range(2 * eviction.AT_ONCE)]
        assert await opened[0].rest() == b""


def test_a_process_that_serves_may_have_as_many_files_open_as_the_system_lets_it() -> None:
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before, 1024), most))
    try:
        run(asyncio.sleep(0))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


@pytest.fixture
async def talkative(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A server that answers at length: two answers may be unread, and not three."""
    monkeypatch.setattr(eviction, "SETTLED_SECONDS", 1000)
    monkeypatch.setattr(connection, "MOST_BYTES_UNREAD", LONG * 2)

    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await receive()
            head = [(b"content-length", b"%d" % LONG)]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": b"x" * LONG})

    port = free_port()
    async with serving([Site(answers, "127.0.0.1", port)]):
        yield f"http://127.0.0.1:{port}"


async def asked(lines: AsyncExitStack, url: str, here: str) -> tuple[Line, Connection]:
    """Asks for a long answer, and reads little of it: the server's end too, which is behind."""
    known = set(behind())
    opened = await lines.enter_async_context(line(url, here))
    await opened.send(GET + b"\r\n")
    await opened.until(b"\r\n\r\n")
    # The server has written the whole before it could send the head.
    new = [each for each in behind() if each not in known]
    return opened, new[0]


async def rest(of: Line, read: int = 0) -> int:
    """How much of a long answer comes in all, of which so much has been read."""
    while read < LONG and (piece := await of.some()):
        read += len(piece)
    return read


def behind() -> list[Connection]:
    """The connections whose clients are behind with reading."""
    found = [each for each in gc.get_objects() if isinstance(each, Connection)]
    return [each for each in found if each.flow is not None and each.flow.write_paused and each._behind]


async def test_who_reads_nothing_is_cut_before_who_reads(talkative: str) -> None:
    async with AsyncExitStack() as lines:
        honest, its_end = await asked(lines, talkative, HONEST)
        stranger, other_end = await asked(lines, talkative, STRANGER)
        assert its_end._behind is not None
        assert other_end._behind is not None
        for end in (its_end, other_end):
            assert end._behind is not None
            end._behind.settle()
            assert end.is_stuck
        read = 0
        while its_end.is_stuck:
            read += len(await honest.some())
        # By now its system has taken all that it takes.
        other_end._behind.settle()
        await asked(lines, talkative, THIRD)
        assert other_end.transport.is_closing()
        assert await rest(honest, read) == LONG
        assert await rest(stranger) < LONG


async def test_of_those_who_may_read_one_of_the_address_that_has_most_is_cut(talkative: str) -> None:
    async with AsyncExitStack() as lines:
        honest, _ = await asked(lines, talkative, HONEST)
        stranger, its_end = await asked(lines, talkative, STRANGER)
        await asked(lines, talkative, STRANGER)
        assert its_end.transport.is_closing()
        assert await rest(honest) == LONG
        assert await rest(stranger) < LONG
