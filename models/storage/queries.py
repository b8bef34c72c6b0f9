"""Statements that are asked again and again: a query becomes SQL once, and is run with other values from then on.

Making SQL of a query takes longer than answering it. The rows are the same plain mappings as those of `db.select`,
which serves whatever is asked now and then.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

from tortoise.fields import BooleanField, DateField, JSONField, UUIDField
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models.scheduling.intervals import Steps
from models.storage import db, turns
from models.storage.columns import Instant
from models.storage.db import Row

Build: TypeAlias = Callable[..., QuerySet[Any]]
Convert: TypeAlias = Callable[[Any], Any]
Shape: TypeAlias = tuple[tuple[str, object], ...]

_KEPT: Final = 512
"""So many statements are kept."""

_MARKS: Final[Mapping[type, Callable[[int], Any]]] = {
    UUID: lambda number: UUID(int=(1 << 128) - 1 - number),
    datetime: lambda number: datetime(2199, 1, 1, tzinfo=UTC) + timedelta(microseconds=number),
    date: lambda number: date(2199, 1, 1) + timedelta(days=number),
    # Of characters that no text has, and short: columns have a length.
    str: lambda number: chr(0xE000 + number),
}
"""Values of each type that nothing has, by which parameters are found again."""


async def rows(build: Build, columns: Iterable[str], /, **values: Any) -> Sequence[Row]:
    """The asked columns of the rows of the query that `build` makes of the values.

    Ids, instants, dates and texts are parameters, alone or in lists: `build` hands them on as they are. All other
    values are part of the statement. Raises ValueError when `build` changes a parameter, or leaves one out.
    """
    connection = db.connection()
    shape = tuple([(name, _shape(value)) for name, value in values.items()])
    statement = _statement(build, frozenset(columns), shape, connection.capabilities.dialect)
    _, found = await connection.execute_query(statement.sql, statement.parameters(values))
    return await turns.through(statement.decode(found))


def of_business(table: type[Model], business_id: UUID, **more: Any) -> QuerySet[Any]:
    """The rows of a business; with `more`, those whose columns have these values."""
    return table.filter(business_id=business_id, **more)


async def row(
    table: type[Model], business_id: UUID, row_id: UUID, columns: Iterable[str], /, **more: Any
) -> Row | None:
    """The asked columns of one row of a business; with `more`, only if its columns have these values."""
    found = await rows(of_business, columns, table=table, business_id=business_id, id=row_id, **more)
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Select:
    """A query that is not asked yet. `hands_on`: it hands its values on as they are (see `rows`)."""

    build: Build
    values: Mapping[str, Any]
    hands_on: bool = True

    def query(self) -> QuerySet[Any]:
        """The query itself."""
        return self.build(**self.values)

    async def rows(self, columns: Iterable[str]) -> Sequence[Row]:
        """The asked columns of its rows."""
        if self.hands_on:
            return await rows(self.build, columns, **self.values)
        return await db.select(self.query(), columns)


@dataclass(frozen=True, slots=True)
class _Each:
    """Stands for parameters of one type: a list of so many, or one alone (None)."""

    kind: type
    size: int | None = None


def _shape(value: Any) -> object:
    """What of a value its statement depends on: of a parameter the type only."""
    kind = _kind(value)
    if kind is not None:
        return _Each(kind)
    if isinstance(value, list):
        kind = _kind(value[0]) if value else None
        return _Each(kind, len(value)) if kind else tuple(value)
    if isinstance(value, tuple | set | frozenset) and any(isinstance(each, UUID | date) for each in value):
        raise ValueError("several parameters are handed on as a list")
    return value


def _kind(value: Any) -> type | None:
    """The type of a parameter; None for what is none."""
    # A subclass of these may be of few values: an enum is.
    if type(value) in (str, date, datetime):
        return type(value)
    return UUID if isinstance(value, UUID) else None


@dataclass(frozen=True, slots=True)
class _Statement:
    """SQL; of each of its parameters the name of the value, and the place in it; and how each column is read."""

    sql: str
    sources: Sequence[tuple[str | None, Any]]
    encode: Convert | None
    converts: Mapping[str, Convert]

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """The parameters in the statement's order."""
        taken = [at if name is None else values[name] if at is None else values[name][at] for name, at in self.sources]
        return taken if self.encode is None else list(map(self.encode, taken))

    def decode(self, found: Sequence[Any]) -> Steps[Sequence[Row]]:
        """The rows, with values of the types that the tables say; in steps."""
        if not self.converts:
            return cast(Sequence[Row], found)
        plain: list[Row] = []
        for at in range(0, len(found), db.SOME):
            some = [dict(row) for row in found[at : at + db.SOME]]
            for name, convert in self.converts.items():
                for row in some:
                    value = row[name]
                    if value is not None:
                        row[name] = convert(value)
            plain += some
            yield
        return plain


@lru_cache(maxsize=_KEPT)
def _statement(build: Build, columns: frozenset[str], shape: Shape, dialect: str) -> _Statement:
    """The statement for values of that shape."""
    marks: dict[Any, tuple[str, int | None]] = {}
    query = build(**{name: _marked(name, each, marks) for name, each in shape})
    names = sorted(columns)
    asked = query.values(*names)
    asked.sql()
    sql, given = asked.query.get_parameterized_sql()
    sources = [marks.get(each, (None, each)) for each in given]
    changed = {mark for mark in marks for name, each in sources if name is None and str(mark) in str(each)}
    if changed or not set(marks.values()) <= set(sources):
        raise ValueError(f"{build.__name__} does not hand on its values as they are")
    converts = {name: convert for name in names if (convert := _convert(query.model, name, dialect))}
    return _Statement(sql, sources, _as_text if dialect == "sqlite" else None, converts)


def _marked(name: str, each: object, marks: dict[Any, tuple[str, int | None]]) -> Any:
    """A value of that shape whose parameters can be found again; `marks` has them as they come out of the query."""

    def mark(kind: type, at: int | None) -> Any:
        value = _MARKS[kind](len(marks))
        marks[str(value) if kind is UUID else value] = (name, at)
        return value

    if not isinstance(each, _Each):
        return each
    return mark(each.kind, None) if each.size is None else [mark(each.kind, at) for at in range(each.size)]


def _as_text(value: Any) -> Any:
    """A parameter as SQLite keeps it."""
    if isinstance(value, UUID):
        return str(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _convert(table: type[Model], name: str, dialect: str) -> Convert | None:
    """How the values of a column are read; None: as they come."""
    while "__" in name:
        relation, _, name = name.partition("__")
        table = cast(Any, table._meta.fields_map[relation]).related_model
    # What is worked out by the database comes as it is.
    field = table._meta.fields_map.get(name)
    if isinstance(field, JSONField):
        return json.loads
    if dialect != "sqlite":
        return None
    for kind, convert in _FROM_TEXT.items():
        if isinstance(field, kind):
            return convert
    return None


@lru_cache(maxsize=16_384)
def _id(text: str) -> UUID:
    """An id from its text: the same come again and again, and making one takes longer than finding it."""
    return UUID(text)


_FROM_TEXT: Final[Mapping[type, Convert]] = {
    UUIDField: _id,
    Instant: datetime.fromisoformat,
    DateField: date.fromisoformat,
    BooleanField: bool,
}
