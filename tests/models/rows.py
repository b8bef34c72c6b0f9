"""Rows to begin a test with: a business that can be booked, and what lies in its calendar, made directly."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from models import api_key, business, clock
from models.actions import create_booking, hold_slot
from models.actions.create_booking import BookingRequest
from models.actions.hold_slot import HoldRequest
from models.api_key import Caller
from models.bookings.booking import Booking
from models.bookings.claim import Claim
from models.catalog import option, service
from models.enums import BookingStatus, Role
from models.log.idempotency import IdempotentRequest
from models.refusals import Refused
from models.scheduling.hours import TimeRange
from models.storage.columns import new_id

GOOGLE_DAYS = 400
EVERY_DAY = [(day, TimeRange(time(8), time(18))) for day in range(7)]
"""Opening hours: 08:00 to 18:00."""

_numbers = count(1)


@dataclass(frozen=True)
class Shop:
    """A business with one option that offers one service, and a staff key. All in UTC."""

    business_id: UUID
    option_id: UUID
    service_id: UUID
    staff: Caller

    async def book(self, start: datetime, once: IdempotentRequest | None = None, **wish: Any) -> UUID | Refused:
        """Books the service for Kari at this start."""
        asked = BookingRequest(customer_name="Kari Nordmann", service_id=self.service_id, start=start, **wish)
        return await create_booking.create(self.staff, asked, once=once, google_days=GOOGLE_DAYS)

    async def hold(self, start: datetime, once: IdempotentRequest | None = None, seconds: int = 600) -> UUID | Refused:
        """Holds the service at this start for whoever asks."""
        kept = HoldRequest(self.service_id, None, start, address="192.0.2.1", seconds=seconds)
        return await hold_slot.create(self.staff, kept, once=once, google_days=GOOGLE_DAYS)


async def a_business() -> UUID:
    return await business.create(slug=f"b{next(_numbers)}", name="Salong", time_zone="UTC")


async def a_caller(business_id: UUID, role: Role = Role.STAFF) -> Caller:
    key_id, _ = await api_key.create(business_id, role, f"{role.lower()} key")
    return Caller(business_id, key_id, role, f"{role.lower()} key")


async def an_option(business_id: UUID, name: str = "Anna", **more: Any) -> UUID:
    values = {"name": name, "kind": "PERSON", "time_zone": "UTC", "opening_hours": EVERY_DAY, **more}
    return done(await option.create(business_id, values))


async def a_service(business_id: UUID, *option_ids: UUID, **more: Any) -> UUID:
    values: Mapping[str, Any] = {"name": "Cut", "duration_minutes": 60, "option_ids": list(option_ids), **more}
    return done(await service.create(business_id, values))


async def a_shop(**of_service: Any) -> Shop:
    business_id = await a_business()
    option_id = await an_option(business_id)
    service_id = await a_service(business_id, option_id, **of_service)
    return Shop(business_id, option_id, service_id, await a_caller(business_id))


async def a_booking_row(shop: Shop, start: datetime, minutes: int = 60) -> UUID:
    """A booking without the claim that it should have."""
    booking = await Booking.create(
        business_id=shop.business_id,
        option_id=shop.option_id,
        service_id=shop.service_id,
        reference=str(new_id())[-12:],
        status=BookingStatus.CONFIRMED,
        starts_at=start,
        ends_at=start + timedelta(minutes=minutes),
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        customer_name="Kari Nordmann",
        created_at=clock.now(),
        updated_at=clock.now(),
    )
    return booking.id


async def a_claim(shop: Shop, start: datetime, minutes: int = 60, **more: Any) -> Claim:
    """A booking with its claim, decided by nobody."""
    owner = {"booking_id": await a_booking_row(shop, start, minutes)} if "hold_id" not in more else {}
    return await Claim.create(
        business_id=shop.business_id,
        occupied_start=start,
        occupied_end=start + timedelta(minutes=minutes),
        **{"option_id": shop.option_id, **owner, **more},
    )


def ahead(days: int = 7, hour: int = 10, minute: int = 0) -> datetime:
    """A time on a later day, within the opening hours."""
    day = datetime.now(UTC) + timedelta(days=days)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def done(answer: UUID | Refused) -> UUID:
    """What a verb did; fails when it refused."""
    assert not isinstance(answer, Refused), [str(reason) for reason in answer.reasons]
    return answer


def told(answer: object) -> list[str]:
    """The codes of a refusal; fails when the verb did what it was asked."""
    assert isinstance(answer, Refused), answer
    return [reason.code.value for reason in answer.reasons]
