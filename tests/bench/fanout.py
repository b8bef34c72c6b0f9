"""How one booking reaches a thousand dashboards: Timebok beside what somebody might use instead.

python -m tests.bench.fanout                    Timebok and its peers in turns, on PostgreSQL
python -m tests.bench.fanout --sqlite           the same with Timebok on SQLite
python -m tests.bench.fanout --sockets 10000    Timebok alone: very many sockets on one process
python -m tests.bench.fanout --slow 50          Timebok alone: readers that do not read, and what they cost the others
python -m tests.bench.fanout --idle             Timebok alone: subscriptions on which nothing comes

Each server is one process with one core for itself; the listeners and PostgreSQL have the others. A round starts a
fresh server, opens graphql-transport-ws sockets with one subscription each, sends bookings one after the other, and
then as many as it takes at once. Everybody asks the same document for the same twelve leaf fields, and has to get each
event exactly once. Times run from the mutation's commit, of which PostgreSQL tells the listeners' process, to the last
listener's receipt (with --sqlite, from sending the mutation); CPU is the server's, without and with what the same
mutations take when nobody listens; memory is what the sockets added to a server that had served one before. Figures are
medians of the rounds.

For an event Timebok runs its whole `createBooking`: the rules, the claim, the history and the log in one transaction;
then it reads the change and the booking back from the database. Each peer does one INSERT and shows an object that it
has in memory (see `peer`).
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from statistics import median

import uvloop

from tests import postgres
from tests.bench.clients.slow_readers import Receipt, crowd, idleness, slowness
from tests.bench.fanout_rounds import Questions, Round, measured, questioned
from tests.bench.servers import peer
from tests.bench.servers.placement import TIMEBOK, Arena
from tests.bench.servers.process import apart

SOCKETS, EVENTS, BURST, ROUNDS = 1000, 50, 100, 3

SLOW_EVENTS = 300
"""Enough that readers which read nothing are far behind."""

BEST = "mercurius"
"""The peer that all are compared with."""


def main() -> None:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=SOCKETS, help="listeners; more than %(default)s: Timebok alone")
    parser.add_argument(
        "--events", type=int, help=f"bookings one after the other ({EVENTS}; {SLOW_EVENTS} with --slow)"
    )
    parser.add_argument("--burst", type=int, default=BURST, help="bookings at once (%(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="with every server (%(default)s)")
    parser.add_argument("--peers", nargs="*", choices=tuple(peer.PEERS), default=tuple(peer.PEERS))
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--slow", type=int, metavar="READERS")
    parser.add_argument("--idle", action="store_true")
    options = parser.parse_args()
    if options.idle and options.sqlite:
        parser.error("--idle counts connections to PostgreSQL")
    with apart() as core, postgres.server() as url:
        arena = Arena(url, core, options.sqlite)
        if options.idle:
            work = _idle(arena, options.sockets)
        elif options.slow:
            work = _slow(arena, options.sockets, options.slow, options.events or SLOW_EVENTS)
        elif options.sockets > SOCKETS:
            work = _crowd(arena, options.sockets, options.events or EVENTS)
        else:
            work = _beside(arena, options)
        uvloop.run(work)


async def _beside(arena: Arena, options: argparse.Namespace) -> None:
    """In turns, so that whatever else the machine does meets all of them."""
    peers = options.peers
    if not (peer.NODE and peer.NPM):
        peers = ()
        _say("no Node and npm on the PATH: Timebok without its peers")
    elif peers:
        await peer.install()
    sizes = options.sockets, options.events or EVENTS, options.burst
    rounds: dict[str, list[Round]] = {name: [] for name in (TIMEBOK, *(peer.PEERS[each] for each in peers))}
    questions = []
    for _ in range(options.rounds):
        async with arena.timebok() as (server, _database):
            rounds[TIMEBOK].append(await measured(server, *sizes))
            questions.append(await questioned(server, options.sockets))
        for name in peers:
            async with arena.peer(name) as server:
                rounds[server.name].append(await measured(server, *sizes))
    medians = {name: Round(*_medians(each)) for name, each in rounds.items()}
    _say(
        f"{options.sockets} sockets, medians of {options.rounds} rounds of {sizes[1]} events and {options.burst} at "
        f"once; Timebok on {'SQLite' if arena.sqlite else 'PostgreSQL'}",
        *_table(medians),
        *_bars(medians, Questions(*_medians(questions))),
    )


def _medians(rounds: Sequence[Round | Questions]) -> Iterator[float]:
    """Of each figure, in order."""
    return (median(column) for column in zip(*map(astuple, rounds), strict=True))


def _table(medians: dict[str, Round]) -> list[str]:
    best = medians.get(peer.PEERS[BEST])
    lines = [
        f"{'':24}{'last receipt, ms':>18}{'commit':>9}{'deliveries':>12}{'CPU us each':>19}{'kB a':>8}{'bytes':>9}",
        f"{'':24}{'p50':>9}{'p99':>9}{'ms':>9}{'a second':>12}{'alone':>9}{'in all':>10}{'socket':>8}{'an event':>9}",
    ]
    if best:
        lines = [lines[0] + f"{'to ' + peer.PEERS[BEST]:>22}", lines[1] + f"{'p50':>8}{'rate':>7}{'CPU':>7}"]
    for name, each in medians.items():
        line = f"{name:24}{each.p50:9.1f}{each.p99:9.1f}{each.commit:9.1f}{each.per_second:12,.0f}{each.cpu_us:9.1f}"
        line += f"{each.cpu_us_in_all:10.1f}{each.kilobytes:8.1f}{each.frame_bytes:9.0f}"
        if best:
            ratios = each.p50 / best.p50, each.per_second / best.per_second, each.cpu_us / best.cpu_us
            line += "{:8.2f}{:7.2f}{:7.2f}".format(*ratios)
        lines.append(line)
    return lines


def _bars(medians: dict[str, Round], questions: Questions) -> list[str]:
    ours, best = medians[TIMEBOK], medians.get(peer.PEERS[BEST])
    lines = [f"a small question to Timebok: p99 {questions.quiet:.1f} ms in quiet, {questions.meanwhile:.1f} meanwhile"]
    if best:
        lines.append(_bar(f"last receipt p50 at most 0.4 of {peer.PEERS[BEST]}'s", ours.p50 / best.p50, 0.4))
    return [
        *lines,
        _bar("CPU at most 25 us a delivery", ours.cpu_us, 25),
        _bar("memory at most 40 kB a socket", ours.kilobytes, 40),
        _bar("a small question's p99 meanwhile at most twice the quiet one", questions.meanwhile / questions.quiet, 2),
    ]


async def _crowd(arena: Arena, sockets: int, events: int) -> None:
    async with arena.timebok() as (server, _database):
        found = await crowd(server, sockets, events)
    _say(
        f"{sockets} sockets on one process: all heard {events} events once each",
        f"all listening after {found.opened:.1f} s; last receipt {_told(found.receipt)}",
        _bar("memory at most 40 kB a socket", found.bytes_each / 1024, 40),
        f"pass  {sockets} sockets hold",
    )


async def _slow(arena: Arena, sockets: int, slow: int, events: int) -> None:
    async with arena.timebok() as (server, _database):
        found = await slowness(server, sockets, slow, events)
    half = found.sent / 2
    _say(
        f"{sockets} listeners beside {slow} that read nothing of {events} events, {found.sent / 2**20:.1f} MB in all",
        f"last receipt of the others: {_told(found.without)} without, {_told(found.beside)} beside them",
        "the server grew by {:.1f} MB in half the events without them, and by {:.1f} and {:.1f} MB in each half beside "
        "them".format(*(grown / 2**20 for grown in found.grown)),
        f"{found.caught_up} of {slow} had everything, in order and once, after they began to read again",
        _bar("the others wait at most 1.25 times as long", found.beside.p50 / found.without.p50, 1.25),
        _bar("of what was not read, the second half is kept at most to a tenth", max(0, found.grown[2]) / half, 0.1),
        _bar("slow readers that missed something", slow - found.caught_up, 0),
    )


async def _idle(arena: Arena, sockets: int) -> None:
    async with arena.timebok() as (server, database):
        found = await idleness(server, sockets, database)
    _say(
        f"{sockets} subscriptions on which nothing comes",
        f"memory: {found.bytes_each / 1024:.1f} kB a subscription; CPU: {found.cpu_percent:.1f} % of a core",
        f"connections to PostgreSQL: {found.open_before} open before, {found.open_most} at most with them; held at a "
        f"time: {found.held_mean:.2f} on average, {found.held_most} at most",
        _bar("memory at most 40 kB a socket", found.bytes_each / 1024, 40),
    )


def _told(receipt: Receipt) -> str:
    return f"p50 {receipt.p50:.1f} ms, p99 {receipt.p99:.1f} ms"


def _bar(what: str, value: float, most: float) -> str:
    return f"{'pass' if value <= most else 'FAIL'}  {what}: {value:.2f}"


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join((*lines, "")))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
