"""What costs little does not wait for what costs much, and one document does not read everything at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from graph.availability import query
from graph.limits.turns import Holder
from graph.request.context import CHEAP, COST_AT_ONCE, HEAVY, LIGHT, LIGHT_AT_ONCE, STATEMENTS_AT_ONCE, Context
from models.storage.columns import new_id
from tests.graph.fields.test_compiler import app_state
from tests.graph.operation.direct import run
from tests.graph.operation.test_executor import PLAIN, Crowd, crowded
from tests.served import serving
from tests.stage import PATIENCE, Stage


@pytest.fixture
async def crowd(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Crowd]:
    async with serving(our_stage, sqlite_url) as served:
        yield await crowded(served)


async def test_what_costs_little_waits_for_nothing_that_costs_much(crowd: Crowd) -> None:
    """However many addresses ask for much, and whoever asks for little."""
    state = app_state(completer=True)
    week = "query($service: ID!, $from: DateTime!, $to: DateTime!) { availability(serviceId: $service, from: $from, "
    week += "to: $to) { days { slots { start } } } }"
    asked = Context(state, crowd.caller)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks, AsyncExitStack() as taken:
        for number in range(COST_AT_ONCE // HEAVY):
            await taken.enter_async_context(state.room.turn(Holder("public", number), HEAVY))
        dear = [
            tasks.create_task(run(Context(state, replace(crowd.caller, key_id=new_id())), PLAIN, crowd.window(7)))
            for _ in range(3)
        ]
        result = await run(asked, week, crowd.window(7))
        assert CHEAP < asked.cost < LIGHT
        assert not result.errors
        assert not any(each.done() for each in dear)
        await taken.aclose()
    assert not any(each.result().errors for each in dear)


async def test_what_costs_little_runs_so_many_at_once_and_each_key_in_turn() -> None:
    state = app_state(completer=True)
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as taken:
        for number in range(LIGHT_AT_ONCE):
            await taken.enter_async_context(state.light_room.turn(Holder("public", number)))
        waiting = asyncio.create_task(taken.enter_async_context(state.light_room.turn(Holder("staff"))))
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()


async def test_of_many_services_in_one_document_two_are_read_at_once(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = most = 0
    really = query.offer_for

    async def watched(*given: Any) -> Any:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        try:
            return await really(*given)
        finally:
            reading -= 1

    monkeypatch.setattr(query, "offer_for", watched)
    field = "availability(serviceId: $service, from: $from, to: $to) { days { date } }"
    fields = " ".join(f"a{number}: {field}" for number in range(20))
    document = f"query($service: ID!, $from: DateTime!, $to: DateTime!) {{ {fields} }}"
    result = await run(Context(app_state(completer=True), crowd.caller), document, crowd.window(1))
    assert not result.errors
    assert (most, reading) == (STATEMENTS_AT_ONCE, 0)
