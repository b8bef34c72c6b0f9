"""Decides which connection goes when all of them hold too much: one of the address that holds most.

So a flood from one address makes room by itself, and somebody at another address goes on.
"""

import asyncio
import contextlib
import fcntl
import resource
import sys
import termios
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from graph.limits.queue import FairQueue

SETTLED_SECONDS = 0.1
"""How long the system may take bytes of a client that fell behind, though the client reads none."""

MOMENT_SECONDS = 1.0
"""How long a connection may wait for a request though too many do: clients need a moment, and so do we in a burst."""

AT_ONCE = 4
"""When so many times as many as may wait do so, those go too that have just begun."""

_TURNS = 3
"""Turns of the event loop after which it has read what had come before them."""


class Holder(Protocol):
    """A connection for which something is held."""

    transport: asyncio.Transport

    @property
    def address(self) -> str | None:
        """The address of its peer."""

    @property
    def is_stuck(self) -> bool:
        """Whether its client has read nothing since it fell behind."""


class HeldBytes:
    """Bytes that are held for connections: so many in all, beside those of a single one."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._sizes: dict[Holder, int] = {}
        self._bytes = 0

    def hold(self, holder: Holder, size: int) -> None:
        """Notes how many bytes are held for a connection. If it is too much in all, cuts those whose clients read
        nothing first, of these the ones of the address for which most is held, and of these the one that began first.
        """
        self._bytes += size - self._sizes.get(holder, 0)
        if size:
            self._sizes[holder] = size
        else:
            self._sizes.pop(holder, None)
        while self._bytes > self._most() and len(self._sizes) > 1:
            victim = self._victim()
            self._bytes -= self._sizes.pop(victim)
            victim.transport.abort()

    def _victim(self) -> Holder:
        candidates = [each for each in self._sizes if each.is_stuck] or list(self._sizes)
        held = Counter[str | None]()
        for each in candidates:
            held[each.address] += self._sizes[each]
        return max(candidates, key=lambda each: held[each.address])


class Behind:
    """Whether a client that is behind with reading reads at all."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._unread: int | None = None
        self._transport = transport
        self._settling = asyncio.get_running_loop().call_later(SETTLED_SECONDS, self.settle)

    def settle(self) -> None:
        """Notes how much is unread: what is less later, the client has read. Called once the system takes no more."""
        self._unread = _unread(self._transport)

    def end(self) -> None:
        """It is not behind any more."""
        self._settling.cancel()

    @property
    def is_stuck(self) -> bool:
        """Whether the client has read nothing since."""
        return self._unread is not None and _unread(self._transport) >= self._unread


class Crowd:
    """Connections that wait for a request: so many, and at most half as many as the process may have files open."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._waiting = FairQueue[Holder]()
        self._loop = asyncio.get_running_loop()
        self._is_judging = False

    def add(self, connection: Holder) -> None:
        """Notes that a connection waits from now on. If too many do, some are cut, but none before it had a moment."""
        self._waiting.add(connection, connection.address, self._loop.time())
        most, files = self._most(), resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        while len(self._waiting) > _bound(most * AT_ONCE, files, 0.75):
            self._cut(self._waiting.first_to_go()[0])
        if len(self._waiting) > _bound(most, files, 0.5) and not self._is_judging:
            self._judge_later()

    def discard(self, connection: Holder) -> None:
        """Notes that a connection waits no more."""
        self._waiting.discard(connection)

    def _judge_later(self) -> None:
        self._is_judging = True
        self._loop.call_later(MOMENT_SECONDS, self._judge, _TURNS)

    def _judge(self, turns: int) -> None:
        """Cuts those that have waited longest while too many wait, once the loop has read what had come from them."""
        if turns:
            self._loop.call_soon(self._judge, turns - 1)
            return
        self._is_judging = False
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        while len(self._waiting) > _bound(self._most(), files, 0.5):
            first, since = self._waiting.first_to_go()
            if self._loop.time() - since < MOMENT_SECONDS:
                self._judge_later()
                return
            self._cut(first)

    def _cut(self, connection: Holder) -> None:
        self._waiting.discard(connection)
        connection.transport.abort()


def _bound(most: int, files: int, share: float) -> int:
    """Returns how many may wait, of the files that the process may have open; a negative number of files is any."""
    return most if files < 0 else min(most, int(files * share))


def _unread(transport: asyncio.Transport) -> int:
    """Counts the bytes that a client's system has not taken, those too that ours has: it takes them in large steps."""
    size = transport.get_write_buffer_size()
    with contextlib.suppress(OSError, ValueError):
        number = transport.get_extra_info("socket").fileno()
        size += int.from_bytes(fcntl.ioctl(number, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    return size
