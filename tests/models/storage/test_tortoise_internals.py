"""Tortoise still has what it does not promise, as we use it."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from tortoise.fields import CharField, JSONField, UUIDField

from models import business
from models.api_key import Key
from models.bookings.claim import Claim
from models.business import Business
from models.catalog.option import DateOverride, Option
from models.catalog.time_off import TimeOff
from models.google.tables import GoogleCalendar, GoogleLink
from models.storage import db
from models.storage.tortoise_internals import field_of, indexes_of, referred_table, statement_of, table_name


async def in_a_context_of_its_own(work: Callable[[], Awaitable[None]]) -> None:
    """As the task of a request runs, which inherits nothing from whoever opened the database."""

    async def task() -> None:
        await work()

    await asyncio.create_task(task(), context=contextvars.Context())


async def test_a_task_that_inherits_nothing_finds_the_database(sqlite_url: str) -> None:
    async def work() -> None:
        assert await business.list_businesses() == []

    async with db.opened(sqlite_url):
        await in_a_context_of_its_own(work)


def test_tables_and_columns_are_known_by_their_names() -> None:
    assert [table_name(each) for each in (Option, GoogleLink)] == ["option", "google_link"]
    columns = {"id": UUIDField, "business_id": UUIDField, "name": CharField, "opening_hours": JSONField}
    assert {name: type(field_of(Option, name)) for name in columns} == columns
    with pytest.raises(KeyError):
        field_of(Option, "nothing")


@pytest.mark.usefixtures("database")
def test_a_foreign_key_leads_to_its_table() -> None:
    assert referred_table(TimeOff, "option") is Option
    assert referred_table(GoogleLink, "calendar") is GoogleCalendar
    with pytest.raises(KeyError):
        referred_table(TimeOff, "nothing")


@pytest.mark.usefixtures("database")
def test_the_indexes_of_a_table_are_those_it_asks_for() -> None:
    assert [(list(columns), unique) for columns, unique in indexes_of(Option)] == [
        (["business_id", "name", "id"], False)
    ]
    assert (["digest"], True) in list(indexes_of(Key))
    assert (["option_id", "date"], True) in list(indexes_of(DateOverride))
    alone = [list(columns) for columns, unique in indexes_of(Claim) if unique]
    assert sorted(alone) == [["booking_id"], ["hold_id"]]


@pytest.mark.usefixtures("database")
async def test_a_statement_reads_what_its_query_does() -> None:
    made = await business.create("studio", "Studio", "Europe/Oslo", origins=["https://studio.example"])
    await Business.filter(id=made).update(created_at=datetime(2027, 1, 4, 12, 30, 0, 250_000, tzinfo=UTC))
    query = Business.filter(slug="studio").values("id", "origins", "created_at", zone="time_zone")
    statement = statement_of(query)
    _, found = await db.connection().execute_query(statement.sql, statement.parameters)
    as_is = dict(found[0])
    read = {name: statement.converts.get(name, lambda value: value)(value) for name, value in as_is.items()}
    assert [read] == await query
    assert read["origins"] == ["https://studio.example"]
    assert "zone" not in statement.converts
