"""Types as thin views of plain rows: which columns a field needs, and which of them a query asks for.

A type holds its row and nothing else. Each field says what it reads, so that a statement fetches the asked columns
only, and a document's columns can be known before it runs.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import strawberry
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.utils.str_converters import to_camel_case

from graph.context import Info

F = TypeVar("F", bound=Callable[..., Any])

_COLUMNS = "columns"


def column(name: str, description: str) -> Any:
    """A field that shows one column of the row as it is."""

    def resolve(root: Any) -> Any:
        return root.row[name]

    return strawberry.field(resolver=resolve, description=description, metadata={_COLUMNS: (name,)})


def reading(*columns: str, description: str, name: str | None = None) -> Any:
    """A field that is worked out from some columns of the row: decorates its resolver."""
    return strawberry.field(description=description, name=name, metadata={_COLUMNS: columns})


def attribute(name: str, description: str) -> Any:
    """A field that shows one attribute of a value of the domain (`value`)."""

    def resolve(root: Any) -> Any:
        return getattr(root.value, name)

    return strawberry.field(resolver=resolve, description=description)


@cache
def _fields(kind: type) -> dict[str, Sequence[str]]:
    """The columns that each field of a type reads, by the field's name in the API."""
    definition: StrawberryObjectDefinition = get_object_definition(kind, strict=True)
    return {
        field.graphql_name or to_camel_case(field.python_name): field.metadata.get(_COLUMNS, ())
        for field in definition.fields
    }


@cache
def _names(kind: type) -> frozenset[str]:
    """The names a fragment on this type may carry: its own and its interfaces'."""
    definition = get_object_definition(kind, strict=True)
    return frozenset({definition.name, *(each.name for each in definition.interfaces)})


def columns(info: Info, kind: type, *path: str) -> frozenset[str]:
    """The columns that the query asks of `kind` below the current field, following the field names of `path`.

    `id` is always among them.
    """
    sets: list[SelectionSetNode] = [node.selection_set for node in info._raw_info.field_nodes if node.selection_set]
    for name in path:
        inner = (field.selection_set for each in sets for field in _selected(info, each, None) if _is(field, name))
        sets = [each for each in inner if each]
    fields = _fields(kind)
    asked = {field.name.value for each in sets for field in _selected(info, each, _names(kind))}
    return frozenset({"id"}.union(*(fields.get(name, ()) for name in asked)))


def _is(field: FieldNode, name: str) -> bool:
    return field.name.value == name


def _selected(info: Info, selections: SelectionSetNode, names: frozenset[str] | None) -> Iterator[FieldNode]:
    """The fields of a selection, fragments opened; those on other types than `names` are passed over."""
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
            continue
        fragment = info._raw_info.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        if isinstance(fragment, FragmentDefinitionNode | InlineFragmentNode):
            condition = fragment.type_condition
            if names is None or condition is None or condition.name.value in names:
                yield from _selected(info, fragment.selection_set, names)
