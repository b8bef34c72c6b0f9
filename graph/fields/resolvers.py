"""Functions with which types declare their fields. A type holds a row, and most of its fields show parts of the row.

A field that must be computed is a resolver that declares, with `reading`, which columns it reads.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types.base import get_object_definition

from graph.fields.declarations import (
    SHOWS,
    Attribute,
    Column,
    Identity,
    Listed,
    Part,
    Reading,
    Recurring,
    Related,
    Shown,
)
from graph.fields.selection import columns
from graph.request.context import Info


def column(name: str, description: str, *, staff: bool = False) -> Any:
    """Declares a field that shows one column of the row as it is."""

    def resolve(root: Any) -> Any:
        return root.row[name]

    def resolve_for_staff(root: Any, info: Info) -> Any:
        return root.row[name] if info.context.caller.is_staff else None

    return _field(Column(name, staff), resolve_for_staff if staff else resolve, description)


def identity(make: Callable[[str, UUID], str], description: str) -> Any:
    """Declares a field that shows the row's global id."""

    def resolve(root: Any) -> Any:
        return make(get_object_definition(type(root), strict=True).name, root.row["id"])

    return _field(Identity(make), resolve, description)


def part(kind: type, description: str, *, staff: bool = False) -> Any:
    """Declares a field that shows some columns of the row as an object of another type."""

    def resolve(root: Any, info: Info) -> Any:
        return kind(row=root.row) if info.context.caller.is_staff or not staff else None

    return _field(Part(kind, staff), resolve, description)


def related(relation: str, kind: type, description: str, *, listed: bool = False) -> Any:
    """Declares a field that shows the row that this one points at."""
    shown = Related(relation, kind, listed)

    def resolve(root: Any, info: Info) -> Any:
        found = kind(row={name: root.row[shown.column(name)] for name in columns(info, kind)})
        return [found] if listed else found

    return _field(shown, resolve, description)


def listed(kind: type, description: str) -> Any:
    """Declares a field that shows the rows of a page."""

    def resolve(root: Any) -> Any:
        return [kind(row=row) for row in root.page.rows]

    return _field(Listed(kind), resolve, description)


def attribute(name: str, description: str) -> Any:
    """Declares a field that shows one attribute of a value of the domain (`value`)."""

    def resolve(root: Any) -> Any:
        return getattr(root.value, name)

    return _field(Attribute(name), resolve, description)


def recurring(keys: str, mapping: str, description: str) -> Any:
    """Declares a field that shows a list of objects that it shares with other lists."""

    def resolve(root: Any) -> Any:
        found = getattr(root, mapping)
        return [found[key] for key in getattr(root, keys)]

    return _field(Recurring(keys, mapping), resolve, description)


def reading(*columns: str, description: str, name: str | None = None) -> Any:
    """Decorates the resolver of a field that it computes from these columns of the row."""
    return strawberry.field(description=description, name=name, metadata={SHOWS: Reading(columns)})


def _field(shown: Shown, resolve: Callable[..., Any], description: str) -> Any:
    return strawberry.field(resolver=resolve, description=description, metadata={SHOWS: shown})
