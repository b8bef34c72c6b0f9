"""asyncpg still lets us hand a connection back without a statement."""

import asyncpg

from models.storage import db


async def test_a_connection_is_handed_back_without_a_statement(postgres_url: str) -> None:
    async with db.opened(postgres_url, application_name="reader", minsize="1", maxsize="1"):
        await db.connection().execute_query("SELECT 42")
        watching = await asyncpg.connect(postgres_url)
        try:
            last = await watching.fetch("SELECT query FROM pg_stat_activity WHERE application_name = 'reader'")
        finally:
            await watching.close()
    assert [row["query"] for row in last] == ["SELECT 42"]


async def test_an_open_transaction_is_rolled_back_all_the_same(postgres_url: str) -> None:
    async with db.opened(postgres_url, minsize="1", maxsize="1"):
        async with db.connection().acquire_connection() as raw:
            await raw.execute("BEGIN")
            assert raw.is_in_transaction()
        async with db.connection().acquire_connection() as raw:
            assert not raw.is_in_transaction()
