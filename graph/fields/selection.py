"""Finds the columns of a type's rows that a document needs, so that one statement can read them."""

from collections.abc import Iterator
from functools import cache

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from strawberry.types.base import get_object_definition

from graph.fields.declarations import Column, Part, Reading, Related, declarations_of
from graph.request.context import Info
from graph.strawberry_internals import field_nodes
from graph.strawberry_internals import fragment as named_fragment

_SIZE = 800
"""About how many bytes the columns of one place need in memory."""


@cache
def _names(kind: type) -> frozenset[str]:
    """Returns the type conditions of fragments that apply to this type: its own name and those of its interfaces."""
    definition = get_object_definition(kind, strict=True)
    return frozenset({definition.name, *(each.name for each in definition.interfaces)})


def columns(info: Info, kind: type, *path: str) -> frozenset[str]:
    """Returns the columns of `kind` that the query needs below the current field, at the end of a path of field names.

    `id` is always among them.
    """
    nodes = field_nodes(info)
    # The nodes live as long as what is remembered by them does: both are the document's.
    place = (tuple(map(id, nodes)), kind, path)
    known: frozenset[str] | None = info.context.memo.get(place)
    if known is None:
        known = frozenset({"id", *_columns_at(info, nodes, kind, path)})
        info.context.remember(place, known, _SIZE)
    return known


def selects(info: Info, *path: str) -> bool:
    """Whether the query asks for the object at the end of a path of field names below the current field."""
    return bool(_selections_at(info, field_nodes(info), path))


def _columns_at(info: Info, nodes: list[FieldNode], kind: type, path: tuple[str, ...]) -> Iterator[str]:
    for each in _selections_at(info, nodes, path):
        yield from _columns_of(info, each, kind)


def _selections_at(info: Info, nodes: list[FieldNode], path: tuple[str, ...]) -> list[SelectionSetNode]:
    """Returns the selections at the end of a path below some nodes."""
    sets: list[SelectionSetNode] = [node.selection_set for node in nodes if node.selection_set]
    for name in path:
        inner = (field.selection_set for each in sets for field in _selected(info, each, None) if _is(field, name))
        sets = [each for each in inner if each]
    return sets


def _columns_of(info: Info, selections: SelectionSetNode, kind: type) -> Iterator[str]:
    """Yields the columns of a type's row that a selection needs."""
    fields = declarations_of(kind)
    for node in _selected(info, selections, _names(kind)):
        match fields.get(node.name.value):
            case Column(name):
                yield name
            case Reading(names):
                yield from names
            case Part(other) if node.selection_set:
                yield from _columns_of(info, node.selection_set, other)
            case Related() as other if node.selection_set:
                yield other.column("id")
                yield from map(other.column, _columns_of(info, node.selection_set, other.kind))


def _is(field: FieldNode, name: str) -> bool:
    return field.name.value == name


def _selected(
    info: Info, selections: SelectionSetNode, names: frozenset[str] | None, opened: set[str] | None = None
) -> Iterator[FieldNode]:
    """Yields the fields of a selection, also those in fragments; skips fragments on other types than `names`.

    Opens each fragment once, since documents can nest them without end.
    """
    opened = set() if opened is None else opened
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
            continue
        if isinstance(node, FragmentSpreadNode):
            if node.name.value in opened:
                continue
            opened.add(node.name.value)
        fragment = named_fragment(info, node.name.value) if isinstance(node, FragmentSpreadNode) else node
        if isinstance(fragment, FragmentDefinitionNode | InlineFragmentNode):
            condition = fragment.type_condition
            if names is None or condition is None or condition.name.value in names:
                yield from _selected(info, fragment.selection_set, names, opened)
