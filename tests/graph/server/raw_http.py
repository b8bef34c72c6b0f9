"""HTTP as a client speaks it that does not mean well: bytes, whole or not, on a connection of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.stage import PATIENCE


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Sends some bytes; a line that was cut takes none."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            return

    async def rest(self) -> bytes:
        """Whatever is answered, to the end of the connection. Fails when it does not end."""
        found = bytearray()
        async with asyncio.timeout(PATIENCE):
            try:
                while piece := await self._reader.read(65536):
                    found += piece
            except ConnectionError:
                pass
        return bytes(found)

    async def some(self) -> bytes:
        """A little of what is answered; nothing at the end of the connection."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self._reader.read(65536)
            except ConnectionError:
                return b""

    async def until(self, end: bytes) -> bytes:
        """What is answered up to these bytes."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.readuntil(end)

    def end(self) -> None:
        """Says that nothing follows."""
        self._writer.write_eof()


@asynccontextmanager
async def line(origin: str, here: str = "127.0.0.1") -> AsyncIterator[Line]:
    """A connection to a server, from an address of this machine."""
    address = urlsplit(origin)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, local_addr=(here, 0))
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


def status_in(answer: bytes) -> int | None:
    """The status of an answer; None when there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None


def posting(body: bytes, key: str, *headers: bytes, length: int | None = None) -> bytes:
    """A POST of a body to /graphql, which says to be `length` bytes long; negative: it comes in pieces."""
    size = b"content-length: %d" % (len(body) if length is None else length)
    if length is not None and length < 0:
        size = b"transfer-encoding: chunked"
    head = (
        b"POST /graphql HTTP/1.1",
        b"host: here",
        b"content-type: application/json",
        b"authorization: Bearer " + key.encode(),
    )
    return b"\r\n".join((*head, size, *headers)) + b"\r\n\r\n" + body
