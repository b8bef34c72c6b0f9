"""Rows to begin a test with, made as directly as can be."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet

from models import business, clock
from models.bookings.booking import Booking
from models.catalog import option
from models.catalog.service import Service
from models.enums import BookingStatus, GoogleAccessRole, GoogleAccountState
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleLink
from models.refusals import Refused
from models.storage.secrets import Secrets
from sync.google_api import scopes

SECRETS = Secrets((Fernet.generate_key().decode(),))
HOUR = timedelta(hours=1)
OSLO = ZoneInfo("Europe/Oslo")

_numbers = count(1)


def tomorrow(hour: int = 9) -> datetime:
    """That hour of the day after tomorrow's UTC day, so that it is always ahead."""
    return (datetime.now(UTC) + timedelta(days=2)).replace(hour=hour, minute=0, second=0, microsecond=0)


async def a_business(**more: Any) -> UUID:
    values = {"name": "Salong", "time_zone": "Europe/Oslo", "origins": ["https://app.example"], **more}
    return await business.create(slug=f"b{next(_numbers)}", **values)


async def an_option(business_id: UUID, name: str = "Anna", **more: Any) -> UUID:
    made = await option.create(business_id, {"name": name, "kind": "PERSON", "time_zone": "Europe/Oslo", **more})
    assert not isinstance(made, Refused)
    return made


async def a_service(business_id: UUID) -> UUID:
    service = await Service.create(
        business_id=business_id, name="Cut", duration_minutes=60, slot_step_minutes=60, created_at=clock.now()
    )
    return service.id


async def a_booking(business_id: UUID, option_id: UUID, starts_at: datetime | None = None, **more: Any) -> UUID:
    starts_at = starts_at or tomorrow()
    values = {"status": BookingStatus.CONFIRMED, "customer_name": "Kari Nordmann", **more}
    booking = await Booking.create(
        business_id=business_id,
        option_id=option_id,
        service_id=await a_service(business_id),
        reference=f"R{next(_numbers)}",
        starts_at=starts_at,
        ends_at=starts_at + HOUR,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        created_at=clock.now(),
        updated_at=clock.now(),
        **values,
    )
    return booking.id


async def an_account(business_id: UUID, **more: Any) -> UUID:
    number = next(_numbers)
    values = {
        "sub": str(number),
        "email": f"person{number}@example.com",
        "state": GoogleAccountState.CONNECTED,
        "scopes": list(scopes.REQUIRED),
        "sealed": SECRETS.seal(json.dumps({"access": "access", "refresh": "refresh"})),
        "access_expires_at": clock.now() + HOUR,
        "list_due_at": clock.now() + HOUR,
        **more,
    }
    account = await GoogleAccount.create(business_id=business_id, created_at=clock.now(), **values)
    return account.id


async def a_calendar(business_id: UUID, account_id: UUID, google_id: str = "anna@example.com", **more: Any) -> UUID:
    values = {"summary": "Anna", "time_zone": "Europe/Oslo", "access_role": GoogleAccessRole.OWNER, **more}
    calendar = await GoogleCalendar.create(
        business_id=business_id, account_id=account_id, google_id=google_id, created_at=clock.now(), **values
    )
    return calendar.id


async def a_link(business_id: UUID, option_id: UUID, account_id: UUID, calendar_id: UUID | None, **more: Any) -> UUID:
    link = await GoogleLink.create(
        business_id=business_id,
        option_id=option_id,
        account_id=account_id,
        calendar_id=calendar_id,
        created_at=clock.now(),
        **more,
    )
    return link.id
