"""Strange input at every operation of the clients: a typed error or an answer, nothing written, never a fault."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count, groupby
from typing import Any

import httpx2
import pytest
from graphql import FieldNode, GraphQLInputObjectType, OperationType

from tests.graph.shop import KARI, Shop, at, furnish
from tests.graph.strangeness import UNKNOWN_IDS, Attempt, attempts, known, schema
from tests.graph.wire import acknowledged, receive, subscribing
from tests.operations import operations
from tests.served import Served, serving
from tests.stage import Stage

ROLES = ("admin", "staff", "public")
QUERIES = sorted(name for name, each in known().items() if each.operation is OperationType.QUERY)
MUTATIONS = sorted(name for name, each in known().items() if each.operation is OperationType.MUTATION)
SUBSCRIPTIONS = sorted(name for name, each in known().items() if each.operation is OperationType.SUBSCRIPTION)
REFUSING = {"BAD_USER_INPUT", "FORBIDDEN", "QUERY_TOO_COMPLEX"}
"""What GraphQL errors may say to strange input."""
SHARE = 6
"""Of what is no value of its type, and of what is tried by others than admins, one in so many is sent."""


@dataclass
class Town:
    """A shop in use, its neighbour, and what an ordinary client would send."""

    shop: Shop
    other: Shop
    ids: dict[str, str]
    theirs: list[str]
    token: str
    cursor: str
    _slots: Iterator[int] = field(default_factory=count)
    _turns: Iterator[int] = field(default_factory=count)

    def usual(self, name: str) -> Any:
        """What an ordinary client gives for this variable or field; each start it is asked for is a new one."""
        if name in ("start", "from", "to", "end"):
            slot = next(self._slots)
            week, hour = divmod(slot, 8)
            return at(f"{9 + hour:02}:00", week * 7) if name in ("start", "from") else at("18:00", week * 7)
        plain = {"after": self.cursor, "manageToken": self.token, "email": "ola@example.no", "color": "#1a73e8"}
        clock = {"date": at("12:00")[:10], "opens": "09:00", "closes": "17:00", "timeZone": "Europe/Oslo"}
        terms = {"amount": "450.00", "currency": "NOK", "expectedVersion": 1, "first": 10, "active": True}
        texts = {
            "returnTo": f"{self.shop.served.url}/edit",
            "title": "{customer_name}",
            "titleTemplate": "{customer_name}",
        }
        return {**self.ids, **plain, **clock, **terms, **texts}.get(
            name, 60 if name.endswith(("Minutes", "Days")) else "x"
        )

    def odd_ids(self, name: str) -> list[str]:
        """Some ids that name nothing of the kind here, each time others: made up, the neighbour's, of another kind."""
        turn = next(self._turns)
        own = sorted(set(self.ids.values()) - {self.usual(name)})
        return [each[(turn + step) % len(each)] for each in (UNKNOWN_IDS, self.theirs, own) for step in (0, 3, 5)]

    async def cursor_now(self) -> str:
        """Where the shop's log stands."""
        document = f'{{ calendar(from: "{at("00:00", 300)}", to: "{at("00:00", 301)}") {{ cursor }} }}'
        answer = await self.shop.served.send(document, self.shop.served.keys["staff"])
        return str(answer.json()["data"]["calendar"]["cursor"])


async def things(shop: Shop) -> tuple[dict[str, str], str]:
    """One of everything in a shop: the ids by the names of the fields that take them, and a manage token."""
    do = shop.served.do
    made = await shop.booked(at("09:00"), optionId=shop.anna)
    held = await do("Hold", "public", input={"serviceId": shop.haircut, "optionId": shop.ben, "start": at("09:00")})
    times = {"start": at("10:00", 30), "end": at("11:00", 30)}
    away = await do("CreateTimeOff", "staff", input={"optionId": shop.anna, **times})
    booking, option = made["booking"]["id"], shop.anna
    ids = {"optionId": option, "optionIds": option, "serviceId": shop.haircut, "serviceIds": shop.colouring}
    ids |= {
        "bookingId": booking,
        "movingBookingId": booking,
        "holdId": held["hold"]["id"],
        "id": booking,
        "ids": option,
    }
    return {**ids, "timeOffId": away["timeOff"]["id"]}, made["manageToken"]


@pytest.fixture
async def town(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Town]:
    """A shop and its neighbour, without a limit on requests."""
    async with serving(our_stage, sqlite_url, key_requests=0) as served:
        shop, other = await furnish(served), await furnish(await served.another("elsewhere"))
        cursor = await shop.cursor()
        ids, token = await things(shop)
        theirs, _ = await things(other)
        yield Town(shop, other, ids, sorted(set(theirs.values())), token, cursor)


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


def chosen(town: Town, names: list[str]) -> Iterator[tuple[Attempt, str]]:
    """What is tried, and by which role: an admin, whose input is always judged, and now and then the others."""
    turn = count()
    for name in names:
        for attempt in attempts(name, town.usual, town.odd_ids):
            number, now_and_then = divmod(next(turn), SHARE)
            if not attempt.wrong:
                yield attempt, "admin"
            if now_and_then == 0:
                yield attempt, ROLES[number % 3 if attempt.wrong else 1 + number % 2]


async def tried(town: Town, names: list[str]) -> AsyncIterator[list[tuple[Attempt, str, httpx2.Response]]]:
    """What was answered to all the strange values of one variable or field after another, each sent at once."""
    for _, group in groupby(chosen(town, names), lambda each: (each[0].operation, each[0].where)):
        sent = list(group)
        answers = await asyncio.gather(*(send(town.shop.served, attempt, role) for attempt, role in sent))
        yield [(attempt, role, answer) for (attempt, role), answer in zip(sent, answers, strict=True)]


def is_unknown(attempt: Attempt, town: Town) -> bool:
    """Whether an attempt names something that is not there."""
    return attempt.where[-1] in town.ids and attempt.value in (*UNKNOWN_IDS, *town.theirs)


async def test_every_query_answers_or_refuses_whatever_it_is_asked(town: Town) -> None:
    before = await town.shop.calendar(), await town.other.calendar()
    faults = []
    async for answers in tried(town, QUERIES):
        for attempt, role, response in answers:
            fault, _ = judged(response, attempt)
            if any(each in response.text for each in town.theirs if each != attempt.value):
                fault = "it shows what is the neighbour's"
            if fault:
                faults.append(f"{attempt} by {role}: {fault}")
    assert faults == []
    assert (await town.shop.calendar(), await town.other.calendar()) == before


@pytest.mark.parametrize("part", range(3))
async def test_every_mutation_refuses_with_nothing_written_or_does_what_it_is_asked(town: Town, part: int) -> None:
    cursor, theirs = await town.cursor_now(), await town.other.calendar()
    faults = []
    async for answers in tried(town, MUTATIONS[part::3]):
        anything = False
        for attempt, role, response in answers:
            fault, accepted = judged(response, attempt)
            if fault or (accepted and is_unknown(attempt, town)):
                faults.append(f"{attempt} by {role}: {fault or 'what is not there was accepted'}")
            anything = anything or accepted
        stands = await town.cursor_now()
        if stands != cursor and not anything:
            faults.append(f"{attempt}: something was written though all was refused")
        cursor = stands
    assert faults == []
    assert await town.other.calendar() == theirs


def with_something_to_tell(attempt: Attempt, cursor: str, option: str) -> dict[str, Any]:
    """The variables, such that a stream which begins has something to tell at once."""
    wanted = dict(attempt.variables)
    if attempt.operation == "CalendarChanges":
        wanted = {"after": cursor, **wanted}
    if "optionIds" in wanted and not attempt.wrong and attempt.value != "a thousand":
        wanted["optionIds"] = [*wanted["optionIds"], option]
    return wanted


async def test_every_subscription_begins_or_is_refused_whatever_it_is_asked(town: Town) -> None:
    cursor = await town.shop.cursor()
    await town.shop.booked(at("09:00", 7), optionId=town.shop.anna)
    faults = []
    async with AsyncExitStack() as sockets:
        by_role = {}
        for role in ROLES:
            by_role[role] = await sockets.enter_async_context(town.shop.served.socket(town.shop.served.keys[role]))
            await acknowledged(by_role[role])
        for number, (attempt, role) in enumerate(chosen(town, SUBSCRIPTIONS)):
            if "\ud800" in str(attempt.value):
                # No JSON to the server: it closes the socket, as for all that is none.
                continue
            wanted = with_something_to_tell(attempt, cursor, town.shop.anna)
            document = operations()[attempt.operation]
            await by_role[role].send(subscribing(str(number), document, **wanted))
            while (answer := await receive(by_role[role])).get("id") != str(number):
                pass
            told = json.dumps(answer)
            codes = {code for code in ("INTERNAL", *REFUSING) if f'"{code}"' in told}
            if "INTERNAL" in codes or answer["type"] == "complete" or (attempt.wrong and codes != {"BAD_USER_INPUT"}):
                faults.append(f"{attempt} by {role}: {answer['type']} {codes}")
    assert faults == []


async def test_a_megabyte_of_text_anywhere_is_refused_or_answered(town: Town) -> None:
    long, huge = "x" * 100_000, "x" * 1_000_000
    faults = []
    for turn, name in enumerate((*QUERIES, *MUTATIONS)):
        texts = [each for each in attempts(name, town.usual, lambda _: [long]) if each.value == long]
        for attempt in texts[turn % (len(texts) or 1) :][:1]:
            grown = json.loads(json.dumps(attempt.variables).replace(long, huge))
            whole = Attempt(name, attempt.where, "a megabyte", grown, wrong=False)
            fault, accepted = judged(await send(town.shop.served, whole, "admin"), whole)
            # Staff need no manage token, and so none is looked at.
            if fault or (accepted and name in MUTATIONS and whole.where[-1] != "manageToken"):
                faults.append(f"{whole}: {fault or 'it was kept'}")
    assert faults == []


async def test_without_a_key_no_operation_looks_at_its_input(town: Town) -> None:
    for name in known():
        body = {"query": operations()[name], "variables": {"input": {"nonsense": 1}}}
        response = await town.shop.served.http.post(f"{town.shop.served.url}/graphql", json=body)
        told = [error["extensions"]["code"] for error in response.json()["errors"]]
        assert (response.status_code, told) == (401, ["UNAUTHENTICATED"]), name
    assert KARI["name"] not in response.text
