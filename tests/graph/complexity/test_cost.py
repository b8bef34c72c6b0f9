"""What a document may cost is known before it runs: what clients send is cheap enough, what stops a process is not."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    get_introspection_query,
    get_nullable_type,
    is_interface_type,
    is_list_type,
    is_object_type,
)

from graph.complexity import lengths
from graph.complexity.cost import LARGEST_PAGE, counter
from graph.documents.document import Document, parse_document
from graph.schema import schema
from models.checks import LONGEST_LIST
from models.settings import Settings
from tests.operations import operations

LIMIT: int = Settings.model_fields["request_cost"].default
FROM = datetime(2027, 3, 1, tzinfo=UTC)


def range_of(days: float) -> dict[str, str]:
    """A range of so many days, as variables."""
    return {"from": FROM.isoformat(), "to": (FROM + timedelta(days=days)).isoformat()}


def checked(text: str) -> Document:
    """A document that may be sent."""
    document = parse_document(text)
    document.check(schema.core, introspection=True)
    assert not document.errors, document.errors
    return document


def cost(text: str, **variables: Any) -> int:
    """What a document of one operation costs."""
    return counted(text, variables)


def counted(text: str, variables: dict[str, Any]) -> int:
    """The same."""
    operation = checked(text).operation(None)
    assert operation
    return operation.cost.of(variables)


def list_fields() -> Iterator[tuple[str, GraphQLField]]:
    """Every field of the schema that shows a list, introspection included."""
    for kind in schema.core.type_map.values():
        if is_object_type(kind) or is_interface_type(kind):
            for name, field in kind.fields.items():
                if is_list_type(get_nullable_type(field.type)):
                    yield f"{kind.name}.{name}", field


def test_every_list_of_the_schema_has_a_length_and_nothing_else_has_one() -> None:
    fields = dict(list_fields())
    assert all(counter(coordinate, field) for coordinate, field in fields.items())
    assert set(lengths.LENGTHS) <= set(fields)
    known = {f"{kind}.{name}" for kind, each in schema.core.type_map.items() for name in getattr(each, "fields", {})}
    assert set(lengths.BASES) <= known


def test_every_operation_of_the_clients_may_cost_three_times_what_it_does_at_most() -> None:
    ids, rule = ["x"] * LARGEST_PAGE, range_of(62)
    costs = {}
    for name, text in operations().items():
        variables = {**range_of(62), "first": LARGEST_PAGE, "ids": ids, "input": rule, "serviceId": "x"}
        costs[name] = cost(text, **variables)
    assert max(costs.values()) * 3 <= LIMIT, costs
    # What has a range or a page is not cheap by mistake.
    assert min(costs[name] for name in ("Availability", "AvailabilityChanges", "SlotOverview", "Calendar")) > 100_000


STATED = {
    "SlotOverview": 371_630,
    "Availability": 368_657,
    "AvailabilityChanges": 368_656,
    "Calendar": 217_003,
    "Bookings": 164_009,
    "GoogleRoutingPreview": 16_884,
    "Services": 7_909,
    "Book": 2_561,
    "Cancel": 2_044,
    "SetDateOverride": 4_953,
    "ExplainSlot": 267,
    "RefetchMany": 201,
    "ManagedBooking": 14,
}
"""What clients' operations cost with a range of 62 days and full pages: who changes a length changes what they pay."""


@pytest.mark.parametrize("name", STATED)
def test_what_clients_pay_is_what_they_paid(name: str) -> None:
    given = {**range_of(62), "first": LARGEST_PAGE, "ids": ["x"] * LARGEST_PAGE, "input": range_of(62)}
    assert cost(operations()[name], **given, serviceId="x") == STATED[name]


NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
DAYS = "query($from: DateTime!, $to: DateTime!) { availability(serviceId: 1, from: $from, to: $to) { days { date } } }"
CHANGES = DAYS.replace("query", "subscription").replace("availability(", "availabilityChanges(")
HOURS = "query($from: Date!, $to: Date!) { option(id: 1) { dateOverrides(from: $from, to: $to) { date } } }"
PREVIEW = "query($input: GoogleRoutingPreviewInput!) { googleRoutingPreview(input: $input) { events { id } } }"
OF_A_DAY = lengths.OPTIONS * lengths.WORK_PER_OPTION_AND_DAY


def dates(days: int) -> dict[str, str]:
    """A range of so many dates, as variables."""
    return {name: text[:10] for name, text in range_of(days).items()}


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        # Each id is one more; a list of one may be sent without brackets; too many will be refused.
        (NODES, {"ids": "x"}, 1 + 1),
        (NODES, {"ids": ["x"] * 7}, 1 + 7),
        (NODES, {"ids": ["x"] * LARGEST_PAGE}, 1 + LARGEST_PAGE),
        (NODES, {"ids": ["x"] * (LARGEST_PAGE + 1)}, 1 + 1),
        # A day that is begun is a day, up to the longest range.
        (DAYS, range_of(3), 1 + 3 * OF_A_DAY + 1 + 3),
        (DAYS, range_of(3.01), 1 + 4 * OF_A_DAY + 1 + 4),
        (DAYS, range_of(lengths.LONGEST_RANGE), 1 + lengths.LONGEST_RANGE * (OF_A_DAY + 1) + 1),
        (DAYS, range_of(lengths.LONGEST_RANGE + 1), 1 + OF_A_DAY + 1 + 1),
        (CHANGES, range_of(3), 1 + 3 * OF_A_DAY + 1 + 3),
        (HOURS, dates(5), 1 + 1 + 5),
        (HOURS, dates(lengths.LONGEST_OVERRIDES), 1 + 1 + lengths.LONGEST_OVERRIDES),
        (HOURS, dates(lengths.LONGEST_OVERRIDES + 1), 1 + 1 + 1),
        (
            PREVIEW.replace("{ id }", "{ title }"),
            {"input": range_of(5)},
            1 + lengths.BASES["Query.googleRoutingPreview"] + 1 + 5 * lengths.EVENTS_PER_DAY,
        ),
        # Left out, a page is as long as the schema says.
        ("{ bookings { nodes { id } } }", {}, 1 + 1 + 50),
        # Wherever it is selected it has to be looked at; a fragment that is spread twice in one place once.
        ("{ option(id: 1) { id } option(id: 1) { name } option(id: 1) { kind } }", {}, 3 + 3),
        ("{ option(id: 1) { ...F ...F } } fragment F on Option { id name }", {}, 1 + 2),
        # What is read, counted or written beside what is shown.
        ("{ bookings(first: 1) { totalCount } }", {}, 1 + 2 + lengths.BASES["BookingConnection.totalCount"]),
        ("{ node(id: 1) { id } }", {}, 1 + lengths.BASES["Query.node"] + 1),
        (
            "mutation { cancelBooking(input: {bookingId: 1}) { errors { code } } }",
            {},
            1 + lengths.MUTATION + 1 + lengths.ERRORS,
        ),
        (
            "mutation($input: CreateHoldInput!) { createHold(input: $input) { alternatives { start } } }",
            {"input": {}},
            1 + lengths.MUTATION + 1 + lengths.ALTERNATIVES,
        ),
    ],
)
def test_a_field_costs_one_and_what_is_below_as_often_as_it_may_be_there(
    text: str, given: dict[str, Any], expected: int
) -> None:
    assert counted(text, given) == expected


UNKNOWN: list[Any] = [1.5, True, "9", [9], {}, math.inf, -math.inf, math.nan]
SERVICES = "query($n: Int%s) { services(first: $n) { nodes { id } } }"
SOME = DAYS.replace("DateTime!) {", "DateTime!, $ids: [ID!]%s) {").replace(
    "from: $from", "optionIds: $ids, from: $from"
)


@pytest.mark.parametrize(
    ("default", "given", "length"),
    [
        ("", {}, 50),
        ("", {"n": None}, LARGEST_PAGE),
        (" = null", {}, LARGEST_PAGE),
        (" = 30", {}, 30),
        (" = 30", {"n": 7}, 7),
        ("", {"n": 100.0}, 100),
        ("", {"n": 12.0}, 12),
        ("", {"n": 0.0}, 1),
        ("", {"n": 0}, 1),
        # What nobody can tell, and what is sure to be refused.
        *(("", {"n": each}, LARGEST_PAGE) for each in UNKNOWN),
        *(("", {"n": each}, 1) for each in (LARGEST_PAGE + 1, LARGEST_PAGE + 1.0, 10**400, -1)),
    ],
)
def test_a_page_counts_as_long_as_it_can_be(default: str, given: dict[str, Any], length: int) -> None:
    assert counted(SERVICES % default, given) == 1 + 1 + length


@pytest.mark.parametrize(
    ("default", "given", "options"),
    [
        ("", {}, lengths.OPTIONS),
        ("", {"ids": None}, lengths.OPTIONS),
        ("", {"ids": "x"}, 1),
        ("", {"ids": []}, 0),
        (' = ["x", "y"]', {}, 2),
        (' = "x"', {}, 1),
        (' = ["x"]', {"ids": ["x"] * 3}, 3),
        # Repeated ids are read as others are; so many may be sent, and no more.
        *(("", {"ids": ["x"] * each}, each) for each in (100, 101, 150, LONGEST_LIST)),
        ("", {"ids": ["x"] * (LONGEST_LIST + 1)}, 1),
    ],
)
def test_options_count_as_many_as_there_can_be(default: str, given: dict[str, Any], options: int) -> None:
    work = 3 * options * lengths.WORK_PER_OPTION_AND_DAY
    assert counted(SOME % default, {**range_of(3), **given}) == 1 + work + 1 + 3


@pytest.mark.parametrize("wrong", [{}, {"from": None, "to": 7}, {"from": FROM.isoformat(), "to": "later"}])
def test_a_range_that_cannot_be_told_counts_as_the_longest(wrong: dict[str, Any]) -> None:
    assert counted(DAYS, wrong) == counted(DAYS, range_of(lengths.LONGEST_RANGE))


def nested(levels: int) -> str:
    """Services of options of services."""
    return "id" if not levels else f"services {{ options {{ {nested(levels - 1)} }} }}"


AVAILABILITY = "availability(serviceId: $s, from: $from, to: $to) { days { slots { start options { id name } } } }"
DEAR = {
    "nested lists": f"{{ options(first: 50) {{ nodes {{ {nested(3)} }} }} }}",
    "nested lists, each a node": f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Option {{ {nested(2)} }} }} }}",
    "the same many times": "query($s: ID!, $from: DateTime!, $to: DateTime!) { "
    + " ".join(f"a{number}: {AVAILABILITY}" for number in range(10))
    + " }",
    "rich slots": "query($s: ID!, $from: DateTime!, $to: DateTime!) { "
    + AVAILABILITY.replace("name", "name services { name description }")
    + " }",
    "fragments in fragments": "{ ...A } fragment A on Query { options(first: 100) { nodes { ...B } } } "
    "fragment B on Option { services { options { ...C } } } fragment C on Option { services { id name } }",
    "a message": "subscription($s: ID!, $from: DateTime!, $to: DateTime!) { "
    + AVAILABILITY.replace("availability(", "availabilityChanges(").replace("name", "name services { id name }")
    + " }",
}


@pytest.mark.parametrize("name", DEAR)
def test_what_would_stop_a_process_costs_more_than_a_request_may(name: str) -> None:
    variables = {**range_of(62), "s": "x", "ids": ["x"] * LARGEST_PAGE}
    assert cost(DEAR[name], **variables) > LIMIT


def test_who_asks_for_less_is_counted_less() -> None:
    both = operations()["Availability"]
    everything = cost(both, **range_of(62))
    assert cost(both, **range_of(7)) * 8 < everything < cost(both, **range_of(7)) * 9
    assert cost(both, **range_of(62), optionIds=["x"] * 5) * 8 < everything
    assert cost(both, **range_of(62), optionIds="x") < cost(both, **range_of(62), optionIds=["x"] * 5)
    page = "query($first: Int = 100) { bookings(first: $first) { nodes { id } } }"
    assert (cost(page), cost(page, first=10), cost("{ bookings(first: 10) { nodes { id } } }")) == (102, 12, 12)


def test_of_an_interface_the_dearest_type_counts_and_a_fragment_each_time_that_it_is_spread() -> None:
    entries = "query($from: DateTime!, $to: DateTime!) { calendar(from: $from, to: $to) { entries { %s } } }"
    bare = cost(entries % "id", **range_of(1))
    entries_of_a_day = lengths.OPTIONS * lengths.ENTRIES_PER_OPTION_AND_DAY
    assert cost(entries % "id ... on Booking { version } ... on Hold { expiresAt }", **range_of(1)) == (
        bare + entries_of_a_day
    )
    twice = "{ options(first: 3) { nodes { ...F } } o: options(first: 5) { nodes { ...F } } } fragment F on Option "
    assert cost(twice + "{ id name }") == 2 + 2 + 3 * 2 + 5 * 2


@pytest.mark.parametrize(
    "variables",
    [
        {"from": "never", "to": "later"},
        {"from": None, "to": 7},
        {"from": FROM.isoformat(), "to": "2027-03-09T00:00:00"},
        {"from": FROM.isoformat(), "to": "0001-01-01T00:00:00+00:00"},
        {**range_of(4000)},
        {**range_of(62), "optionIds": {"nonsense": []}},
        {**range_of(62), "optionIds": ["x"] * 10_000},
        {},
    ],
)
def test_what_cannot_be_asked_is_left_to_be_refused_as_what_it_is(variables: dict[str, Any]) -> None:
    assert 0 < cost(operations()["Availability"], **variables) < LIMIT
    assert 0 < cost("query($first: Int!) { options(first: $first) { nodes { id } } }", first=variables) < LIMIT


def test_the_questions_that_explorers_ask_of_the_schema_are_cheap_enough() -> None:
    assert cost(get_introspection_query(descriptions=True, input_value_deprecation=True)) < LIMIT
