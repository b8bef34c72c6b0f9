"""Long answers are made in slices: others have their turn, an answer has a bound while it is made, and nobody works for
a client that hung up.
"""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from graph.availability.query import Slot
from graph.limits.space import Space
from graph.operation import executor
from graph.relay.nodes import to_id
from graph.rendering import allowance
from graph.rendering.allowance import Allowance
from graph.rendering.json_text import Text, encode
from graph.rendering.pieces import Listing
from graph.request.context import Context
from graph.server.transport import connection
from models import api_key
from models.api_key import Caller
from models.catalog.option import Option
from models.catalog.service import Service
from models.catalog.service_option import Offering
from models.storage import db
from tests.graph.fields.test_compiler import app_state
from tests.graph.operation.direct import run
from tests.graph.server.raw_http import line, posting
from tests.graph.socket_client import acknowledged, receive, subscribing
from tests.served import Served, serving
from tests.stage import PATIENCE, Stage

OPTIONS, SERVICES = 60, 40
ALL_WEEK = [[day, "00:00", "00:00"] for day in range(7)]
BEGIN = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
MOST = 200_000

SLOTS = (
    "query($service: ID!, $from: DateTime!, $to: DateTime!) { availability(serviceId: $service, from: $from, to: $to) "
    "{ days { date slots { start options { %s } } } } }"
)
NESTED = "{ services(first: 100) { nodes { options { services { options { services { name } } } } } } }"
PLAIN, WALKED = SLOTS % "id name", SLOTS % "id services { name }"


@dataclass(frozen=True)
class Crowd:
    """A business with many options, each of which offers all of many services."""

    served: Served
    service: str
    caller: Caller

    def window(self, days: float) -> dict[str, Any]:
        """The variables of a question for slots."""
        return {"service": self.service, "from": BEGIN.isoformat(), "to": (BEGIN + timedelta(days=days)).isoformat()}


async def crowded(served: Served) -> Crowd:
    """Fills the business that is served."""
    common: dict[str, Any] = {"business_id": served.business_id, "created_at": BEGIN}
    options = [
        Option(**common, name=f"Room {number:03}", kind="ROOM", time_zone="Europe/Oslo", opening_hours=ALL_WEEK)
        for number in range(OPTIONS)
    ]
    services = [
        Service(**common, name=f"Service {number:03}", duration_minutes=30, slot_step_minutes=5)
        for number in range(SERVICES)
    ]
    await Option.bulk_create(options)
    await Service.bulk_create(services)
    await Offering.bulk_create(
        Offering(business_id=served.business_id, option_id=option.id, service_id=service.id)
        for option in options
        for service in services
    )
    caller = await api_key.authenticate(served.keys["staff"])
    assert caller
    return Crowd(served, to_id("Service", services[0].id), caller)


@pytest.fixture
async def crowd(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Crowd]:
    """A crowd that is served, with short answers only."""
    async with serving(
        our_stage, sqlite_url, answer_bytes=MOST, key_requests=0, request_cost=10**9, key_cost=0
    ) as served:
        yield await crowded(served)


class Counted(Allowance):
    """One that knows the most bytes there were."""

    __slots__ = ("highest",)

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.highest = 0

    def take(self, count: int) -> None:
        """Counts."""
        self.highest = max(self.highest, self.taken + count)
        super().take(count)


@pytest.mark.parametrize(("document", "hours"), [(PLAIN, 24), (WALKED, 1)])
async def test_others_have_their_turn_while_an_answer_is_made(
    crowd: Crowd, document: str, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How fast this machine is does not matter.
    monkeypatch.setattr(allowance, "PIECE_SECONDS", 0.0)
    context = Context(app_state(completer=True), crowd.caller)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    for _ in range(2):
        # Code is made when a selection comes again.
        beside = asyncio.create_task(others())
        turns = 0
        result = await run(context, document, crowd.window(hours / 24))
        beside.cancel()
        assert not result.errors
        slots = json.loads(encode(result.data))["availability"]["days"]
        assert sum(len(day["slots"]) for day in slots) == hours * 12
        assert {len(slot["options"]) for day in slots for slot in day["slots"]} == {OPTIONS}
        assert turns > 100


@pytest.mark.parametrize("document", [PLAIN, WALKED, NESTED])
async def test_an_answer_is_refused_as_soon_as_it_is_too_long(crowd: Crowd, document: str) -> None:
    context = Context(app_state(completer=True), crowd.caller)
    for _ in range(3):
        context.allowance = Counted(MOST)
        variables = crowd.window(3) if "$service" in document else None
        result = await run(context, document, variables)
        assert result.errors
        assert [(error.extensions or {})["code"] for error in result.errors] == ["QUERY_TOO_COMPLEX"]
        assert f"{MOST:,} bytes" in result.errors[0].message
        assert result.data is None
        # No more was made than the last piece.
        assert MOST < context.allowance.highest < 4 * MOST


def left_behind() -> list[str]:
    """What is still there of answers: text, and slots."""
    return [type(each).__name__ for each in gc.get_objects() if isinstance(each, Text | Listing | Slot)]


@pytest.mark.parametrize("document", [PLAIN, WALKED, NESTED])
async def test_what_was_refused_leaves_nothing_behind(crowd: Crowd, document: str) -> None:
    shared = app_state(completer=True)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            # Code is made when a selection comes again.
            context = Context(shared, crowd.caller)
            context.allowance = Allowance(MOST, shared.space)
            variables = crowd.window(3) if "$service" in document else None
            result = await run(context, document, variables)
            assert result.errors
            await ended()
            del result, context
            # What was told of its end has its turn.
            await asyncio.sleep(0)
            assert left_behind() == []
            assert shared.space.used == 0
    finally:
        gc.enable()


@pytest.mark.parametrize(("document", "hours"), [(PLAIN, 12), (WALKED, 0.5)])
async def test_several_long_answers_take_little_more_memory_than_one(crowd: Crowd, document: str, hours: float) -> None:
    most = MOST // 2
    shared, space, highest = app_state(completer=True), Space(most, most // 10), 0

    class Watched(Allowance):
        """One that knows the most bytes that all had together."""

        def take(self, count: int) -> None:
            """Counts."""
            nonlocal highest
            super().take(count)
            highest = max(highest, space.used)

    async def answered() -> int:
        context = Context(shared, crowd.caller)
        context.allowance = Watched(context.allowance.most, space)
        result = await run(context, document, crowd.window(hours / 24))
        assert not result.errors
        return len(encode(result.data))

    alone = await answered()
    assert alone > 2 * most
    highest = 0
    async with asyncio.timeout(PATIENCE):
        sizes = await asyncio.gather(*(answered() for _ in range(4)))
    assert sizes == [alone] * 4
    assert highest < most + 1.2 * alone
    assert space.used == 0


async def test_what_is_counted_is_nearly_all_that_is_sent(crowd: Crowd) -> None:
    context = Context(app_state(completer=True), crowd.caller)
    for document in (PLAIN, PLAIN, WALKED):
        counted = context.allowance = Counted(context.allowance.most)
        result = await run(context, document, crowd.window(1))
        # Lists with few items are not.
        size = len(encode(result.data))
        assert 0.99 * size < counted.taken <= size


async def test_all_ways_to_ask_have_the_bound(crowd: Crowd) -> None:
    served, variables = crowd.served, crowd.window(2)
    for _ in range(2):
        answer = await served.send(PLAIN, served.keys["public"], variables)
        assert answer.json()["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"
        assert len(answer.content) < 1000
    # Many short lists are long together.
    fields = " ".join(f"f{number}: name" for number in range(14))
    lists = " ".join(f"a{number}: options(first: 60) {{ nodes {{ {fields} }} }}" for number in range(14))
    for _ in range(3):
        answer = await served.send(f"{{ {lists} }}", served.keys["staff"])
        assert answer.json()["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    followed = SLOTS.replace("query(", "subscription(").replace("{ availability(", "{ availabilityChanges(")
    async with served.socket(served.keys["staff"]) as socket:
        await acknowledged(socket)
        await socket.send(subscribing("1", PLAIN, **variables))
        await socket.send(subscribing("2", followed % "id name", **variables))
        codes: dict[str, set[str]] = {"1": set(), "2": set()}
        while not all(codes.values()):
            message = await receive(socket)
            payload = message.get("payload")
            errors = payload if isinstance(payload, list) else (payload or {}).get("errors", ())
            codes[message["id"]] |= {error["extensions"]["code"] for error in errors}
        assert codes == {"1": {"QUERY_TOO_COMPLEX"}, "2": {"QUERY_TOO_COMPLEX"}}


async def test_slots_that_no_answer_could_hold_are_not_worked_out(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, answer_bytes=MOST) as served:
        crowd = await crowded(served)
        answer = (await served.send(PLAIN, served.keys["public"], crowd.window(62))).json()
        assert answer["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"
        assert f"{62 * 288:,} slots with {OPTIONS} options each" in answer["errors"][0]["message"]


def under_way() -> set[asyncio.Task[Any]]:
    """What is being worked at."""
    return {task for task in asyncio.all_tasks() if "_in_turn" in repr(task.get_coro())}


@pytest.fixture
async def patient(our_stage: Stage, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crowd]:
    """A crowd that answers at length, and listens at once whether its clients are there."""
    monkeypatch.setattr(executor, "LISTEN_SECONDS", 0.0)
    async with serving(
        our_stage, sqlite_url, answer_bytes=1 << 30, key_requests=0, request_cost=10**9, key_cost=0
    ) as served:
        yield await crowded(served)


async def begun(served: Served) -> None:
    """Returns once something is worked at."""
    async with asyncio.timeout(PATIENCE):
        while not under_way():
            await served.http.get(f"{served.url}/healthz")


async def ended() -> None:
    """Returns once nothing is worked at any more."""
    async with asyncio.timeout(PATIENCE):
        while running := under_way():
            await asyncio.wait(running)


@pytest.mark.parametrize("document", [PLAIN, WALKED])
@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
async def test_nobody_works_for_a_client_that_hung_up(patient: Crowd, document: str, known: bool) -> None:
    served = patient.served
    if known:
        assert (
            await served.send(document, served.keys["staff"], {**patient.window(1), "to": BEGIN.isoformat()})
        ).json()
    headers = {"Authorization": f"Bearer {served.keys['staff']}"}
    body = {"query": document, "variables": patient.window(30)}
    async with httpx2.AsyncClient(timeout=PATIENCE) as client:
        asking = asyncio.create_task(client.post(f"{served.url}/graphql", json=body, headers=headers))
        await begun(patient.served)
        assert not asking.done()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    # It would take minutes.
    await ended()
    assert (await served.send("{ viewer { role } }", served.keys["staff"])).json()["data"]


@pytest.mark.parametrize("how", ["complete", "close"])
async def test_nobody_works_for_what_was_completed_on_a_socket(patient: Crowd, how: str) -> None:
    async with patient.served.socket(patient.served.keys["staff"]) as socket:
        await acknowledged(socket)
        await socket.send(subscribing("1", WALKED, **patient.window(30)))
        await begun(patient.served)
        if how == "complete":
            await socket.send(json.dumps({"id": "1", "type": "complete"}))
            await ended()
    await ended()


async def test_the_longest_time_ends_what_only_renders(patient: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "LONGEST_SECONDS", 0.2)
    context = Context(app_state(completer=True), patient.caller)
    result = await run(context, WALKED, patient.window(30))
    assert [(error.extensions or {})["code"] for error in result.errors or ()] == ["TIMEOUT"]
    await ended()


async def test_rows_are_read_in_steps_and_whole(crowd: Crowd) -> None:
    found = await db.select(Offering.filter(business_id=crowd.served.business_id), ("option_id", "service_id"))
    assert len({(row["option_id"], row["service_id"]) for row in found}) == OPTIONS * SERVICES


async def test_answers_that_nobody_reads_are_held_up_to_so_many_bytes_in_all(
    patient: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_BYTES_UNREAD", 20_000_000)
    body = {"query": PLAIN, "variables": patient.window(8)}
    asking = posting(json.dumps(body).encode(), patient.served.keys["staff"], b"connection: close")
    async with AsyncExitStack() as lines:
        lazy = [await lines.enter_async_context(line(patient.served.url)) for _ in range(5)]
        for each in lazy:
            # Its answer is begun, and not read on.
            await each.send(asking)
            await each.until(b"HTTP/1.1 200")
        first, last = lazy[0], lazy[-1]
        assert (await last.rest()).endswith(b"}}}")
        assert not (await first.rest()).endswith(b"}}}")
    assert (await patient.served.send("{ viewer { role } }", patient.served.keys["staff"])).json()["data"]


async def test_cheap_questions_do_not_wait_for_dear_ones(patient: Crowd) -> None:
    served = patient.served
    staff = served.keys["staff"]
    body = {"query": PLAIN, "variables": patient.window(2)}
    headers = {"Authorization": f"Bearer {staff}"}
    async with httpx2.AsyncClient(timeout=PATIENCE) as client, asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(client.post(f"{served.url}/graphql", json=body, headers=headers)) for _ in range(6)]
        await begun(served)
        cheap = await served.send("{ viewer { role } }", staff)
        assert cheap.json()["data"]
        assert not all(each.done() for each in asked)
    assert all(each.result().json()["data"] for each in asked)
