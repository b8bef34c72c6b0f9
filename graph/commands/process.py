"""The long-running commands `timebok serve` and `timebok sync`."""

import ctypes
import gc
import sys
from contextlib import suppress
from ipaddress import ip_address

from graph.commands.serve import Site, address, listening, run_unless, serving, stop_event
from graph.server.app import background, build
from graph.server.live.change_feed import LOOK_SECONDS
from graph.server.live.hold_expiry import lapse
from models.log import notifier
from models.settings import Settings
from models.storage import db
from models.storage.migrate import migrate
from models.storage.secrets import Secrets
from sync.service import Google

SWITCH_SECONDS = 0.0005
"""How long a Python thread runs before another one has its turn (Python's default: 0.005)."""

_M_MMAP_THRESHOLD = -3
"""`M_MMAP_THRESHOLD` of glibc's malloc.h, for `mallopt`."""

LARGE = 256 * 1024
"""Blocks of memory of at least so many bytes go back to the system as soon as they are free."""


async def serve_web(settings: Settings, host: str, port: int, *, sync: bool) -> None:
    """Runs `timebok serve`: migrates, then serves until a signal stops it."""
    stop = stop_event()
    settings, doubt = with_public_url(settings, host, port)
    app = build(settings, sync=sync)
    sites = [Site(app, host, port, settings.trusted_proxies, app.state.stopping)]
    with listening(sites) as sockets:
        if not await run_unless(stop, migrate(settings.database_url)):
            return
        if not sync:
            _warn_of_local_bell(settings)
        if doubt:
            _print(doubt)
        # Objects made so far stay for ever, so later garbage collections need not look at them.
        gc.collect()
        gc.freeze()
        # Answering makes thousands of objects that need no garbage collector: to look for cycles after every few
        # hundred would take longer than answering.
        gc.set_threshold(10_000, 20, 50)
        # While a thread parses a document, the loop waits so long after each of its system calls, and a burst of
        # requests makes hundreds.
        sys.setswitchinterval(SWITCH_SECONDS)
        fix_large_block_threshold()
        async with serving(sites, sockets):
            sys.stdout.write(f"Timebok listens on {address(host, port)}/graphql\n")
            sys.stdout.flush()
            await stop.wait()


async def run_worker(settings: Settings) -> None:
    """Runs `timebok sync`: migrates, then runs a sync worker until a signal stops it."""
    stop = stop_event()
    if not await run_unless(stop, migrate(settings.database_url)):
        return
    _warn_of_local_bell(settings)
    _warn_of_unknown_address(settings)
    google = Google(settings, Secrets(settings.secret_keys))
    async with db.opened(settings.database_url), notifier.open_notifier(settings.bell_url), google, background(lapse()):
        await google.work(stop)


def with_public_url(settings: Settings, host: str, port: int) -> tuple[Settings, str | None]:
    """Returns the settings with a public URL, and a warning or None. Without TIMEBOK_PUBLIC_URL it takes an address of
    this machine, and warns if other machines can reach the server.
    """
    if settings.has_public_url:
        return settings, None
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - told from others, not listened on
    url = address(near, port)
    doubt = (
        f"TIMEBOK_PUBLIC_URL is not set, so browsers and Google are sent to {url}: "
        "set it to the address at which they reach this machine."
    )
    return settings.model_copy(update={"public_url": url}), None if _is_loopback(host) else doubt


def _is_loopback(host: str) -> bool:
    """Whether only this machine itself can reach the host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _warn_of_unknown_address(settings: Settings) -> None:
    """Prints a warning when a worker does not know the address of the web server."""
    if settings.pushes and not settings.has_public_url:
        _print(f"TIMEBOK_PUBLIC_URL is not set, so Google's notifications are sent to {settings.public_url}.")


def fix_large_block_threshold() -> None:
    """Fixes glibc's threshold for large blocks. By default it grows as large blocks are freed, so that more and more of
    them come from a heap that does not shrink. Does nothing with other C libraries.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE)


def _warn_of_local_bell(settings: Settings) -> None:
    """Prints a warning when this process notices others' changes by polling only."""
    if settings.bell_url.startswith("memory://"):
        _print(
            "TIMEBOK_BELL_URL is memory://, so other processes are noticed by polling only: "
            f"up to {LOOK_SECONDS:.0f} seconds later."
        )


def _print(line: str) -> None:
    """Prints one line to standard error."""
    sys.stderr.write(f"timebok: {line}\n")
