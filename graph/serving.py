"""Running web applications until a signal says stop; several may share the process, on the fastest loop there is."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.loops.auto import auto_loop_factory

from graph.server.connection import Connection, Connections
from graph.server.frames import Frames
from graph.server.limits import LARGEST_BODY

GRACE_SECONDS = 3
PING_SECONDS = 20.0
"""How often an idle socket is pinged: proxies close what is silent for a minute. One that does not answer is gone."""


@dataclass(frozen=True, slots=True)
class Site:
    """One application at one address. `proxies` are those whose forwarded headers are believed; `on_stop` is called
    before connections are ended.
    """

    app: ASGIApp
    host: str
    port: int
    proxies: Sequence[str] = ()
    on_stop: Callable[[], None] = lambda: None
    ping_seconds: float = PING_SECONDS


class _Server(uvicorn.Server):
    """uvicorn raises a caught signal again, so that a clean end would look like a death; ours are taken outside."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state: Connections = Connections()
        self.up = asyncio.Event()
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; connections are looked at once a second."""
        if counter % 10 == 0:
            self.server_state.look()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(site: Site) -> _Server:
    return _Server(
        uvicorn.Config(
            site.app,
            host=site.host,
            port=site.port,
            log_level="warning",
            http=Connection,
            ws=Frames,
            ws_max_size=LARGEST_BODY,
            ws_per_message_deflate=False,
            ws_ping_interval=site.ping_seconds,
            ws_ping_timeout=site.ping_seconds,
            timeout_graceful_shutdown=GRACE_SECONDS,
            proxy_headers=bool(site.proxies),
            forwarded_allow_ips=",".join(site.proxies) or None,
        ),
        site.on_stop,
    )


def run(work: Coroutine[Any, Any, None]) -> None:
    """Runs a long-running command to its end: on uvloop, where that is installed."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(work)


def stopping() -> asyncio.Event:
    """An event that is set by SIGTERM and SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


@contextlib.asynccontextmanager
async def serving(sites: Sequence[Site]) -> AsyncIterator[None]:
    """Serves for as long as the block lasts, then ends streams and sockets. Raises SystemExit if one cannot start."""
    servers = [_server(site) for site in sites]
    running: asyncio.Future[Any] = asyncio.gather(*(server.serve() for server in servers))
    up: asyncio.Future[Any] = asyncio.gather(*(server.up.wait() for server in servers))
    try:
        await asyncio.wait([running, up], return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            yield
    finally:
        up.cancel()
        for server in servers:
            server.should_exit = True
        await running
