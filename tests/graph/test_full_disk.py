"""A database that takes no writes, since its disk is full or it may only be read: what reads goes on, what writes is
UNAVAILABLE, and /readyz says so until a write succeeds again.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg
import pytest

from models.storage import db
from tests.graph.shop import Shop, at, furnish
from tests.operations import operations
from tests.served import serving
from tests.stage import Stage

RAISE = """
    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '{code}'; END $$;
    CREATE TRIGGER no_room BEFORE UPDATE ON business EXECUTE FUNCTION no_room();
"""
LONG = "A page of SQLite has 4096 bytes. " * 140
LIFT = "DROP TRIGGER no_room ON business; DROP FUNCTION no_room();"


@dataclass(frozen=True)
class Trouble:
    """A running server, and how its database stops and begins to take writes."""

    shop: Shop
    refuse: Callable[[], Awaitable[None]]
    allow: Callable[[], Awaitable[None]]

    async def book(self, clock: str) -> Any:
        """What a booking is answered: the status and the body."""
        wish = {"serviceId": self.shop.haircut, "start": at(clock), "customer": {"name": "Kari"}, "note": LONG}
        answer = await self.shop.served.send(operations()["Book"], self.shop.served.keys["public"], {"input": wish})
        return answer.status_code, answer.json()

    async def ready(self) -> tuple[int, str]:
        """What /readyz says of the database."""
        answer = await self.shop.served.http.get(f"{self.shop.served.url}/readyz")
        return answer.status_code, answer.json()["database"]


def _own(statement: str) -> Callable[[str], Awaitable[None]]:
    """Says something to the connection of the server."""

    async def run(_: str) -> None:
        await db.connection().execute_script(statement)

    return run


def _other(*statements: str) -> Callable[[str], Awaitable[None]]:
    """Says something to the database, on a connection that may write whatever others may."""

    async def run(url: str) -> None:
        connection = await asyncpg.connect(url, server_settings={"default_transaction_read_only": "off"})
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    return run


_ALTER = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {}', current_database()); END $$"
_END_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_FULL, _NO_RIGHT = (_other(RAISE.format(code=code)) for code in ("53100", "42501"))
_LIFTED = _other(LIFT)
KINDS = {
    "full SQLite disk": (_own("PRAGMA max_page_count = 1"), _own("PRAGMA max_page_count = 1000000")),
    "read-only SQLite file": (_own("PRAGMA query_only = ON"), _own("PRAGMA query_only = OFF")),
    "full PostgreSQL disk": (_FULL, _LIFTED),
    "no right at PostgreSQL": (_NO_RIGHT, _LIFTED),
    "read-only PostgreSQL": (
        _other(_ALTER.format("SET default_transaction_read_only = on"), _END_OTHERS),
        _other(_ALTER.format("RESET default_transaction_read_only"), _END_OTHERS),
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A kind of trouble, and the URL of a database for it."""
    name = "sqlite_url" if "SQLite" in request.param else "postgres_url"
    return request.param, request.getfixturevalue(name)


@pytest.fixture
async def trouble(kind: tuple[str, str], our_stage: Stage) -> AsyncIterator[Trouble]:
    """A server on that database."""
    name, url = kind
    refuse, allow = KINDS[name]
    async with serving(our_stage, url) as served:
        yield Trouble(await furnish(served), partial(refuse, url), partial(allow, url))


async def test_what_reads_goes_on_and_what_writes_is_unavailable(
    trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await trouble.book("09:00"))[1]["data"]["createBooking"]["errors"] == []
    assert await trouble.ready() == (200, "ok")
    await trouble.refuse()
    for _ in range(3):
        status, body = await trouble.book("10:00")
        assert status == 503
        assert body.get("data") in (None, {"createBooking": None})
        (error,) = body["errors"]
        assert error["extensions"] == {"code": "UNAVAILABLE", "retryAfterSeconds": 5}
        assert await trouble.ready() == (200, "read-only")
        assert await trouble.shop.starts(trouble.shop.haircut)
    await trouble.allow()
    assert (await trouble.book("10:00"))[1]["data"]["createBooking"]["errors"] == []
    assert await trouble.ready() == (200, "ok")
    # Once when it begins and once when it ends, however much was asked meanwhile.
    said = [each.getMessage().partition(" writes")[0] for each in caplog.records if "writ" in each.getMessage()]
    assert said == ["the database takes no", "the database takes"]
