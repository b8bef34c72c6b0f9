"""Availability: the slots of a service that can be booked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry

from graph.arguments import (
    FirstStart,
    GroupingZone,
    LastStart,
    MovingBookingId,
    MovingToken,
    OptionIds,
    ServiceId,
    check_range,
)
from graph.context import Info, bad_input
from graph.nodes import asked, asked_all, value_of
from graph.options import Option, option_list
from graph.scalars import Date, TimeZone
from models import agenda, booking, business, changing, clock, freshness, service
from models.db import Row
from models.intervals import MINUTE, Interval, interval, to_datetime, to_instant
from models.offer import Offer
from models.refusals import Alternative


@strawberry.type(description="A time at which a service can be booked.")
class Slot:
    free: strawberry.Private[Sequence[UUID]]
    others: strawberry.Private[Sequence[UUID]]
    start: datetime = strawberry.field(description="When the customer comes.")
    end: datetime = strawberry.field(description="When the customer is done.")

    @strawberry.field(description="The options that are free for it, by name.")
    async def options(self, info: Info) -> list[Option]:
        return await option_list(info, self.free)

    @strawberry.field(description="The options that offer the service and are not free for it, by name.")
    async def unavailable_options(self, info: Info) -> list[Option]:
        return await option_list(info, self.others)


@strawberry.type(description="The slots of one date.")
class AvailabilityDay:
    date: Date = strawberry.field(description="The date, in the answer's time zone.")
    slots: list[Slot] = strawberry.field(description="Its slots, each once, by start.")


@strawberry.type(description="When a service can be booked.")
class Availability:
    as_of: datetime = strawberry.field(description="When this was worked out.")
    fresh_as_of: datetime | None = strawberry.field(
        description="The oldest complete reading among the Google calendars involved; null when none is."
    )
    time_zone: TimeZone = strawberry.field(description="The zone that `days` are dates of.")
    days: list[AvailabilityDay] = strawberry.field(description="The dates that have slots, in order.")


@strawberry.type
class AvailabilityQuery:
    @strawberry.field(description="When a service can be booked: the starts from `from` on and before `to`.")
    async def availability(
        self,
        info: Info,
        service_id: ServiceId,
        from_: FirstStart,
        to: LastStart,
        option_ids: OptionIds = strawberry.UNSET,
        time_zone: GroupingZone = strawberry.UNSET,
        moving_booking_id: MovingBookingId = strawberry.UNSET,
        manage_token: MovingToken = strawberry.UNSET,
    ) -> Availability:
        leave_out = await moving(info, value_of(moving_booking_id), value_of(manage_token))
        wanted = Wanted(service_id, interval(from_, to), option_ids, time_zone or None, leave_out)
        return (await look(info, wanted))[0]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked: starts of a service in a window, with some options or all, by the dates of a zone."""

    service_id: str
    window: Interval
    option_ids: list[strawberry.ID] | None
    time_zone: str | None
    leave_out: UUID | None = None


async def check(info: Info, wanted: Wanted) -> None:
    """Raises BAD_USER_INPUT for what cannot be answered."""
    check_range(wanted.window)
    await service_for(info, wanted.service_id)


async def look(info: Info, wanted: Wanted) -> tuple[Availability, Offer]:
    """The answer as it is now, and the offer it was taken from. Raises BAD_USER_INPUT."""
    window = wanted.window
    check_range(window)
    row = await service_for(info, wanted.service_id)
    found = await offer_for(info, row, window, asked_all("Option", wanted.option_ids), wanted.leave_out)
    zone = wanted.time_zone or (await business.read(info.context.caller.business_id, ("time_zone",)))["time_zone"]
    answer = Availability(
        as_of=to_datetime(found.now),
        fresh_as_of=await freshness.fresh_as_of(found.options),
        time_zone=TimeZone(zone),
        days=_by_day(slots_of(found, window), ZoneInfo(zone)),
    )
    return answer, found


async def service_for(info: Info, service_id: str) -> Row:
    """The service that slots are asked of, with what an offer needs. Raises BAD_USER_INPUT."""
    caller = info.context.caller
    row = await service.read(caller.business_id, asked("Service", service_id), service.OFFER_COLUMNS)
    if row is None or not (row["active"] or caller.is_staff):
        raise bad_input("There is no such service.")
    return row


async def offer_for(
    info: Info, row: Row, window: Interval, only: Collection[UUID] | None, leave_out: UUID | None
) -> Offer:
    """The offer of a service now. When a booking is being moved, by that booking's own lengths."""
    rules = await changing.rules_of(info.context.caller.business_id, leave_out) if leave_out else None
    return await agenda.offer_of(
        row,
        rules or service.rules(row),
        window,
        now=to_instant(clock.now()),
        google_days=info.context.house.settings.google_days,
        only=only,
        leave_out=leave_out,
    )


async def moving(info: Info, booking_id: str | None, manage_token: str | None) -> UUID | None:
    """The booking to leave out; a public key must show that it manages it. Raises BAD_USER_INPUT."""
    if booking_id is None:
        return None
    caller, found = info.context.caller, asked("Booking", booking_id)
    if not caller.is_staff:
        managed = info.context.house.secrets.managed(manage_token or "")
        if managed is None or managed[0] != found or not await booking.is_managed(caller.business_id, *managed):
            raise bad_input("A public key needs the booking's manageToken.")
    return found


def slots_of(found: Offer, window: Interval) -> list[Slot]:
    """The offer's slots in the window."""
    length = found.rules.duration * MINUTE
    eligible = [each for each, agenda in found.agendas.items() if agenda.offered and agenda.active]
    return [
        Slot(
            free=free,
            others=[each for each in eligible if each not in free],
            start=to_datetime(start),
            end=to_datetime(start + length),
        )
        for start, free in found.slots(window)
    ]


def nearby(found: Sequence[Alternative]) -> list[Slot]:
    """Alternatives of the domain, as the API shows them."""
    return [
        Slot(free=each.options, others=(), start=to_datetime(each.start), end=to_datetime(each.end)) for each in found
    ]


def _by_day(slots: Sequence[Slot], zone: ZoneInfo) -> list[AvailabilityDay]:
    days: dict[date, list[Slot]] = {}
    for slot in slots:
        days.setdefault(slot.start.astimezone(zone).date(), []).append(slot)
    return [AvailabilityDay(date=Date(day), slots=each) for day, each in days.items()]
