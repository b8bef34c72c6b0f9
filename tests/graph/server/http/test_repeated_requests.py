"""A document that is known is answered as one that is new, and what cannot run is refused every time."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from graph.schema import schema
from models import api_key
from models.enums import Role
from tests.gate import gate
from tests.graph.server.metrics_client import Counting
from tests.graph.shop import KARI, Shop, at, furnish
from tests.served import answered, serving
from tests.stage import Stage

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
NAMES = "{ options(first: 10) { nodes { id name kind } pageInfo { hasNextPage endCursor } totalCount } }"
TWO = "query A { viewer { role } } query B { options(first: 1) { nodes { name } } }"
ANSWERED: dict[str, dict[str, Any]] = {
    "a list": {"query": NAMES},
    "with a name": {"query": TWO, "operationName": "B"},
    "with what is ignored": {"query": NAMES, "variables": None, "operationName": None, "extensions": {"x": 1}, "y": 2},
    "a value that cannot be": {
        "query": "query($first: Int!) { options(first: $first) { totalCount } }",
        "variables": {"first": "many"},
    },
    "a value that is missing": {"query": "query($first: Int!) { options(first: $first) { totalCount } }"},
    "a page that cannot be": {"query": "{ options(first: 1000) { totalCount } }"},
    "what only staff may": {"query": "{ bookings(first: 1) { totalCount } }"},
    "nothing there": {"query": '{ node(id: "nonsense") { id } }'},
    "some of it wrong": {"query": '{ viewer { role } availability(serviceId: "x", from: "%s", to: "%s") { asOf } }'},
}
LEFT: dict[str, dict[str, Any]] = {
    "an operation that is not there": {"query": TWO, "operationName": "C"},
    "no operation of several": {"query": TWO},
    "an operation without a name": {"query": TWO, "operationName": ""},
    "no name for one": {"query": NAMES, "operationName": ""},
    "wrong names": {"query": NAMES, "operationName": 1},
    "wrong variables": {"query": NAMES, "variables": []},
    "wrong extensions": {"query": NAMES, "extensions": "x"},
    "not valid": {"query": "{ nonsense }"},
    "no query": {"variables": {}},
    "a subscription": {"query": "subscription { calendarChanges { cursor } }"},
}


async def send(shop: Shop, body: Any, plain: str | None = None, accept: str = JSON, **headers: str) -> httpx2.Response:
    """Posts a body, as staff unless a key is given."""
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Authorization": f"Bearer {plain or shop.served.keys['staff']}", "Accept": accept, **headers}
    address = f"{shop.served.url}/graphql"
    return await shop.served.http.post(address, content=written, headers={"Content-Type": JSON, **given})


def seen(response: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    """All of a response but when it was made, and what was left to spend then."""
    kept = {name: value for name, value in response.headers.items() if name not in ("date", "content-length")}
    return response.status_code, kept, re.sub(rb'"remaining":\d+,"resetSeconds":\d+', b"", response.content)


@pytest.mark.parametrize("name", ANSWERED)
@pytest.mark.parametrize("accept", [JSON, RESPONSE, "*/*"])
async def test_what_is_known_is_answered_as_what_is_new(shop: Shop, name: str, accept: str) -> None:
    body = {**ANSWERED[name], "query": ANSWERED[name]["query"].replace("%s", at("00:00"))}
    counting = Counting(shop.served)
    await counting()
    for number, role in enumerate(("staff", "public")):
        plain, spoken = shop.served.keys[role], {"Accept-Language": "nb", "Origin": "https://studio.example"}
        # A document is known by its text: another one for each role.
        mine = {**body, "query": body["query"] + " " * number}
        new, known, again = [await send(shop, mine, plain, accept, **spoken) for _ in range(3)]
        assert seen(new) == seen(known) == seen(again)
        assert (await counting())["direct_answers"] == 2 * (number + 1)


@pytest.mark.parametrize("name", LEFT)
async def test_what_cannot_be_run_is_answered_the_same_every_time(shop: Shop, name: str) -> None:
    counting = Counting(shop.served)
    await send(shop, {"query": NAMES})
    await send(shop, {"query": TWO, "operationName": "A"})
    await counting()
    first, second = [await send(shop, LEFT[name]) for _ in range(2)]
    assert seen(first) == seen(second)
    assert first.status_code == 400 or "errors" in first.json()
    assert (await counting())["direct_answers"] == 0


async def test_a_mutation_does_what_it_says_new_and_known(shop: Shop) -> None:
    book = (
        "mutation($input: CreateBookingInput!) { createBooking(input: $input) { booking { start } errors { code } } }"
    )
    wish = {"serviceId": shop.haircut, "optionId": shop.anna, "customer": KARI}
    for hour in ("10:00", "11:00", "12:00"):
        made = answered(await send(shop, {"query": book, "variables": {"input": {**wish, "start": at(hour)}}}))
        assert made == {"data": {"createBooking": {"booking": {"start": at(hour)}, "errors": []}}}
        taken = answered(await send(shop, {"query": book, "variables": {"input": {**wish, "start": at(hour)}}}))
        assert taken == {"data": {"createBooking": {"booking": None, "errors": [{"code": "SLOT_TAKEN"}]}}}


async def test_a_key_is_looked_at_every_time(shop: Shop) -> None:
    key_id, plain = await api_key.create(shop.served.business_id, Role.STAFF, "a lost laptop")
    for _ in range(3):
        assert (await send(shop, {"query": NAMES}, plain)).status_code == 200
    await api_key.revoke(key_id)
    for wrong in (plain, "tb_staff_nonsense"):
        refused = await send(shop, {"query": NAMES}, wrong)
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")


@pytest.fixture
async def small_shop(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Shop]:
    """A shop of whose keys each may ask thirty times a minute."""
    async with serving(our_stage, sqlite_url, key_requests=30) as served:
        yield await furnish(served)


async def test_the_rate_is_kept_for_what_is_known_too(small_shop: Shop) -> None:
    answers = [(await send(small_shop, {"query": NAMES})).status_code for _ in range(40)]
    assert answers == sorted(answers)
    assert answers.count(429) >= 10


async def test_what_one_server_found_valid_another_may_refuse(
    our_stage: Stage, sqlite_url: str, postgres_url: str
) -> None:
    document = {"query": "{ __schema { queryType { name } } }"}
    for url, tells in ((sqlite_url, True), (postgres_url, False)):
        async with serving(our_stage, url, introspection=tells) as served:
            shop = await furnish(served)
            for _ in range(2):
                assert ("errors" in (await send(shop, document)).json()) is not tells


async def test_a_body_in_many_pieces_is_answered_all_the_same(shop: Shop) -> None:
    query = "query($id: ID!) { node(id: $id) { id } }"
    long = {"query": query, "variables": {"id": "x" * 300_000}}
    assert [answered(await send(shop, long)) for _ in range(3)] == [{"data": {"node": None}}] * 3

    async def pieces() -> AsyncIterator[bytes]:
        for byte in json.dumps({"query": NAMES}).encode():
            yield bytes([byte])

    whole = await send(shop, {"query": NAMES})
    headers = {"Authorization": f"Bearer {shop.served.keys['staff']}", "Content-Type": JSON, "Accept": JSON}
    for _ in range(2):
        answer = await shop.served.http.post(f"{shop.served.url}/graphql", content=pieces(), headers=headers)
        assert seen(answer) == seen(whole)


async def test_while_the_database_is_away_everybody_is_told_so(our_stage: Stage, postgres_url: str) -> None:
    """With a document that is known, and with one that is new."""
    async with gate(postgres_url) as way, serving(our_stage, way.url) as served:
        shop = await furnish(served)
        assert (await send(shop, {"query": NAMES})).status_code == 200
        await way.shut()
        for document in (NAMES, NAMES, "{ viewer { role } }"):
            answer = await send(shop, {"query": document})
            assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
        await way.open()
        assert (await send(shop, {"query": NAMES})).status_code == 200


def test_what_an_extension_does_when_a_document_runs_is_not_missed() -> None:
    """Operations run without Strawberry's extensions: there is none."""
    assert schema.get_extensions() == []


async def test_of_two_headers_of_one_name_the_first_counts(shop: Shop) -> None:
    staff, public = (f"Bearer {shop.served.keys[role]}" for role in ("staff", "public"))
    document = json.dumps({"query": "{ viewer { role } }"}).encode()
    for first, second, role in ((staff, public, "STAFF"), (public, staff, "PUBLIC")):
        for _ in range(2):
            headers = [("Authorization", first), ("Authorization", second), ("Content-Type", JSON)]
            answer = await shop.served.http.post(f"{shop.served.url}/graphql", content=document, headers=headers)
            assert answer.json()["data"] == {"viewer": {"role": role}}


async def test_a_stream_is_a_stream_however_it_is_spelled(shop: Shop) -> None:
    for accept in ("text/event-stream", "Text/Event-Stream"):
        for _ in range(3):
            answer = await send(shop, {"query": "{ viewer { role } }"}, accept=accept)
            assert answer.headers["content-type"].startswith("text/event-stream")
