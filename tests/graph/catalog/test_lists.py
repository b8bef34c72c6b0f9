"""Every list that can be sent has a length: it is said where the list is described, and kept."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
)

from graph.schema import schema
from tests.graph.shop import Shop, at

BOUND = re.compile(r"at most (\d+)")
ENTRIES: dict[str, Any] = {
    "ID": "nobody",
    "BookingStatus": "CONFIRMED",
    "OpeningHoursInput": {"weekday": "MONDAY", "opens": "09:00", "closes": "17:00"},
    "TimeRangeInput": {"opens": "09:00", "closes": "17:00"},
    "EventMatcherInput": {"field": "TITLE", "value": "Anna"},
}
"""One entry of each type that there are lists of."""


def lists() -> Iterator[tuple[str, str, GraphQLArgument | GraphQLInputField]]:
    """Every argument and input field that is a list: where it stands, its name, itself."""
    for kind in schema.core.type_map.values():
        if kind.name.startswith("__"):
            continue
        if isinstance(kind, GraphQLObjectType):
            for field_name, field in kind.fields.items():
                for name, argument in field.args.items():
                    if is_list_type(get_nullable_type(argument.type)):
                        yield f"{kind.name}.{field_name}", name, argument
        if isinstance(kind, GraphQLInputObjectType):
            for name, each in kind.fields.items():
                if is_list_type(get_nullable_type(each.type)):
                    yield kind.name, name, each


def bound_of(each: GraphQLArgument | GraphQLInputField) -> int:
    """The length that is said."""
    said = BOUND.search(each.description or "")
    assert said, each.description
    return int(said[1])


def test_every_list_that_can_be_sent_says_its_length() -> None:
    found = {f"{place}.{name}" for place, name, each in lists() if bound_of(each)}
    assert {"Query.nodes.ids", "BookingFilter.optionIds", "SetOpeningHoursInput.openingHours"} <= found


def too_many(place: str, name: str) -> list[Any]:
    """One entry more than may be."""
    each = next(each for where, what, each in lists() if (where, what) == (place, name))
    kind = get_nullable_type(each.type)
    assert isinstance(kind, GraphQLList)
    return [ENTRIES[get_named_type(kind).name]] * (bound_of(each) + 1)


QUERIES = [(place, name) for place, name, _ in lists() if "." in place or place == "BookingFilter"]
INPUTS = [(place, name) for place, name, _ in lists() if (place, name) not in QUERIES]


@pytest.mark.parametrize(("place", "name"), QUERIES)
async def test_a_longer_list_of_a_query_is_refused(shop: Shop, place: str, name: str) -> None:
    root = place.partition(".")[2] or "bookings"
    entries = too_many(place, name)
    window = {"from": at("00:00"), "to": at("00:00", 1)}
    given: dict[str, Any] = {"filter": {name: entries}} if place == "BookingFilter" else {name: entries}
    fields = schema.core.query_type.fields if schema.core.query_type else {}
    operation = "query"
    if place.startswith("Subscription"):
        assert schema.core.subscription_type
        fields, operation = schema.core.subscription_type.fields, "subscription"
    required = {"serviceId": shop.haircut, **window}
    given |= {argument: value for argument, value in required.items() if argument in fields[root].args}
    declared = ", ".join(f"${argument}: {fields[root].args[argument].type}" for argument in given)
    handed = ", ".join(f"{argument}: ${argument}" for argument in given)
    document = f"{operation}({declared}) {{ {root}({handed}) {{ __typename }} }}"
    headers = {"Authorization": f"Bearer {shop.served.keys['admin']}"}
    if operation == "subscription":
        headers["Accept"] = "text/event-stream"
    body = {"query": document, "variables": given}
    answer = await shop.served.http.post(f"{shop.served.url}/graphql", json=body, headers=headers)
    assert '"BAD_USER_INPUT"' in answer.text, answer.text
    assert str(len(entries) - 1) in answer.text


@pytest.mark.parametrize(("place", "name"), INPUTS)
async def test_a_longer_list_of_an_input_is_refused(shop: Shop, place: str, name: str) -> None:
    entries = too_many(place, name)
    kind = schema.core.type_map[place]
    assert is_input_object_type(kind)
    values: dict[str, Any] = {
        "optionId": shop.anna,
        "serviceId": shop.haircut,
        "calendarId": "anna@example.com",
        "name": "Somebody",
        "kind": "PERSON",
        "durationMinutes": 15,
        "date": at("00:00")[:10],
        "blocking": "MATCHED_EVENTS",
        "from": at("00:00"),
        "to": at("00:00", 1),
    }
    sent = {field: values[field] for field in kind.fields if field in values} | {name: entries}
    root = place.removesuffix("Input")
    root = root[0].lower() + root[1:]
    assert schema.core.mutation_type
    is_mutation = root in schema.core.mutation_type.fields
    shown = "{ errors { code message path } }" if is_mutation else "{ total }"
    document = f"{'mutation' if is_mutation else 'query'}($input: {place}!) {{ {root}(input: $input) {shown} }}"
    answer = (await shop.served.send(document, shop.served.keys["admin"], {"input": sent})).json()
    if is_mutation:
        (error,) = answer["data"][root]["errors"]
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", name])
    else:
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert str(len(entries) - 1) in error["message"]
