"""Whatever an operation is broken off by, and wherever, nothing that was made for it is left behind unawaited."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from graph.operation import executor
from graph.rendering import allowance, pieces
from graph.request.context import AppState, Context
from models import api_key
from tests.graph.fields.test_compiler import app_state
from tests.graph.operation import test_executor
from tests.graph.operation.direct import run
from tests.graph.operation.test_executor import Crowd, crowded
from tests.served import serving
from tests.stage import PATIENCE, Stage

TURNS = (*range(40), *range(40, 400, 9))
NOT_FOR_ALL = "bookings(first: 5) { nodes { id } }"
"""What a public key may not ask for: all else that was asked is null then."""

SERVICES = "services(first: 3) { nodes { id options { name services { name durationMinutes } } } }"
OPTIONS = "options(first: 4) { nodes { services { options { id name } } dateOverrides(from: $d, to: $e) { date } } }"
SLOTS = (
    "availability(serviceId: $s, from: $from, to: $to) { days { slots { start options { name services { id } } } } }"
)
HEAD = "query($s: ID!, $from: DateTime!, $to: DateTime!, $d: Date!, $e: Date!)"
WHOLE = f"{HEAD} {{ {SERVICES} {OPTIONS} {SLOTS} }}"
BROKEN = {
    "first": f"{HEAD} {{ {NOT_FOR_ALL} {SERVICES} {OPTIONS} {SLOTS} }}",
    "last": f"{HEAD} {{ {SERVICES} {OPTIONS} {SLOTS} {NOT_FOR_ALL} }}",
    "later": f"{HEAD} {{ {SERVICES} {OPTIONS} {SLOTS} services2: services(first: 101) {{ nodes {{ id }} }} }}",
}


@pytest.fixture
async def crowd(our_stage: Stage, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crowd]:
    """A few, as a public key sees them."""
    monkeypatch.setattr(test_executor, "OPTIONS", 6)
    monkeypatch.setattr(test_executor, "SERVICES", 4)
    async with serving(our_stage, sqlite_url, request_cost=10**9, key_cost=0) as served:
        found = await crowded(served)
        caller = await api_key.authenticate(served.keys["public"])
        assert caller
        yield replace(found, caller=caller)


@pytest.fixture(params=["at once", "in slices"], autouse=True)
def slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether everything counts as long, and every moment as late."""
    if request.param == "in slices":
        monkeypatch.setattr(pieces, "FEW", 2)
        monkeypatch.setattr(executor, "FEW_WALKED", 1)
        monkeypatch.setattr(executor, "ABREAST", 6)
        monkeypatch.setattr(executor, "PIECE_SECONDS", 0.0)
        monkeypatch.setattr(allowance, "PIECE_SECONDS", 0.0)


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fails where something was made in the block and never awaited."""
    gc.collect()
    said: list[str] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda each: said.append(f"{each.exc_value} {each.object}")
    try:
        yield
        gc.collect()
    finally:
        sys.unraisablehook = before
    assert said == []


def variables(crowd: Crowd) -> dict[str, Any]:
    """Of all that is asked here."""
    window = crowd.window(0.25)
    return {"s": window["service"], "from": window["from"], "to": window["to"], "d": "2027-03-01", "e": "2027-03-03"}


async def ended(shared: AppState) -> None:
    """Returns once nothing is worked at any more."""
    async with asyncio.timeout(PATIENCE):
        while shared.under_way:
            await asyncio.wait(set(shared.under_way))


@pytest.mark.parametrize("completer", [True, False])
@pytest.mark.parametrize("name", BROKEN)
async def test_an_error_that_makes_all_null_leaves_nothing_behind(crowd: Crowd, name: str, completer: bool) -> None:
    shared = app_state(completer=completer)
    with nothing_left():
        for _ in range(3):
            context = Context(shared, crowd.caller)
            result = await run(context, BROKEN[name], variables(crowd))
            assert result.data is None
            assert len(result.errors or ()) == 1, result.errors
            # Nor is it worked at any longer.
            assert all(each.done() for each in shared.under_way)
        await ended(shared)
        del context, result


@pytest.mark.parametrize("broken_off", ["for want of a client", "for good"])
@pytest.mark.parametrize("document", [WHOLE, BROKEN["last"]], ids=["whole", "broken"])
async def test_what_is_broken_off_at_any_moment_leaves_nothing_behind(
    crowd: Crowd, document: str, broken_off: str
) -> None:
    shared = app_state(completer=True)
    with nothing_left():
        for turns in TURNS:
            context = Context(shared, crowd.caller)
            asked = asyncio.create_task(run(context, document, variables(crowd)))
            begun: list[asyncio.Future[Any]] = []
            for _ in range(turns):
                # A turn of the loop.
                await asyncio.sleep(0)
            if asked.done():
                break
            if broken_off == "for good":
                # Nothing is broken off before it has begun.
                begun = [*shared.under_way]
                await asyncio.sleep(0)
            for each in begun if broken_off == "for good" else [asked]:
                each.cancel()
            await ended(shared)
            asked.cancel()
            await asyncio.wait({asked})
        del context, asked
