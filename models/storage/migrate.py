"""Bringing the database up to date: one at a time, whoever else tries, with indexes and backstops in place after."""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TextIO

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import require_context
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from models.storage import constraints, db, indexes
from models.storage.probe import WrongDatabaseError, file_of, probe, server_address

_LOCK = 7_461_200_311
_RECORD = "tortoise_migrations"
"""Where Tortoise records which migrations were applied; the first table that is made."""
_SQLITE_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
_POSTGRES_TABLES = "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()"
_LOOK_SECONDS = 0.05
"""How often the lock of a file is tried: waiting in a thread for it could not be broken off."""


async def migrate(url: str) -> None:
    """Applies what is missing. Safe to run from many processes at once: each waits for its turn. Raises
    WrongDatabaseError and SilentDatabaseError before anything is done.

    On SQLite foreign keys are off meanwhile: a remade table would otherwise take the rows that point at it along.
    """
    await probe(url)
    sqlite = url.startswith("sqlite")
    parameters = {"foreign_keys": "OFF"} if sqlite else {}
    async with _file_lock(url) if sqlite else _advisory_lock(url), db.opened(url, **parameters) as connection:
        await mind_strangers(connection)
        await MigrationExecutor(connection, db.config(url)["apps"]).migrate([MigrationTarget("models", "__latest__")])
        if sqlite:
            await indexes.restore(connection)
        await constraints.install(connection)
        if sqlite and (broken := await connection.execute_query_dict("PRAGMA foreign_key_check")):
            raise RuntimeError(f"{len(broken)} rows point at nothing after migrating")


async def mind_strangers(connection: BaseDBAsyncClient) -> None:
    """Raises WrongDatabaseError when the database is somebody else's: it has tables, and none of our migrations made
    them. On PostgreSQL only tables of our names count, since others may live beside ours.
    """
    sqlite = connection.capabilities.dialect == "sqlite"
    rows = await connection.execute_query_dict(_SQLITE_TABLES if sqlite else _POSTGRES_TABLES)
    there = {str(row["name"]) for row in rows}
    if _RECORD in there:
        # Where nothing is recorded, our first migration was broken off.
        recorded = await connection.execute_query_dict(f"SELECT name FROM {_RECORD} LIMIT 1")  # noqa: S608 - our own
        strange = there - {_RECORD} if recorded and "claim" not in there else set()
    else:
        strange = there
    if not sqlite:
        apps = require_context().apps
        assert apps
        strange &= {each._meta.db_table for each in apps["models"].values()}
    if strange:
        raise WrongDatabaseError(
            f"TIMEBOK_DATABASE_URL: this is not a Timebok database, it has tables of something else "
            f"({', '.join(sorted(strange)[:3])}); name another"
        )


@asynccontextmanager
async def _file_lock(url: str) -> AsyncIterator[None]:
    """A lock beside the SQLite file."""
    file = file_of(url)
    with file.with_name(f"{file.name}.migrating").open("w") as lock:
        while not _locked(lock):  # noqa: ASYNC110 - another process lets go of it
            await asyncio.sleep(_LOOK_SECONDS)
        yield


def _locked(file: TextIO) -> bool:
    """Takes the file's lock, unless somebody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@asynccontextmanager
async def _advisory_lock(url: str) -> AsyncIterator[None]:
    """A lock of the PostgreSQL server, on a connection of its own."""
    connection = await asyncpg.connect(server_address(url))
    try:
        await connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
        yield
    finally:
        await connection.close()
