"""When bookings are committed: PostgreSQL says so itself, to whoever listens, at the moment of the commit."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

_TELL = """
CREATE OR REPLACE FUNCTION booking_committed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('booking_committed', ''); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER booking_committed AFTER INSERT ON booking
FOR EACH STATEMENT EXECUTE FUNCTION booking_committed();
"""


class Commits:
    """The moments at which bookings were committed; `last_at` is of the newest, on the clock of `time.perf_counter`."""

    def __init__(self) -> None:
        self.last_at = 0.0
        self._told = asyncio.Event()

    def expect(self) -> None:
        """The next one is waited for."""
        self._told.clear()

    async def told(self) -> None:
        """Returns once there was one."""
        await self._told.wait()

    def note(self, *_: Any) -> None:
        """There was one."""
        self.last_at = time.perf_counter()
        self._told.set()


@asynccontextmanager
async def commits(database_url: str) -> AsyncIterator[Commits]:
    """The commits of a PostgreSQL database with a table of bookings, for as long as the block lasts."""
    connection = await asyncpg.connect(database_url)
    heard = Commits()
    try:
        await connection.execute(_TELL)
        await connection.add_listener("booking_committed", heard.note)
        yield heard
    finally:
        await connection.close()
