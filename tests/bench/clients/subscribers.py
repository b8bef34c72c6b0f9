"""All who listen to one server: opened together, and asked together whether they heard."""

import asyncio
import gc
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.bench.clients.subscriber import Listener
from tests.bench.servers.measured_server import Contestant
from tests.bench.servers.process import PATIENCE, pause

AT_ONCE = 50
"""So many sockets are opened at a time."""

PER_ADDRESS = 5000
"""So many share one address of loopback, which has some 28,000 ports for them."""

_ROLL_CALLS = 20
_LOOK = 0.05

_ETHERNET_SEGMENT = 1400
_SMALL_WINDOW = 16 * 1024


class Audience:
    """`awake` are those that read; the others were put to sleep and leave what they are sent where it is."""

    def __init__(self, server: Contestant) -> None:
        self.awake: list[Listener] = []
        self.asleep: list[Listener] = []
        self.last_at = 0.0
        self.frame_bytes = 0
        self._server = server
        self._count = 0
        self._wanted = -1
        self._reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self, number: int, *, narrow: bool = False) -> None:
        """So many more sockets, each with a subscription sent; `narrow` ones have the buffers of a line far away."""
        async with asyncio.timeout(PATIENCE + number / 100):
            for first in range(0, number, AT_ONCE):
                several = range(first, min(first + AT_ONCE, number))
                self.awake += await asyncio.gather(*(self._connected(each, narrow) for each in several))
            await asyncio.gather(*(listener.subscribed for listener in self.awake))
        # They stay until the end: what is measured is not to wait while they are looked through.
        gc.collect()
        gc.freeze()

    async def roll_call(self, publish: Callable[[], Awaitable[int]]) -> None:
        """Returns once all that are awake have heard one and the same event; counts from then on.

        A subscription has no other sign of having begun.
        """
        self._attend(True)
        for _ in range(_ROLL_CALLS):
            number = await publish()
            due = time.perf_counter() + 2 + len(self.awake) / 1000
            while time.perf_counter() < due:
                if all(each.last == number for each in self.awake):
                    for each in self.awake:
                        each.count = 0
                    self._attend(False)
                    return
                if self._reached.done():
                    await self._reached
                await pause(_LOOK)
        raise TimeoutError(f"{self._server.name}: not everybody hears")

    def expect(self, events: int) -> None:
        """Counts anew, and will have `heard` so many events of everybody."""
        self._count, self._wanted = 0, events * len(self.awake)
        self._reached = asyncio.get_running_loop().create_future()

    async def heard(self, patience: float) -> None:
        """Returns once everything expected was heard; the last of it at `last_at`. Raises TimeoutError."""
        async with asyncio.timeout(patience):
            await self._reached

    def exact(self, events: int) -> None:
        """Fails unless everybody that is awake heard just so many events since the roll call."""
        wrong = [each.count for each in self.awake if each.count != events]
        assert not wrong, f"{self._server.name}: {len(wrong)} heard {min(wrong)} to {max(wrong)} events, not {events}"

    def fall_asleep(self, number: int) -> None:
        """The last so many read no more."""
        self.awake, self.asleep = self.awake[:-number], self.awake[-number:]
        for each in self.asleep:
            each.transport.pause_reading()

    async def wake(self, events: int, patience: float) -> int:
        """Those asleep read again: how many of them heard, in time, so many events since the roll call, in order."""
        due = time.perf_counter() + patience
        for each in self.asleep:
            each.attentive = True
            each.transport.resume_reading()
        while (caught_up := sum(each.count == events for each in self.asleep)) < len(self.asleep):
            if time.perf_counter() > due:
                break
            await pause(_LOOK)
        return caught_up

    def close(self) -> None:
        """Everybody leaves at once."""
        for each in (*self.awake, *self.asleep):
            each.leave()
        gc.unfreeze()

    def _attend(self, attentive: bool) -> None:
        for each in self.awake:
            each.attentive = attentive

    async def _connected(self, number: int, narrow: bool) -> Listener:
        loop = asyncio.get_running_loop()
        opened = socket.socket()
        opened.setblocking(False)
        if narrow:
            # Loopback itself takes megabytes before a sender notices that nobody reads.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_WINDOW)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _ETHERNET_SEGMENT)
        opened.bind((f"127.0.0.{2 + number // PER_ADDRESS}", 0))
        await loop.sock_connect(opened, ("127.0.0.1", self._server.port))
        _, listener = await loop.create_connection(
            lambda: Listener(self._server, self._hears, self._misses), sock=opened
        )
        return listener

    def _hears(self, size: int) -> None:
        self._count += 1
        self.last_at, self.frame_bytes = time.perf_counter(), size
        if self._count == self._wanted:
            self._reached.set_result(None)

    def _misses(self, why: str) -> None:
        if not self._reached.done():
            self._reached.set_exception(ConnectionError(f"{self._server.name}: {why}"))


@asynccontextmanager
async def audience(server: Contestant, number: int) -> AsyncIterator[Audience]:
    """So many listeners of a server, for as long as the block lasts."""
    gathered = Audience(server)
    try:
        await gathered.open(number)
        yield gathered
    finally:
        gathered.close()
