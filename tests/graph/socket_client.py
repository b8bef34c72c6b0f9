"""Short words for what goes over a graphql-transport-ws socket."""

import asyncio
import json
from typing import Any

import websockets

from tests.served import Served
from tests.stage import PATIENCE


async def receive(socket: websockets.ClientConnection) -> Any:
    """The next message."""
    async with asyncio.timeout(PATIENCE):
        return json.loads(await socket.recv())


async def acknowledged(socket: websockets.ClientConnection) -> None:
    """Reads the answer to `connection_init`, and fails unless the key was taken."""
    assert (await receive(socket))["type"] == "connection_ack"


async def close_code(socket: websockets.ClientConnection) -> int | None:
    """Reads a socket to its end: the code it was closed with, None when the line was just cut."""
    async with asyncio.timeout(PATIENCE):
        try:
            while True:
                await socket.recv()
        except websockets.ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else None


async def first_answer(socket: websockets.ClientConnection) -> str | int | None:
    """The type of the next message, or the code with which the socket was closed instead."""
    try:
        return str((await receive(socket))["type"])
    except websockets.ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else None


def subscribing(identity: str, document: str, **variables: Any) -> str:
    """A subscribe message."""
    payload = {"query": document, "variables": variables}
    return json.dumps({"id": identity, "type": "subscribe", "payload": payload})


def silent(served: Served) -> websockets.connect:
    """A socket on which nothing was sent yet."""
    address = served.url.replace("http", "ws") + "/graphql"
    return websockets.connect(address, subprotocols=[websockets.Subprotocol("graphql-transport-ws")])
