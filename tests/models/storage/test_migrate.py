"""Bringing a database up to date: any number of processes at once, no row lost, everything there afterwards."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import require_context
from tortoise.exceptions import IntegrityError
from tortoise.fields import Field
from tortoise.fields.relational import OneToOneFieldInstance
from tortoise.indexes import Index
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.models import Model

import models.migrations
from models.catalog.service import Service
from models.log.idempotency import IdempotentRequest
from models.storage import constraints, db
from models.storage.constraints import NO_OVERLAP
from models.storage.migrate import migrate
from tests import postgres
from tests.models import invariants
from tests.models.rows import Shop, a_claim, a_shop, ahead, done

Indexes = set[tuple[str, bool, tuple[str, ...]]]
"""Of each index: the table, whether it is unique, the columns."""

PATIENCE = 60.0

POSTGRES_BACKSTOPS = {NO_OVERLAP, "claim_has_length", "claim_has_one_owner", "booking_has_length"}
SQLITE_BACKSTOPS = {f"{name}_{event}" for name in POSTGRES_BACKSTOPS for event in ("insert", "update")}
UNIQUE = {
    ("change", ("business_id", "revision")),
    ("booking", ("business_id", "reference")),
    ("claim", ("booking_id",)),
    ("claim", ("hold_id",)),
    ("key", ("digest",)),
    ("offering", ("service_id", "option_id")),
    ("outcome", ("key_id", "mutation", "idempotency_key")),
    ("google_account", ("business_id", "sub")),
    ("google_event", ("calendar_id", "google_id")),
    ("mirror", ("booking_id", "calendar_id")),
}
"""What the code relies on; the rest of the indexes is told by the tables."""

REMAKE = """
from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from models.storage.columns import Instant

class Migration(migrations.Migration):
    dependencies = [("models", "{before}")]
    operations = [
        ops.AlterField("Business", "language", fields.CharField(default="en", max_length=16)),
        ops.AlterField("Change", "kind", fields.CharField(max_length=32)),
        ops.AlterField("Option", "color", fields.CharField(null=True, max_length=9)),
        ops.AlterField("Service", "price_currency", fields.CharField(null=True, max_length=4)),
        ops.AlterField("Booking", "customer_phone", fields.CharField(null=True, max_length=50)),
        ops.AlterField("Claim", "occupied_end", Instant(null=True)),
        ops.AlterField("Outcome", "mutation", fields.CharField(max_length=40)),
    ]
"""
"""A later migration of the kind that makes SQLite tables anew."""


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> str:
    """Not even the file is there."""
    return f"sqlite:///{tmp_path}/timebok.db"


@pytest.fixture
async def empty_postgres(postgres_server: str) -> AsyncIterator[str]:
    async with postgres.database(postgres_server) as url:
        yield url


@pytest.fixture
async def postgres_url(postgres_server: str, postgres_database: str) -> AsyncIterator[str]:
    """A database of its own for each test here: they change its tables."""
    await postgres.empty(postgres_database)
    async with postgres.database(postgres_server, like=postgres_database) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """A database without any table, once of each kind."""
    return str(request.getfixturevalue(f"empty_{request.param}"))


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One migration more than there is."""
    folder = tmp_path / "later_migrations"
    (source,) = models.migrations.__path__
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    newest = max(file.stem for file in folder.glob("0*.py"))
    (folder / "9999_remake.py").write_text(REMAKE.format(before=newest))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(db, "MIGRATIONS", folder.name)
    yield
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


async def a_full_shop() -> Shop:
    """A shop with something in every table that its verbs write."""
    shop = await a_shop()
    done(await shop.book(ahead(), IdempotentRequest(shop.staff.key_id, "createBooking", "key", {})))
    done(await shop.hold(ahead(hour=12)))
    return shop


def tables() -> Mapping[str, type[Model]]:
    apps = require_context().apps
    assert apps
    return apps["models"]


async def rows() -> Mapping[str, int]:
    """How many rows each table has."""
    return {name: await table.all().count() for name, table in tables().items()}


async def indexes(connection: BaseDBAsyncClient) -> Indexes:
    """Those of our tables, primary keys and constraints' own left out."""
    if connection.capabilities.dialect == "sqlite":
        query = """SELECT m.name AS tabled, i.name, i."unique" AS uniquely, c.name AS named
            FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c
            WHERE m.type = 'table' AND m.name NOT LIKE 'tortoise%' AND i.origin <> 'pk' ORDER BY i.name, c.seqno"""
    else:
        query = """SELECT t.relname AS tabled, i.relname AS name, x.indisunique AS uniquely, a.attname AS named
            FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
            CROSS JOIN unnest(x.indkey) WITH ORDINALITY AS k (attnum, place)
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
            WHERE t.relnamespace = current_schema()::regnamespace AND t.relname NOT LIKE 'tortoise%'
            AND NOT x.indisprimary AND NOT x.indisexclusion ORDER BY i.relname, k.place"""
    found: dict[tuple[str, str, bool], list[str]] = {}
    for row in await connection.execute_query_dict(query):
        found.setdefault((row["tabled"], row["name"], bool(row["uniquely"])), []).append(row["named"])
    return {(table, unique, tuple(columns)) for (table, _, unique), columns in found.items()}


def relied_on(connection: BaseDBAsyncClient) -> set[str]:
    return SQLITE_BACKSTOPS if connection.capabilities.dialect == "sqlite" else POSTGRES_BACKSTOPS


def told_by_the_tables() -> Indexes:
    """The indexes that our tables ask for."""
    return {each for table in tables().values() for each in _asked(table)}


def _asked(table: type[Model]) -> Iterator[tuple[str, bool, tuple[str, ...]]]:
    meta = table._meta
    alone = [
        (name,) for name, field in meta.fields_map.items() if field.unique and not field.pk and field.reference is None
    ]
    plain = [index.fields for index in meta.indexes if isinstance(index, Index)]
    for unique, groups in ((True, [*alone, *meta.unique_together]), (False, plain)):
        for names in groups:
            yield meta.db_table, unique, tuple(meta.fields_map[name].source_field or name for name in names)


def _is_unique(field: Field[Any]) -> bool:
    """Of the two fields that a reference is, the one with the column."""
    return field.unique and not field.pk and not isinstance(field, OneToOneFieldInstance)


async def test_four_processes_migrate_one_empty_database_at_once(empty_url: str) -> None:
    program = "import asyncio, sys; from models.storage.migrate import migrate; asyncio.run(migrate(sys.argv[1]))"
    started = [await asyncio.create_subprocess_exec(sys.executable, "-c", program, empty_url) for _ in range(4)]
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*(process.wait() for process in started)) == [0] * 4
    async with db.opened(empty_url) as connection:
        assert await indexes(connection) == told_by_the_tables()
        await a_full_shop()


async def test_a_migrated_database_has_the_indexes_and_backstops_that_the_code_relies_on(
    database: BaseDBAsyncClient,
) -> None:
    found = await indexes(database)
    assert found == told_by_the_tables()
    assert {(table, columns) for table, unique, columns in found if unique} >= UNIQUE
    assert await constraints.present(database) >= relied_on(database)


@pytest.mark.usefixtures("database")
async def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    apps = require_context().apps
    assert apps
    writers = await MigrationAutodetector(apps, db.config(database_url)["apps"]).changes()
    assert [writer.as_string() for writer in writers] == []


@pytest.mark.usefixtures("later")
async def test_a_later_migration_loses_no_row_no_index_and_no_backstop(database_url: str) -> None:
    async with db.opened(database_url) as connection:
        shop = await a_full_shop()
        before = await rows(), await indexes(connection)
    await migrate(database_url)
    async with db.opened(database_url) as connection:
        assert (await rows(), await indexes(connection)) == before
        assert await constraints.present(connection) >= relied_on(connection)
        await invariants.hold_in(shop.business_id)
        with pytest.raises(IntegrityError, match=NO_OVERLAP):
            await a_claim(shop, ahead())
        done(await shop.book(ahead(hour=14)))


async def test_dropped_backstops_are_installed_again(database_url: str) -> None:
    async with db.opened(database_url) as connection:
        shop = await a_full_shop()
        for name in relied_on(connection):
            table = name.partition("_")[0]
            sqlite = connection.capabilities.dialect == "sqlite"
            await connection.execute_query(
                f"DROP TRIGGER {name}" if sqlite else f"ALTER TABLE {table} DROP CONSTRAINT {name}"
            )
        assert not await constraints.present(connection) & relied_on(connection)
    await migrate(database_url)
    async with db.opened(database_url) as connection:
        assert await constraints.present(connection) >= relied_on(connection)
        with pytest.raises(IntegrityError, match=NO_OVERLAP):
            await a_claim(shop, ahead())


async def test_a_database_whose_claims_overlap_is_not_taken_into_use(postgres_url: str) -> None:
    async with db.opened(postgres_url) as connection:
        shop = await a_full_shop()
        await connection.execute_query(f"ALTER TABLE claim DROP CONSTRAINT {NO_OVERLAP}")
        await a_claim(shop, ahead())
    with pytest.raises(IntegrityError, match=NO_OVERLAP):
        await migrate(postgres_url)


async def test_rows_that_point_at_nothing_are_told_after_migrating(sqlite_url: str) -> None:
    async with db.opened(sqlite_url, foreign_keys="OFF"):
        shop = await a_full_shop()
        await Service.filter(id=shop.service_id).delete()
    with pytest.raises(RuntimeError, match="point at nothing"):
        await migrate(sqlite_url)


@pytest.mark.usefixtures("later")
async def test_foreign_keys_are_off_while_migrating_whatever_the_url_says(sqlite_url: str) -> None:
    url = f"{sqlite_url}?foreign_keys=ON"
    async with db.opened(url):
        await a_full_shop()
        before = await rows()
    await migrate(url)
    async with db.opened(url):
        assert await rows() == before


@pytest.mark.usefixtures("later")
async def test_migrating_again_changes_nothing(database_url: str) -> None:
    await migrate(database_url)
    async with db.opened(database_url) as connection:
        await a_full_shop()
        before = await rows(), await indexes(connection), await constraints.present(connection)
    await migrate(database_url)
    async with db.opened(database_url) as connection:
        assert (await rows(), await indexes(connection), await constraints.present(connection)) == before
