"""The long-running commands: web and sync, on real settings."""

import ctypes
import gc
import sys
from contextlib import suppress
from ipaddress import ip_address

from graph.commands.serve import Site, address, listening, serving, stopping, unless
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
"""So long a thread of Python works before another has its turn (Python's own: 0.005)."""

_M_MMAP_THRESHOLD = -3
"""Source: glibc's malloc.h."""

LARGE = 256 * 1024
"""Bytes of what goes back to the system as soon as it is free."""


async def serve_web(settings: Settings, host: str, port: int, *, sync: bool) -> None:
    """Migrates, then serves until told to stop."""
    stop = stopping()
    settings, doubt = located(settings, host, port)
    app = build(settings, sync=sync)
    sites = [Site(app, host, port, settings.trusted_proxies, app.state.stopping)]
    with listening(sites) as sockets:
        if not await unless(stop, migrate(settings.database_url)):
            return
        if not sync:
            _mind_the_bell(settings)
        if doubt:
            _say(doubt)
        # What was made so far stays for good: later collections need not look at it.
        gc.collect()
        gc.freeze()
        # An answer is made of thousands of objects that go by themselves: looking for circles after every few hundred
        # would take longer than answering.
        gc.set_threshold(10_000, 20, 50)
        # While a thread reads a document, the loop waits so long after each of its system calls: a burst of requests
        # is hundreds of them.
        sys.setswitchinterval(SWITCH_SECONDS)
        give_back_what_is_large()
        async with serving(sites, sockets):
            sys.stdout.write(f"Timebok listens on {address(host, port)}/graphql\n")
            sys.stdout.flush()
            await stop.wait()


async def work(settings: Settings) -> None:
    """A sync worker alone, until told to stop."""
    stop = stopping()
    if not await unless(stop, migrate(settings.database_url)):
        return
    _mind_the_bell(settings)
    _mind_the_address(settings)
    google = Google(settings, Secrets(settings.secret_keys))
    async with db.opened(settings.database_url), notifier.opened(settings.bell_url), google, background(lapse()):
        await google.work(stop)


def located(settings: Settings, host: str, port: int) -> tuple[Settings, str | None]:
    """The settings of what listens there. Where nobody said at which address that is reached, it is one of this
    machine; what is doubtful about it comes with it.
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
    """Whether only this machine itself can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _mind_the_address(settings: Settings) -> None:
    """Says so when a worker cannot know where the web is."""
    if settings.pushes and not settings.has_public_url:
        _say(f"TIMEBOK_PUBLIC_URL is not set, so Google's notifications are sent to {settings.public_url}.")


def give_back_what_is_large() -> None:
    """glibc takes more and more for small as it sees large pieces come and go, and then keeps them in a heap that does
    not shrink. Other C libraries have no such switch.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE)


def _mind_the_bell(settings: Settings) -> None:
    """Says so when other processes cannot be heard."""
    if settings.bell_url.startswith("memory://"):
        _say(
            "TIMEBOK_BELL_URL is memory://, so other processes are noticed by polling only: "
            f"up to {LOOK_SECONDS:.0f} seconds later."
        )


def _say(line: str) -> None:
    """One line for whoever started the command."""
    sys.stderr.write(f"timebok: {line}\n")
