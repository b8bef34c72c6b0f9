"""What one request can do to others: dear requests beside honest ones, at a served application.

python -m tests.bench.hostile                 all of them, on SQLite
python -m tests.bench.hostile --postgres      the same on PostgreSQL
python -m tests.bench.hostile --only slots    those whose name has that word

The business has 100 options, each offering all of 100 services of half an hour every 5 minutes, and in two months 2,400
bookings and 7,200 events from Google. While a request is answered, `/healthz` and a small honest question are asked
again and again: what they waited at worst, how much the process grew, and what the request was answered. A further row
is one more `@row`.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import uvloop

from graph.relay.nodes import to_id
from tests import postgres
from tests.bench.data import large_business as crowd
from tests.bench.data.large_business import Crowd
from tests.bench.servers.process import apart, memory, pause
from tests.bench.servers.timebok_process import Premises, premises
from tests.operations import operations
from tests.served import Served
from tests.stage import TLS

PATIENCE, BREATHER = 240.0, 0.01
GONE_AFTER = 1.0
"""Seconds after which a client that does not wait hangs up."""


@dataclass(frozen=True)
class Scene:
    """The business, and who may be asked."""

    served: Served
    crowd: Crowd
    begin: datetime
    http: httpx2.AsyncClient

    def window(self, days: int) -> dict[str, str]:
        """So many days."""
        return {"from": self.begin.isoformat(), "to": (self.begin + timedelta(days=days)).isoformat()}

    async def ask(self, document: str, role: str, **variables: Any) -> str:
        """What a document is answered, in short."""
        headers = {"Authorization": f"Bearer {self.served.keys[role]}"}
        body = {"query": document, "variables": variables}
        answer = await self.http.post(f"{self.served.url}/graphql", json=body, headers=headers)
        errors = answer.json().get("errors") or [{}]
        code = (errors[0].get("extensions") or {}).get("code")
        return f"{answer.status_code} {code or 'answered'}, {len(answer.content):,} bytes"


Row = Callable[[Scene], Awaitable[str]]
ROWS: dict[str, Row] = {}


def row(name: str) -> Callable[[Row], Row]:
    """A dear request, by a name for the table."""

    def named(asking: Row) -> Row:
        ROWS[name] = asking
        return asking

    return named


def nested(levels: int) -> str:
    """Services of options of services."""
    inner = "id"
    for level in range(levels):
        inner = f"{('options', 'services')[level % 2]} {{ {inner} }}"
    return inner


SLOTS = (
    "query($service: ID!, $from: DateTime!, $to: DateTime!) {{ availability(serviceId: $service, from: $from, to: $to) "
    "{{ days {{ slots {{ start {} }} }} }} }}"
)
WITH_SERVICES = SLOTS.format("options { name services { name description } }")


@row("services and options, 7 deep")
async def _deep(scene: Scene) -> str:
    return await scene.ask(f"{{ services(first: 100) {{ nodes {{ {nested(5)} }} }} }}", "public")


@row("100 nodes, the same below")
async def _nodes(scene: Scene) -> str:
    document = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Service {{ {nested(5)} }} }} }}"
    return await scene.ask(document, "public", ids=[to_id("Service", each) for each in scene.crowd.services])


@row("slots of 62 days, options on each")
async def _slots(scene: Scene) -> str:
    service = to_id("Service", scene.crowd.services[0])
    return await scene.ask(SLOTS.format("options { id name }"), "public", service=service, **scene.window(62))


@row("the same for 20 services at once")
async def _many_slots(scene: Scene) -> str:
    document, window = SLOTS.format("options { id name }"), scene.window(62)
    services = [to_id("Service", each) for each in scene.crowd.services[:20]]
    return told(await asyncio.gather(*(scene.ask(document, "public", service=each, **window) for each in services)))


@row("slots of 9 days, options on each")
async def _fewer_slots(scene: Scene) -> str:
    service = to_id("Service", scene.crowd.services[0])
    return await scene.ask(SLOTS.format("options { id name }"), "public", service=service, **scene.window(9))


@row("slots of 62 days, ten times")
async def _ten_times(scene: Scene) -> str:
    fields = " ".join(
        f"a{number}: availability(serviceId: $service, from: $from, to: $to) {{ days {{ slots {{ start }} }} }}"
        for number in range(10)
    )
    document = f"query($service: ID!, $from: DateTime!, $to: DateTime!) {{ {fields} }}"
    return await scene.ask(document, "public", service=to_id("Service", scene.crowd.services[0]), **scene.window(62))


@row("slots of 62 days, services below")
async def _slots_and_more(scene: Scene) -> str:
    service = to_id("Service", scene.crowd.services[0])
    return await scene.ask(WITH_SERVICES, "public", service=service, **scene.window(62))


@row("the same, and hangs up")
async def _hangs_up(scene: Scene) -> str:
    service = to_id("Service", scene.crowd.services[0])
    asking = asyncio.create_task(scene.ask(WITH_SERVICES, "public", service=service, **scene.window(5)))
    await asyncio.wait([asking], timeout=GONE_AFTER)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        return await asking
    await pause(GONE_AFTER)
    return "gone"


@row("a calendar of two months")
async def _calendar(scene: Scene) -> str:
    return await scene.ask(operations()["Calendar"], "staff", **scene.window(60))


@row("bookings of 15,000 options")
async def _many_ids(scene: Scene) -> str:
    document = "query($ids: [ID!]) { bookings(filter: { optionIds: $ids }) { nodes { id } } }"
    return await scene.ask(document, "staff", ids=[to_id("Option", scene.crowd.options[0])] * 15_000)


def told(answers: Sequence[str]) -> str:
    """What many requests were answered, each kind counted."""
    return "; ".join(f"{count}x {each}" for each, count in Counter(answers).most_common(3))


@row("200 documents about the schema, without a key")
async def _without_key(scene: Scene) -> str:
    async def one(number: int) -> str:
        text = f"{{ __schema {{ types {{ a{number}: name fields {{ name }} }} }} }} # {'x' * 7000}"
        answer = await scene.http.post(f"{scene.served.url}/graphql", json={"query": text})
        return str(answer.status_code)

    return told(await asyncio.gather(*(one(number) for number in range(200))))


@row("300 documents of 18 kB that differ")
async def _documents(scene: Scene) -> str:
    async def one(number: int) -> str:
        names = " ".join(f"x{number}y{at}: id name kind" if at < 49 else "... { id name kind }" for at in range(60))
        text = f"{{ options(first: 1) {{ nodes {{ {names} }} }} }} # {'x' * 15000}"
        return (await scene.ask(text, "public")).partition(",")[0]

    return told(await asyncio.gather(*(one(number) for number in range(300))))


@row("the same field 800 times")
async def _repeated(scene: Scene) -> str:
    return await scene.ask("{ " + "options { nodes { id } } " * 800 + "}", "public")


@row("300 wrong keys")
async def _wrong_keys(scene: Scene) -> str:
    async def one(number: int) -> str:
        headers = {"Authorization": f"Bearer tb_public_{number}"}
        answer = await scene.http.post(f"{scene.served.url}/graphql", json={"query": "{ x }"}, headers=headers)
        return str(answer.status_code)

    return told(await asyncio.gather(*(one(number) for number in range(300))))


@row("200 requests that are half-sent")
async def _half_sent(scene: Scene) -> str:
    host, port = scene.served.url.removeprefix("http://").split(":")
    lines = [await asyncio.open_connection(host, int(port)) for _ in range(200)]
    for _, writer in lines:
        writer.write(b"POST /graphql HTTP/1.1\r\nhost: here\r\n")
    ends = await asyncio.gather(*(reader.read(100) for reader, _ in lines), return_exceptions=True)
    for _, writer in lines:
        writer.close()
    return told([str(each[9:12], "ascii") if isinstance(each, bytes) else "cut" for each in ends])


@row("slots of 200 windows are followed, and one is booked")
async def _windows(scene: Scene) -> str:
    document = (
        "subscription($service: ID!, $from: DateTime!, $to: DateTime!) { availabilityChanges(serviceId: $service, "
        "from: $from, to: $to) { days { slots { start } } } }"
    )
    service, answered = to_id("Service", scene.crowd.services[0]), list[str]()
    async with AsyncExitStack() as sockets:
        for first in range(0, 200, 20):
            socket = await sockets.enter_async_context(scene.served.socket(scene.served.keys["public"]))
            await socket.recv()
            for number in range(first, first + 20):
                begin = scene.begin + timedelta(seconds=number)
                window = {"from": begin.isoformat(), "to": (begin + timedelta(days=30)).isoformat()}
                payload = {"query": document, "variables": {"service": service, **window}}
                await socket.send(json.dumps({"id": str(number), "type": "subscribe", "payload": payload}))
            answered += [json.loads(await socket.recv())["type"] for _ in range(20)]
        book = "mutation($input: CreateBookingInput!) { createBooking(input: $input) { errors { code } } }"
        start = (scene.begin + timedelta(days=2, hours=3)).isoformat()
        await scene.ask(book, "public", input={"serviceId": service, "start": start, "customer": {"name": "Kari"}})
    return told(answered)


NEVER = 10.0
"""Seconds for which a client does not read."""


@row("60 times slots of 9 days, on a socket that never reads")
async def _never_read(scene: Scene) -> str:
    async with scene.served.socket(scene.served.keys["public"]) as socket:
        await socket.recv()
        socket.transport.pause_reading()
        for number, service in enumerate(scene.crowd.services[:60]):
            variables = {"service": to_id("Service", service), **scene.window(9)}
            payload = {"query": SLOTS.format("options { id name }"), "variables": variables}
            await socket.send(json.dumps({"id": str(number), "type": "subscribe", "payload": payload}))
        await pause(NEVER)
        socket.transport.abort()
    return "never read"


@row("slots of 9 days, on 20 event streams that are never read")
async def _streams_never_read(scene: Scene) -> str:
    document = SLOTS.format("options { id name }").replace("query", "subscription", 1)
    document = document.replace("{ availability(", "{ availabilityChanges(")
    key = scene.served.keys["public"].encode()
    host, port = scene.served.url.removeprefix("http://").split(":")
    lines = [await asyncio.open_connection(host, int(port)) for _ in range(20)]
    for (_, writer), service in zip(lines, scene.crowd.services, strict=False):
        variables = {"service": to_id("Service", service), **scene.window(9)}
        body = json.dumps({"query": document, "variables": variables}).encode()
        writer.write(
            b"POST /graphql HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n"
            b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b" % (key, len(body), body)
        )
    await pause(NEVER)
    for _, writer in lines:
        writer.transport.abort()
    return "never read"


@dataclass
class Waits:
    """What others waited at worst, in seconds, and how far the process grew, in bytes."""

    pid: int
    before: int = 0
    most: int = 0
    health: float = 0.0
    honest: float = 0.0

    @asynccontextmanager
    async def watched(self, scene: Scene) -> AsyncIterator[None]:
        """Asks for as long as the block lasts."""
        self.before = self.most = memory(self.pid)

        async def health() -> None:
            await scene.http.get(f"{scene.served.url}/healthz")

        async def honest() -> None:
            await scene.ask("{ viewer { role } options(first: 3) { nodes { name } } }", "staff")

        probes = [
            asyncio.create_task(self._again("health", health)),
            asyncio.create_task(self._again("honest", honest)),
        ]
        try:
            yield
        finally:
            for each in probes:
                each.cancel()
            await asyncio.gather(*probes, return_exceptions=True)

    async def _again(self, name: str, ask: Callable[[], Awaitable[None]]) -> None:
        while True:
            began = time.perf_counter()
            try:
                await ask()
            finally:
                setattr(self, name, max(getattr(self, name), time.perf_counter() - began))
            self.most = max(self.most, memory(self.pid))
            await pause(BREATHER)


def main() -> None:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--only", default="", help="rows whose name has this")
    options = parser.parse_args()
    with apart() as core:
        uvloop.run(_measure(options, core))


async def _measure(options: argparse.Namespace, core: int | None) -> None:
    _say(f"{'sent':36}{'took, s':>9}{'/healthz, ms':>14}{'honest, ms':>12}{'grew, MB':>10}  answered")
    for name, asking in ROWS.items():
        if options.only in name:
            # Each in a process of its own: one that has grown would hide what the next one does.
            async with _scene(options, core) as (scene, ours):
                waits = Waits(ours.processes[0].pid)
                async with waits.watched(scene):
                    began = time.perf_counter()
                    try:
                        said = await asking(scene)
                    except httpx2.TransportError as error:
                        said = type(error).__name__
                    took = time.perf_counter() - began
                grew = (waits.most - waits.before) / 1_000_000
                _say(f"{name:36}{took:9.2f}{waits.health * 1000:14.0f}{waits.honest * 1000:12.0f}{grew:10.0f}  {said}")


@asynccontextmanager
async def _scene(options: argparse.Namespace, core: int | None) -> AsyncIterator[tuple[Scene, Premises]]:
    async with AsyncExitStack() as things:
        if options.postgres:
            server = things.enter_context(postgres.server())
            database = await things.enter_async_context(postgres.database(server))
        else:
            database = f"sqlite:///{things.enter_context(tempfile.TemporaryDirectory())}/timebok.db"
        ours = await things.enter_async_context(premises(database, core=core))
        begin = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        filled = await crowd.fill(database, ours.served.business_id, begin)
        http = await things.enter_async_context(httpx2.AsyncClient(timeout=PATIENCE, verify=TLS))
        scene = Scene(ours.served, filled, begin, http)
        # What is asked first makes connections, and code.
        for _ in range(3):
            await scene.ask("{ viewer { role } options(first: 3) { nodes { name } } }", "staff")
        yield scene, ours


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
