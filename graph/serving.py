"""Running web applications until a signal says stop; several may share the process."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from graph.server.limits import LARGEST_BODY

GRACE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Site:
    """One application at one address. `proxies` are those whose forwarded headers are believed."""

    app: Starlette
    host: str
    port: int
    proxies: Sequence[str] = ()


class _Server(uvicorn.Server):
    """uvicorn raises a caught signal again, so that a clean end would look like a death; ours are taken outside."""

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
            ws_max_size=LARGEST_BODY,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            proxy_headers=bool(site.proxies),
            forwarded_allow_ips=",".join(site.proxies) or None,
        )
    )


def stopping() -> asyncio.Event:
    """An event that is set by SIGTERM and SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def serve(sites: Sequence[Site], stop: asyncio.Event) -> None:
    """Serves until `stop` is set, then ends streams and sockets and returns. Raises SystemExit if one cannot start."""
    servers = [_server(site) for site in sites]
    running = [asyncio.create_task(server.serve()) for server in servers]
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([*running, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)
