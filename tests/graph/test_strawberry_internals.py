"""Strawberry still has what it does not promise, as we use it."""

from enum import Enum
from typing import Any

import strawberry
from graphql import GraphQLObjectType, GraphQLSchema, parse, print_ast, specified_rules

from graph.strawberry_internals import (
    api_name,
    broken_rules,
    core_schema,
    definition_of,
    enum_values,
    field_nodes,
    fragment,
)


@strawberry.enum
class Size(Enum):
    SMALL = "S"
    LARGE = "L"


@strawberry.input(one_of=True)
class Wanted:
    size: Size | None = strawberry.UNSET
    number: int | None = strawberry.UNSET


@strawberry.type
class Query:
    @strawberry.field
    def in_document(self, info: strawberry.Info[Any, Any], wanted: Wanted | None = None) -> list[str]:
        assert wanted is None
        return [print_ast(each) for each in (*field_nodes(info), fragment(info, "Some"))]


schema = strawberry.Schema(Query)
DOCUMENT = "query A { ...Some } query B { ...Some } fragment Some on Query { inDocument }"


def test_the_schema_of_graphql_core_is_there() -> None:
    core = core_schema(schema)
    assert isinstance(core, GraphQLSchema)
    assert core.query_type
    assert list(core.query_type.fields) == [api_name("in_document")] == ["inDocument"]


def test_types_and_fields_know_their_definitions_but_for_those_of_the_schema() -> None:
    core = core_schema(schema)
    assert core.query_type
    assert definition_of(core.query_type).origin is Query
    assert definition_of(core.query_type.fields["inDocument"]).python_name == "in_document"
    shown = core.type_map["__Type"]
    assert isinstance(shown, GraphQLObjectType)
    assert definition_of(shown) is None


def test_the_values_of_an_enum_can_be_described() -> None:
    small, large = enum_values(Size)
    assert (small.name, large.name) == ("SMALL", "LARGE")
    large.description = "Not small."
    assert '"""Not small."""\n  LARGE' in strawberry.Schema(Query).as_str()


async def test_a_resolver_sees_the_document_itself() -> None:
    found = await schema.execute(DOCUMENT, operation_name="B")
    assert found.data == {"inDocument": ["inDocument", "fragment Some on Query {\n  inDocument\n}"]}


def test_rules_of_inputs_are_looked_at_with_the_others() -> None:
    core = core_schema(schema)
    for wanted, faults in (("{ size: SMALL }", 0), ("{ size: SMALL, number: 1 }", 1)):
        tree = parse(f"{{ inDocument(wanted: {wanted}) }}")
        assert len(broken_rules(core, tree, (), 10)) == faults
    assert broken_rules(core, parse("{ nothing }"), tuple(specified_rules), 10)
