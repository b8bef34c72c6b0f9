"""Statements that are written down say what the query itself would, on both databases, and fit the tables."""

import json
import pkgutil
import re
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from tortoise.queryset import QuerySet

import models
from models import business
from models.bookings import search
from models.catalog import option, time_off
from models.catalog.option import DateOverride, Option
from models.catalog.time_off import TimeOff
from models.scheduling.intervals import to_instant
from models.storage import db, queries
from models.storage.queries import Statement

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime(2027, 1, 4, 12, 30, 0, 250_000, tzinfo=UTC)
OSLO_NOON = NOON.astimezone(datetime.fromisoformat("2027-01-04T12:00:00+01:00").tzinfo)

ACTIVE = Statement(
    Option,
    "WHERE option.business_id = :business_id AND option.color IS NULL AND option.active = :active ORDER BY option.name",
)
AMONG = Statement(Option, "WHERE option.id IN :ids ORDER BY option.name")
OFF = Statement(TimeOff, "WHERE time_off.starts_at < :end AND time_off.ends_at > :start")
OFF_IN_STUDIO = Statement(TimeOff, "WHERE option__business.slug = :slug", joins=("option__business",))
OVERRIDDEN = Statement(DateOverride, "WHERE date_override.option_id = :option_id")
COUNTED = Statement(TimeOff, "WHERE time_off.option_id = :option_id", counted=(("start_at", "starts_at"),))


def among(ids: Collection[UUID]) -> QuerySet[Option]:
    return Option.filter(id__in=list(ids)).order_by("name")


def off(end: datetime, start: datetime) -> QuerySet[TimeOff]:
    return TimeOff.filter(starts_at__lt=end, ends_at__gt=start)


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


async def same(
    query: QuerySet[Any], columns: tuple[str, ...], statement: Statement, **values: Any
) -> list[dict[str, Any]]:
    """What a statement answers, which is what the query does; asked twice, the second time as it was kept."""
    expected = [dict(row) for row in await db.select(query, columns)]
    for _ in range(2):
        assert [dict(row) for row in await statement.rows(columns, **values)] == expected
    return expected


async def test_every_kind_of_column_is_read_as_the_query_reads_it(options: list[UUID]) -> None:
    columns = ("id", "business_id", "name", "description", "active", "opening_hours", "created_at", "business__name")
    found = await same(among(options), columns, AMONG, ids=options)
    assert [row["name"] for row in found] == ["Anna", "Ben", "Cat"]
    assert found[0]["business__name"] == "Studio"
    query = DateOverride.filter(option_id=options[0])
    found = await same(query, ("date", "intervals", "id"), OVERRIDDEN, option_id=options[0])
    assert found[0]["date"] == date(2027, 1, 5)


async def test_the_same_statement_answers_for_other_values(options: list[UUID]) -> None:
    for each in options:
        assert len(await same(among([each]), ("name",), AMONG, ids=[each])) == 1
    assert await same(among([]), ("name",), AMONG, ids=[]) == []
    pair = options[1:]
    assert len(await same(among(pair), ("id", "name"), AMONG, ids=pair)) == 2


async def test_null_and_flags_are_asked_for_as_in_a_query(options: list[UUID]) -> None:
    mine = await business_of(options[0])
    for active in (True, False):
        query = Option.filter(business_id=mine, color=None, active=active).order_by("name")
        found = await same(query, ("name",), ACTIVE, business_id=mine, active=active)
        assert len(found) == (3 if active else 0)


@pytest.mark.parametrize("noon", [NOON, OSLO_NOON])
async def test_an_instant_is_the_same_in_any_zone(options: list[UUID], noon: datetime) -> None:
    second = timedelta(seconds=1)
    columns = ("option_id", "starts_at", "reason")
    found = await same(off(noon + second, noon), columns, OFF, end=noon + second, start=noon)
    assert found == [{"option_id": options[0], "starts_at": NOON, "reason": "dentist"}]
    assert found[0]["starts_at"].tzinfo is not None
    assert await same(off(noon, noon), columns, OFF, end=noon, start=noon) == []


@pytest.mark.parametrize("several", [tuple, set, frozenset, dict.fromkeys])
async def test_any_collection_is_a_list_of_values(options: list[UUID], several: Callable[[list[UUID]], Any]) -> None:
    assert len(await same(among(options[:2]), ("name",), AMONG, ids=several(options[:2]))) == 2


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
    (row,) = await COUNTED.rows(("start_at",), option_id=options[0])
    assert row["start_at"] == to_instant(moment)


async def test_inside_a_transaction_it_sees_what_was_written(options: list[UUID]) -> None:
    async def body() -> list[Any]:
        await Option.filter(id=options[2]).update(name="Cato")
        return [row["name"] for row in await AMONG.rows(("name",), ids=options)]

    assert await db.transaction(body) == ["Anna", "Ben", "Cato"]


async def test_tables_behind_tables_are_joined_for_columns_and_for_conditions(options: list[UUID]) -> None:
    columns = ("option__name", "option__business__name", "business__slug", "reason")
    query = TimeOff.filter(option__business__slug="studio")
    (row,) = await same(query, columns, OFF_IN_STUDIO, slug="studio")
    assert (row["option__name"], row["option__business__name"]) == ("Anna", "Studio")
    assert await same(query.filter(option_id=options[0]), ("reason",), OFF_IN_STUDIO, slug="studio")
    assert await OFF_IN_STUDIO.rows(columns, slug="salon") == []


async def test_rows_are_counted_no_further_than_asked(options: list[UUID]) -> None:
    mine = queries.of_business(Option, await business_of(options[0]))
    assert [await mine.count(most) for most in (2, 3, 4)] == [2, 3, 3]


async def test_rows_of_other_businesses_are_not_found_by_their_ids(options: list[UUID]) -> None:
    mine, other = await business_of(options[0]), await business.create("salon", "Salon", "Europe/Oslo")
    found = await queries.by_ids(Option, mine, {*options, UUID(int=1)}, ("name",))
    assert sorted(row["name"] for row in found) == ["Anna", "Ben", "Cat"]
    assert await queries.by_ids(Option, other, options, ("name",)) == []
    assert await queries.row(Option, mine, options[0], ("name",)) is not None
    assert await queries.row(Option, mine, options[0], ("name",), active=False) is None
    assert await queries.row(Option, other, options[0], ("name",)) is None


@pytest.mark.parametrize("values", [{}, {"ids": [], "id": UUID(int=1)}, {"id": UUID(int=1)}])
async def test_a_statement_without_exactly_its_values_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="parameters"):
        await AMONG.rows(("id",), **values)


@pytest.mark.parametrize("columns", [("nothing",), ("business__nothing",), ("nothing__name",)])
async def test_a_column_that_is_not_there_is_refused(columns: tuple[str, ...]) -> None:
    with pytest.raises(KeyError, match="nothing"):
        await AMONG.rows(columns, ids=[])


def test_a_parameter_is_told_from_a_cast() -> None:
    sql = "SELECT :a::text, :b1 FROM some WHERE id IN :ids AND more = :a"
    text, names = queries.bind(sql, {"a": 1, "b1": 2, "ids": ["x"]})
    if db.is_postgres():
        assert (text, names) == ("SELECT $1::text, $2 FROM some WHERE id = ANY($3) AND more = $1", [1, 2, ["x"]])
    else:
        assert text == "SELECT ?::text, ? FROM some WHERE id IN (SELECT value FROM json_each(?)) AND more = ?"
        assert [*names[:2], json.loads(names[2]), names[3]] == [1, 2, ["x"], 1]


def written_down() -> dict[str, Statement]:
    """Every statement of the models, by the file and the name that it has there."""
    found: dict[str, Statement] = {}
    for module in pkgutil.walk_packages(models.__path__, "models."):
        if not module.name.startswith("models.migrations"):
            for name, value in vars(import_module(module.name)).items():
                if isinstance(value, Statement):
                    found[f"{module.name}.{name}"] = value
    return found


EVERYTHING = search.Search(
    option_ids=[UUID(int=1)],
    service_ids=[UUID(int=1)],
    statuses=[],
    start=NOON,
    end=NOON,
    customer_email="anna@example.com",
    text="an na",
)


async def test_every_statement_that_is_written_down_fits_the_tables() -> None:
    found = written_down()
    assert len(found) >= 10
    found |= {"bookings": search.bookings(UUID(int=1), EVERYTHING).statement}
    for name, statement in found.items():
        columns = {"id", "business__name", *(new for new, _ in statement.counted)}
        nothing: dict[str, Any] = dict.fromkeys(re.findall(r":(\w+)", statement.condition))
        nothing |= {name: [] for name in re.findall(r"IN :(\w+)", statement.condition)}
        if "limit" in nothing:
            nothing["limit"] = 0
        try:
            assert await statement.rows(columns, **nothing) == []
        except Exception as error:
            error.add_note(name)
            raise
