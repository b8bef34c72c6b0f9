"""Indexes, unique ones included, that SQLite loses whenever a migration makes a table anew.

Our tables say which there must be; after every migration what is missing is made again. PostgreSQL loses none.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import require_context
from tortoise.fields import Field
from tortoise.fields.relational import OneToOneFieldInstance
from tortoise.indexes import Index as Asked
from tortoise.models import Model


class Index(NamedTuple):
    """One index, without its name: only what it does counts."""

    table: str
    columns: tuple[str, ...]
    unique: bool


async def restore(connection: BaseDBAsyncClient) -> None:
    """Makes the indexes that are missing in a SQLite database. Raises IntegrityError if rows contradict one."""
    apps = require_context().apps
    wanted = {index for table in (apps["models"].values() if apps else ()) for index in _wanted(table)}
    for table, columns, unique in sorted(wanted - await _present(connection)):
        name = "_".join(("unique" if unique else "index", table, *columns))
        listed = ", ".join(f'"{column}"' for column in columns)
        await connection.execute_query(
            f'CREATE {"UNIQUE " if unique else ""}INDEX IF NOT EXISTS "{name}" ON "{table}" ({listed})'
        )


def _wanted(table: type[Model]) -> Iterator[Index]:
    """What a table asks for, primary keys aside."""
    meta = table._meta
    alone = [(name,) for name, field in meta.fields_map.items() if _is_unique(field)]
    plain = [index.fields for index in meta.indexes if isinstance(index, Asked)]
    for unique, groups in ((True, [*alone, *meta.unique_together]), (False, plain)):
        for names in groups:
            columns = tuple(meta.fields_map[name].source_field or name for name in names)
            yield Index(meta.db_table, columns, unique)


def _is_unique(field: Field[Any]) -> bool:
    """Whether a column is unique by itself. A reference is two fields, of which one has the column."""
    return field.unique and not field.pk and not isinstance(field, OneToOneFieldInstance)


async def _present(connection: BaseDBAsyncClient) -> set[Index]:
    """What a SQLite database has, primary keys aside."""
    found: dict[tuple[str, str, bool], list[str]] = {}
    for row in await connection.execute_query_dict(
        """SELECT m.name AS tabled, i.name AS named, i."unique" AS uniquely, c.name AS "column"
           FROM sqlite_master AS m, pragma_index_list(m.name) AS i, pragma_index_info(i.name) AS c
           WHERE m.type = 'table' AND i.origin <> 'pk' ORDER BY i.name, c.seqno"""
    ):
        found.setdefault((row["tabled"], row["named"], bool(row["uniquely"])), []).append(row["column"])
    return {Index(table, tuple(columns), unique) for (table, _, unique), columns in found.items()}
