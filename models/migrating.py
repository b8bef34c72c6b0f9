"""Bringing the database up to date: one at a time, whoever else tries, with indexes and backstops in place after."""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from models import backstops, db, indexes

_LOCK = 7_461_200_311


async def migrate(url: str) -> None:
    """Applies what is missing. Safe to run from many processes at once: each waits for its turn.

    On SQLite foreign keys are off meanwhile: a remade table would otherwise take the rows that point at it along.
    """
    sqlite = url.startswith("sqlite")
    parameters = {"foreign_keys": "OFF"} if sqlite else {}
    async with _file_lock(url) if sqlite else _advisory_lock(url), db.opened(url, **parameters) as connection:
        await MigrationExecutor(connection, db.config(url)["apps"]).migrate([MigrationTarget("models", "__latest__")])
        if sqlite:
            await indexes.restore(connection)
        await backstops.install(connection)
        if sqlite and (broken := await connection.execute_query_dict("PRAGMA foreign_key_check")):
            raise RuntimeError(f"{len(broken)} rows point at nothing after migrating")


@asynccontextmanager
async def _file_lock(url: str) -> AsyncIterator[None]:
    """A lock beside the SQLite file."""
    path = Path(url.removeprefix("sqlite:///").partition("?")[0] + ".migrating")
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    with await asyncio.to_thread(path.open, "w") as file:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def _advisory_lock(url: str) -> AsyncIterator[None]:
    """A lock of the PostgreSQL server, on a connection of its own."""
    split = urlsplit(url)
    known = {name: value for name, value in parse_qsl(split.query) if name not in {"minsize", "maxsize"}}
    connection = await asyncpg.connect(urlunsplit(split._replace(query=urlencode(known))))
    try:
        await connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
        yield
    finally:
        await connection.close()
