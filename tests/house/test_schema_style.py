"""The schema keeps to one style: the checkable rules that GitHub's, Shopify's and Relay's public schemas live by."""

import re
from collections.abc import Iterator
from datetime import date

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_specified_scalar_type,
)

from graph.schema import sdl

Composite = GraphQLObjectType | GraphQLInterfaceType
Member = GraphQLField | GraphQLArgument | GraphQLInputField

ROOTS = ("Query", "Mutation", "Subscription")
FEW = re.compile(
    r"^Query\.nodes$|\.(calendars|conflicts|entries|googleAccounts|services|sharedWith|\w*[oO]ptions|blocks)$"
)
"""Lists of nodes that are no connections: wanted whole and short by nature, or as long as what was asked for."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(sdl())


def _own(schema: GraphQLSchema) -> Iterator[GraphQLNamedType]:
    for name, kind in schema.type_map.items():
        if not name.startswith("__") and not is_specified_scalar_type(kind):
            yield kind


def _composites(schema: GraphQLSchema) -> Iterator[Composite]:
    return (kind for kind in _own(schema) if isinstance(kind, Composite))


def _fields(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLField]]:
    for kind in _composites(schema):
        yield from ((f"{kind.name}.{name}", field) for name, field in kind.fields.items())


def _members(schema: GraphQLSchema) -> Iterator[tuple[str, Member]]:
    """Every field, argument and input field."""
    for name, field in _fields(schema):
        yield name, field
        yield from ((f"{name}.{argument}", each) for argument, each in field.args.items())
    for kind in _own(schema):
        if isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{kind.name}.{name}", each) for name, each in kind.fields.items())


def test_names_are_written_as_everywhere_and_carry_no_affixes(schema: GraphQLSchema) -> None:
    odd = [kind.name for kind in _own(schema) if not re.fullmatch(r"([A-Z][a-z]*[0-9]*)+", kind.name)]
    odd += [kind.name for kind in _own(schema) if re.search(r".(Type|Enum|Interface|Query|Mutation)$", kind.name)]
    odd += [name for name, _ in _members(schema) if not re.fullmatch(r"\w+(\.[a-z][a-zA-Z0-9]*)+", name)]
    odd += [name for name, _ in _fields(schema) if re.search(r"\.(get|list|query|mutation)[A-Z]", name)]
    for kind in _own(schema):
        if isinstance(kind, GraphQLEnumType):
            odd += [f"{kind.name}.{value}" for value in kind.values if not re.fullmatch(r"[A-Z][A-Z0-9_]*", value)]
    assert odd == []


def test_no_field_repeats_the_name_of_its_type(schema: GraphQLSchema) -> None:
    stutters = [
        name
        for name, _ in _fields(schema)
        if name.split(".")[1].lower().startswith(name.split(".")[0].lower()) and name.split(".")[0] not in ROOTS
    ]
    assert stutters == []


def test_every_type_is_of_use(schema: GraphQLSchema) -> None:
    used = {get_named_type(member.type).name for _, member in _members(schema)} | set(ROOTS)
    for kind in _own(schema):
        if isinstance(kind, GraphQLObjectType) and any(each.name in used for each in kind.interfaces):
            used.add(kind.name)
        if isinstance(kind, GraphQLUnionType) and kind.name in used:
            used |= {each.name for each in kind.types}
    assert {kind.name for kind in _own(schema)} - used == set()


def test_a_deprecation_says_what_to_use_and_until_when(schema: GraphQLSchema) -> None:
    reasons = {name: member.deprecation_reason for name, member in _members(schema) if member.deprecation_reason}
    for kind in _own(schema):
        if isinstance(kind, GraphQLEnumType):
            values = kind.values.items()
            reasons |= {f"{kind.name}.{name}": v.deprecation_reason for name, v in values if v.deprecation_reason}
    for name, reason in reasons.items():
        found = re.fullmatch(r"Use .+\. Removal on (\d{4}-\d{2}-\d{2})\.", reason)
        assert found, name
        assert date.fromisoformat(found[1]), name


def test_what_a_mutation_answers_may_be_null_but_for_its_errors(schema: GraphQLSchema) -> None:
    assert schema.mutation_type
    demanded = {
        f"{payload.name}.{name}"
        for mutation in schema.mutation_type.fields.values()
        for payload in [get_named_type(mutation.type)]
        if isinstance(payload, GraphQLObjectType)
        for name, field in payload.fields.items()
        if str(field.type).endswith("!") and name != "errors"
    }
    assert {name for name in demanded if not name.endswith((".alternatives", ".options"))} == set()
    assert all(not str(mutation.type).endswith("!") for mutation in schema.mutation_type.fields.values())


def test_connections_are_as_relay_describes_them(schema: GraphQLSchema) -> None:
    page = schema.type_map["PageInfo"]
    assert isinstance(page, GraphQLObjectType)
    assert str(page.fields["hasNextPage"].type) == "Boolean!"
    assert str(page.fields["endCursor"].type) in ("String", "Cursor")
    connections = [kind for kind in _composites(schema) if kind.name.endswith("Connection") and "edges" in kind.fields]
    assert len(connections) >= 3
    for kind in connections:
        node = kind.name.removesuffix("Connection")
        assert str(kind.fields["edges"].type) == f"[{node}Edge!]!"
        assert str(kind.fields["nodes"].type) == f"[{node}!]!"
        assert str(kind.fields["pageInfo"].type) == "PageInfo!"
        edge = schema.type_map[f"{node}Edge"]
        assert isinstance(edge, GraphQLObjectType)
        assert str(edge.fields["node"].type) == f"{node}!"
        assert str(edge.fields["cursor"].type) in ("String!", "Cursor!")
        giving = [field for _, field in _fields(schema) if get_named_type(field.type) is kind]
        assert giving, kind.name
        for field in giving:
            assert {"first", "after"} <= set(field.args), kind.name
            assert "offset" not in field.args, kind.name


def test_a_list_of_nodes_is_a_connection_unless_it_is_short_by_nature(schema: GraphQLSchema) -> None:
    bare = set()
    for name, field in _fields(schema):
        kind = get_named_type(field.type)
        nodes = isinstance(kind, Composite) and "id" in kind.fields
        if str(field.type).startswith("[") and nodes and not name.endswith("Connection.nodes"):
            bare.add(name)
    assert {name for name in bare if not FEW.search(name)} == set()


def test_ids_belong_to_nodes_and_references_are_objects(schema: GraphQLSchema) -> None:
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    nodes = {kind.name for kind in schema.get_possible_types(node)}
    for name in nodes:
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        assert str(kind.fields["id"].type) == "ID!", name
    others = {
        name
        for name, field in _fields(schema)
        if get_named_type(field.type).name == "ID" and not (name.endswith(".id") and name.split(".")[0] in nodes)
    }
    # What is gone is no object any more, so that its id is all there is to tell.
    assert others == {
        "Node.id",
        "CalendarEntry.id",
        "CalendarChange.entryId",
        "ReleaseHoldPayload.releasedId",
        "DeleteTimeOffPayload.deletedId",
    }


def test_values_of_an_enum_differ_by_more_than_case(schema: GraphQLSchema) -> None:
    for kind in _own(schema):
        if isinstance(kind, GraphQLEnumType):
            assert len({value.lower() for value in kind.values}) == len(kind.values), kind.name


def test_descriptions_stand_in_blocks_never_in_comments() -> None:
    text = sdl()
    assert re.findall(r"^\s*#", text, re.MULTILINE) == []
    assert re.findall(r'^\s*"(?!"")', text, re.MULTILINE) == []


def test_scalars_that_are_not_graphqls_own_say_where_they_are_specified(schema: GraphQLSchema) -> None:
    unspecified = [
        kind.name for kind in _own(schema) if isinstance(kind, GraphQLScalarType) and not kind.specified_by_url
    ]
    # What is ours alone is specified by its description.
    assert set(unspecified) == {"Cursor", "LocalTime"}
