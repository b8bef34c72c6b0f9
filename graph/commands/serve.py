"""Runs web applications until a signal stops them; several may share the process. Uses uvloop where it is installed."""

import asyncio
import contextlib
import errno
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp
from uvicorn.loops.auto import auto_loop_factory

from graph.commands.exit_status import WrongArgumentError
from graph.commands.signals import STOPPING
from graph.server.http.body_limit import LARGEST_BODY
from graph.server.transport.connection import Connection, Connections
from graph.server.transport.frames import Frames

GRACE_SECONDS = 3
_WAITING = 2048
"""How many connections may wait to be accepted; uvicorn's default."""
PING_SECONDS = 20.0
"""How often the server pings an idle socket: proxies close one that is silent for a minute."""


@dataclass(frozen=True, slots=True)
class Site:
    """One application at one address. The server trusts the forwarded headers of `proxies`, calls `on_stop` before it
    closes connections, and names `argument`, which gave the port on the command line, in errors.
    """

    app: ASGIApp
    host: str
    port: int
    proxies: Sequence[str] = ()
    on_stop: Callable[[], None] = lambda: None
    ping_seconds: float = PING_SECONDS
    argument: str = "--port"


class _Server(uvicorn.Server):
    """A server that does not handle signals: uvicorn raises a signal again when it has stopped, so that the process
    would not end with status 0. `stop_event` handles them.
    """

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state: Connections = Connections()
        self.up = asyncio.Event()
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn ten times a second; looks at connections once a second."""
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
            lifespan="off",
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
    """Runs a long-running command to its end, on uvloop where it is installed, with as many files as it may have."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(work)


def address(host: str, port: int) -> str:
    """Returns the origin of a site."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def stop_event() -> asyncio.Event:
    """Returns an event that SIGTERM and SIGINT set, also those that `graph.commands.__main__` has blocked until now."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        loop.add_signal_handler(number, stop.set)
    if signal.sigpending() & set(STOPPING):
        stop.set()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    return stop


async def run_unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Runs work that comes before serving. Returns False, and cancels the work, if `stop` was set first."""
    if stop.is_set():
        work.close()
        return False
    task, stopped = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
    finally:
        stopped.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
    return not stop.is_set()


@contextlib.contextmanager
def listening(sites: Sequence[Site]) -> Iterator[list[socket.socket]]:
    """Opens the sites' sockets, before anything else happens. Raises WrongArgumentError when it cannot open one."""
    with contextlib.ExitStack() as opened:
        yield [opened.enter_context(contextlib.closing(_listener(site))) for site in sites]


def _listener(site: Site) -> socket.socket:
    try:
        (family, kind, number, _, address), *_ = socket.getaddrinfo(site.host, site.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise WrongArgumentError(f"--host: {site.host!r} is no address of this machine") from None
    listener = socket.socket(family, kind, number)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # `bind` succeeds for several sockets on one port; only `listen` reports that the port is in use.
        listener.listen(_WAITING)
    except OSError as error:
        listener.close()
        raise WrongArgumentError(_why_not(site, error)) from None
    return listener


def _why_not(site: Site, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"{site.argument}: {site.port} is in use on {site.host}; choose another"
        case errno.EACCES:
            return f"{site.argument}: {site.port} is not allowed for this user; choose one from 1024 on"
        case errno.EADDRNOTAVAIL:
            return f"--host: {site.host!r} is no address of this machine"
    return f"{site.argument}: cannot listen on {site.host}, port {site.port}: {error.strerror}"


@contextlib.asynccontextmanager
async def serving(sites: Sequence[Site], sockets: Sequence[socket.socket] | None = None) -> AsyncIterator[None]:
    """Serves while the block runs, then closes streams and sockets. `sockets` are those of `listening`, if the caller
    has opened them. Raises WrongArgumentError, and what an application raises at its start.
    """
    async with contextlib.AsyncExitStack() as begun:
        if sockets is None:
            sockets = begun.enter_context(listening(sites))
        for site in sites:
            if isinstance(site.app, Starlette):
                # uvicorn would log an error of the lifespan and end the process, so we enter it ourselves.
                await begun.enter_async_context(site.app.router.lifespan_context(site.app))
        servers = [_server(site) for site in sites]
        pairs = zip(servers, sockets, strict=True)
        running: asyncio.Future[Any] = asyncio.gather(*(server.serve(sockets=[each]) for server, each in pairs))
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
