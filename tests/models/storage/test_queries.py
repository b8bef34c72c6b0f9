"""Statements that are made once say what the query itself would, on both databases."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tortoise.queryset import QuerySet

from models import business
from models.catalog import option, time_off
from models.catalog.option import DateOverride, Option
from models.catalog.service import Service
from models.catalog.time_off import TimeOff
from models.scheduling.intervals import to_instant
from models.storage import db, queries
from models.storage.columns import counted

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime(2027, 1, 4, 12, 30, 0, 250_000, tzinfo=UTC)
OSLO_NOON = NOON.astimezone(datetime.fromisoformat("2027-01-04T12:00:00+01:00").tzinfo)


def named(business_id: UUID, name: str | None, active: bool) -> QuerySet[Option]:
    return Option.filter(business_id=business_id, description=name, active=active).order_by("name")


def among(ids: list[UUID]) -> QuerySet[Option]:
    return Option.filter(id__in=ids).order_by("name")


def off(end: datetime, start: datetime) -> QuerySet[TimeOff]:
    return TimeOff.filter(starts_at__lt=end, ends_at__gt=start)


def overridden(option_id: UUID) -> QuerySet[DateOverride]:
    return DateOverride.filter(option_id=option_id)


def counted_off(option_id: UUID) -> QuerySet[TimeOff]:
    on_postgres = db.is_postgres()
    return TimeOff.filter(option_id=option_id).annotate(start_at=counted("starts_at", is_postgres=on_postgres))


def priced(currency: str) -> QuerySet[Service]:
    return Service.filter(price_currency=currency + "K")


def begun(name: str) -> QuerySet[Service]:
    return Service.filter(name__gte=name, name__lt=name + "~")


def forgotten(name: str) -> QuerySet[Service]:
    del name
    return Service.filter(active=True)


@pytest.fixture
async def options() -> list[UUID]:
    """Anna, who has all that is read in a way of its own, and Ben and Cat."""
    business_id = await business.create("studio", "Studio", "Europe/Oslo")
    made = []
    for name in ("Anna", "Ben", "Cat"):
        values = {"name": name, "kind": "PERSON", "time_zone": "Europe/Oslo"}
        made.append(await option.create(business_id, values))
    anna, *others = [each for each in made if isinstance(each, UUID)]
    assert isinstance(
        await option.set_opening_hours(business_id, anna, [(0, option.time_range("09:00", "17:00"))]), UUID
    )
    assert isinstance(
        await option.set_date_override(business_id, anna, date(2027, 1, 5), [option.time_range("10:00", "12:00")]), UUID
    )
    assert isinstance(await time_off.create(business_id, anna, NOON, NOON + timedelta(hours=1), "dentist"), UUID)
    return [anna, *others]


async def business_of(option_id: UUID) -> Any:
    return (await Option.get(id=option_id)).business_id


async def same(query: QuerySet[Any], columns: tuple[str, ...], build: Any, **values: Any) -> list[dict[str, Any]]:
    """What a statement answers, which is what the query itself does; asked twice, the second time as it was made."""
    expected = [dict(row) for row in await db.select(query, columns)]
    for _ in range(2):
        assert [dict(row) for row in await queries.rows(build, columns, **values)] == expected
    return expected


async def test_every_kind_of_column_is_read_as_the_query_reads_it(options: list[UUID]) -> None:
    columns = ("id", "business_id", "name", "description", "active", "opening_hours", "created_at", "business__name")
    found = await same(among(options), columns, among, ids=options)
    assert [row["name"] for row in found] == ["Anna", "Ben", "Cat"]
    assert found[0]["business__name"] == "Studio"
    found = await same(overridden(options[0]), ("date", "intervals", "id"), overridden, option_id=options[0])
    assert found[0]["date"] == date(2027, 1, 5)


async def test_the_same_statement_answers_for_other_values(options: list[UUID]) -> None:
    for each in options:
        assert len(await same(among([each]), ("name",), among, ids=[each])) == 1
    assert await same(among([]), ("name",), among, ids=[]) == []
    pair = options[1:]
    assert len(await same(among(pair), ("id", "name"), among, ids=pair)) == 2


async def test_null_and_flags_make_statements_of_their_own(options: list[UUID]) -> None:
    mine = await business_of(options[0])
    for name in (None, "tall"):
        for active in (True, False):
            found = await same(named(mine, name, active), ("name",), named, business_id=mine, name=name, active=active)
            assert len(found) == (3 if name is None and active else 0)


@pytest.mark.parametrize("noon", [NOON, OSLO_NOON])
async def test_an_instant_is_the_same_in_any_zone(options: list[UUID], noon: datetime) -> None:
    second = timedelta(seconds=1)
    columns = ("option_id", "starts_at", "reason")
    found = await same(off(noon + second, noon), columns, off, end=noon + second, start=noon)
    assert found == [{"option_id": options[0], "starts_at": NOON, "reason": "dentist"}]
    assert found[0]["starts_at"].tzinfo is not None
    assert await same(off(noon, noon), columns, off, end=noon, start=noon) == []


@pytest.mark.parametrize("several", [tuple, set, frozenset])
async def test_what_is_no_list_is_not_taken_for_part_of_the_statement(options: list[UUID], several: Any) -> None:
    with pytest.raises(ValueError, match="as a list"):
        await queries.rows(among, ("name",), ids=several(options))


@pytest.mark.parametrize(
    "moment",
    [
        NOON,
        NOON.replace(microsecond=0),
        NOON.replace(microsecond=1),
        NOON.replace(microsecond=999_999),
        datetime(1972, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
async def test_the_database_counts_instants_as_we_do(options: list[UUID], moment: datetime) -> None:
    await TimeOff.filter(option_id=options[0]).update(starts_at=moment, ends_at=moment + timedelta(seconds=1))
    (row,) = await queries.rows(counted_off, ("start_at",), option_id=options[0])
    assert row["start_at"] == to_instant(moment)


async def test_inside_a_transaction_it_sees_what_was_written(options: list[UUID]) -> None:
    async def body() -> list[Any]:
        await Option.filter(id=options[2]).update(name="Cato")
        return [row["name"] for row in await queries.rows(among, ("name",), ids=options)]

    assert await db.transaction(body) == ["Anna", "Ben", "Cato"]


@pytest.mark.parametrize(
    ("build", "value"), [(priced, {"currency": "NO"}), (begun, {"name": "Cut"}), (forgotten, {"name": "Cut"})]
)
async def test_a_query_that_does_not_hand_on_its_values_is_refused(build: Any, value: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="does not hand on"):
        await queries.rows(build, ("id",), **value)
