"""The query `availability`: the free slots of a service."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry
from graphql import GraphQLError

from graph.catalog.options import Option
from graph.complexity import lengths
from graph.feeds.slot_feed import SERVICE_COLUMNS
from graph.fields.resolvers import recurring
from graph.fields.selection import columns, selects
from graph.languages import format_number, token_needed
from graph.relay.arguments import (
    FirstStart,
    GroupingZone,
    LastStart,
    MovingBookingId,
    MovingToken,
    OptionIds,
    ServiceId,
    check_range,
)
from graph.relay.nodes import decode_given_ids, decode_id, unset_to_none
from graph.request.context import Info, bad_input
from graph.scalars import Date, TimeZone
from models import clock
from models.actions import change_booking, load_offer
from models.bookings import booking
from models.catalog import option, service
from models.refusals import Alternative
from models.scheduling.availability import SlotReason as SlotReasonCode
from models.scheduling.emptiness import why_empty
from models.scheduling.hours import day_interval, local_date
from models.scheduling.intervals import DAY, MINUTE, Instant, Interval, Steps, interval, to_datetime, to_instant
from models.scheduling.offer import Offer
from models.storage.db import Row

_LEAST_SLOT, _LEAST_OPTION = 20, 10
"""Lower bounds for the bytes of a slot, and of an option of a slot, in an answer."""

_TOLERANCE = 4
"""How many times more slots may be possible than fit in an answer, since hours, bookings and notice leave fewer."""


@strawberry.type(description="A time at which a service can be booked.")
class Slot:
    # Of all that are `eligible` for the service some are `free`, the `others` not; `options_by_id` has the objects.
    free: strawberry.Private[Sequence[UUID]]
    eligible: strawberry.Private[Sequence[UUID]]
    options_by_id: strawberry.Private[Mapping[UUID, Option]]
    start: datetime = strawberry.field(description="When the customer comes.")
    end: datetime = strawberry.field(description="When the customer is done.")
    options: list[Option] = recurring("free", "options_by_id", "The options that are free for it, by name.")
    unavailable_options: list[Option] = recurring(
        "others", "options_by_id", "The options that offer the service and are not free for it, by name."
    )

    @property
    def others(self) -> Sequence[UUID]:
        """The eligible options that are not free."""
        free = set(self.free)
        return [each for each in self.eligible if each not in free]


@strawberry.type(description="The slots of one date.")
class AvailabilityDay:
    date: Date = strawberry.field(description="The date, in the answer's time zone.")
    slots: list[Slot] = strawberry.field(description="Its slots, each once, by start.")


@strawberry.type(description="When a service can be booked.")
class Availability:
    offer: strawberry.Private[Offer]
    window: strawberry.Private[Interval]
    has_slots: strawberry.Private[bool | None]  # None: nobody has looked.
    service_active: strawberry.Private[bool]
    options_by_id: strawberry.Private[Mapping[UUID, Option]]
    as_of: datetime = strawberry.field(description="When this was worked out.")
    fresh_as_of: datetime | None = strawberry.field(
        description="The oldest complete reading among the Google calendars involved; null when none is."
    )
    time_zone: TimeZone = strawberry.field(description="The zone that `days` are dates of.")
    days: list[AvailabilityDay] = strawberry.field(description="The dates that have slots, in order.")

    @strawberry.field(
        description="Why no date has a slot, where one reason holds for all that was asked; null when there are slots, "
        "or when the reasons differ. Public keys see BUSY for every BUSY_*."
    )
    async def empty_reason(self, info: Info) -> SlotReasonCode | None:
        if self.has_slots is None:
            self.has_slots = await info.context.allowance.through(self.offer.has_start_in_steps(self.window))
        if self.has_slots:
            return None
        found = why_empty(self.offer, self.window, active=self.service_active)
        busy = found is not None and found.name.startswith("BUSY")
        return SlotReasonCode.BUSY if busy and not info.context.caller.is_staff else found


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
        leave_out = await booking_to_leave_out(info, unset_to_none(moving_booking_id), unset_to_none(manage_token))
        wanted = AvailabilityRequest(service_id, interval(from_, to), option_ids, time_zone or None, leave_out)
        return await find_slots(info, wanted)


@dataclass(frozen=True, slots=True)
class AvailabilityRequest:
    """The arguments: starts of a service in a window, with some options or all, by the dates of a zone."""

    service_id: str
    window: Interval
    option_ids: list[strawberry.ID] | None
    time_zone: str | None
    leave_out: UUID | None = None


async def check_request(info: Info, wanted: AvailabilityRequest) -> None:
    """Raises BAD_USER_INPUT for arguments that `find_slots` would refuse. Subscriptions call it before they begin."""
    await check_range(info, wanted.window, wanted.time_zone)
    await read_service(info, wanted.service_id)


async def find_slots(info: Info, wanted: AvailabilityRequest) -> Availability:
    """Computes the answer as it is now, and of the slots only what the client asks for. Raises BAD_USER_INPUT."""
    window = wanted.window
    await check_range(info, window, wanted.time_zone)
    only = decode_given_ids("Option", wanted.option_ids, "optionIds")
    # A document may ask for many services at once, and others' statements would wait for all of theirs.
    async with info.context.statement_turn():
        row = await read_service(info, wanted.service_id)
        found = await offer_for(info, row, window, only, wanted.leave_out)
    allowance = info.context.allowance
    slots: Sequence[tuple[Instant, Sequence[UUID]]] | None = None
    eligible: Sequence[UUID] = ()
    options_by_id: Mapping[UUID, Option] = {}
    with_others = selects(info, "days", "slots", "unavailableOptions")
    with_options = with_others or selects(info, "days", "slots", "options")
    with_slots = selects(info, "days", "slots")
    if with_slots:
        _check_length(found, window, allowance.most, len(found.options) if with_options else 0)
    if with_options:
        slots = await allowance.through(found.slots_in_steps(window))
        eligible = found.eligible() if with_others else []
        seen = await allowance.through(_options_of(slots))
        options_by_id = await objects_by_id(info, seen.union(eligible if slots else ()), "days", "slots")
    elif selects(info, "days"):
        slots = [(at, ()) for at in await allowance.through(found.starts_in_steps(window))]
    if slots:
        days, options = -(-(window.end - window.start) // DAY), len(found.options)
        more = lengths.work_beyond(len(slots), days, options, shows_slots=with_slots, shows_options=with_options)
        info.context.spend(more)
    return await answer(info, wanted, found, row, slots, eligible, options_by_id)


async def answer(
    info: Info,
    wanted: AvailabilityRequest,
    offer: Offer,
    service_row: Row,
    slots: Sequence[tuple[Instant, Sequence[UUID]]] | None,
    eligible: Sequence[UUID],
    options_by_id: Mapping[UUID, Option],
) -> Availability:
    """The slots of an offer as they are shown; None where nobody has looked for them. Builds neither days nor slots
    that the client does not ask for.
    """
    zone, length = wanted.time_zone or service_row["business__time_zone"], timedelta(minutes=offer.rules.duration)
    shown = slots if slots and selects(info, "days") else []
    build = partial(Slot, eligible=eligible, options_by_id=options_by_id) if selects(info, "days", "slots") else None
    return Availability(
        offer=offer,
        window=wanted.window,
        has_slots=None if slots is None else bool(slots),
        service_active=service_row["active"],
        options_by_id=options_by_id,
        as_of=to_datetime(offer.now),
        fresh_as_of=offer.fresh_as_of,
        time_zone=TimeZone(zone),
        days=await info.context.allowance.through(by_day(shown, length, ZoneInfo(zone), build)),
    )


async def read_service(info: Info, service_id: str) -> Row:
    """Reads the service with the columns that an offer needs. Raises BAD_USER_INPUT when this key cannot see it."""
    caller = info.context.caller
    row = await service.read(caller.business_id, decode_id("Service", service_id), SERVICE_COLUMNS)
    if row is None or not (row["active"] or caller.is_staff):
        raise bad_input("There is no such service.")
    return row


async def offer_for(
    info: Info, row: Row, window: Interval, only: Collection[UUID] | None, leave_out: UUID | None
) -> Offer:
    """Loads the offer of a service. With `leave_out`, for moving that booking: by its own duration and buffers."""
    rules = await change_booking.rules_of(info.context.caller.business_id, leave_out) if leave_out else None
    return await load_offer.offer_of(
        row,
        rules or service.rules(row),
        window,
        now=to_instant(clock.now()),
        google_days=info.context.state.settings.google_days,
        only=only,
        leave_out=leave_out,
    )


async def booking_to_leave_out(info: Info, booking_id: str | None, manage_token: str | None) -> UUID | None:
    """Returns the booking to leave out. Raises BAD_USER_INPUT for a public key without its manage token."""
    if booking_id is None:
        return None
    caller, found = info.context.caller, decode_id("Booking", booking_id)
    if not caller.is_staff:
        managed = info.context.state.secrets.managed(manage_token or "")
        if managed is None or managed[0] != found or not await booking.is_managed(caller.business_id, *managed):
            raise bad_input(token_needed(manage_token))
    return found


async def objects_by_id(info: Info, options: Iterable[UUID], *path: str) -> Mapping[UUID, Option]:
    """Reads the options with the columns that the slots at the end of `path` show."""
    ids = list(options)
    wanted = columns(info, Option, *path, "options") | columns(info, Option, *path, "unavailableOptions")
    if not ids or wanted == {"id"}:
        return {each: Option(row={"id": each}) for each in ids}
    rows = await option.several(info.context.caller.business_id, ids, wanted)
    return {row["id"]: Option(row=row) for row in rows}


async def alternative_slots(info: Info, found: Sequence[Alternative]) -> list[Slot]:
    """Converts alternatives of the domain to the API's slots."""
    options_by_id = await objects_by_id(info, {option for each in found for option in each.options}, "alternatives")
    return [
        Slot(
            free=each.options,
            eligible=each.options,
            options_by_id=options_by_id,
            start=to_datetime(each.start),
            end=to_datetime(each.end),
        )
        for each in found
    ]


def _check_length(found: Offer, window: Interval, most: int, options: int) -> None:
    """Raises QUERY_TOO_COMPLEX if an answer could not hold the slots that are possible, each with so many options.
    Allows several times more than fit, since nobody is open all day.
    """
    starts = -(-(window.end - window.start) // (found.rules.step * MINUTE))
    if starts * (_LEAST_SLOT + options * _LEAST_OPTION) <= _TOLERANCE * most:
        return
    with_each = f" with {format_number(options)} options each" if options else ""
    message = (
        f"Up to {format_number(starts)} slots{with_each} can be in this range, and an answer has at most "
        f"{format_number(most)} bytes. Ask for a shorter range, fewer options, or a service with a longer step."
    )
    raise GraphQLError(message, extensions={"code": "QUERY_TOO_COMPLEX"})


def _options_of(slots: Iterable[tuple[Instant, Sequence[UUID]]]) -> Steps[set[UUID]]:
    """Collects the options of all slots; in steps."""
    seen: set[UUID] = set()
    before: Sequence[UUID] = ()
    for _, free in slots:
        # Many slots in a row have the same options.
        if free != before:
            seen.update(free)
            before = free
        yield
    return seen


def by_day(
    slots: Iterable[tuple[Instant, Sequence[UUID]]],
    length: timedelta,
    zone: ZoneInfo,
    build: Callable[..., Slot] | None,
) -> Steps[list[AvailabilityDay]]:
    """Groups ascending slots by the dates of a zone; in steps. Without `build`, returns the dates alone."""
    days: list[AvailabilityDay] = []
    midnight: Instant | None = None
    for at, free in slots:
        if midnight is None or at >= midnight:
            date = local_date(at, zone)
            midnight = day_interval(date, zone).end
            days.append(AvailabilityDay(date=Date(date), slots=[]))
        if build:
            start = to_datetime(at)
            days[-1].slots.append(build(free=free, start=start, end=start + length))
        yield
    return days
