"""The open sockets and event streams of this process: how many each key has, and which must close because their key
is gone.
"""

import asyncio
import logging
from collections import defaultdict
from contextlib import suppress
from typing import Protocol

from models.key import Caller, standing

log = logging.getLogger("timebok.sockets")

FORBIDDEN = 4403
CHECK_SECONDS = 0.7
"""How often keys are looked at by itself: a revoked one is out within a second, wherever it was revoked."""


class Closable(Protocol):
    """What can be open with a key."""

    async def close(self, code: int, reason: str) -> None:
        """Ends it, for a reason that is told where that is possible."""


class Sockets:
    """Sockets and streams by the key they were opened with."""

    def __init__(self, per_key: int) -> None:
        self._per_key = per_key
        self._open: dict[Caller, set[Closable]] = defaultdict(set)
        self._looks = asyncio.Event()

    def add(self, caller: Caller, socket: Closable) -> bool:
        """Counts a socket in; False when its key has as many as it may. 0: no limit."""
        mine = self._open[caller]
        if self._per_key and len(mine) >= self._per_key and socket not in mine:
            return False
        mine.add(socket)
        return True

    def discard(self, caller: Caller, socket: Closable) -> None:
        """Counts a socket out."""
        self._open[caller].discard(socket)
        if not self._open[caller]:
            del self._open[caller]

    def look_soon(self) -> None:
        """Somebody has seen that keys changed."""
        self._looks.set()

    async def close_revoked(self) -> None:
        """Closes what is open with keys that were revoked, or have another role now, for as long as it runs."""
        while True:
            self._looks.clear()
            try:
                if self._open:
                    await self._close(set(self._open) - await standing(set(self._open)))
            except Exception:
                # The database is away, most likely: the next look will tell.
                log.exception("could not look for revoked keys")
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._looks.wait()

    async def _close(self, callers: set[Caller]) -> None:
        await asyncio.gather(*(_close(each) for caller in callers for each in self._open.get(caller, ())))


async def _close(socket: Closable) -> None:
    # One that is just going by itself, or does not read, spares no other.
    with suppress(Exception):
        async with asyncio.timeout(CHECK_SECONDS):
            await socket.close(FORBIDDEN, "Forbidden")
