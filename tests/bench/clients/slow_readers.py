"""What Timebok is measured by alone: readers that do not read, very many sockets, sockets on which nothing comes."""

import time
from dataclasses import dataclass
from statistics import mean, median

import asyncpg

from tests.bench.clients.subscribers import audience
from tests.bench.fanout_rounds import (
    SETTLE,
    WARM_UP,
    Spread,
    patience,
    percentile,
    publishing,
    spread_many,
    warm_memory,
)
from tests.bench.servers.measured_server import Contestant
from tests.bench.servers.process import cpu, memory, pause

NOTE = "lorem ipsum " * 400
"""Makes an event five kilobytes larger: buffers fill before a reader that answers no ping is given up."""

IDLE_SECONDS = 20.0

_LOOK = 0.05

_OPEN = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_HELD = f"{_OPEN} AND state <> 'idle'"


@dataclass(frozen=True)
class Receipt:
    """The last receipt of some events, in milliseconds."""

    p50: float
    p99: float


@dataclass(frozen=True)
class Slowness:
    """What readers that do not read cost the others, and the server in bytes.

    `sent` is what was sent to all of them, `grown` by what the server grew as they were not there yet, and in each half
    of the events that they did not read.
    """

    without: Receipt
    beside: Receipt
    sent: int
    grown: tuple[int, int, int]
    caught_up: int


@dataclass(frozen=True)
class Crowd:
    """Very many sockets: seconds until all had heard one event, what followed, and bytes a socket."""

    opened: float
    receipt: Receipt
    bytes_each: float


@dataclass(frozen=True)
class Idleness:
    """Bytes a subscription, the share of a core in percent, and the server's connections to its database.

    Open before anybody listened and at most, and held (in a statement or a transaction) on average and at most.
    """

    bytes_each: float
    cpu_percent: float
    open_before: int
    open_most: int
    held_mean: float
    held_most: int


async def slowness(server: Contestant, sockets: int, slow: int, events: int) -> Slowness:
    """Beside so many listeners, some stop reading; at the end they read again."""
    async with publishing(server, NOTE) as publisher, audience(server, sockets) as listeners:
        await listeners.roll_call(publisher.publish)
        await spread_many(listeners, publisher, WARM_UP)
        size = memory(server.pid)
        without = _receipt_of(await spread_many(listeners, publisher, events // 2, gap=0))
        grown = [memory(server.pid) - size]
        await listeners.open(slow, narrow=True)
        await listeners.roll_call(publisher.publish)
        listeners.fall_asleep(slow)
        await pause(SETTLE)
        taken: list[Spread] = []
        for _ in range(2):
            size = memory(server.pid)
            taken += await spread_many(listeners, publisher, events // 2, gap=0)
            grown.append(memory(server.pid) - size)
        sent = events // 2 * 2
        listeners.exact(sent)
        return Slowness(
            without=without,
            beside=_receipt_of(taken),
            sent=slow * sent * listeners.frame_bytes,
            grown=(grown[0], grown[1], grown[2]),
            caught_up=await listeners.wake(sent, patience(slow * sent)),
        )


async def crowd(server: Contestant, sockets: int, events: int) -> Crowd:
    """Very many sockets on one process. Fails when one of them misses an event or hears one twice."""
    async with publishing(server) as publisher:
        before = await warm_memory(server, publisher)
        began = time.perf_counter()
        async with audience(server, sockets) as listeners:
            await listeners.roll_call(publisher.publish)
            opened = time.perf_counter() - began
            await pause(SETTLE)
            held = memory(server.pid) - before
            receipt = _receipt_of(await spread_many(listeners, publisher, events))
            await pause(SETTLE)
            listeners.exact(events)
            return Crowd(opened, receipt, held / sockets)


async def idleness(server: Contestant, sockets: int, database_url: str) -> Idleness:
    """So many subscriptions on which nothing comes, on PostgreSQL."""
    database = await asyncpg.connect(database_url)
    try:
        async with publishing(server) as publisher:
            before = await warm_memory(server, publisher)
            open_before = await database.fetchval(_OPEN)
            async with audience(server, sockets) as listeners:
                await listeners.roll_call(publisher.publish)
                await pause(SETTLE)
                grown, seen = memory(server.pid) - before, []
                began, used = time.perf_counter(), cpu(server.pid)
                while time.perf_counter() < began + IDLE_SECONDS:
                    seen.append((await database.fetchval(_OPEN), await database.fetchval(_HELD)))
                    await pause(_LOOK)
                share = (cpu(server.pid) - used) / (time.perf_counter() - began)
        return Idleness(
            bytes_each=grown / sockets,
            cpu_percent=share * 100,
            open_before=open_before,
            open_most=max(opened for opened, _ in seen),
            held_mean=mean(held for _, held in seen),
            held_most=max(held for _, held in seen),
        )
    finally:
        await database.close()


def _receipt_of(taken: list[Spread]) -> Receipt:
    times = [each.commit + each.receipt for each in taken]
    return Receipt(median(times), percentile(times, 99))
