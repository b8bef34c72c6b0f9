"""The schema is the product: printed from the code, described throughout, and what the clients send is valid."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    introspection_from_schema,
    lexicographic_sort_schema,
    parse,
    print_schema,
    validate,
)

from graph.schema import schema as running
from graph.schema import sdl
from tests.operations import operations

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(sdl())


def test_the_committed_schema_is_the_printed_one() -> None:
    assert (ROOT / "schema.graphql").read_text() == sdl()


def test_who_asks_for_the_schema_is_told_what_is_printed(schema: GraphQLSchema) -> None:
    asked = build_client_schema(introspection_from_schema(running._schema))
    assert asked.description == schema.description
    assert "createBooking" in (asked.description or "")
    printed = lexicographic_sort_schema(schema)
    assert print_schema(lexicographic_sort_schema(asked)) == print_schema(printed)


@pytest.mark.parametrize("name", sorted(operations()))
def test_what_a_client_sends_is_valid(schema: GraphQLSchema, name: str) -> None:
    assert [error.message for error in validate(schema, parse(operations()[name]))] == []


def _described(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Everything that must have a description, with the one it has."""
    for name, kind in schema.type_map.items():
        if name.startswith("__") or name in ("ID", "String", "Int", "Boolean", "Float"):
            continue
        yield name, kind.description
        if isinstance(kind, GraphQLEnumType):
            yield from ((f"{name}.{value}", found.description) for value, found in kind.values.items())
        if isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{name}.{field}", found.description) for field, found in kind.fields.items())
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field, shown in kind.fields.items():
                yield f"{name}.{field}", shown.description
                yield from ((f"{name}.{field}({arg})", each.description) for arg, each in shown.args.items())


def test_everything_is_described_in_a_sentence(schema: GraphQLSchema) -> None:
    silent = [name for name, said in _described(schema) if not said or not said.rstrip().endswith((".", "`"))]
    assert silent == []


def test_every_mutation_takes_one_input_and_answers_a_payload_with_errors(schema: GraphQLSchema) -> None:
    mutations = schema.mutation_type
    assert mutations
    for name, field in mutations.fields.items():
        capital = name[0].upper() + name[1:]
        assert {arg: str(each.type) for arg, each in field.args.items()} == {"input": f"{capital}Input!"}
        assert str(field.type) == f"{capital}Payload"
        payload = schema.type_map[f"{capital}Payload"]
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["errors"].type) == "[UserError!]!"


def test_every_list_is_full_and_never_null(schema: GraphQLSchema) -> None:
    # A history is hidden from public keys as a whole; a path may point at nothing in particular.
    hidden = {"Booking.history", "UserError.path"}
    loose = [
        f"{name}.{field}"
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
        for field, shown in kind.fields.items()
        if "[" in str(shown.type)
        and not (
            isinstance(shown.type, GraphQLNonNull)
            and isinstance(shown.type.of_type, GraphQLList)
            and isinstance(shown.type.of_type.of_type, GraphQLNonNull)
        )
    ]
    assert set(loose) <= hidden
