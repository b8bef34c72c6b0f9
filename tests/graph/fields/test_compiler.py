"""Answers by generated code are those of graphql-core, value for value and error for error."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from types import FrameType
from typing import Any

import pytest

from graph.documents.cache import Documents
from graph.documents.document import Document
from graph.documents.document import parse_document as read_document
from graph.fields.compiled_selections import CASES
from graph.limits.cost_budget import CostBudget
from graph.metrics import FALLBACKS
from graph.operation import executor
from graph.relay.nodes import from_id, to_id
from graph.rendering import allowance, pieces
from graph.rendering.json_text import encode
from graph.request.context import AppState, Context
from graph.schema import schema
from models import api_key
from models.api_key import Caller
from models.bookings.booking import Booking
from models.settings import read
from models.storage.secrets import Secrets, new_secret_key
from sync.service import Google
from tests.graph.connected_shop import Connected
from tests.graph.fields.selections import Drawn
from tests.graph.operation.direct import run
from tests.graph.shop import KARI, OLA, at

SELECTION = (
    "id reference start end status title blocks allDay version note customer { name email phone } "
    "option { id name kind timeZone } options { name } service { id name durationMinutes price { amount } }"
)


def app_state(*, completer: bool) -> AppState:
    """What a process shares, with the completer or without."""
    chosen = read(
        _env_file=None,
        database_url="sqlite:///unused.db",
        public_url="http://x",
        secret_keys=(SECRET,),
        completer=completer,
        request_cost=10**9,
        key_cost=0,
    )

    async def nothing(_: object) -> None:
        pass

    secrets = Secrets(chosen.secret_keys)
    return AppState(chosen, secrets, Google(chosen, secrets), CostBudget(chosen), Documents())


DOCUMENTS = 60
SECRET = new_secret_key()
GOOD = b'"errors":[]}'


def _finished_elsewhere() -> float:
    """How many answers the generated code could not finish."""
    return next(sample.value for metric in FALLBACKS.collect() for sample in metric.samples)


@dataclass(frozen=True)
class Both:
    """The same business, asked with the completer and without."""

    town: Connected
    callers: dict[str, Caller]
    completed: AppState
    core: AppState
    roots: list[str]

    async def answers(self, document: str, variables: dict[str, Any] | None, role: str, language: str) -> list[bytes]:
        """What each says: data and errors."""
        found = []
        # Code is made when a selection comes again.
        for each in (self.completed, self.completed, self.core):
            context = Context(each, self.callers[role], language=language)
            result = await run(context, document, variables)
            errors = [error.formatted for error in result.errors or ()]
            for error in errors:
                assert error["extensions"]["code"] != "INTERNAL", error
            found.append(encode({"data": result.data, "errors": errors}))
            assert values(result.data) <= counted(document, variables), document
        assert found[0] == found[1], document
        return found[1:]


def values(shown: Any) -> int:
    """How many values an answer shows."""
    if isinstance(shown, dict):
        return sum(1 + values(each) for each in shown.values())
    return sum(map(values, shown)) if isinstance(shown, list) else 0


def counted(document: str, variables: dict[str, Any] | None) -> int:
    """What a document is counted as before it runs."""
    operation = checked(document).operation(None)
    return operation.cost.of(variables) if operation else 0


@lru_cache(maxsize=8)
def checked(document: str) -> Document:
    """A document that is read; each is asked for many times."""
    found = read_document(document)
    found.check(schema.core, introspection=True)
    return found


@pytest.fixture(params=["at once", "in slices"])
def slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether everything counts as long."""
    if request.param == "in slices":
        monkeypatch.setattr(pieces, "FEW", 2)
        monkeypatch.setattr(pieces, "_PIECE", 2)
        monkeypatch.setattr(executor, "FEW_WALKED", 1)
        monkeypatch.setattr(executor, "ABREAST", 3)
        monkeypatch.setattr(allowance, "PIECE_SECONDS", 0.0001)


@pytest.fixture
async def both(town: Connected) -> Both:
    """A business with something of every kind."""
    shop = town.shop
    await town.sign_in(shop.anna)
    town.put(at("14:00"), at("15:00"), summary="Doctor")
    town.put(at("10:00"), at("10:30"), summary="Over a booking", visibility="private")
    await town.link(shop.anna)
    do = shop.served.do
    made = await shop.booked(at("10:00", 7), optionId=shop.anna, note="Window seat")
    await shop.booked(at("11:00"), optionId=shop.ben, customer=OLA)
    gone = await shop.booked(at("12:00"), optionId=shop.ben)
    cancelled = {"bookingId": gone["booking"]["id"], "reason": "ill"}
    assert (await do("CancelBooking", "staff", input=cancelled))["errors"] == []
    await do("Hold", "public", input={"serviceId": shop.haircut, "optionId": shop.ben, "start": at("15:00")})
    away = {"optionId": shop.ben, "start": at("09:00", 1), "end": at("10:00", 1)}
    assert (await do("CreateTimeOff", "staff", input={**away, "reason": "Dentist"}))["errors"] == []
    price = {"serviceId": shop.haircut, "price": {"amount": "450.00", "currency": "NOK"}}
    assert (await do("UpdateService", "staff", input=price))["errors"] == []
    window = f'from: "{at("00:00")}", to: "{at("00:00", 14)}"'
    ids = [made["booking"]["id"], shop.anna, shop.haircut]
    found = from_id(made["booking"]["id"])
    assert found
    token = Secrets((SECRET,)).manage_token(found[1], 0)
    roots = [
        "bookings(first: 10)",
        f"bookings(first: 10, filter: {{{window}}}, orderBy: {{field: UPDATED_AT, direction: DESC}})",
        f"calendar({window})",
        f'calendar({window}, optionIds: ["{shop.anna}"])',
        "options(first: 10)",
        "services(first: 10)",
        f'option(id: "{shop.anna}")',
        f'service(id: "{shop.haircut}")',
        f'availability(serviceId: "{shop.haircut}", {window})',
        *(f'node(id: "{each}")' for each in ids),
        f'nodes(ids: ["{ids[0]}", "{ids[1]}"])',
        f'managedBooking(manageToken: "{token}")',
        "viewer",
    ]
    callers = {role: await api_key.authenticate(plain) for role, plain in shop.served.keys.items()}
    known = {role: caller for role, caller in callers.items() if caller}
    return Both(town, known, app_state(completer=True), app_state(completer=False), roots)


@pytest.mark.usefixtures("slices")
@pytest.mark.parametrize("seed", range(2))
async def test_any_selection_is_answered_as_without_it(both: Both, seed: int) -> None:
    day = at("00:00")[:10], at("00:00", 14)[:10]
    arguments = {"dateOverrides": f'(from: "{day[0]}", to: "{day[1]}")'}
    dice = Random(seed)  # noqa: S311 - chance that repeats
    went_well, fallbacks = 0, _finished_elsewhere()
    for _ in range(DOCUMENTS):
        drawn = Drawn(dice, both.roots, arguments)
        text, language = drawn.text(), dice.choice(["en", "nb"])
        # The other way round, and to others, the same places show something else.
        switched = {name: not value for name, value in drawn.variables.items()}
        roles = dice.sample(["staff", "public"], 2)
        for role, variables in ((roles[0], drawn.variables), (roles[0], switched), (roles[1], drawn.variables)):
            completed, core = await both.answers(text, variables, role, language)
            assert completed == core, f"{role}, {language}, {variables}:\n{text}"
            went_well += core.endswith(GOOD)
            if core.endswith(GOOD):
                assert _finished_elsewhere() == fallbacks, text
            fallbacks = _finished_elsewhere()
    assert went_well > DOCUMENTS


def spelled(dice: Random, kind: str, values: list[Any]) -> tuple[str, str, dict[str, Any]]:
    """An argument as a client may send it: what stands in its place, the variable's declaration, and the variable."""
    value = dice.choice(values)
    name, default = f"v{dice.randrange(10**9)}", dice.choice(["", f" = {json.dumps(dice.choice(values))}"])
    match dice.choice(["written", "given", "given", "left out"]):
        case "written":
            return json.dumps(value), "", {}
        case "given":
            return f"${name}", f"${name}: {kind}{default}", {name: float(value) if isinstance(value, int) else value}
        case _:
            return f"${name}", f"${name}: {kind}{default}", {}


@pytest.mark.parametrize("seed", range(4))
async def test_no_document_shows_more_values_than_it_was_counted_as(both: Both, seed: int) -> None:
    """However pages and lists are asked for: with variables that are left out, decimals, and ids that repeat."""
    dice, shop, went_well = Random(seed), both.town.shop, 0  # noqa: S311 - chance that repeats
    window = f'from: "{at("00:00")}", to: "{at("00:00", 14)}"'
    for _ in range(DOCUMENTS):
        ids = [shop.anna, shop.ben]
        lists = [dice.choices(ids, k=dice.choice([1, 2, 100, 101, 150, 200, 201])) for _ in range(2)]
        pages: list[Any] = [None, *(dice.randint(0, 101) for _ in range(3))]
        first, page, given = spelled(dice, "Int", pages)
        some, several, more = spelled(dice, "[ID!]", [None, ids[0], *lists])
        nodes, named, those = spelled(dice, "[ID!]!", [ids[0], *lists])
        roots = [
            (f"services(first: {first})", page, given),
            (f"options(first: {first})", page, given),
            (f"bookings(first: {first})", page, given),
            (f'availability(serviceId: "{shop.haircut}", optionIds: {some}, {window})', several, more),
            (f"calendar(optionIds: {some}, {window})", several, more),
            (f"nodes(ids: {nodes})", named, those),
        ]
        root, declared, variables = dice.choice(roots)
        drawn = Drawn(dice, [root], {})
        selected = drawn.text().partition("{ ")[2]
        switches = [f"${name}: Boolean!" for name in drawn.variables]
        head = ", ".join(filter(None, [declared, *switches]))
        text = f"query{f'({head})' if head else ''} {{ {selected}"
        result = await run(Context(both.completed, both.callers["staff"]), text, {**variables, **drawn.variables})
        assert values(result.data) <= counted(text, {**variables, **drawn.variables}), text
        went_well += not result.errors
    assert went_well > DOCUMENTS / 3


@contextmanager
def calls_of(name: str) -> Iterator[list[None]]:
    """One entry for each time that a function of that name is called."""
    calls: list[None] = []

    def see(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == name:
            calls.append(None)

    sys.setprofile(see)
    try:
        yield calls
    finally:
        sys.setprofile(None)


PLAIN = {
    "a list": f"{{ bookings(first: 10) {{ nodes {{ {SELECTION} }} pageInfo {{ endCursor }} }} }}",
    "one by its id": f"query($id: ID!) {{ node(id: $id) {{ ... on Booking {{ {SELECTION} }} }} }}",
    "slots": "query($service: ID!, $from: DateTime!, $to: DateTime!) "
    "{ availability(serviceId: $service, from: $from, to: $to) "
    "{ timeZone days { date slots { start end options { id name } unavailableOptions { name } } } } }",
    "options": "{ options(first: 10) { nodes { id name kind openingHours { weekday opens closes } } } }",
}


@pytest.mark.parametrize("name", PLAIN)
async def test_what_is_plain_is_not_walked_field_by_field(both: Both, name: str) -> None:
    shop = both.town.shop
    booking = to_id("Booking", (await Booking.first().values("id"))["id"])
    variables = {"id": booking, "service": shop.haircut, "from": at("00:00"), "to": at("00:00", 1)}
    completed, core = await both.answers(PLAIN[name], variables, "staff", "en")
    assert completed == core
    assert core.endswith(GOOD)
    context = Context(both.completed, both.callers["staff"])
    with calls_of("execute_field") as calls:
        await run(context, PLAIN[name], variables)
    assert len(calls) == 1


@pytest.mark.usefixtures("slices")
async def test_what_cannot_be_shown_is_told_as_without_it(both: Both) -> None:
    """A row that is broken: among others, and alone."""
    await Booking.filter(customer_name=KARI["name"]).update(status="LOST")
    (broken,) = await Booking.filter(customer_name=KARI["name"], note="Window seat").values("id")
    shown = "{ id status customer { name } }"
    alone = f'{{ node(id: "{to_id("Booking", broken["id"])}") {{ ... on Booking {shown} }} }}'
    for document in (f"{{ bookings(first: 10) {{ nodes {shown} }} }}", alone):
        told = []
        for each in (both.completed, both.core):
            context = Context(each, both.callers["staff"])
            result = await run(context, document)
            assert result.errors
            told.append([(error.path, (error.extensions or {})["code"]) for error in result.errors])
        assert told[0] == told[1]


async def test_the_ways_in_which_switches_can_stand_are_not_all_kept(both: Both) -> None:
    """Somebody may try them all; the answers stay right."""
    names = [f"v{number}" for number in range(6)]
    fields = " ".join(f"a{number}: name @include(if: ${name})" for number, name in enumerate(names))
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    document = f"query({declared}) {{ options(first: 2) {{ nodes {{ id {fields} }} }} }}"
    for number in range(4 * CASES):
        switches = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        completed, core = await both.answers(document, switches, "staff", "en")
        assert completed == core
        assert json.loads(core)["data"]["options"]["nodes"][0].keys() == {
            "id",
            *(f"a{place}" for place, name in enumerate(names) if switches[name]),
        }


async def test_a_switch_that_is_null_is_told_whatever_was_asked_before(both: Both) -> None:
    document = "query($v: Boolean = true) { options(first: 9) { nodes { id name @include(if: $v) } } }"
    for switch in (False, None, False, True, None):
        completed, core = await both.answers(document, {"v": switch}, "staff", "en")
        assert completed == core
        assert core.endswith(GOOD) is (switch is not None)


SHAPES = {
    "each once": lambda number: " ".join(f"...F{other}" for other in range(number + 1, FRAGMENTS)),
    "each twice": lambda number: f"...F{number + 1} ...F{number + 1}" if number + 1 < FRAGMENTS else "",
}
FRAGMENTS = 40


@pytest.mark.parametrize("shape", SHAPES)
async def test_fragments_in_fragments_cost_what_they_are(both: Both, shape: str) -> None:
    fragments = [f"fragment F{number} on Option {{ id {SHAPES[shape](number)} }}" for number in range(FRAGMENTS)]
    document = "\n".join(["{ options(first: 9) { nodes { ...F0 } } }", *fragments])
    with calls_of("_selected") as calls:
        completed, core = await both.answers(document, None, "public", "en")
    assert completed == core
    assert core.endswith(GOOD)
    assert len(calls) < 100 * FRAGMENTS


async def test_what_is_for_staff_is_null_for_others_whoever_asked_before(both: Both) -> None:
    managed = next(root for root in both.roots if root.startswith("managedBooking"))
    document = f"{{ {managed} {{ title note customer {{ name }} option {{ name }} }} }}"
    for role in ("staff", "public", "staff", "public"):
        completed, core = await both.answers(document, None, role, "en")
        assert completed == core
        shown = json.loads(core)["data"]["managedBooking"]
        assert (shown["note"], shown["customer"]) == (
            ("Window seat", {"name": KARI["name"]}) if role == "staff" else (None, None)
        )
