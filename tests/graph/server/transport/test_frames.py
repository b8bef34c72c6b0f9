"""The server's end of a socket when the process stops: nobody who does not read stands in the others' way."""

import asyncio
from contextlib import AsyncExitStack

import websockets
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from graph.commands.serve import Site, serving
from graph.server.transport.connection import EXTENSION
from graph.server.transport.frames import RESTARTING, WRITE
from tests.graph.socket_client import close_code
from tests.stage import PATIENCE, free_port

GOODBYE = b"\x88\x82\x00\x00\x00\x00\x03\xe8"
"""A client's close frame: 1000, under a mask of zeros."""


async def test_one_that_said_goodbye_and_does_not_read_keeps_nobody_from_being_told_of_the_restart() -> None:
    port, parted = free_port(), asyncio.Event()

    async def silent(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive()

    async def talkative(socket: WebSocket) -> None:
        await socket.accept()
        write = socket.scope["extensions"][EXTENSION][WRITE]
        while write(b"x" * 100_000):
            pass
        await socket.receive()
        parted.set()

    app = Starlette(routes=[WebSocketRoute("/silent", silent), WebSocketRoute("/talkative", talkative)])
    address = f"ws://127.0.0.1:{port}"
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as server:
        await server.enter_async_context(serving([Site(app, "127.0.0.1", port)]))
        gone = await websockets.connect(f"{address}/talkative", max_queue=1, max_size=None)
        stays = [await websockets.connect(f"{address}/silent") for _ in range(3)]
        gone.transport.write(GOODBYE)
        await parted.wait()
        stopping = asyncio.create_task(server.pop_all().aclose())
        assert [await close_code(each) for each in stays] == [RESTARTING] * len(stays)
        gone.transport.abort()
        await stopping
