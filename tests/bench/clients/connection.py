"""One kept HTTP connection to a server, for documents sent one after the other; raw, so that asking costs little."""

import asyncio
import json
from typing import Any

from tests.bench.servers.measured_server import Contestant


class Line:
    """Opened by the first question, and anew when the server hung up meanwhile."""

    def __init__(self, server: Contestant) -> None:
        self._server = server
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, document: str, variables: dict[str, Any] | None = None) -> Any:
        """The data of the answer. Fails on GraphQL errors."""
        body = json.dumps({"query": document, "variables": variables or {}}).encode()
        head = [
            "POST /graphql HTTP/1.1",
            f"Host: 127.0.0.1:{self._server.port}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *([f"Authorization: Bearer {self._server.key}"] if self._server.key else []),
        ]
        reader, writer = await self._opened()
        writer.write("\r\n".join((*head, "", "")).encode() + body)
        answer = json.loads(await _body(reader))
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def hang_up(self) -> None:
        """Closes the connection."""
        if self._streams:
            self._streams[1].close()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None or self._streams[0].at_eof():
            self.hang_up()
            self._streams = await asyncio.open_connection("127.0.0.1", self._server.port)
        return self._streams


async def _body(reader: asyncio.StreamReader) -> bytes:
    """The body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"transfer-encoding: chunked" not in head:
        return await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body
