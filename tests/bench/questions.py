"""What answering costs: Timebok beside what somebody might use instead, on the same rows.

python -m tests.bench.questions                 Timebok and its peers in turns, on PostgreSQL
python -m tests.bench.questions --sqlite        the same with Timebok on SQLite, too

Each server is one process with one core for itself; who asks and PostgreSQL have the others. There are 20,000 bookings
of 20 options and 8 services. `hundred` are the first hundred bookings of some four days, each with its customer, option
and service; `one` is such a booking by its id. Connections are kept, each asks again as soon as it is answered, and
every question has other variables than the last.

`week` are the slots of a week, each with those of 10 options that are free for it; `month` those of 50 options
together, starts and ends alone. Every option is open 10 hours a day and taken 40 times a week, all around the clock.

Timebok looks at the key with every request and pages its answer. A peer joins three tables and knows no keys, no roles
and no pages (see `peers/archive.mjs`). Figures are medians of the rounds; CPU is what each request took.
"""

import argparse
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from urllib.parse import urlsplit

import asyncpg
import uvloop

from graph.relay.nodes import to_id
from tests import postgres
from tests.bench.clients.load import Question, ask
from tests.bench.data import booking_rows
from tests.bench.servers import peer
from tests.bench.servers.measured_server import Contestant
from tests.bench.servers.placement import TIMEBOK
from tests.bench.servers.process import apart, cpu, family_cpu, parent
from tests.bench.servers.timebok_process import premises

SECONDS, ROUNDS, CONNECTIONS, WARM_UP = 4.0, 3, 32, 1.0

_SELECTION = "{ id start end status customer { name email } option { id name } service { id name } }"
_OURS = {
    "hundred": "query Some($from: DateTime!, $to: DateTime!) "
    "{ bookings(filter: { from: $from, to: $to }, first: 100) { nodes " + _SELECTION + " } }",
    "one": "query One($id: ID!) { node(id: $id) { ... on Booking " + _SELECTION + " } }",
    "week": "query Week($service: ID!, $from: DateTime!, $to: DateTime!) "
    "{ availability(serviceId: $service, from: $from, to: $to) "
    "{ days { date slots { start end options { id name } } } } }",
    "month": "query Month($service: ID!, $from: DateTime!, $to: DateTime!) "
    "{ availability(serviceId: $service, from: $from, to: $to) { days { date slots { start end } } } }",
}
_PEERS = {
    "hundred": "query Some($from: DateTime!, $to: DateTime!) "
    "{ bookings(from: $from, to: $to, first: 100) " + _SELECTION + " }",
    "one": "query One($id: ID!) { booking(id: $id) " + _SELECTION + " }",
}
PEERS = ("mercurius", "yoga")
BEST = "mercurius"
ON_SQLITE = f"{TIMEBOK} on SQLite"


@dataclass(frozen=True)
class Figures:
    """Of one server and question: requests a second, milliseconds until the answer, CPU milliseconds a request."""

    rate: float
    p50: float
    p99: float
    server: float
    database: float

    @property
    def in_all(self) -> float:
        return self.server + self.database


@dataclass(frozen=True)
class Asked:
    """A server with its questions."""

    server: Contestant
    questions: dict[str, Question]
    database_pid: int | None

    async def measured(self, name: str) -> Figures:
        """One measurement."""
        question = self.questions[name]
        await ask(self.server, question, CONNECTIONS, WARM_UP)
        before = cpu(self.server.pid), self._database_cpu()
        taken = await ask(self.server, question, CONNECTIONS, SECONDS)
        each = 1000 / len(taken)
        after = cpu(self.server.pid), self._database_cpu()
        cuts = quantiles(taken, n=100)
        return Figures(
            len(taken) / SECONDS,
            cuts[49] * 1000,
            cuts[98] * 1000,
            (after[0] - before[0]) * each,
            (after[1] - before[1]) * each,
        )

    def _database_cpu(self) -> float:
        return family_cpu(self.database_pid) if self.database_pid else 0.0


def main() -> None:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="with every server (%(default)s)")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--questions", nargs="*", choices=tuple(_OURS), default=tuple(_OURS))
    options = parser.parse_args()
    with apart() as core, postgres.server() as url:
        uvloop.run(_measure(url, core, options))


async def _measure(url: str, core: int | None, options: argparse.Namespace) -> None:
    peers = options.peers
    if not (peer.NODE and peer.NPM):
        peers = ()
        _say("no Node and npm on the PATH: Timebok without its peers")
    elif peers:
        await peer.install()
    async with AsyncExitStack() as things:
        pid = await _postmaster(url)
        asked = {TIMEBOK: await things.enter_async_context(_timebok(url, core, pid))}
        if options.sqlite:
            asked[ON_SQLITE] = await things.enter_async_context(_timebok(url, core, None))
        for name in peers:
            asked[peer.PEERS[name]] = await things.enter_async_context(_peer(name, url, core, pid))
        for question in options.questions:
            able = {name: each for name, each in asked.items() if question in each.questions}
            rounds: dict[str, list[Figures]] = {name: [] for name in able}
            for _ in range(options.rounds):
                for name, each in able.items():
                    rounds[name].append(await each.measured(question))
            _say(*_table(question, {name: _medians(each) for name, each in rounds.items()}))


@asynccontextmanager
async def _timebok(url: str, core: int | None, pid: int | None) -> AsyncIterator[Asked]:
    """On PostgreSQL; or on SQLite, where no `pid` of a database is given."""
    async with AsyncExitStack() as things:
        if pid:
            database = await things.enter_async_context(postgres.database(url))
        else:
            database = f"sqlite:///{things.enter_context(tempfile.TemporaryDirectory())}/timebok.db"
        ours = await things.enter_async_context(premises(database, core=core))
        ids = await booking_rows.fill_timebok(database, ours.served.business_id)
        port = urlsplit(ours.served.url).port
        assert port
        server = Contestant(TIMEBOK, port, ours.processes[0].pid, "", "", ours.served.keys["staff"])
        business_id, begin = ours.served.business_id, datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        asked = _questions(_OURS, [{"id": to_id("Booking", each)} for each in ids])
        for name, options, days in (("week", 10, 7), ("month", 50, 31)):
            agenda = await booking_rows.fill_agendas(database, business_id, options, begin, 6)
            service = {"service": to_id("Service", agenda.service)}
            starts = [begin + timedelta(hours=hour) for hour in range(24)]
            windows = [{"from": at.isoformat(), "to": (at + timedelta(days=days)).isoformat()} for at in starts]
            asked[name] = Question(_OURS[name], [{**service, **window} for window in windows])
        yield Asked(server, asked, pid)


@asynccontextmanager
async def _peer(name: str, url: str, core: int | None, pid: int) -> AsyncIterator[Asked]:
    async with postgres.database(url) as database:
        ids = await booking_rows.fill_peers(database)
        async with peer.peer(name, database, core, f"{name}-archive") as server:
            yield Asked(server, _questions(_PEERS, [{"id": str(each)} for each in ids]), pid)


def _questions(documents: dict[str, str], one: Sequence[dict[str, str]]) -> dict[str, Question]:
    return {
        "hundred": Question(documents["hundred"], booking_rows.ranges()),
        "one": Question(documents["one"], one),
    }


async def _postmaster(url: str) -> int:
    """The process that all others of the PostgreSQL server come from."""
    connection = await asyncpg.connect(url)
    try:
        return parent(await connection.fetchval("SELECT pg_backend_pid()"))
    finally:
        await connection.close()


def _medians(rounds: Sequence[Figures]) -> Figures:
    return Figures(*(median(column) for column in zip(*map(astuple, rounds), strict=True)))


def _table(question: str, found: dict[str, Figures]) -> list[str]:
    best = found.get(peer.PEERS[BEST])
    lines = [
        "",
        f"{question:24}{'requests':>10}{'answer, ms':>18}{'CPU ms a request':>28}",
        f"{'':24}{'a second':>10}{'p50':>9}{'p99':>9}{'server':>10}{'database':>10}{'both':>8}",
    ]
    if best:
        lines = [*lines[:2], lines[2] + f"{'server, to ' + peer.PEERS[BEST]:>28}"]
    for name, each in found.items():
        line = f"{name:24}{each.rate:10.0f}{each.p50:9.1f}{each.p99:9.1f}{each.server:10.2f}{each.database:10.2f}"
        line += f"{each.in_all:8.2f}"
        lines.append(line + (f"{each.server / best.server:28.2f}" if best else ""))
    return lines


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join((*lines, "")))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
