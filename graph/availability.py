"""Availability: the slots of a service that can be booked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry

from graph.context import Info, bad_input
from graph.nodes import asked, asked_all, value_of
from graph.options import Option, option_list
from graph.scalars import Date, TimeZone
from models import agenda, booking, business, changing, clock, service
from models.intervals import DAY, MINUTE, Interval, interval, to_datetime, to_instant
from models.offer import Offer
from models.refusals import Alternative

LONGEST = 62 * DAY
"""How long a window may be at most."""


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
        service_id: Annotated[strawberry.ID, strawberry.argument(description="The service.")],
        from_: Annotated[datetime, strawberry.argument(name="from", description="The first start of interest.")],
        to: Annotated[datetime, strawberry.argument(description="Before this; at most 62 days after `from`.")],
        option_ids: Annotated[
            list[strawberry.ID] | None, strawberry.argument(description="Only these options; left out: all.")
        ] = strawberry.UNSET,
        time_zone: Annotated[
            TimeZone | None, strawberry.argument(description="The zone to group days by; left out: the business's.")
        ] = strawberry.UNSET,
        moving_booking_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="A booking that is to be moved: its own time does not count as taken."),
        ] = strawberry.UNSET,
        manage_token: Annotated[
            str | None, strawberry.argument(description="With a public key, that booking's manage token.")
        ] = strawberry.UNSET,
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


async def look(info: Info, wanted: Wanted) -> tuple[Availability, Offer]:
    """The answer as it is now, and the offer it was taken from. Raises BAD_USER_INPUT."""
    caller, window = info.context.caller, wanted.window
    if not 0 < window.end - window.start <= LONGEST:
        raise bad_input("`to` is after `from`, by at most 62 days.")
    row = await service.read(caller.business_id, asked("Service", wanted.service_id), service.OFFER_COLUMNS)
    if row is None or not (row["active"] or caller.is_staff):
        raise bad_input("There is no such service.")
    rules = await changing.rules_of(caller.business_id, wanted.leave_out) if wanted.leave_out else None
    found = await agenda.offer_of(
        row,
        rules or service.rules(row),
        window,
        now=to_instant(clock.now()),
        google_days=info.context.house.settings.google_days,
        only=asked_all("Option", wanted.option_ids),
        leave_out=wanted.leave_out,
    )
    zone = wanted.time_zone or (await business.read(caller.business_id, ("time_zone",)))["time_zone"]
    answer = Availability(
        as_of=to_datetime(found.now),
        fresh_as_of=await agenda.fresh_as_of(found.options),
        time_zone=TimeZone(zone),
        days=_by_day(slots_of(found, window), ZoneInfo(zone)),
    )
    return answer, found


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
