"""A database from before the normal form: its words are made anew, no row is lost."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from models import clock
from models.bookings import search
from models.bookings.booking import Booking
from models.bookings.search import BookingWord, Search
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleLink
from models.storage import db
from models.storage.migrate import migrate
from tests import postgres
from tests.models.rows import Shop, a_shop, ahead, an_option, done
from tests.models.storage.test_migrate import rows

LATER = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
async def postgres_url(postgres_server: str, postgres_database: str) -> AsyncIterator[str]:
    """A database of its own: its tables are changed."""
    await postgres.empty(postgres_database)
    async with postgres.database(postgres_server, like=postgres_database) as url:
        yield url


async def a_calendar(shop: Shop, name: str, **link: Any) -> None:
    """A calendar that is followed, with one option linked to it."""
    account = await GoogleAccount.create(
        business_id=shop.business_id,
        sub=name,
        email="a@b.example",
        state="CONNECTED",
        sealed="",
        created_at=clock.now(),
    )
    calendar = await GoogleCalendar.create(
        business_id=shop.business_id,
        account_id=account.id,
        google_id=name,
        summary=name,
        time_zone="UTC",
        access_role="OWNER",
        sync_token="token",  # noqa: S106
        query_version=1,
        pull_due_at=LATER,
        created_at=clock.now(),
    )
    await GoogleLink.create(
        business_id=shop.business_id,
        option_id=await an_option(shop.business_id, name),
        account_id=account.id,
        calendar_id=calendar.id,
        created_at=clock.now(),
        **link,
    )


async def before_holds_were_named(connection: BaseDBAsyncClient) -> None:
    """Takes away what the migration adds."""
    if connection.capabilities.dialect == "sqlite":
        named = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%hold_id%' AND tbl_name = 'booking'"
        for row in await connection.execute_query_dict(named):
            await connection.execute_query(f'DROP INDEX "{row["name"]}"')
    await connection.execute_query("ALTER TABLE booking DROP COLUMN hold_id")


async def found(shop: Shop, **wanted: Any) -> int:
    """How many bookings fit."""
    return len(await search.bookings(shop.business_id, Search(**wanted)).rows(("id",)))


async def test_words_are_made_anew_and_hashed_calendars_are_listed_in_full(database_url: str) -> None:
    async with db.opened(database_url) as connection:
        shop = await a_shop()
        booking = done(await shop.book(ahead()))
        await Booking.filter(id=booking).update(customer_name="Pat O’Brien (Oslo)", customer_email="Pat@Example.NO")
        await BookingWord.all().delete()
        old = [BookingWord(business_id=shop.business_id, booking_id=booking, word=word) for word in ("pat", "(oslo)")]
        await BookingWord.bulk_create(old)
        for name, link in (
            ("hashed", {"detail": "BUSY_ONLY"}),
            ("matched", {"blocking": "MATCHED_EVENTS"}),
            ("plain", {}),
        ):
            await a_calendar(shop, name, **link)
        before = await rows()
        await before_holds_were_named(connection)
        await connection.execute_query("DELETE FROM tortoise_migrations WHERE name = '0002_normal_form'")
    await migrate(database_url)
    async with db.opened(database_url):
        words = await BookingWord.all().count()
        assert {**await rows(), "BookingWord": 0} == {**before, "BookingWord": 0}
        assert words > len(old)
        assert [await found(shop, text=text) for text in ("o'brien", "oslo", "pat")] == [1, 1, 1]
        assert await found(shop, customer_email="pat@example.no") == 1
        there = {each.google_id: each for each in await GoogleCalendar.all()}
        assert {name: each.query_version for name, each in there.items()} == {"hashed": 0, "matched": 1, "plain": 1}
        assert {name: each.reroute for name, each in there.items()} == {"hashed": None, "matched": [], "plain": None}
        due = {name for name, each in there.items() if each.pull_due_at and each.pull_due_at < LATER}
        assert due == {"hashed", "matched"}


async def test_words_are_compared_by_code_points(postgres_url: str) -> None:
    async with db.opened(postgres_url) as connection:
        (column,) = await connection.execute_query_dict(
            "SELECT collation_name FROM information_schema.columns "
            "WHERE table_name = 'booking_word' AND column_name = 'word'"
        )
        assert column["collation_name"] == "C"
