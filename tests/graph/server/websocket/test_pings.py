"""Idle sockets survive proxies, and those whose client is gone without a word are let go."""

import asyncio
import base64

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from graph.commands.serve import Site, serving
from tests.stage import PATIENCE, free_port

PING = 0x89
CLOSE = 0x88


async def _silent(socket: WebSocket) -> None:
    await socket.accept()
    await socket.receive()


async def test_an_idle_socket_is_pinged_and_closed_when_nobody_answers() -> None:
    port = free_port()
    app = Starlette(routes=[WebSocketRoute("/", _silent)])
    async with serving([Site(app, "127.0.0.1", port, ping_seconds=0.02)]):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(b"sixteen bytes ok").decode()
        lines = (
            "GET / HTTP/1.1", "Host: timebok", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13",
        )  # fmt: skip
        writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        async with asyncio.timeout(PATIENCE):
            await reader.readuntil(b"\r\n\r\n")
            opcodes = []
            while CLOSE not in opcodes:
                head = await reader.readexactly(2)
                opcodes.append(head[0])
                await reader.readexactly(head[1])
            writer.close()
    assert opcodes == [PING, CLOSE]
