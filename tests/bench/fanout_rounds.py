"""What a server is measured by: one event after the other to everybody, events in a burst, and questions meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median

from tests.bench.clients.connection import Line
from tests.bench.clients.subscribers import Audience, audience
from tests.bench.commits import Commits, commits
from tests.bench.servers.measured_server import BOOK, LOOK, Contestant
from tests.bench.servers.process import cpu, memory, pause

WARM_UP = 10
"""Events before what is counted: compilers, caches and connections have had their first time."""

PUBLISHERS = 4
"""So many bookings are under way at once in a burst."""

GAP = 0.02
"""Seconds between an event's last receipt and the next event."""

PACE = 0.003
"""Seconds between the answer to a small question and the next one."""

SETTLE = 1.0
"""Seconds for a server to be done with what begins and ends."""

QUESTIONS = 500


@dataclass(frozen=True)
class Round:
    """One measurement of one server: last receipts in milliseconds after the commit, and what the mutation takes up to
    there; deliveries a second in a burst; CPU microseconds a delivery, without and with the mutation; memory a socket,
    and the size of an event. `p99` of few events is their worst.
    """

    p50: float
    p99: float
    commit: float
    per_second: float
    cpu_us: float
    cpu_us_in_all: float
    kilobytes: float
    frame_bytes: float


@dataclass(frozen=True)
class Questions:
    """The p99 of a small question in milliseconds: while nothing happens, and while one event chases the other."""

    quiet: float
    meanwhile: float


class Publisher:
    """Books on a line of its own."""

    def __init__(self, server: Contestant, note: str = "") -> None:
        self._server = server
        self._note = note
        self._line = Line(server)

    async def publish(self) -> int:
        """Makes one event: the number of its booking."""
        number = next(self._server.numbers)
        made = (await self._line.ask(BOOK, self._server.wish(number, self._note)))["createBooking"]
        assert made["errors"] == [], made
        return number

    def hang_up(self) -> None:
        self._line.hang_up()


@asynccontextmanager
async def publishing(server: Contestant, note: str = "") -> AsyncIterator[Publisher]:
    """A publisher for as long as the block lasts."""
    publisher = Publisher(server, note)
    try:
        yield publisher
    finally:
        publisher.hang_up()


def patience(deliveries: int) -> float:
    """Seconds within which so many deliveries must have been made by anybody."""
    return 30 + deliveries / 250


@dataclass(frozen=True)
class Spread:
    """One event to everybody, in milliseconds: from the mutation to its commit (0 where that cannot be told), and from
    there to the last receipt.
    """

    commit: float
    receipt: float


async def spread(listeners: Audience, publisher: Publisher, heard: Commits | None = None) -> Spread:
    """One event to everybody."""
    listeners.expect(1)
    if heard:
        heard.expect()
    began = time.perf_counter()
    asked = asyncio.create_task(publisher.publish())
    await listeners.heard(patience(len(listeners.awake)))
    await asked
    if heard:
        await heard.told()
    committed = heard.last_at if heard else began
    return Spread((committed - began) * 1000, (listeners.last_at - committed) * 1000)


async def spread_many(
    listeners: Audience, publisher: Publisher, events: int, gap: float = GAP, heard: Commits | None = None
) -> list[Spread]:
    """Events to everybody, one after the other."""
    taken = []
    for _ in range(events):
        taken.append(await spread(listeners, publisher, heard))
        await pause(gap)
    return taken


async def cpu_of_mutations(server: Contestant, publisher: Publisher, events: int) -> float:
    """The seconds of CPU that so many mutations take when nobody listens."""
    used = cpu(server.pid)
    for _ in range(events):
        await publisher.publish()
        await pause(GAP)
    return cpu(server.pid) - used


async def burst(listeners: Audience, server: Contestant, events: int) -> float:
    """Events as fast as they are taken: deliveries per second, from the first mutation to the last receipt."""
    deliveries = events * len(listeners.awake)
    left = iter(range(events))

    async def some() -> None:
        async with publishing(server) as publisher:
            for _ in left:
                await publisher.publish()

    listeners.expect(events)
    began = time.perf_counter()
    asked = asyncio.gather(*(some() for _ in range(PUBLISHERS)))
    await listeners.heard(patience(deliveries))
    await asked
    return deliveries / (listeners.last_at - began)


async def measured(server: Contestant, sockets: int, events: int, events_in_burst: int) -> Round:
    """A fresh server, measured once. Fails when anybody misses an event or hears one twice."""
    async with AsyncExitStack() as things:
        publisher = await things.enter_async_context(publishing(server))
        heard = await things.enter_async_context(commits(server.database)) if server.database else None
        before = await warm_memory(server, publisher)
        await cpu_of_mutations(server, publisher, WARM_UP)
        of_mutations = await cpu_of_mutations(server, publisher, events)
        listeners = await things.enter_async_context(audience(server, sockets))
        await listeners.roll_call(publisher.publish)
        await pause(SETTLE)
        held = memory(server.pid) - before
        await spread_many(listeners, publisher, WARM_UP)
        used = cpu(server.pid)
        taken = await spread_many(listeners, publisher, events, heard=heard)
        used = cpu(server.pid) - used
        per_second = await burst(listeners, server, events_in_burst)
        await pause(SETTLE)
        listeners.exact(WARM_UP + events + events_in_burst)
        return Round(
            p50=median(each.receipt for each in taken),
            p99=percentile([each.receipt for each in taken], 99),
            commit=median(each.commit for each in taken),
            per_second=per_second,
            cpu_us=(used - of_mutations) / (events * sockets) * 1e6,
            cpu_us_in_all=used / (events * sockets) * 1e6,
            kilobytes=held / sockets / 1024,
            frame_bytes=listeners.frame_bytes,
        )


async def questioned(server: Contestant, sockets: int) -> Questions:
    """Small questions to a server with so many listeners."""
    async with publishing(server) as publisher, audience(server, sockets) as listeners:
        await listeners.roll_call(publisher.publish)
        await pause(SETTLE)
        quiet = await _questions(server)
        asking = asyncio.create_task(_questions(server))
        while not asking.done():
            await spread(listeners, publisher)
        return Questions(quiet, asking.result())


async def warm_memory(server: Contestant, publisher: Publisher) -> int:
    """Bytes of memory before anybody listens, though somebody once did."""
    async with audience(server, 1) as listeners:
        await listeners.roll_call(publisher.publish)
    await pause(SETTLE)
    return memory(server.pid)


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many of a hundred do not exceed."""
    return sorted(values)[-(-len(values) * percent // 100) - 1]


async def _questions(server: Contestant) -> float:
    """The p99 of small questions one after the other, in milliseconds."""
    line, taken = Line(server), []
    for _ in range(QUESTIONS):
        began = time.perf_counter()
        await line.ask(LOOK)
        taken.append((time.perf_counter() - began) * 1000)
        await pause(PACE)
    line.hang_up()
    return percentile(taken, 99)
