"""The rows that questions are asked of: the same bookings in every contestant's database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from tortoise.models import Model

from models.bookings import search
from models.bookings.booking import Booking
from models.bookings.claim import Claim
from models.catalog.option import Option
from models.catalog.service import Service
from models.catalog.service_option import Offering
from models.catalog.time_off import TimeOff
from models.storage import db
from models.storage.columns import new_id

FIRST = datetime(2026, 1, 1, 8, tzinfo=UTC)
LENGTH, APART = timedelta(minutes=30), timedelta(minutes=20)
BOOKINGS, OPTIONS, SERVICES = 20_000, 20, 8
STATUSES = ("CONFIRMED", "COMPLETED", "CANCELLED", "NO_SHOW")
_AT_ONCE = 1000
_DAYTIME = [[day, "08:00", "18:00"] for day in range(7)]
_ALL_WEEK = [[day, "00:00", "00:00"] for day in range(7)]

_PEERS_TABLES = """
    CREATE TABLE option (id uuid PRIMARY KEY, name text NOT NULL);
    CREATE TABLE service (id uuid PRIMARY KEY, name text NOT NULL);
    CREATE TABLE booking (
        id uuid PRIMARY KEY, option_id uuid NOT NULL REFERENCES option, service_id uuid NOT NULL REFERENCES service,
        starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL, status text NOT NULL,
        customer_name text NOT NULL, customer_email text NOT NULL
    );
    CREATE INDEX ON booking (starts_at);
"""


class Booked(NamedTuple):
    """A booking, by the numbers of its option and service."""

    id: UUID
    option: int
    service: int
    start: datetime
    end: datetime
    status: str
    name: str
    email: str


def bookings(count: int = BOOKINGS) -> Iterator[Booked]:
    """So many, one every 20 minutes, each with the next option."""
    for number in range(count):
        option, start = number % OPTIONS, FIRST + number * APART
        who = f"Customer {number}", f"customer{number}@example.com"
        yield Booked(new_id(), option, option % SERVICES, start, start + LENGTH, STATUSES[number % 4], *who)


def ranges() -> list[dict[str, str]]:
    """Ranges of four days, each of which has more than a hundred bookings."""
    starts = [FIRST + timedelta(days=30 + 3 * number) for number in range(40)]
    return [{"from": start.isoformat(), "to": (start + timedelta(days=4)).isoformat()} for start in starts]


async def fill_peers(url: str) -> list[UUID]:
    """The tables of the peers: the ids of some bookings."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_PEERS_TABLES)
        ids: dict[str, list[UUID]] = {}
        for table, size in (("option", OPTIONS), ("service", SERVICES)):
            ids[table] = [new_id() for _ in range(size)]
            named = [(row_id, f"{table.capitalize()} {number}") for number, row_id in enumerate(ids[table])]
            await connection.copy_records_to_table(table, records=named)
        made = list(bookings())
        rows = [(each.id, ids["option"][each.option], ids["service"][each.service], *each[3:]) for each in made]
        await connection.copy_records_to_table("booking", records=rows)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return [each.id for each in made[::100]]


@dataclass(frozen=True)
class Agenda:
    """A service of which slots are asked: its id, and those of the options that offer it."""

    service: UUID
    options: Sequence[UUID]


async def fill_agendas(url: str, business_id: UUID, options: int, begin: datetime, weeks: int) -> Agenda:
    """Options open around the clock, each taken 40 times a week, with a service of half an hour every 15 minutes."""
    async with db.opened(url):
        common: dict[str, Any] = {"business_id": business_id, "created_at": begin}
        service = Service(**common, name="Half an hour", duration_minutes=30, slot_step_minutes=15)
        offering = [
            Option(**common, name=f"Room {number:03}", kind="ROOM", time_zone="Europe/Oslo", opening_hours=_DAYTIME)
            for number in range(options)
        ]
        await _insert([service])
        await _insert(offering)
        await _insert([Offering(business_id=business_id, option_id=o.id, service_id=service.id) for o in offering])
        await _insert(
            [
                TimeOff(
                    business_id=business_id,
                    option_id=each.id,
                    starts_at=start,
                    ends_at=start + LENGTH,
                    created_at=begin,
                )
                for place, each in enumerate(offering)
                for start in _scattered(begin, weeks, place)
            ]
        )
        await db.connection().execute_script("VACUUM ANALYZE" if db.is_postgres() else "ANALYZE")
        return Agenda(service.id, [each.id for each in offering])


async def fill_timebok(url: str, business_id: UUID) -> list[UUID]:
    """The tables of Timebok, claims and words to search by included: the ids of some bookings."""
    async with db.opened(url):
        common: dict[str, Any] = {"business_id": business_id, "created_at": FIRST}
        options = [
            Option(**common, name=f"Option {number}", kind="PERSON", time_zone="Europe/Oslo", opening_hours=_ALL_WEEK)
            for number in range(OPTIONS)
        ]
        services = [
            Service(**common, name=f"Service {number}", duration_minutes=30, slot_step_minutes=30)
            for number in range(SERVICES)
        ]
        await _insert(options)
        await _insert(services)
        pairs = [(options[number], services[number % SERVICES]) for number in range(OPTIONS)]
        await _insert([Offering(business_id=business_id, option_id=o.id, service_id=s.id) for o, s in pairs])
        made = list(bookings())
        await _insert([_booking(each, number, common, *pairs[each.option]) for number, each in enumerate(made)])
        await _insert(
            [
                Claim(
                    business_id=business_id,
                    option_id=options[each.option].id,
                    booking_id=each.id,
                    occupied_start=each.start,
                    occupied_end=each.end,
                )
                for each in made
                if each.status != "CANCELLED"
            ]
        )
        await _insert(
            [
                search.BookingWord(business_id=business_id, booking_id=each.id, word=word)
                for number, each in enumerate(made)
                for word in search.words_of(f"{number:05}-BENCH", each.name, each.email)
            ]
        )
        await db.connection().execute_script("VACUUM ANALYZE" if db.is_postgres() else "ANALYZE")
    return [each.id for each in made[::100]]


def _scattered(begin: datetime, weeks: int, place: int) -> Iterator[datetime]:
    """40 quarters of an hour of each week, other ones for each place."""
    for week in range(weeks):
        for number in range(40):
            yield begin + timedelta(weeks=week, minutes=15 * ((67 * number + 13 * place) % 672))


def _booking(each: Booked, number: int, common: dict[str, Any], option: Option, service: Service) -> Booking:
    return Booking(
        **common,
        id=each.id,
        option_id=option.id,
        service_id=service.id,
        reference=f"{number:05}-BENCH",
        status=each.status,
        starts_at=each.start,
        ends_at=each.end,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        customer_name=each.name,
        customer_email=each.email,
        updated_at=FIRST,
    )


async def _insert(rows: Sequence[Model]) -> None:
    await type(rows[0]).bulk_create(rows, batch_size=_AT_ONCE)
