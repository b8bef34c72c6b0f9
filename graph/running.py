"""The long-running commands: web and sync, on real settings."""

import ctypes
import gc
import sys
from contextlib import suppress

from graph.server.app import beside, build
from graph.server.lapsing import lapse
from graph.server.reader import LOOK_SECONDS
from graph.serving import Site, address, listening, serving, stopping, unless
from models import bell, db
from models.migrating import migrate
from models.secret import Secrets
from models.settings import Settings
from sync.service import Google

_M_MMAP_THRESHOLD = -3
"""Source: glibc's malloc.h."""

LARGE = 256 * 1024
"""Bytes of what goes back to the system as soon as it is free."""


async def serve_web(settings: Settings, host: str, port: int, *, sync: bool) -> None:
    """Migrates, then serves until told to stop."""
    stop = stopping()
    app = build(settings, sync=sync)
    sites = [Site(app, host, port, settings.trusted_proxies, app.state.stopping)]
    with listening(sites) as sockets:
        if not await unless(stop, migrate(settings.database_url)):
            return
        if not sync:
            _mind_the_bell(settings)
        # What was made so far stays for good: later collections need not look at it.
        gc.collect()
        gc.freeze()
        # An answer is made of thousands of objects that go by themselves: looking for circles after every few hundred
        # would take longer than answering.
        gc.set_threshold(10_000, 20, 50)
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
    google = Google(settings, Secrets(settings.secret_keys))
    async with db.opened(settings.database_url), bell.hung(settings.bell_url), google, beside(lapse()):
        await google.work(stop)


def give_back_what_is_large() -> None:
    """glibc takes more and more for small as it sees large pieces come and go, and then keeps them in a heap that does
    not shrink. Other C libraries have no such switch.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE)


def _mind_the_bell(settings: Settings) -> None:
    """Says so when other processes cannot be heard."""
    if settings.bell_url.startswith("memory://"):
        sys.stderr.write(
            f"timebok: TIMEBOK_BELL_URL is memory://, so other processes are noticed by polling only: "
            f"up to {LOOK_SECONDS:.0f} seconds later.\n"
        )
