"""Indexes, unique ones included, that SQLite loses whenever a migration makes a table anew.

Our tables say which there must be; after every migration what is missing is made again. PostgreSQL loses none.
"""

from typing import NamedTuple

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import require_context

from models.storage.tortoise_internals import indexes_of, table_name


class Index(NamedTuple):
    """One index, without its name: only what it does counts."""

    table: str
    columns: tuple[str, ...]
    unique: bool


async def restore(connection: BaseDBAsyncClient) -> None:
    """Makes the indexes that are missing in a SQLite database. Raises IntegrityError if rows contradict one."""
    apps = require_context().apps
    wanted = {
        Index(table_name(table), tuple(columns), unique)
        for table in (apps["models"].values() if apps else ())
        for columns, unique in indexes_of(table)
    }
    for table, columns, unique in sorted(wanted - await _present(connection)):
        name = "_".join(("unique" if unique else "index", table, *columns))
        listed = ", ".join(f'"{column}"' for column in columns)
        await connection.execute_query(
            f'CREATE {"UNIQUE " if unique else ""}INDEX IF NOT EXISTS "{name}" ON "{table}" ({listed})'
        )


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
