"""One follower of the calendar on a graphql-transport-ws socket: raw frames, so that a thousand cost little."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast
from uuid import uuid4

from tests.bench.clients.frames import CLOSE, PING, PONG, TEXT, frame, frame_in
from tests.bench.servers.measured_server import FOLLOW, Contestant, number_in

_HANDSHAKE = """GET /graphql HTTP/1.1\r
Host: 127.0.0.1:{port}\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Protocol: graphql-transport-ws\r
\r
"""


class Listener(asyncio.Protocol):
    """Counts what it hears; reads it in full only while `attentive`, and knows then which booking it heard of last.

    `heard` is called with each event's number of bytes, `failed` once when the socket closes or the stream ends.
    """

    transport: asyncio.Transport

    def __init__(self, server: Contestant, heard: Callable[[int], None], failed: Callable[[str], None]) -> None:
        self.count = 0
        self.last = 0
        self.attentive = True
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._server = server
        self._heard = heard
        self._failed = failed
        self._rest = b""
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(_HANDSHAKE.format(port=self._server.port).encode())

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        begin = 0
        if not self._upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            assert data.startswith(b"HTTP/1.1 101"), data
            self._upgraded, begin = True, end + 4
            self._say({"type": "connection_init", "payload": self._server.greeting})
        while found := frame_in(data, begin):
            opcode, start, begin = found
            self._take(opcode, data[start:begin])
        self._rest = data[begin:]

    def connection_lost(self, error: Exception | None) -> None:
        self._failed(f"connection lost: {error}")

    def leave(self) -> None:
        """Closes the connection at once, and says nothing of it."""
        self._failed = lambda _: None
        self.transport.abort()

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT and b'"next"' in payload:
            if self.attentive:
                self._attend(json.loads(payload))
            self.count += 1
            self._heard(len(payload))
        elif opcode == TEXT:
            self._obey(json.loads(payload))
        elif opcode == PING:
            self.transport.write(frame(payload, PONG))
        elif opcode == CLOSE:
            self._failed(f"closed: {payload!r}")

    def _attend(self, message: dict[str, Any]) -> None:
        number = number_in(message["payload"])
        assert number > self.last, f"{number} after {self.last}"
        self.last = number

    def _obey(self, message: dict[str, Any]) -> None:
        """The protocol's own messages."""
        if message["type"] == "connection_ack":
            # An id of its own, as clients give.
            self._say({"id": str(uuid4()), "type": "subscribe", "payload": {"query": FOLLOW}})
            self.subscribed.set_result(None)
        elif message["type"] == "ping":
            self._say({"type": "pong"})
        elif message["type"] != "pong":
            self._failed(str(message))

    def _say(self, message: dict[str, Any]) -> None:
        self.transport.write(frame(json.dumps(message).encode()))
