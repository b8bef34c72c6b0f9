"""What tests ask for by name: an empty, migrated database of each kind, and the product served on it.

PostgreSQL comes from a wheel and runs for the session, unless `TIMEBOK_TEST_POSTGRES_URL` names a server to use.
Examples are the same in every run, so that a change is judged by what it changed; `--hypothesis-profile=exploring`
draws new ones.
"""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tortoise.backends.base.client import BaseDBAsyncClient

from models.storage import db
from models.storage.migrate import migrate
from tests import postgres
from tests.served import Served, serving
from tests.stage import Stage, stage

settings.register_profile("repeating", derandomize=True)
settings.register_profile("exploring", derandomize=False)
settings.load_profile("repeating")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a database of a PostgreSQL server on which databases can be made."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
async def postgres_database(postgres_server: str) -> AsyncIterator[str]:
    """A migrated PostgreSQL database for one test after another: making one takes longer than most tests do."""
    async with postgres.database(postgres_server) as url:
        await migrate(url)
        yield url


@pytest.fixture(scope="session")
async def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    await migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
async def postgres_url(postgres_database: str) -> str:
    """An empty, migrated PostgreSQL database; who changes more than rows in it makes one of its own."""
    await postgres.empty(postgres_database)
    return postgres_database


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


@pytest.fixture(scope="session")
async def our_stage() -> AsyncIterator[Stage]:
    """Where the product is played."""
    async with stage() as open_stage:
        yield open_stage


@pytest.fixture(scope="session")
async def google_stage() -> AsyncIterator[Stage]:
    """Where Google is played."""
    async with stage() as open_stage:
        yield open_stage


@pytest.fixture
async def served(our_stage: Stage, database_url: str) -> AsyncIterator[Served]:
    """A running server without sync, on a database of each kind, with one business."""
    async with serving(our_stage, database_url) as running:
        yield running
