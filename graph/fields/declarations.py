"""Declarations of what a field shows: a column of its row, a part of it, a row it points at, an attribute of a value,
the rows of a page.

From them we know a document's columns before it runs, and the compiler can make code for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias
from uuid import UUID

from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.types.field import StrawberryField

from graph.strawberry_internals import api_name

SHOWS = "shows"
"""The key of the declaration in a field's metadata."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the row as it is; with `staff`, null for public keys."""

    name: str
    staff: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """The row's global id, which `make` computes from the type's name and the row's id."""

    make: Callable[[str, UUID], str]


@dataclass(frozen=True, slots=True)
class Part:
    """Another type's view of the same row."""

    kind: type
    staff: bool


@dataclass(frozen=True, slots=True)
class Related:
    """The row that this one points at by a relation; the same statement reads both. A list of one when `listed`."""

    relation: str
    kind: type
    listed: bool

    def column(self, name: str) -> str:
        """Returns the name that a column of the other row has in this one."""
        return f"{self.relation}_id" if name == "id" else f"{self.relation}__{name}"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a value of the domain (`value`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Recurring:
    """A list of objects that many lists share. Both fields name attributes: one with the keys, one with the mapping."""

    keys: str
    options_by_id: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The rows of a page, as a list of objects of a type."""

    kind: type


@dataclass(frozen=True, slots=True)
class Reading:
    """What a resolver computes from some columns."""

    columns: tuple[str, ...]


Shown: TypeAlias = Column | Identity | Part | Related | Attribute | Recurring | Listed | Reading


def declaration_of(field: StrawberryField) -> Shown | None:
    """Returns the declaration of a field; None when it has none."""
    shown: Shown | None = field.metadata.get(SHOWS)
    return shown


@cache
def declarations_of(kind: type) -> dict[str, Shown | None]:
    """Returns the declarations of a type's fields, by the field's name in the API; None for one without."""
    definition: StrawberryObjectDefinition = get_object_definition(kind, strict=True)
    return {field.graphql_name or api_name(field.python_name): declaration_of(field) for field in definition.fields}
