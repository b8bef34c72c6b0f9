"""What Strawberry does not promise to keep and is used all the same, each with its reason."""

from enum import Enum
from typing import Any

import strawberry
from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    validate,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition
from strawberry.utils.str_converters import to_camel_case


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """The schema as graphql-core has it: documents are checked against it before Strawberry executes them."""
    return schema._schema


def definition_of(of: GraphQLObjectType | GraphQLField) -> Any:
    """What Strawberry knows of a type or a field of graphql-core; None for those that show the schema, which are not
    its own. Code is generated of it.
    """
    return of.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)


def enum_values(enum: type[Enum]) -> list[EnumValue]:
    """The values of an enum of the schema: the domain's own enums get their descriptions through them."""
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined]
    return definition.values


def api_name(python_name: str) -> str:
    """The name that Strawberry gives to a field: what is shown by a field is found by the name in a document."""
    return to_camel_case(python_name)


def field_nodes(info: strawberry.Info[Any, Any]) -> list[FieldNode]:
    """The nodes that ask for the current field. `info.selected_fields` would make a copy of all that is below."""
    return info._raw_info.field_nodes


def fragment(info: strawberry.Info[Any, Any], name: str) -> FragmentDefinitionNode:
    """A fragment of the document, of which Strawberry shows only copies. Raises KeyError."""
    return info._raw_info.fragments[name]


def broken_rules(
    schema: GraphQLSchema, tree: DocumentNode, rules: tuple[type[ASTValidationRule], ...], most: int
) -> list[GraphQLError]:
    """What a document does against these rules, and against Strawberry's own of inputs, which are no list to add; the
    first `most` errors, and one more that says so where there are others.
    """
    return validate(schema, tree, (*rules, MaybeNullValidationRule, OneOfInputValidationRule), most)
