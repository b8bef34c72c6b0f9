"""No text that a database does not take gets anywhere: every argument that takes text, by the schema, is tried."""

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    is_leaf_type,
)

from graph.texts import errors_in_variables
from tests.graph.input.strange_values import schema
from tests.graph.shop import Shop
from tests.stage import PATIENCE

Place = tuple[str, ...]
TEXTUAL = {"String", "ID", "Cursor"}
"""Of these any text is a value; the other scalars take few texts, none with such a character."""

USUAL: dict[str, Any] = {
    "String": "x",
    "ID": "x",
    "Cursor": "x",
    "Int": 1,
    "Boolean": True,
    "DateTime": "2100-01-04T09:00:00Z",
    "Date": "2100-01-04",
    "LocalTime": "09:00",
    "TimeZone": "Europe/Oslo",
}


def usual(kind: GraphQLInputType) -> Any:
    """Some value of a type, with no more than it must have."""
    if isinstance(kind, GraphQLNonNull):
        return usual(kind.of_type)
    if isinstance(kind, GraphQLList):
        return []
    if isinstance(kind, GraphQLInputObjectType):
        must = {name: each.type for name, each in kind.fields.items() if isinstance(each.type, GraphQLNonNull)}
        return {name: usual(each) for name, each in must.items()}
    return next(iter(kind.values)) if isinstance(kind, GraphQLEnumType) else USUAL[kind.name]


def with_texts(kind: GraphQLInputType, text: str) -> Iterator[tuple[Place, Any]]:
    """Values of a type with the text in one place, for each place that takes text."""
    if isinstance(kind, GraphQLNonNull):
        yield from with_texts(kind.of_type, text)
    elif isinstance(kind, GraphQLList):
        yield from ((("0", *place), [value]) for place, value in with_texts(kind.of_type, text))
    elif isinstance(kind, GraphQLInputObjectType):
        for name, each in kind.fields.items():
            for place, value in with_texts(each.type, text):
                yield (name, *place), {**usual(kind), name: value}
    elif is_leaf_type(kind) and kind.name in TEXTUAL:
        yield (), text


def written(value: Any, kind: GraphQLInputType) -> str:
    """A value as a document has it."""
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(value, dict) and isinstance(kind, GraphQLInputObjectType):
        return "{" + ", ".join(f"{name}: {written(each, kind.fields[name].type)}" for name, each in value.items()) + "}"
    if isinstance(value, list) and isinstance(kind, GraphQLList):
        return "[" + ", ".join(written(each, kind.of_type) for each in value) + "]"
    return str(value) if isinstance(kind, GraphQLEnumType) else json.dumps(value)


def selection(kind: Any) -> str:
    """The least that can be asked of a type."""
    while hasattr(kind, "of_type"):
        kind = kind.of_type
    return "" if is_leaf_type(kind) else " { __typename }"


def requests(text: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """The text in each place of each root field, by variable and in the document: the place, the word, and both."""
    roots = {
        "query": schema().query_type,
        "mutation": schema().mutation_type,
        "subscription": schema().subscription_type,
    }
    for word, root in roots.items():
        assert isinstance(root, GraphQLObjectType)
        for name, field in root.fields.items():
            for given, argument in field.args.items():
                others = {
                    each: usual(its.type)
                    for each, its in field.args.items()
                    if isinstance(its.type, GraphQLNonNull) and each != given
                }
                for place, value in with_texts(argument.type, text):
                    values = {**others, given: value}
                    named = ".".join((given, *place))
                    defined = ", ".join(f"${each}: {field.args[each].type}" for each in values)
                    handed = ", ".join(f"{each}: ${each}" for each in values)
                    yield named, word, f"{word}({defined}) {{ {name}({handed}){selection(field.type)} }}", values
                    literal = ", ".join(
                        f"{each}: {written(its, field.args[each].type)}" for each, its in values.items()
                    )
                    in_document = ".".join(each for each in named.split(".") if not each.isdigit())
                    yield in_document, word, f"{word} {{ {name}({literal}){selection(field.type)} }}", {}


@pytest.mark.parametrize("language", ["en", "nb"])
async def test_a_nul_is_refused_in_every_argument_that_takes_text_by_its_name(each_shop: Shop, language: str) -> None:
    served, faults, tried = each_shop.served, [], 0
    before = await each_shop.cursor()

    async def ask(named: str, word: str, document: str, variables: dict[str, Any]) -> None:
        nonlocal tried
        tried += 1
        headers = {"Authorization": f"Bearer {served.keys['admin']}", "Accept-Language": language}
        if word == "subscription":
            headers["Accept"] = "text/event-stream"
        body = {"query": document, "variables": variables}
        async with asyncio.timeout(PATIENCE):
            response = await served.http.post(f"{served.url}/graphql", json=body, headers=headers)
        said = "The text of" if language == "en" else "Teksten i"
        if "BAD_USER_INPUT" not in response.text or f"{said} `{named}`" not in response.text:
            faults.append(f"{named} in {document}: {response.text[:200]}")

    waiting = list(requests("a\0"))
    for at in range(0, len(waiting), 20):
        await asyncio.gather(*(ask(*each) for each in waiting[at : at + 20]))
    assert faults == []
    assert tried > 150
    assert await each_shop.cursor() == before


async def test_half_a_character_is_refused_too(shop: Shop) -> None:
    served = shop.served
    headers = {"Authorization": f"Bearer {served.keys['staff']}", "Content-Type": "application/json"}
    document = "query($e: String) { bookings(filter: {customerEmail: $e}) { totalCount } }"
    for body in (
        json.dumps({"query": document, "variables": {"e": "\ud800"}}),
        json.dumps({"query": 'query { bookings(filter: {customerEmail: "\\ud800"}) { totalCount } }'}),
    ):
        response = await served.http.post(f"{served.url}/graphql", content=body, headers=headers)
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_looking_at_variables_takes_no_memory_for_the_length_of_their_names() -> None:
    name = "k" * 100_000
    variables = {name: [0] * 2000, f"{name}1": {name: {str(at): ["\0"] for at in range(1000)}}}
    tracemalloc.start()
    try:
        found = errors_in_variables(variables)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 20 * len(name)
    # The first ones, each with its place and no more of the names than people read.
    cut = "k" * 100 + "…"
    assert [each.message.split("`")[1] for each in found] == [f"{cut}.{cut}.{at}.0" for at in range(10)]
