"""The demo business: creates its options, services and bookings through the domain's verbs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from models import clock
from models.actions import create_booking
from models.actions.create_booking import BookingRequest
from models.actions.load_offer import offer_of
from models.api_key import Caller
from models.catalog import option, service
from models.catalog.option import Option
from models.catalog.service import Service
from models.enums import OptionKind, Role
from models.refusals import Refused
from models.scheduling.hours import TimeRange
from models.scheduling.intervals import Interval, to_datetime, to_instant

ZONE = "Europe/Oslo"

_DAILY = [(day, TimeRange(time(8), time(18))) for day in range(7)]
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "Anna": {"kind": OptionKind.PERSON, "color": "#8e24aa", "description": "Cuts and colours."},
    "Ben": {"kind": OptionKind.PERSON, "color": "#039be5", "description": "Cuts."},
    "Meeting room": {"kind": OptionKind.ROOM, "color": "#33b679", "description": "Eight seats and a screen."},
}
_SERVICES: tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...] = (
    (("Anna", "Ben"), {"name": "Haircut", "duration_minutes": 30, "price_amount": "450.00", "price_currency": "NOK"}),
    (("Anna",), {"name": "Colour", "duration_minutes": 90, "slot_step_minutes": 30, "buffer_after_minutes": 15}),
    (("Meeting room",), {"name": "Meeting", "duration_minutes": 60, "booking_horizon_days": 60}),
)
_CUSTOMERS = ("Kari Nordmann", "Ola Hansen", "Ingrid Berg", "Jonas Lie", "Sara Dahl", "Emil Moen")


@dataclass(frozen=True, slots=True)
class Shop:
    """The demo's options and services by name."""

    options: Mapping[str, UUID]
    services: Mapping[str, UUID]


async def fill_shop(business_id: UUID, google_days: int) -> Shop:
    """Fills the demo business, unless it has options already. Returns its options and services."""
    if not await Option.filter(business_id=business_id).exists():
        options = {
            name: _id_of(await option.create(business_id, {"name": name, **_at_home(), **values}))
            for name, values in _OPTIONS.items()
        }
        for names, values in _SERVICES:
            _id_of(await service.create(business_id, {**values, "option_ids": [options[name] for name in names]}))
        await _book(business_id, google_days)
    return Shop(await _by_name(Option, business_id), await _by_name(Service, business_id))


def _at_home() -> Mapping[str, Any]:
    return {"time_zone": ZONE, "opening_hours": _DAILY}


async def _by_name(table: type[Option] | type[Service], business_id: UUID) -> Mapping[str, UUID]:
    rows = await table.filter(business_id=business_id).values("name", "id")
    return {row["name"]: row["id"] for row in rows}


async def _book(business_id: UUID, google_days: int) -> None:
    """Makes a few bookings for the coming days, each in the first slot from ten o'clock on."""
    caller = Caller(business_id, UUID(int=0), Role.STAFF, "demo")
    services = [service_id for _, service_id in sorted((await _by_name(Service, business_id)).items())]
    for number, name in enumerate(_CUSTOMERS):
        service_id = services[number % len(services)]
        start = await _first_slot(business_id, service_id, number // 2 + 1, google_days)
        first, *_ = name.lower().split()
        request = BookingRequest(
            customer_name=name, customer_email=f"{first}@example.com", service_id=service_id, start=start
        )
        _id_of(await create_booking.create(caller, request, once=None, google_days=google_days))


async def _first_slot(business_id: UUID, service_id: UUID, days_ahead: int, google_days: int) -> datetime:
    """Returns the first free start from ten o'clock on that day."""
    row = await service.read(business_id, service_id, service.OFFER_COLUMNS)
    if row is None:
        raise LookupError("the demo's service is gone")
    ten = (clock.now().astimezone(ZoneInfo(ZONE)) + timedelta(days=days_ahead)).replace(hour=10, minute=0, second=0)
    start = to_instant(ten.replace(microsecond=0))
    window = Interval(start, start + to_instant(ten + timedelta(days=7)) - to_instant(ten))
    found = await offer_of(row, service.rules(row), window, now=to_instant(clock.now()), google_days=google_days)
    return to_datetime(found.slots(window)[0][0])


def _id_of(answer: UUID | Refused) -> UUID:
    """Returns the id in a verb's answer. Raises RuntimeError for a refusal."""
    if isinstance(answer, Refused):
        raise RuntimeError("; ".join(each.text for each in answer.reasons))
    return answer
