"""Types as thin views of plain rows: what each field shows, so that a document's columns are known before it runs.

A type holds its row and nothing else. Its fields are declared here: a column, a part of the same row, a row it points
at. What has to be worked out is a resolver that says which columns it reads.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import strawberry
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from graph.context import Info

F = TypeVar("F", bound=Callable[..., Any])

_SHOWS = "shows"
_KEPT = 2048
"""So many places in documents are remembered with the columns they ask for."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the row as it is; null for public keys where it is for `staff`."""

    name: str
    staff: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """The row's global id, made of the type's name and the row's own."""

    make: Callable[[str, UUID], str]


@dataclass(frozen=True, slots=True)
class Part:
    """Another type's view of the same row."""

    kind: type
    staff: bool


@dataclass(frozen=True, slots=True)
class Related:
    """The row that this one points at by a relation, read with it in one statement; as a list of one when `listed`."""

    relation: str
    kind: type
    listed: bool

    def column(self, name: str) -> str:
        """What a column of the other row is called in this one."""
        return f"{self.relation}_id" if name == "id" else f"{self.relation}__{name}"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a value of the domain (`value`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Recurring:
    """A list of objects that many lists have: those of the mapping `shelf`, by `keys`. Both are attributes."""

    keys: str
    shelf: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A page's rows as objects of a type."""

    kind: type


@dataclass(frozen=True, slots=True)
class Reading:
    """What a resolver makes of some columns."""

    columns: tuple[str, ...]


Shown: TypeAlias = Column | Identity | Part | Related | Attribute | Recurring | Listed | Reading


def column(name: str, description: str, *, staff: bool = False) -> Any:
    """A field that shows one column of the row as it is."""

    def resolve(root: Any) -> Any:
        return root.row[name]

    def resolve_for_staff(root: Any, info: Info) -> Any:
        return root.row[name] if info.context.caller.is_staff else None

    return _field(Column(name, staff), resolve_for_staff if staff else resolve, description)


def identity(make: Callable[[str, UUID], str], description: str) -> Any:
    """A field that shows the row's global id."""

    def resolve(root: Any) -> Any:
        return make(get_object_definition(type(root), strict=True).name, root.row["id"])

    return _field(Identity(make), resolve, description)


def part(kind: type, description: str, *, staff: bool = False) -> Any:
    """A field that shows some columns of the row as an object of their own."""

    def resolve(root: Any, info: Info) -> Any:
        return kind(row=root.row) if info.context.caller.is_staff or not staff else None

    return _field(Part(kind, staff), resolve, description)


def related(relation: str, kind: type, description: str, *, listed: bool = False) -> Any:
    """A field that shows the row which this one points at."""
    shown = Related(relation, kind, listed)

    def resolve(root: Any, info: Info) -> Any:
        found = kind(row={name: root.row[shown.column(name)] for name in columns(info, kind)})
        return [found] if listed else found

    return _field(shown, resolve, description)


def listed(kind: type, description: str) -> Any:
    """A field that shows the rows of a page."""

    def resolve(root: Any) -> Any:
        return [kind(row=row) for row in root.page.rows]

    return _field(Listed(kind), resolve, description)


def attribute(name: str, description: str) -> Any:
    """A field that shows one attribute of a value of the domain (`value`)."""

    def resolve(root: Any) -> Any:
        return getattr(root.value, name)

    return _field(Attribute(name), resolve, description)


def recurring(keys: str, shelf: str, description: str) -> Any:
    """A field that shows a list of objects which other lists have, too."""

    def resolve(root: Any) -> Any:
        found = getattr(root, shelf)
        return [found[key] for key in getattr(root, keys)]

    return _field(Recurring(keys, shelf), resolve, description)


def reading(*columns: str, description: str, name: str | None = None) -> Any:
    """A field that is worked out from some columns of the row: decorates its resolver."""
    return strawberry.field(description=description, name=name, metadata={_SHOWS: Reading(columns)})


def _field(shown: Shown, resolve: Callable[..., Any], description: str) -> Any:
    return strawberry.field(resolver=resolve, description=description, metadata={_SHOWS: shown})


def shows(field: StrawberryField) -> Shown | None:
    """What a field shows; None where that is not said."""
    shown: Shown | None = field.metadata.get(_SHOWS)
    return shown


@cache
def shown_by(kind: type) -> dict[str, Shown | None]:
    """What each field of a type shows, by the field's name in the API; None where that is not said."""
    definition: StrawberryObjectDefinition = get_object_definition(kind, strict=True)
    return {field.graphql_name or to_camel_case(field.python_name): shows(field) for field in definition.fields}


@cache
def _names(kind: type) -> frozenset[str]:
    """The names a fragment on this type may carry: its own and its interfaces'."""
    definition = get_object_definition(kind, strict=True)
    return frozenset({definition.name, *(each.name for each in definition.interfaces)})


_known: dict[object, tuple[list[FieldNode], frozenset[str]]] = {}


def columns(info: Info, kind: type, *path: str) -> frozenset[str]:
    """The columns that the query asks of `kind` below the current field, following the field names of `path`.

    `id` is always among them.
    """
    nodes = info._raw_info.field_nodes
    place = (tuple(map(id, nodes)), kind, path)
    known = _known.get(place)
    if known is None:
        if len(_known) >= _KEPT:
            _known.clear()
        # The nodes are kept along: as long as they are, nothing else has their identity.
        known = _known[place] = nodes, frozenset({"id", *_asked(info, nodes, kind, path)})
    return known[1]


def selects(info: Info, *path: str) -> bool:
    """Whether the query asks for the object at the end of a path of field names below the current field."""
    return bool(_sets(info, info._raw_info.field_nodes, path))


def _asked(info: Info, nodes: list[FieldNode], kind: type, path: tuple[str, ...]) -> Iterator[str]:
    for each in _sets(info, nodes, path):
        yield from _columns_of(info, each, kind)


def _sets(info: Info, nodes: list[FieldNode], path: tuple[str, ...]) -> list[SelectionSetNode]:
    """What is selected at the end of a path below some nodes."""
    sets: list[SelectionSetNode] = [node.selection_set for node in nodes if node.selection_set]
    for name in path:
        inner = (field.selection_set for each in sets for field in _selected(info, each, None) if _is(field, name))
        sets = [each for each in inner if each]
    return sets


def _columns_of(info: Info, selections: SelectionSetNode, kind: type) -> Iterator[str]:
    """The columns of a type's row that some fields of it are shown from."""
    fields = shown_by(kind)
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
