"""The open sockets and event streams of this process: how many each key has, and which must close because their key
is gone, or because they have not shown one.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from contextlib import suppress
from typing import Protocol

from graph.limits.queue import FairQueue
from graph.limits.rate import share_of
from models.api_key import Caller, still_valid
from models.storage.outage import Outage, looking

log = logging.getLogger("timebok.sockets")

FORBIDDEN, NOT_INITIALISED = 4403, 4408
MOST_WITHOUT_KEY = 500
"""So many sockets may be open that have not shown a key yet. Beyond it, of the address that has most, the one
that waits longest makes room.
"""

CHECK_SECONDS = 0.7
"""How often keys are looked at by itself: a revoked one is out within a second, wherever it was revoked."""


class Closable(Protocol):
    """What can be open with a key."""

    async def close(self, code: int, reason: str) -> None:
        """Ends it, for a reason that is told where that is possible."""


class OpenStreams:
    """Sockets and streams by the key they were opened with. An address has a share of what a key may have open."""

    def __init__(self, per_key: int, address_share: float = 1.0) -> None:
        self._per_key = per_key
        self._per_address = int(share_of(per_key, address_share))
        self._open: dict[Caller, dict[Closable, str | None]] = defaultdict(dict)
        self._of_address: Counter[tuple[Caller, str]] = Counter()
        self._without_key = FairQueue[Closable]()
        self._closing: set[asyncio.Task[None]] = set()
        self._looks = asyncio.Event()

    def expect(self, socket: Closable, address: str | None = None) -> None:
        """Waits for a new socket to show a key; one of the address that has most goes if there are too many."""
        self._without_key.add(socket, address, 0.0)
        if len(self._without_key) > MOST_WITHOUT_KEY:
            oldest, _ = self._without_key.first_to_go()
            self._without_key.discard(oldest)
            task = asyncio.create_task(_close(oldest, NOT_INITIALISED, "Too many wait: show a key sooner"))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def has_room(self, caller: Caller, address: str | None) -> bool:
        """Whether one more may be open with this key, from this address. 0: no limit."""
        if not self._per_key:
            return True
        room = len(self._open.get(caller, ())) < self._per_key
        return room and (address is None or self._of_address[caller, address] < self._per_address)

    def add(self, caller: Caller, socket: Closable, address: str | None = None) -> bool:
        """Counts a socket in; False when its key, or its address with it, has as many as it may."""
        self._without_key.discard(socket)
        if socket in self._open.get(caller, ()):
            return True
        if not self.has_room(caller, address):
            return False
        self._open[caller][socket] = address
        if address is not None:
            self._of_address[caller, address] += 1
        return True

    def discard(self, caller: Caller | None, socket: Closable) -> None:
        """Counts a socket out, whether or not it has shown a key."""
        self._without_key.discard(socket)
        if caller is None or socket not in self._open.get(caller, ()):
            return
        address = self._open[caller].pop(socket)
        if not self._open[caller]:
            del self._open[caller]
        if address is not None:
            self._of_address[caller, address] -= 1
            if not self._of_address[caller, address]:
                del self._of_address[caller, address]

    def look_soon(self) -> None:
        """Somebody has seen that keys changed."""
        self._looks.set()

    async def close_revoked(self) -> None:
        """Closes what is open with keys that were revoked, or have another role now, for as long as it runs."""
        outage = Outage(log, "the database")
        while True:
            self._looks.clear()
            if self._open:
                with looking(outage, log, "could not look for revoked keys"):
                    await self._close(set(self._open) - await still_valid(set(self._open)))
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._looks.wait()

    async def _close(self, callers: set[Caller]) -> None:
        await asyncio.gather(
            *(_close(each, FORBIDDEN, "Forbidden") for caller in callers for each in self._open.get(caller, ()))
        )


async def _close(socket: Closable, code: int, reason: str) -> None:
    # One that is just going by itself, or does not read, spares no other.
    with suppress(Exception):
        async with asyncio.timeout(CHECK_SECONDS):
            await socket.close(code, reason)
