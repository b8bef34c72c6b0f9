"""Strange input at every operation of the clients: a typed error or an answer, nothing written, never a fault."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import count, groupby
from typing import Any

import httpx2
import pytest
from graphql import FieldNode, GraphQLInputObjectType, OperationType

from tests.graph.access.neighbours import Street
from tests.graph.input.strange_values import UNKNOWN_IDS, Attempt, attempts, known, schema
from tests.graph.shop import KARI, at
from tests.graph.socket_client import acknowledged, receive, subscribing
from tests.operations import operations
from tests.served import Served

ROLES = ("admin", "staff", "public")
QUERIES = sorted(name for name, each in known().items() if each.operation is OperationType.QUERY)
MUTATIONS = sorted(name for name, each in known().items() if each.operation is OperationType.MUTATION)
SUBSCRIPTIONS = sorted(name for name, each in known().items() if each.operation is OperationType.SUBSCRIPTION)
REFUSING = {"BAD_USER_INPUT", "FORBIDDEN", "QUERY_TOO_COMPLEX"}
"""What GraphQL errors may say to strange input."""
SHARE = 6
"""Of what is no value of its type, and of what is tried by others than admins, one in so many is sent."""


async def send(served: Served, attempt: Attempt, role: str) -> httpx2.Response:
    """Sends with everything escaped, since JSON can say what is no Unicode text."""
    body = json.dumps({"query": operations()[attempt.operation], "variables": attempt.variables})
    headers = {"Authorization": f"Bearer {served.keys[role]}", "Content-Type": "application/json"}
    return await served.http.post(f"{served.url}/graphql", content=body, headers=headers)


def judged(response: httpx2.Response, attempt: Attempt) -> tuple[str | None, bool]:
    """What is wrong with an answer to strange input, None: nothing; and whether something was done or answered."""
    if response.status_code not in (200, 400, 413):
        return f"HTTP {response.status_code}", False
    answer = response.json()
    told = {error.get("extensions", {}).get("code") for error in answer.get("errors", [])}
    if told - REFUSING:
        return f"GraphQL errors {told}", False
    if attempt.wrong and told != {"BAD_USER_INPUT"}:
        return f"it was not refused: {told}", True
    if told or not answer.get("data"):
        return None, False
    (payload,) = answer["data"].values()
    errors = payload.get("errors", []) if isinstance(payload, dict) else []
    for error in errors:
        if error["code"] == "INVALID_INPUT" and not leads_somewhere(error["path"], attempt):
            return f"the path {error['path']} leads nowhere", False
        if not error["message"]:
            return "an error without words", False
    return None, not errors


def leads_somewhere(path: list[str] | None, attempt: Attempt) -> bool:
    """Whether a path names a field of the operation's input, or a variable's argument."""
    if not path or path[0] != "input":
        return bool(path)
    root = schema().mutation_type
    assert root
    (selection,) = known()[attempt.operation].selection_set.selections
    assert isinstance(selection, FieldNode)
    kind: Any = root.fields[selection.name.value].args["input"].type
    for step in path[1:]:
        while hasattr(kind, "of_type"):
            kind = kind.of_type
        if step.isdigit():
            continue
        if isinstance(kind, GraphQLInputObjectType):
            if step not in kind.fields:
                return False
            kind = kind.fields[step].type
    return len(path) > 1


def chosen(street: Street, names: list[str]) -> Iterator[tuple[Attempt, str]]:
    """What is tried, and by which role: an admin, whose input is always judged, and now and then the others."""
    turn = count()
    for name in names:
        for attempt in attempts(name, street.usual, street.odd_ids):
            number, now_and_then = divmod(next(turn), SHARE)
            if not attempt.wrong:
                yield attempt, "admin"
            if now_and_then == 0:
                yield attempt, ROLES[number % 3 if attempt.wrong else 1 + number % 2]


async def tried(street: Street, names: list[str]) -> AsyncIterator[list[tuple[Attempt, str, httpx2.Response]]]:
    """What was answered to all the strange values of one variable or field after another, each sent at once."""
    for _, group in groupby(chosen(street, names), lambda each: (each[0].operation, each[0].where)):
        sent = list(group)
        answers = await asyncio.gather(*(send(street.shop.served, attempt, role) for attempt, role in sent))
        yield [(attempt, role, answer) for (attempt, role), answer in zip(sent, answers, strict=True)]


def is_unknown(attempt: Attempt, street: Street) -> bool:
    """Whether an attempt names something that is not there."""
    return attempt.where[-1] in street.ids and attempt.value in (*UNKNOWN_IDS, *street.theirs)


async def test_every_query_answers_or_refuses_whatever_it_is_asked(street: Street) -> None:
    before = await street.shop.calendar(), await street.other.calendar()
    faults = []
    async for answers in tried(street, QUERIES):
        for attempt, role, response in answers:
            fault, _ = judged(response, attempt)
            if any(each in response.text for each in street.theirs if each != attempt.value):
                fault = "it shows what is the neighbour's"
            if fault:
                faults.append(f"{attempt} by {role}: {fault}")
    assert faults == []
    assert (await street.shop.calendar(), await street.other.calendar()) == before


@pytest.mark.parametrize("part", range(3))
async def test_every_mutation_refuses_with_nothing_written_or_does_what_it_is_asked(street: Street, part: int) -> None:
    cursor, theirs = await street.cursor_now(), await street.other.calendar()
    faults = []
    async for answers in tried(street, MUTATIONS[part::3]):
        anything = False
        for attempt, role, response in answers:
            fault, accepted = judged(response, attempt)
            if fault or (accepted and is_unknown(attempt, street)):
                faults.append(f"{attempt} by {role}: {fault or 'what is not there was accepted'}")
            anything = anything or accepted
        stands = await street.cursor_now()
        if stands != cursor and not anything:
            faults.append(f"{attempt}: something was written though all was refused")
        cursor = stands
    assert faults == []
    assert await street.other.calendar() == theirs


def with_something_to_tell(attempt: Attempt, cursor: str, option: str) -> dict[str, Any]:
    """The variables, such that a stream which begins has something to tell at once."""
    wanted = dict(attempt.variables)
    if attempt.operation == "CalendarChanges":
        wanted = {"after": cursor, **wanted}
    if "optionIds" in wanted and not attempt.wrong and attempt.value != "a thousand":
        wanted["optionIds"] = [*wanted["optionIds"], option]
    return wanted


async def test_every_subscription_begins_or_is_refused_whatever_it_is_asked(street: Street) -> None:
    cursor = await street.shop.cursor()
    await street.shop.booked(at("09:00", 7), optionId=street.shop.anna)
    faults = []
    async with AsyncExitStack() as sockets:
        by_role = {}
        for role in ROLES:
            by_role[role] = await sockets.enter_async_context(street.shop.served.socket(street.shop.served.keys[role]))
            await acknowledged(by_role[role])
        for number, (attempt, role) in enumerate(chosen(street, SUBSCRIPTIONS)):
            if "\ud800" in str(attempt.value):
                # No JSON to the server: it closes the socket, as for all that is none.
                continue
            wanted = with_something_to_tell(attempt, cursor, street.shop.anna)
            document = operations()[attempt.operation]
            await by_role[role].send(subscribing(str(number), document, **wanted))
            while (answer := await receive(by_role[role])).get("id") != str(number):
                pass
            told = json.dumps(answer)
            codes = {code for code in ("INTERNAL", *REFUSING) if f'"{code}"' in told}
            if "INTERNAL" in codes or answer["type"] == "complete" or (attempt.wrong and codes != {"BAD_USER_INPUT"}):
                faults.append(f"{attempt} by {role}: {answer['type']} {codes}")
    assert faults == []


async def test_a_megabyte_of_text_anywhere_is_refused_or_answered(street: Street) -> None:
    long, huge = "x" * 100_000, "x" * 1_000_000
    faults = []
    for turn, name in enumerate((*QUERIES, *MUTATIONS)):
        texts = [each for each in attempts(name, street.usual, lambda _: [long]) if each.value == long]
        for attempt in texts[turn % (len(texts) or 1) :][:1]:
            grown = json.loads(json.dumps(attempt.variables).replace(long, huge))
            whole = Attempt(name, attempt.where, "a megabyte", grown, wrong=False)
            fault, accepted = judged(await send(street.shop.served, whole, "admin"), whole)
            # Staff need no manage token, and so none is looked at.
            if fault or (accepted and name in MUTATIONS and whole.where[-1] != "manageToken"):
                faults.append(f"{whole}: {fault or 'it was kept'}")
    assert faults == []


async def test_without_a_key_no_operation_looks_at_its_input(street: Street) -> None:
    for name in known():
        body = {"query": operations()[name], "variables": {"input": {"nonsense": 1}}}
        response = await street.shop.served.http.post(f"{street.shop.served.url}/graphql", json=body)
        told = [error["extensions"]["code"] for error in response.json()["errors"]]
        assert (response.status_code, told) == (401, ["UNAUTHENTICATED"]), name
    assert KARI["name"] not in response.text
