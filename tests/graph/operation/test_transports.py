"""Over HTTP, a socket and an event stream an operation is admitted and run in one way, and answered with one result."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest

from graph.operation import executor
from tests.graph.fields.test_compiler import counted
from tests.graph.server.http.odd_requests import JSON, ODD, STREAM, Sent
from tests.graph.shop import Shop, furnish
from tests.graph.socket_client import acknowledged, receive, silent
from tests.served import Served, serving
from tests.stage import Stage

ONCE = {
    name: sent.body
    for name, sent in ODD.items()
    if sent.method == "POST"
    and sent.content == JSON
    and isinstance(sent.body, dict)
    and isinstance(sent.body.get("query"), str)
    and isinstance(sent.body.get("operationName"), str | None)
    and isinstance(sent.body.get("variables"), dict | None)
    and isinstance(sent.body.get("extensions"), dict | None)
    and sent.body["query"]
    and not sent.body["query"].startswith("subscription")
}
"""What is answered once, whichever way it comes."""

SOME = "{ options(first: 100) { nodes { id name } } }"
CREATE = 'mutation { createOption(input: {name: "Late", kind: ROOM}) { option { name } } }'


async def over_http(served: Served, key: str, body: dict[str, Any], language: str) -> dict[str, Any]:
    """The result in an answer to a POST."""
    answer: dict[str, Any] = (await Sent(body).to(served, key, JSON, language)).json()
    return {"data": answer.get("data"), "errors": answer.get("errors")}


async def over_a_stream(served: Served, key: str, body: dict[str, Any], language: str) -> dict[str, Any]:
    """The result in an event stream; one that is refused before it begins is answered as a POST is."""
    answer = await Sent(body).to(served, key, STREAM, language)
    if not answer.headers["content-type"].startswith(STREAM):
        return {"data": answer.json().get("data"), "errors": answer.json()["errors"]}
    event, end, _ = answer.text.split("\r\n\r\n")
    assert end == "event: complete\r\ndata: "
    message: dict[str, Any] = json.loads(event.removeprefix("event: next\r\ndata: "))
    return {"data": message["data"], "errors": message.get("errors")}


async def over_a_socket(served: Served, key: str, body: dict[str, Any], language: str) -> dict[str, Any]:
    """The result in a message, or in the refusal of an operation."""
    connecting = silent(served)
    connecting.additional_headers = {"Accept-Language": language}
    async with connecting as socket:
        payload = {"Authorization": f"Bearer {key}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        await acknowledged(socket)
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": body}))
        message = await receive(socket)
        if message["type"] == "error":
            return {"data": None, "errors": message["payload"]}
        assert message["type"] == "next"
        assert (await receive(socket))["type"] == "complete"
        return {"data": message["payload"]["data"], "errors": message["payload"].get("errors")}


WAYS = {"HTTP": over_http, "stream": over_a_stream, "socket": over_a_socket}


@pytest.mark.parametrize(("role", "language"), [("staff", "en"), ("public", "nb")])
async def test_an_operation_has_one_result_whichever_way_it_comes(shop: Shop, role: str, language: str) -> None:
    assert len(ONCE) > 25
    key = shop.served.keys[role]
    for name, body in ONCE.items():
        first, *others = [await way(shop.served, key, body, language) for way in WAYS.values()]
        assert first["data"] is not None or first["errors"], name
        assert others == [first] * len(others), name


@pytest.mark.parametrize("way", WAYS)
async def test_an_operation_is_counted_once_whichever_way_it_comes(our_stage: Stage, sqlite_url: str, way: str) -> None:
    body = {"query": SOME}
    cost = counted(SOME, None)
    # Once there is enough for it, twice there is not.
    async with serving(our_stage, sqlite_url, key_cost=cost + cost // 2) as served:
        await over_http(served, served.keys["admin"], body, "en")
        answer = await WAYS[way](served, served.keys["staff"], body, "en")
        assert answer == {"data": {"options": {"nodes": []}}, "errors": None}
        again = await WAYS[way](served, served.keys["staff"], body, "en")
        assert [error["extensions"]["code"] for error in again["errors"]] == ["RATE_LIMITED"]


@pytest.fixture
async def one_row_taken(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction that whoever writes waits for, once it has begun."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@pytest.mark.parametrize("way", WAYS)
async def test_what_writes_for_too_long_is_answered_and_finished(
    our_stage: Stage,
    postgres_url: str,
    one_row_taken: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    async with serving(our_stage, postgres_url) as served:
        await furnish(served)
        key = served.keys["staff"]
        transaction = one_row_taken.transaction()
        await transaction.start()
        await one_row_taken.execute("SELECT 1 FROM business FOR UPDATE")
        monkeypatch.setattr(executor, "LONGEST_SECONDS", 0.05)
        try:
            answer = await WAYS[way](served, key, {"query": CREATE}, "en")
            working = [task for task in asyncio.all_tasks() if "_in_turn" in repr(task.get_coro())]
        finally:
            await transaction.rollback()
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["TIMEOUT"]
        monkeypatch.undo()
        await asyncio.wait(working)
        found: httpx2.Response = await served.send("{ options(first: 10) { nodes { name } } }", key)
        assert "Late" in found.text
