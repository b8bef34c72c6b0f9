"""The server's end of a socket, with a short way out for messages that are ready: straight to the transport.

An ASGI `send` per message and member costs more than all the rest of a delivery. The way is offered to the
application as an extension of the scope: without it (under another server) messages go by `send`.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import State

from graph.limits.address import CLIENT, PEER, network
from graph.limits.answers import LONGEST_REASON
from graph.server.transport import connection
from graph.server.transport.connection import EXTENSION, READY, Connections
from graph.server.transport.eviction import Behind

WRITE, TRUST, WAIT = "write", "trust", "wait"
"""What else is in the extension: writes one text message of several parts, False when that would have to wait; that the
client has shown a key; and a block in which a message of so many bytes waits.
"""

RESTARTING = 1012
"""Source: the IANA registry of WebSocket close codes: "Service Restart"."""

LATE = 4408
"""Source: the graphql-ws project's PROTOCOL.md: "Connection initialisation timeout"."""

PARTING_SECONDS = 1.0
"""How long a client may take to read why it was closed."""

_LONGEST_FRAME_HEAD = 14
"""Source: RFC 6455, 5.2."""

_LONG = 64 * 1024
"""Bytes of a message that is not copied."""

_TEXT = 0x81
"""One whole message of text, not masked."""

_MOST_FRAGMENTS = 512
"""So many pieces one message may come in: nothing bounds how many are empty."""

_NO_HANDSHAKE = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

FRAMES_AT_ONCE, FRAMES_A_SECOND = 1000, 100
"""So many frames may come at once, of whatever kind, and so many a second for long. A dashboard sends hundreds."""

_BYTES_OF_A_FRAME = 8192
"""What is longer counts as one frame more for each so many bytes."""

STRANGE_MESSAGES, LARGEST_STRANGE = 5, 4096
"""So many messages may come from a client that has not shown a key yet, and so many bytes of each."""

AT_ONCE = 4096
"""So many bytes are read before everybody else has a turn."""

_INVALID_TEXT, _POLICY, _TOO_BIG = 1007, 1008, 1009
"""Source: RFC 6455, 7.4.1."""


class Frames(WebSocketsSansIOProtocol):
    """uvicorn's protocol of one socket."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._server: Connections = named["server_state"]
        self._kept = 0
        self._is_strange = True
        self._strange_messages = 0
        self._unread = bytearray()
        self._next: asyncio.Handle | None = None
        self._spent = 0.0
        self._spent_at = 0.0
        self._waiting = 0
        self._behind: Behind | None = None

    @property
    def address(self) -> str | None:
        """The address of the client's end, or of a proxy's."""
        return self.client and network(self.client[0])

    @property
    def is_stuck(self) -> bool:
        """Whether the client has read nothing since it fell behind."""
        return self._behind is not None and self._behind.is_stuck

    async def run_asgi(self) -> None:
        """Runs the application, which may write past it."""
        ways: dict[object, object] = {
            WRITE: self.write_text,
            READY: self.until_writable,
            TRUST: self.trust,
            WAIT: self.waiting,
        }
        ours: dict[str, dict[object, object]] = {EXTENSION: ways, PEER: {CLIENT: self.client}}
        self.scope["extensions"] = {**(self.scope["extensions"] or {}), **ours}
        await super().run_asgi()

    def data_received(self, data: bytes) -> None:
        """Reads on, a little at a time: nothing more is taken from the client before this is done."""
        self._unread += data
        if self._next is None:
            self._read()

    def _read(self) -> None:
        """Reads a little; nothing is read any more once the socket is being closed.

        A handshake that cannot be read is refused: uvicorn would leave it unanswered, and open.
        """
        was_behind, self._next = self._next is not None, None
        if self.transport.is_closing():
            self._unread.clear()
            return
        super().data_received(bytes(self._unread[:AT_ONCE]))
        del self._unread[:AT_ONCE]
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.handshake_initiated = self.handshake_complete = self.close_sent = True
            self.transport.write(_NO_HANDSHAKE)
            self.transport.close()
        begun = len(self.conn.reader.buffer) + sum(map(len, self.frames))
        if self._is_strange and self.handshake_complete and begun > LARGEST_STRANGE + _LONGEST_FRAME_HEAD:
            self._give_up(_TOO_BIG, "Show a key first")
        if self.transport.is_closing():
            # What others keep must not make room for it.
            self._unread.clear()
            begun = 0
        if self._unread:
            self._next = self.loop.call_soon(self._read)
            self.transport.pause_reading()
            # uvicorn would resume when the application has taken what was handed out.
            self.read_paused = False
        elif was_behind:
            self.read_paused = not self.queue.empty() and not self.close_sent
            if not self.read_paused:
                self.transport.resume_reading()
        self._keep(len(self._unread) + begun)

    def _keep(self, kept: int) -> None:
        if kept != self._kept:
            self._kept = kept
            self._server.keep(self, kept)

    def connection_lost(self, exc: Exception | None) -> None:
        """Keeps nothing more, and drops whatever leads back here: it would stay until the next collection, which is
        rare. The application has what it needs, and a message that says so.
        """
        if self._next is not None:
            self._next.cancel()
        self.frames = []
        self._unread.clear()
        self.conn.reader.buffer.clear()
        self._keep(0)
        self._server.unread(self, 0)
        self._catch_up()
        super().connection_lost(exc)
        for fault in (self.conn.handshake_exc, self.conn.parser_exc):
            if fault is not None:
                # Its frames have the parser, and the request.
                fault.__traceback__ = fault.__cause__ = fault.__context__ = None
        # Its parser is a generator of its own, and so leads back to it.
        vars(self.conn).clear()
        for name in ("scope", "request", "response"):
            vars(self).pop(name, None)

    def pause_writing(self) -> None:
        """The client is behind."""
        super().pause_writing()
        self._behind = self._behind or Behind(self.transport)
        self._tell_unread()

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        self._catch_up()
        self._tell_unread()

    def _catch_up(self) -> None:
        if self._behind is not None:
            self._behind.end()
            self._behind = None

    def handle_cont(self, event: Frame) -> None:
        """Takes a piece of a message, unless it comes in too many."""
        if len(self.frames) < _MOST_FRAGMENTS:
            super().handle_cont(event)
        else:
            self._give_up(_TOO_BIG, "Too many fragments")

    def handle_events(self) -> None:
        """Acts on what came in, unless it is too much. Every frame counts, also the ones that ask for nothing."""
        frames = [event for event in self.conn.events if isinstance(event, Frame)]
        now = self.loop.time()
        left = max(0.0, self._spent - (now - self._spent_at) * FRAMES_A_SECOND)
        self._spent_at, self._spent = now, left + sum(1 + len(each.data) // _BYTES_OF_A_FRAME for each in frames)
        if not frames or self._spent <= FRAMES_AT_ONCE:
            super().handle_events()
        elif self.conn.state is State.OPEN:
            self.conn.events_received()
            self._give_up(_POLICY, "Too many frames")
        elif self.conn.state is State.CONNECTING:
            self.transport.abort()
        else:
            # What is left to say is the other half of a goodbye.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def send_receive_event_to_app(self) -> None:
        """Hands a message on. Text that is no UTF-8 is the client's fault, and none to log."""
        if self._is_strange and not self.close_sent:
            self._strange_messages += 1
            is_large = sum(map(len, self.frames)) > LARGEST_STRANGE
            if is_large or self._strange_messages > STRANGE_MESSAGES:
                self._give_up(_TOO_BIG if is_large else _POLICY, "Show a key first")
                return
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self._give_up(_INVALID_TEXT, "A message is UTF-8")
                return
        super().send_receive_event_to_app()

    def _give_up(self, code: int, reason: str) -> None:
        """Closes the socket because of what came in, unless the client has closed it in the same breath."""
        self.frames = []
        if self.conn.state is State.OPEN:
            self.conn.send_close(code, reason)
            self.handle_parser_exception()

    def trust(self) -> None:
        """The client has shown a key: it may send what clients send."""
        self._is_strange = False

    def write_text(self, *parts: bytes) -> bool:
        """Sends one text message now, unless the reader is behind by as much as the transport buffers, or gone."""
        if self.close_sent or not self.writable.is_set() or self.transport.is_closing():
            return False
        length = sum(map(len, parts))
        # How long it is, in as few bytes as it takes (RFC 6455, 5.2).
        if length < 126:
            head = bytes((_TEXT, length))
        elif length < 65536:
            head = bytes((_TEXT, 126, length >> 8, length & 255))
        else:
            head = bytes((_TEXT, 127)) + length.to_bytes(8)
        if length < _LONG:
            self.transport.write(b"".join((head, *parts)))
        else:
            # What many are sent is there once.
            self.transport.writelines((head, *parts))
        return True

    def until_writable(self) -> Coroutine[Any, Any, Any] | None:
        """What to wait for until the reader is not behind; None when it is not, or gone."""
        return None if self.writable.is_set() or self.transport.is_closing() else self.writable.wait()

    @contextmanager
    def waiting(self, size: int) -> Iterator[None]:
        """A message of so many bytes waits while the block lasts: it counts among what the client has not read. A
        client for which too much waits, and not just one message, is cut.
        """
        is_first = not self._waiting
        self._waiting += size
        self._tell_unread()
        if not is_first and not self.writable.is_set() and self._waiting > connection.MOST_BYTES_UNREAD:
            self.transport.abort()
        try:
            yield
        finally:
            self._waiting -= size
            self._tell_unread()

    def _tell_unread(self) -> None:
        """Tells how many bytes the client has not read: none when it is not behind."""
        is_behind = not self.writable.is_set()
        self._server.unread(self, self.transport.get_write_buffer_size() + self._waiting if is_behind else 0)

    async def send(self, message: Any) -> None:
        """As uvicorn does it, but nobody waits for a client that does not read in order to close it; to close a socket
        that is gone is no fault; and one that showed no key in time is not waited for.
        """
        if message["type"] == "websocket.send" and self.close_sent:
            raise ClientDisconnected
        if message["type"] == "websocket.close" and (self.disconnected or not self.writable.is_set()):
            self.transport.abort()
            return
        if message["type"] == "websocket.close":
            # Some reasons repeat what a client sent.
            reason = (message.get("reason") or "").encode()[:LONGEST_REASON].decode(errors="ignore")
            message = {**message, "reason": reason}
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            # uvicorn would log that the handshake was never answered.
            self.handshake_complete = True
        if message["type"] == "websocket.close" and self._is_strange and message.get("code") == LATE:
            self.transport.close()

    def keepalive_timeout(self) -> None:
        """Ends a socket whose client does not answer, also when there is more for it than it will ever read."""
        super().keepalive_timeout()
        self.loop.call_later(PARTING_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        """Ends the socket because the process stops, and says so: clients come back by themselves."""
        if self.transport.is_closing():
            # A client that said goodbye and has not read the rest: uvicorn would fail, and with it all the others' end.
            self.stop_keepalive()
            return
        if self.handshake_complete and not self.close_sent:
            self.conn.send_close(RESTARTING, "The server restarts: connect again")
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.queue.put_nowait({"type": "websocket.disconnect", "code": RESTARTING, "reason": "restart"})
        super().shutdown()
