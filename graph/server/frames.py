"""The server's end of a socket, with a short way out for messages that are ready: straight to the transport.

An ASGI `send` per message and member costs more than all the rest of a delivery. The way is offered to the
application as an extension of the scope: without it (under another server) messages go by `send`.
"""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION, WRITE = "timebok.frames", "write"
"""The extension, and what is in it: writes one text message of several parts; False when that would have to wait."""

RESTARTING = 1012
"""Source: the IANA registry of WebSocket close codes: "Service Restart"."""

_TEXT = b"\x81"


class Frames(WebSocketsSansIOProtocol):
    """uvicorn's protocol of one socket."""

    async def run_asgi(self) -> None:
        """Runs the application, which may write past it."""
        self.scope["extensions"] = {**(self.scope["extensions"] or {}), EXTENSION: {WRITE: self.write_text}}
        await super().run_asgi()

    def write_text(self, *parts: bytes) -> bool:
        """Sends one text message now, unless the reader is behind by as much as the transport buffers, or gone."""
        if not self.writable.is_set() or self.close_sent or self.transport.is_closing():
            return False
        length = sum(map(len, parts))
        self.transport.write(b"".join((_TEXT, _length(length), *parts)))
        return True

    def shutdown(self) -> None:
        """Ends the socket because the process stops, and says so: clients come back by themselves."""
        if self.handshake_complete and not self.close_sent:
            self.conn.send_close(RESTARTING, "The server restarts: connect again")
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.queue.put_nowait({"type": "websocket.disconnect", "code": RESTARTING, "reason": "restart"})
        super().shutdown()


def _length(length: int) -> bytes:
    """The length of a message that is not masked (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((length,))
    if length < 65536:
        return b"\x7e" + length.to_bytes(2)
    return b"\x7f" + length.to_bytes(8)
