"""The server's end of a socket, with a short way out for messages that are ready: straight to the transport.

An ASGI `send` per message and member costs more than all the rest of a delivery. The way is offered to the
application as an extension of the scope: without it (under another server) messages go by `send`.
"""

from collections.abc import Coroutine
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION, WRITE, READY = "timebok.frames", "write", "ready"
"""The extension, and what is in it: writes one text message of several parts, False when that would have to wait; and
what to wait for until it need not, None when it need not now.
"""

RESTARTING = 1012
"""Source: the IANA registry of WebSocket close codes: "Service Restart"."""

PARTING_SECONDS = 1.0
"""How long a client may take to read why it was closed."""

_TEXT = 0x81
"""One whole message of text, not masked."""


class Frames(WebSocketsSansIOProtocol):
    """uvicorn's protocol of one socket."""

    async def run_asgi(self) -> None:
        """Runs the application, which may write past it."""
        ways: dict[object, object] = {WRITE: self.write_text, READY: self.until_writable}
        self.scope["extensions"] = {**(self.scope["extensions"] or {}), EXTENSION: ways}
        await super().run_asgi()

    def write_text(self, *parts: bytes) -> bool:
        """Sends one text message now, unless the reader is behind by as much as the transport buffers, or gone."""
        if self.close_sent or not self.writable.is_set() or self.transport.is_closing():
            return False
        text = b"".join(parts)
        length = len(text)
        # How long it is, in as few bytes as it takes (RFC 6455, 5.2).
        if length < 126:
            head = bytes((_TEXT, length))
        elif length < 65536:
            head = bytes((_TEXT, 126, length >> 8, length & 255))
        else:
            head = bytes((_TEXT, 127)) + length.to_bytes(8)
        self.transport.write(head + text)
        return True

    def until_writable(self) -> Coroutine[Any, Any, Any] | None:
        """What to wait for until the reader is not behind; None when it is not, or gone."""
        return None if self.writable.is_set() or self.transport.is_closing() else self.writable.wait()

    async def send(self, message: ASGISendEvent) -> None:
        """As uvicorn does it, but nobody waits for a client that does not read in order to close it."""
        if message["type"] == "websocket.send" and self.close_sent:
            raise ClientDisconnected
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.transport.abort()
            return
        await super().send(message)

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
