"""What a field of a type can show: a column of its row, a part of it, a row it points at, an attribute of a value, the
rows of a page.

Declared, so that a document's columns are known before it runs, and its answer can be made by generated code.
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
"""Under this name a field's metadata says what it shows."""


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
    """A list of objects that many lists have: those of the mapping `mapping`, by `keys`. Both are attributes."""

    keys: str
    options_by_id: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A page's rows as objects of a type."""

    kind: type


@dataclass(frozen=True, slots=True)
class Reading:
    """What a resolver makes of some columns."""

    columns: tuple[str, ...]


Shown: TypeAlias = Column | Identity | Part | Related | Attribute | Recurring | Listed | Reading


def shows(field: StrawberryField) -> Shown | None:
    """What a field shows; None where that is not said."""
    shown: Shown | None = field.metadata.get(SHOWS)
    return shown


@cache
def shown_by(kind: type) -> dict[str, Shown | None]:
    """What each field of a type shows, by the field's name in the API; None where that is not said."""
    definition: StrawberryObjectDefinition = get_object_definition(kind, strict=True)
    return {field.graphql_name or api_name(field.python_name): shows(field) for field in definition.fields}
