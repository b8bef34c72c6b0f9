"""Asking one server again and again on kept connections: raw HTTP, so that asking costs little."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tests.bench.servers.measured_server import Contestant

PATIENCE = 30.0
"""Seconds for whatever is under way when time is up."""


@dataclass(frozen=True)
class Question:
    """A document, and the variables with which it is asked in turns."""

    document: str
    variables: Sequence[dict[str, Any]]

    def requests(self, server: Contestant) -> list[bytes]:
        """As they go over the wire."""
        lines = [
            "POST /graphql HTTP/1.1",
            f"Host: 127.0.0.1:{server.port}",
            "Content-Type: application/json",
            "Accept: application/json",
            *([f"Authorization: Bearer {server.key}"] if server.key else []),
        ]
        bodies = [json.dumps({"query": self.document, "variables": each}).encode() for each in self.variables]
        return ["\r\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode() + body for body in bodies]


class _Asker(asyncio.Protocol):
    """One connection: the next question goes out when the last was answered, for as long as `more` gives one."""

    def __init__(self, more: Callable[[], bytes | None], answered: Callable[[bytes, float], None]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._more = more
        self._answered = answered
        self._rest = b""
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        head = self._rest.find(b"\r\n\r\n")
        if head < 0:
            return
        length = self._rest[:head].lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if len(self._rest) >= head + 4 + int(length):
            self._answered(self._rest, time.perf_counter() - self._asked)
            self._rest = b""
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server hung up"))

    def _ask(self) -> None:
        request = self._more()
        if request is None:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._asked = time.perf_counter()
            self._transport.write(request)


async def ask(server: Contestant, question: Question, connections: int, seconds: float) -> list[float]:
    """How many seconds each answer took. Fails on any answer that is not 200, or tells of errors."""
    requests, taken, asked = question.requests(server), [], 0
    until = time.perf_counter() + seconds

    def more() -> bytes | None:
        nonlocal asked
        asked += 1
        return requests[asked % len(requests)] if time.perf_counter() < until else None

    def answered(answer: bytes, after: float) -> None:
        assert answer.startswith(b"HTTP/1.1 200"), answer
        assert b'"errors":[{' not in answer, answer
        taken.append(after)

    loop = asyncio.get_running_loop()
    askers = [
        (await loop.create_connection(lambda: _Asker(more, answered), "127.0.0.1", server.port))[1]
        for _ in range(connections)
    ]
    async with asyncio.timeout(seconds + PATIENCE):
        await asyncio.gather(*(each.done for each in askers))
    return taken
