"""Real servers for tests: one for a block, or one for the session whose play changes from test to test.

Starting and stopping a server takes longer than most tests do.
"""

import asyncio
import secrets
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.commands.serve import Site
from graph.commands.serve import serving as serving_sites

PATIENCE = 20.0
"""Seconds after which a test gives up waiting for something that must come."""

TLS = ssl.create_default_context()
"""Nothing here speaks TLS, but every client would make one of these, and that takes its time."""


def browser(**options: Any) -> httpx2.AsyncClient:
    """A client of a test's patience."""
    return httpx2.AsyncClient(timeout=PATIENCE, verify=TLS, **options)


def free_port() -> int:
    """A port that nobody listens on now, and that no outgoing connection is given meanwhile: systems take those from
    32768 on.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """Serves an application on loopback as the product serves itself: its origin."""
    port = free_port()
    async with serving_sites([Site(app, "127.0.0.1", port)]):
        yield f"http://127.0.0.1:{port}"


@dataclass
class Stage:
    """A server that plays one application at a time, each from its lifespan's begin to its end."""

    origin: str = ""
    _play: ASGIApp = field(default_factory=Starlette)
    _calls: int = 0
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)
    _awaited: list[tuple[str, str, asyncio.Event]] = field(default_factory=list)

    @asynccontextmanager
    async def playing(self, app: Starlette) -> AsyncIterator[str]:
        """Plays an application for as long as the block lasts, and until its last request is done: the origin."""
        async with app.router.lifespan_context(app):
            self._play = app
            try:
                yield self.origin
            finally:
                self._play = Starlette()
                self._awaited.clear()
                async with asyncio.timeout(PATIENCE):
                    while self._calls:
                        self._quiet.clear()
                        await self._quiet.wait()

    def arrival(self, method: str, path: str) -> asyncio.Event:
        """Set by the next request with that method and with that text in its path."""
        arrived = asyncio.Event()
        self._awaited.append((method, path, arrived))
        return arrived

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await Starlette()(scope, receive, send)
            return
        for method, path, arrived in self._awaited:
            if scope["type"] == "http" and scope["method"] == method and path in scope["path"]:
                arrived.set()
        self._calls += 1
        try:
            await self._play(scope, receive, send)
        finally:
            self._calls -= 1
            if not self._calls:
                self._quiet.set()


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """A stage, open."""
    made = Stage()
    async with listening(made) as made.origin:
        yield made
