"""What a request costs is said with its answer, taken from who asks, and refused when it is too much."""

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from graphql import get_introspection_query

from graph.limits.cost_budget import NEW_CHARACTER
from graph.operation.admission import LONGEST_WITHOUT_KEY
from tests.graph.limits.elsewhere import Elsewhere, ask
from tests.graph.shop import Shop, at, furnish
from tests.graph.socket_client import acknowledged, receive, subscribing
from tests.operations import operations
from tests.served import Served, serving
from tests.stage import Stage

NAMES = "{ options(first: 10) { nodes { id name } } }"
COST = 22
NESTED = "{ services(first: 50) { nodes { options { services { options { services { id } } } } } } }"


def cost_in(response: httpx2.Response) -> dict[str, Any]:
    """What an answer says that it cost."""
    found: dict[str, Any] = response.json()["extensions"]["cost"]
    return found


def error_in(response: httpx2.Response) -> dict[str, Any]:
    """The only error of an answer."""
    (error,) = response.json()["errors"]
    assert isinstance(error, dict)
    return error


@pytest.fixture
async def poor(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Shop]:
    """A shop whose keys may spend little: 40,000 a minute, and an address half of that."""
    async with serving(our_stage, sqlite_url, key_cost=40_000, address_share=0.5) as served:
        yield await furnish(served)


@pytest.mark.parametrize("role", ["staff", "public"])
async def test_every_answer_says_what_it_cost_and_what_is_left(shop: Shop, role: str) -> None:
    found = [cost_in(await shop.served.send(NAMES, shop.served.keys[role])) for _ in range(3)]
    limit = {"staff": 15_000_000, "public": 3_000_000}[role]
    assert all((each["requested"], each["limit"]) == (COST, limit) for each in found)
    assert all(limit - 50_000 <= each["remaining"] <= limit for each in found)
    assert all(each["resetSeconds"] in (0, 1) for each in found)


async def test_a_document_that_is_new_costs_by_its_length_beside(poor: Shop) -> None:
    text = NAMES + " " * 2000
    before = cost_in(await poor.served.send(NAMES, poor.served.keys["staff"]))["remaining"]
    new = cost_in(await poor.served.send(text, poor.served.keys["staff"]))
    known = cost_in(await poor.served.send(text, poor.served.keys["staff"]))
    assert new["requested"] == known["requested"] == COST
    # What refills meanwhile is less than what was taken.
    assert before - new["remaining"] > NEW_CHARACTER * 1000
    assert known["remaining"] > new["remaining"] - NEW_CHARACTER * 100


@pytest.mark.parametrize("wrong", ["{ nonsense }", "{ viewer {", "{ a: b c: d } query { e }"])
async def test_a_document_that_is_refused_costs_its_length_each_time(poor: Shop, wrong: str) -> None:
    text, key = wrong + " " * 1000, poor.served.keys["staff"]
    left = [cost_in(await poor.served.send(NAMES, key))["remaining"]]
    for _ in range(3):
        assert (await poor.served.send(text, key)).json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        left.append(cost_in(await poor.served.send(NAMES, key))["remaining"])
    # What refills meanwhile is less than what was taken.
    assert all(before - after > NEW_CHARACTER * 500 for before, after in pairwise(left))


async def test_what_costs_more_than_a_request_may_is_refused_with_the_figures(shop: Shop) -> None:
    for _ in range(2):
        refused = await shop.served.send(NESTED, shop.served.keys["public"])
        error = error_in(refused)
        assert (refused.status_code, refused.json()["data"]) == (200, None)
        assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
        assert error["extensions"]["requestLimit"] == 1_200_000
        # `limit` is what may be spent in a minute, and stands in one place only.
        assert "limit" not in error["extensions"]
        assert f"{error['extensions']['requested']:,}" in error["message"]
        assert cost_in(refused)["remaining"] > 2_900_000


async def test_what_is_spent_comes_back_and_others_are_not_held_back(poor: Shop) -> None:
    window = {"from": at("00:00"), "to": at("00:00", 2)}
    asked = {"serviceId": poor.haircut, **window}
    answers: list[httpx2.Response] = []
    while not answers or answers[-1].status_code == 200:
        answers.append(await poor.served.send(operations()["Availability"], poor.served.keys["public"], asked))
        assert len(answers) < 10
    refused = error_in(answers[-1])
    assert answers[-1].status_code == 429
    assert refused["extensions"]["code"] == "RATE_LIMITED"
    assert 0 < refused["extensions"]["retryAfterSeconds"] <= 60
    assert f"in {answers[-1].headers['Retry-After']} s" in refused["message"]
    assert float(answers[-1].headers["Retry-After"]) - 1 < refused["extensions"]["retryAfterSeconds"]
    # Another key, and one who is served inside, are not held back; cheap questions are answered.
    assert (await poor.served.send(NAMES, poor.served.keys["staff"])).status_code == 200


async def test_what_costs_as_much_as_a_request_may_is_answered(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, request_cost=COST) as served:
        assert "errors" not in (await served.send(NAMES, served.keys["public"])).json()
        more = NAMES.replace("id name", "id name kind")
        refused = error_in(await served.send(more, served.keys["public"]))
        assert (refused["extensions"]["requested"], refused["extensions"]["requestLimit"]) == (COST + 10, COST)


async def test_an_address_has_its_share_of_what_a_public_key_may_spend(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, around=Elsewhere, key_cost=20_000, address_share=0.5) as served:
        # Each is new, and costs five a character.
        found = {}
        for role, address in (("public", "192.0.2.1"), ("public", "192.0.2.2"), ("staff", "192.0.2.1")):
            sent = [f"{{ viewer {{ role }} }} # {role} {address} {'x' * 1600}{number}" for number in range(3)]
            found[role, address] = [
                (await ask(served, served.keys[role], each, address=address)).status_code for each in sent
            ]
        assert found == {
            ("public", "192.0.2.1"): [200, 429, 429],
            ("public", "192.0.2.2"): [200, 429, 429],
            ("staff", "192.0.2.1"): [200, 200, 429],
        }


async def test_a_document_that_is_remembered_costs_no_characters_on_a_socket(poor: Shop) -> None:
    text = NAMES + " " * 3000
    async with poor.served.socket(poor.served.keys["staff"]) as socket:
        await acknowledged(socket)
        for number in range(6):
            await socket.send(subscribing(str(number), text))
            assert [(await receive(socket))["type"] for _ in range(2)] == ["next", "complete"], number


async def test_messages_of_subscriptions_and_answers_on_sockets_say_no_cost(shop: Shop) -> None:
    async with shop.served.socket(shop.served.keys["staff"]) as socket:
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": NAMES}}))
        message = json.loads(await socket.recv())
        assert (message["type"], set(message["payload"])) == ("next", {"data"})
        assert json.loads(await socket.recv())["type"] == "complete"
        await socket.send(json.dumps({"id": "2", "type": "subscribe", "payload": {"query": NESTED}}))
        message = json.loads(await socket.recv())
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "QUERY_TOO_COMPLEX")


async def test_a_stream_that_costs_too_much_says_so_first(shop: Shop) -> None:
    """So does one whose document is no document."""
    document = (
        "subscription($s: ID!, $from: DateTime!, $to: DateTime!) { availabilityChanges(serviceId: $s, from: $from, "
    )
    document += "to: $to) { days { slots { options { services { id name } } } } } }"
    headers = {"Authorization": f"Bearer {shop.served.keys['public']}", "Accept": "text/event-stream"}
    variables = {"s": shop.haircut, "from": at("00:00"), "to": at("00:00", 60)}
    for text, code in ((document, "QUERY_TOO_COMPLEX"), ("subscription {", "BAD_USER_INPUT")):
        body = {"query": text, "variables": variables}
        answer = await shop.served.http.post(f"{shop.served.url}/graphql", json=body, headers=headers)
        first, *_ = answer.text.split("\r\n\r\n")
        assert f'"code":"{code}"' in first, answer.text


async def test_without_a_key_the_schema_is_told_up_to_a_length(studio: Served) -> None:
    ready = get_introspection_query(descriptions=True)
    first, second = [await studio.send(ready, None) for _ in range(2)]
    assert first.status_code == second.status_code == 200
    assert first.json()["data"] == second.json()["data"]
    assert first.json()["data"]["__schema"]["queryType"]["name"] == "Query"
    longest = "{ __typename }".ljust(LONGEST_WITHOUT_KEY)
    assert (await studio.send(longest, None)).json()["data"] == {"__typename": "Query"}
    assert (await studio.send(longest + " ", None)).status_code == 401
    for other in ("{ viewer { role } }", "{ __typename ...F } fragment F on Query { viewer { role } }", "{", ""):
        assert (await studio.send(other, None)).status_code == 401, other


async def test_without_a_key_documents_are_counted_by_address(poor: Shop) -> None:
    answers: list[httpx2.Response] = []
    while not answers or answers[-1].status_code == 200:
        answers.append(await poor.served.send(f"{{ __typename }} # {len(answers)} {'x' * 800}", None))
        assert len(answers) < 30
    assert (answers[-1].status_code, error_in(answers[-1])["extensions"]["code"]) == (429, "RATE_LIMITED")
    # Who shows a key does not pay for who does not.
    assert (await poor.served.send(NAMES, poor.served.keys["public"])).status_code == 200


async def test_without_a_key_a_refused_document_is_counted_each_time(poor: Shop) -> None:
    text = "{ __schema { nothing } } #" + "x" * 800
    statuses: list[int] = []
    while 429 not in statuses:
        statuses.append((await poor.served.send(text, None)).status_code)
        assert len(statuses) < 30
    assert set(statuses) == {200, 429}


async def test_without_limits_nothing_is_counted(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, key_cost=0) as served:
        shop = await furnish(served)
        cost = cost_in(await shop.served.send(NAMES, shop.served.keys["public"]))
        assert cost == {"requested": COST, "limit": None, "remaining": None, "resetSeconds": None}
        refused = await shop.served.send(NESTED, shop.served.keys["public"])
        assert error_in(refused)["extensions"]["code"] == "QUERY_TOO_COMPLEX"
