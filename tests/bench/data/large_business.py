"""A business that has many of everything, for what costs most to be asked of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.models import Model

from models.bookings.booking import Booking
from models.catalog.option import Option
from models.catalog.service import Service
from models.catalog.service_option import Offering
from models.google.event import GoogleBlock, GoogleEvent
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleLink
from models.storage import db

OPTIONS, SERVICES, BOOKINGS, BLOCKS, DAYS = 100, 100, 2_400, 7_200, 60
BUSY = 12
"""So many of the options have all the bookings and events."""

_ALL_WEEK = [[day, "00:00", "00:00"] for day in range(7)]
_AT_ONCE = 1000


@dataclass(frozen=True)
class Crowd:
    """Its options and services; every option offers every service, each of 30 minutes every 5."""

    options: Sequence[UUID]
    services: Sequence[UUID]


async def fill(url: str, business_id: UUID, begin: datetime) -> Crowd:
    """The rows of such a business, bookings and events from `begin` on."""
    common: dict[str, Any] = {"business_id": business_id, "created_at": begin}
    async with db.opened(url):
        options = [
            Option(**common, name=f"Room {number:03}", kind="ROOM", time_zone="Europe/Oslo", opening_hours=_ALL_WEEK)
            for number in range(OPTIONS)
        ]
        services = [
            Service(
                **common,
                name=f"Service {number:03}",
                description="So it is." * 9,
                duration_minutes=30,
                slot_step_minutes=5,
            )
            for number in range(SERVICES)
        ]
        await _insert(options)
        await _insert(services)
        await _insert(
            [Offering(business_id=business_id, option_id=o.id, service_id=s.id) for o in options for s in services]
        )
        await _insert([_booking(number, common, options, services, begin) for number in range(BOOKINGS)])
        await _google(common, options, begin)
        await db.connection().execute_script("VACUUM ANALYZE" if db.is_postgres() else "ANALYZE")
    return Crowd([each.id for each in options], [each.id for each in services])


async def _google(common: dict[str, Any], options: Sequence[Option], begin: datetime) -> None:
    """One calendar for those options that are busy, and its events."""
    account = GoogleAccount(**common, sub="1", email="a@example.com", state="CONNECTED", sealed="", scopes=[])
    calendar = GoogleCalendar(
        **common, account_id=account.id, google_id="a", summary="A", time_zone="Europe/Oslo", access_role="owner"
    )
    await _insert([account])
    await _insert([calendar])
    links = [
        GoogleLink(**common, option_id=each.id, account_id=account.id, calendar_id=calendar.id)
        for each in options[:BUSY]
    ]
    await _insert(links)
    events = [_event(number, common["business_id"], calendar.id, begin) for number in range(BLOCKS)]
    await _insert(events)
    await _insert(
        [
            GoogleBlock(
                business_id=common["business_id"],
                event_id=each.id,
                option_id=options[number % BUSY].id,
                starts_at=each.starts_at,
                ends_at=each.ends_at,
            )
            for number, each in enumerate(events)
        ]
    )


def _booking(
    number: int, common: dict[str, Any], options: Sequence[Option], services: Sequence[Service], begin: datetime
) -> Booking:
    start = begin + timedelta(days=DAYS) * (number // BUSY) / (BOOKINGS // BUSY)
    start = start.replace(minute=0, second=0)
    return Booking(
        **common,
        option_id=options[number % BUSY].id,
        service_id=services[number % SERVICES].id,
        reference=f"{number:05}-BENCH",
        status="CONFIRMED",
        starts_at=start,
        ends_at=start + timedelta(minutes=30),
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        customer_name=f"Customer {number}",
        updated_at=begin,
    )


def _event(number: int, business_id: UUID, calendar_id: UUID, begin: datetime) -> GoogleEvent:
    start = begin + timedelta(days=DAYS) * (number // BUSY) / (BLOCKS // BUSY)
    return GoogleEvent(
        business_id=business_id,
        calendar_id=calendar_id,
        google_id=f"e{number}",
        starts_at=start,
        ends_at=start + timedelta(minutes=30),
        title=f"Event {number}",
        may_block=True,
        busy=True,
    )


async def _insert(rows: Sequence[Model]) -> None:
    await type(rows[0]).bulk_create(rows, batch_size=_AT_ONCE)
