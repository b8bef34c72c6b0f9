"""Statements that are asked again and again: SQL for both databases, written next to the noun that it reads.

Making SQL of a Tortoise query takes longer than answering it, so only what is asked now and then goes that way
(`db.select`). Rows are plain mappings either way.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

from tortoise.fields import BooleanField, DateField, JSONField, UUIDField
from tortoise.fields.base import Field
from tortoise.models import Model

from models.scheduling.intervals import Steps
from models.storage import db, turns
from models.storage.columns import Instant, counted
from models.storage.db import Row
from models.storage.tortoise_internals import field_of, referred_table, table_name

Convert: TypeAlias = Callable[[Any], Any]

_KEPT: Final = 512
"""How many statements are kept as the database takes them."""

_PARAMETER: Final = re.compile(r"(IN )?(?<!:):([a-z_]+\d*)")


@dataclass(frozen=True, slots=True)
class Statement:
    """Some rows of a table. `condition` is the SQL behind its name: WHERE, ORDER BY, LIMIT.

    `:name` stands for a value, `IN :name` for several ids or texts; columns stand with their table, as in `option.id`.
    A column of another table, such as `service__name`, joins that table under the name of the relation; `joins` are
    relations that the condition needs itself. `counted` are instants that the rows have as numbers, by new names.
    """

    table: type[Model]
    condition: str
    joins: tuple[str, ...] = ()
    counted: tuple[tuple[str, str], ...] = ()

    async def rows(self, columns: Iterable[str], /, **values: Any) -> Sequence[Row]:
        """The asked columns of the rows. Raises ValueError unless exactly the parameters have values."""
        connection = db.connection()
        bound, converts = _selection(self, frozenset(columns), connection.capabilities.dialect == "postgres")
        _, found = await connection.execute_query(bound.sql, bound.parameters(values))
        return await turns.through(_decoded(found, converts)) if converts else cast(Sequence[Row], found)

    def and_then(self, more: str) -> "Statement":
        """The statement with more SQL at its end."""
        return replace(self, condition=f"{self.condition} {more}")


@dataclass(frozen=True, slots=True)
class Select:
    """A statement with its values, not asked yet."""

    statement: Statement
    values: Mapping[str, Any]

    async def rows(self, columns: Iterable[str]) -> Sequence[Row]:
        """The asked columns of its rows."""
        return await self.statement.rows(columns, **self.values)

    def page(self, by: str, limit: int, after: tuple[Any, UUID] | None, *, descending: bool) -> "Select":
        """At most `limit` of its rows by a column and then by id: the first, or those after a value and an id."""
        table, (beyond, order) = table_name(self.statement.table), ("<", "DESC") if descending else (">", "ASC")
        statement, values = self.statement, {**self.values, "limit": limit}
        if after is not None:
            values["after"], values["after_id"] = after
            place = f"{table}.{by} {beyond} :after OR {table}.{by} = :after AND {table}.id {beyond} :after_id"
            statement = statement.and_then(f"AND ({place})")
        order_by = f"ORDER BY {table}.{by} {order}, {table}.id {order} LIMIT :limit"
        return Select(statement.and_then(order_by), values)

    async def count(self, most: int) -> int:
        """How many rows there are; it counts no further than `most`."""
        some = self.statement.and_then("LIMIT :most")
        sql = f"SELECT COUNT(*) AS number FROM (SELECT 1 FROM {_source(some, {})}) AS found"  # noqa: S608
        _, found = await db.connection().execute_query(*bind(sql, {**self.values, "most": most}))
        return int(found[0]["number"])


def of_business(table: type[Model], business_id: UUID, **more: Any) -> Select:
    """The rows of a business; with `more`, those whose columns have these values."""
    return Select(_having(table, ("business_id", *more)), {"business_id": business_id, **more})


async def row(
    table: type[Model], business_id: UUID, row_id: UUID, columns: Iterable[str], /, **more: Any
) -> Row | None:
    """The asked columns of one row of a business; with `more`, only if its columns have these values."""
    found = await of_business(table, business_id, id=row_id, **more).rows(columns)
    return found[0] if found else None


async def by_ids(table: type[Model], business_id: UUID, ids: Collection[UUID], columns: Iterable[str]) -> Sequence[Row]:
    """The asked columns of several rows of a business, in any order."""
    return await _any_of(table).rows(columns, business_id=business_id, ids=ids)


def bind(sql: str, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """A statement and its parameters as the database takes them. Raises ValueError unless exactly the parameters of
    the statement have values.
    """
    bound = _bound(sql, db.is_postgres())
    return bound.sql, bound.parameters(values)


@dataclass(frozen=True, slots=True)
class _Bound:
    """A statement as one database takes it, and by what name and encoding each parameter is found."""

    sql: str
    sources: Sequence[tuple[str, Convert | None]]
    names: frozenset[str]

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """The parameters in their order. Raises ValueError unless exactly they have values."""
        if values.keys() != self.names:
            raise ValueError(f"the parameters are {sorted(self.names)}, there are values for {sorted(values)}")
        return [encode(values[name]) if encode else values[name] for name, encode in self.sources]


@lru_cache(maxsize=_KEPT)
def _bound(sql: str, on_postgres: bool) -> _Bound:
    """A statement with the parameters of a database in place of the names. A list is one parameter."""
    sources: list[tuple[str, Convert | None]] = []

    def parameter(found: re.Match[str]) -> str:
        several, name = found.groups()
        if not on_postgres:
            sources.append((name, _as_json if several else _as_text))
            return "IN (SELECT value FROM json_each(?))" if several else "?"
        source = (name, list if several else None)
        if source not in sources:
            sources.append(source)
        position = f"${sources.index(source) + 1}"
        return f"= ANY({position})" if several else position

    text = _PARAMETER.sub(parameter, sql)
    return _Bound(text, sources, frozenset(name for name, _ in sources))


@cache
def _having(table: type[Model], columns: tuple[str, ...]) -> Statement:
    """The rows that have a given value in each of these columns."""
    return Statement(table, "WHERE " + " AND ".join(f"{table_name(table)}.{column} = :{column}" for column in columns))


@cache
def _any_of(table: type[Model]) -> Statement:
    """The rows of a business that have one of some ids."""
    name = table_name(table)
    return Statement(table, f"WHERE {name}.business_id = :business_id AND {name}.id IN :ids")


@lru_cache(maxsize=_KEPT)
def _selection(
    statement: Statement, columns: frozenset[str], on_postgres: bool
) -> tuple[_Bound, Sequence[tuple[str, Convert]]]:
    """The whole statement for some columns, and how those are read that do not come as they are."""
    as_numbers = dict(statement.counted)
    asked: list[str] = []
    converts: list[tuple[str, Convert]] = []
    joins: dict[str, str] = {}
    for name in sorted(columns):
        if name in as_numbers:
            number = counted(f'"{table_name(statement.table)}"."{as_numbers[name]}"', is_postgres=on_postgres)
            asked.append(f'{number} AS "{name}"')
            continue
        *relations, column = name.split("__")
        table, place = _joined(statement.table, relations, joins)
        asked.append(f'"{place}"."{column}" AS "{name}"')
        if convert := _convert(field_of(table, column), on_postgres):
            converts.append((name, convert))
    return _bound(f"SELECT {', '.join(asked)} FROM {_source(statement, joins)}", on_postgres), converts  # noqa: S608


def _source(statement: Statement, joins: dict[str, str]) -> str:
    """What follows FROM: the table, those that are joined, and the condition."""
    for relations in statement.joins:
        _joined(statement.table, relations.split("__"), joins)
    return " ".join((f'"{table_name(statement.table)}"', *joins.values(), statement.condition))


def _joined(table: type[Model], relations: Sequence[str], joins: dict[str, str]) -> tuple[type[Model], str]:
    """The table that relations lead to, and its name in the statement. Adds to `joins` what is needed to get there."""
    place = table_name(table)
    for depth, relation in enumerate(relations, 1):
        table, near, place = referred_table(table, relation), place, "__".join(relations[:depth])
        joins[place] = f'LEFT JOIN "{table_name(table)}" AS "{place}" ON "{place}"."id" = "{near}"."{relation}_id"'
    return table, place


def _decoded(found: Sequence[Any], converts: Sequence[tuple[str, Convert]]) -> Steps[Sequence[Row]]:
    """The rows, with values of the types that the tables say; in steps."""
    plain: list[Row] = []
    for at in range(0, len(found), db.SOME):
        some = [dict(row) for row in found[at : at + db.SOME]]
        for name, convert in converts:
            for row in some:
                value = row[name]
                if value is not None:
                    row[name] = convert(value)
        plain += some
        yield
    return plain


def _as_text(value: Any) -> Any:
    """A parameter as SQLite keeps it."""
    if isinstance(value, UUID):
        return str(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _as_json(values: Iterable[UUID | str]) -> str:
    """Several parameters as SQLite takes them."""
    return json.dumps([str(each) for each in values])


def _convert(field: Field[Any], on_postgres: bool) -> Convert | None:
    """How the values of a column are read; None: as they come."""
    if isinstance(field, JSONField):
        return json.loads
    if on_postgres:
        return None
    return next((convert for kind, convert in _FROM_TEXT.items() if isinstance(field, kind)), None)


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
