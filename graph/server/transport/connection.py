"""One HTTP connection: how long a request may take to arrive, how large it may be, and how many may be half-sent.

What is begun and not finished costs its sender nothing and us memory and a file each: so each stage has an end.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from enum import Enum
from http import HTTPStatus
from typing import Any, cast
from weakref import WeakMethod

from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from graph.limits.address import CLIENT, PEER, network
from graph.server.transport.eviction import Behind, Crowd, HeldBytes, Holder
from graph.server.transport.log import RARE

EXTENSION, READY = "timebok.frames", "ready"
"""An extension of the scope, and something in it: what to wait for until the client is not behind with reading what it
was sent; None when it is not now, or gone.
"""

HEAD_SECONDS = 10.0
"""How long the request line and headers may take to arrive, from the connection or the last answer on."""

BODY_SECONDS = 30.0
"""How long a body may take to arrive."""

STALLED_SECONDS = 30.0
"""How long a client may read nothing of what was sent to it."""

LARGEST_HEAD = 32 * 1024
"""Bytes of the request line and headers, trailers included."""

MOST_HEADERS = 100
"""So many headers a request may have, trailers included: each is objects of ours, however short it is."""

HEADER_SIZE = 160
"""Bytes of those objects: two bytes objects, and the tuple that has them."""

LARGEST_FRAME = 64 * 1024
"""Bytes of a request that are neither its head nor its body: the lengths of a body's pieces, and what follows it."""

MOST_PIECES, SMALLEST_PIECE = 1000, 1024
"""So many pieces (chunks) a body may come in, however small they are, and one more for each so many bytes: a piece of
one byte is as much work as one of thousands.
"""

LINGER_SECONDS = 2.0
"""How long a client that is refused may go on sending: a line that is cut would lose it the answer."""

MOST_HALF_SENT = 1000
"""So many connections may have a request half-sent, or none yet, or none since the last answer; and at most half as
many as the process may have files open. Beyond it, of the address that has most, the one that waits longest goes.
"""

MOST_BYTES_HALF_SENT = 16 * 1024 * 1024
"""Bytes of requests, and of messages on sockets, that are kept until the rest arrives, on all connections together.
Beyond it those of the address that has most make room, who began first goes first.
"""

MOST_BYTES_UNREAD = 48 * 1024 * 1024
"""Bytes of answers and messages that clients have not read yet, on all connections together, beside those of one
connection. Beyond it some are cut: first whose client reads nothing, then those of the address that has most.
"""

MOST_PIPELINED = 16
"""Requests that may come on one connection before the first of them is answered."""

_NO_SCOPE = cast(HTTPScope, {})
"""In the place of a request's scope that nobody needs any more."""


class Stage(Enum):
    """How far the newest request has come."""

    HEAD = "head"
    BODY = "body"
    WHOLE = "whole"
    REFUSED = "refused"


class RefusedError(Exception):
    """The request is not read on."""


class Connections(ServerState):
    """The connections of a server. Those whose request has not arrived are kept in the order in which they wait."""

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("uvicorn.error").addFilter(RARE)
        self.waiting = Crowd(lambda: MOST_HALF_SENT)
        self._half_sent = HeldBytes(lambda: MOST_BYTES_HALF_SENT)
        self._unread = HeldBytes(lambda: MOST_BYTES_UNREAD)

    def wait_for(self, connection: "Connection") -> None:
        """Waits for a request of a connection, from now on; some go if too many wait."""
        self.waiting.add(connection)

    def keep(self, sender: Holder, size: int) -> None:
        """Notes how many bytes are kept of what a connection has half-sent; some go if it is too much."""
        self._half_sent.hold(sender, size)

    def unread(self, reader: Holder, size: int) -> None:
        """Notes how many bytes a connection has not read; some are cut if it is too much."""
        self._unread.hold(reader, size)

    def look(self) -> None:
        """Ends the connections that take too long."""
        RARE.report()
        now = asyncio.get_running_loop().time()
        for each in list(self.connections):
            if isinstance(each, Connection):
                each.look(now)


def _weak(wait: Callable[[], Coroutine[Any, Any, Any] | None]) -> Callable[[], Coroutine[Any, Any, Any] | None]:
    """Makes a way to wait that keeps no connection: whoever has it may be there for longer."""
    way = WeakMethod(wait)

    def weakly() -> Coroutine[Any, Any, Any] | None:
        found = way()
        return found() if found is not None else None

    return weakly


class Connection(HttpToolsProtocol):
    """uvicorn's protocol of one HTTP connection."""

    server_state: Connections

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._stage = Stage.WHOLE
        self._due: float | None = None
        self._begun = 0
        self._head_bytes = 0
        self._headers = 0
        self._chunk_bytes = 0
        self._pieces = 0
        self._body_bytes = 0
        self._kept = 0
        self._refusal: HTTPStatus | None = None
        self._unread = 0
        self._read_at = 0.0
        self._behind: Behind | None = None
        self.address: str | None = None
        self._answering: RequestResponseCycle | None = None
        self._ways: dict[object, object] = {READY: _weak(self.until_writable)}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Waits for the first request."""
        super().connection_made(transport)
        self.address = self.client and network(self.client[0])
        self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more, and tells whoever answers: uvicorn tells the newest request, which may wait behind others."""
        self._arrived()
        self._catch_up()
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)
        self._let_go()

    def handle_websocket_upgrade(self) -> None:
        """Hands the connection over to a socket."""
        self._arrived()
        super().handle_websocket_upgrade()
        self._let_go()

    def data_received(self, data: bytes) -> None:
        """Reads on; counts what neither was handed out nor can be seen from outside the parser."""
        if self._stage is Stage.REFUSED:
            return
        begun = self._begun
        super().data_received(data)
        if self._stage in (Stage.HEAD, Stage.BODY):
            self._kept += len(data)
            self.server_state.keep(self, self._kept + self._headers * HEADER_SIZE)
        if self._begun != begun or self._stage not in (Stage.HEAD, Stage.BODY):
            self._chunk_bytes = 0
            return
        self._chunk_bytes += len(data)
        if self._chunk_bytes > (LARGEST_HEAD if self._stage is Stage.HEAD else LARGEST_FRAME):
            self._refuse(self._too_large())

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {PEER: {CLIENT: self.client}, EXTENSION: self._ways}
        self._begun += 1
        self._stage, self._head_bytes, self._headers = Stage.HEAD, 0, 0
        self._wait(HEAD_SECONDS)

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        self._headers += 1
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The body follows."""
        if len(self.pipeline) >= MOST_PIPELINED:
            raise RefusedError
        self._stage = Stage.BODY
        self._chunk_bytes = self._pieces = self._body_bytes = 0
        self._due = self.loop.time() + BODY_SECONDS
        super().on_headers_complete()
        if not self.pipeline:
            self._answering = self.cycle

    def on_chunk_header(self) -> None:
        """A piece of the body is announced."""
        self._pieces += 1
        if self._pieces > MOST_PIECES + self._body_bytes // SMALLEST_PIECE:
            self._refusal = self._too_large()
            raise RefusedError

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._chunk_bytes -= len(body)
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has arrived."""
        self._stage = Stage.WHOLE
        self._arrived()
        super().on_message_complete()
        self._forget_request()

    def on_response_complete(self) -> None:
        """The request is answered; the rest of its body, if any, is still waited for, and then the next request."""
        if self.parser is None:
            # The connection is a socket now.
            return
        if self._answering is not None and self._answering is not self.cycle:
            self._answering.scope = _NO_SCOPE
        self._forget_request()
        if self.pipeline:
            self._answering = self.pipeline[-1][0]
        super().on_response_complete()
        if self._stage is Stage.WHOLE and self.cycle.response_complete and not self.transport.is_closing():
            self._wait(HEAD_SECONDS)

    def send_400_response(self, msg: str) -> None:
        """Refuses what cannot be read on, and closes once the client has had the time to read why."""
        status = self._refusal or HTTPStatus.BAD_REQUEST
        if self.pipeline or (self.cycle and self.cycle.response_started and not self.cycle.response_complete):
            # Another answer is under way: this one would be taken for a part of it.
            self.transport.abort()
            return
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        text = msg if status is HTTPStatus.BAD_REQUEST else status.phrase
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        rest = f"content-length: {len(text)}\r\nconnection: close\r\n\r\n{text}"
        self.transport.write((head + rest).encode())
        self._stage, self._due = Stage.REFUSED, self.loop.time() + LINGER_SECONDS
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def look(self, now: float) -> None:
        """Ends the connection if the request takes too long to arrive, or the answer to be read."""
        unread = self.transport.get_write_buffer_size()
        if not unread or not self._unread or unread < self._unread:
            # It has read, or has had nothing to read until now.
            self._read_at = now
        self._unread = unread
        if unread and now - self._read_at > STALLED_SECONDS:
            self.transport.abort()
        elif self._due is not None and now >= self._due and not self.transport.is_closing():
            if self._stage in (Stage.WHOLE, Stage.REFUSED):
                self.transport.close()
            elif self.flow.read_paused:
                # What has come is not taken: that is none of the client's fault.
                self._due = now + BODY_SECONDS
            else:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def until_writable(self) -> Coroutine[Any, Any, Any] | None:
        """What to wait for until the client is not behind; None when it is not, or gone."""
        return self.flow.drain() if self.flow.write_paused and not self.transport.is_closing() else None

    def pause_writing(self) -> None:
        """The client is behind."""
        super().pause_writing()
        self._behind = self._behind or Behind(self.transport)
        self.server_state.unread(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The client has read."""
        self._read_at = self.loop.time()
        self._catch_up()
        super().resume_writing()

    @property
    def is_stuck(self) -> bool:
        """Whether the client has read nothing since it fell behind."""
        return self._behind is not None and self._behind.is_stuck

    def _catch_up(self) -> None:
        self.server_state.unread(self, 0)
        if self._behind is not None:
            self._behind.end()
            self._behind = None

    def _wait(self, seconds: float) -> None:
        self._due = self.loop.time() + seconds
        self.server_state.wait_for(self)

    def _arrived(self) -> None:
        self._due = None
        self.server_state.waiting.discard(self)
        if self._kept:
            self._kept = 0
            self.server_state.keep(self, 0)

    def _forget_request(self) -> None:
        """Drops the newest request's headers once it has arrived and is answered: the connection may stay for long."""
        cycle = self.cycle
        if self._stage is Stage.WHOLE and cycle is not None and cycle.response_complete and cycle.scope is self.scope:
            cycle.scope = self.scope = _NO_SCOPE
            self.headers, self.url = [], b""

    def _let_go(self) -> None:
        """Drops whatever leads back here, so that nothing of a connection waits for the garbage collector. An
        application that still answers has what it needs, and `cycle.disconnected` to end by.
        """
        self._unset_keepalive_if_required()
        self.parser = None  # type: ignore[assignment]
        self.cycle = self._answering = None  # type: ignore[assignment]
        self.pipeline.clear()
        self.scope, self.headers = _NO_SCOPE, []

    def _count(self, length: int) -> None:
        self._head_bytes += length
        if self._head_bytes > LARGEST_HEAD or self._headers > MOST_HEADERS:
            self._refusal = self._too_large()
            raise RefusedError

    def _too_large(self) -> HTTPStatus:
        is_head = self._stage is Stage.HEAD
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if is_head else HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def _refuse(self, status: HTTPStatus) -> None:
        if not self.transport.is_closing():
            self._refusal = status
            self.send_400_response(status.phrase)
