"""Loads offers: reads the schedules and the busy time of options, and how old their Google calendars are.

Decides nothing: `models.scheduling.availability` does.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import timedelta
from uuid import UUID

from models.bookings.booking import Booking
from models.bookings.claim import Claim
from models.catalog import option
from models.catalog.service_option import Offering
from models.catalog.time_off import TimeOff
from models.enums import BookingStatus
from models.google.event import GoogleBlock
from models.google.tables import GoogleLink
from models.scheduling.availability import Agenda, Busy, BusyKind, Rules
from models.scheduling.hours import day_interval, local_date
from models.scheduling.intervals import DAY, Instant, Interval, to_datetime, to_instant
from models.scheduling.offer import Offer
from models.storage import db
from models.storage.db import Row
from models.storage.queries import Statement

_OPTION_COLUMNS = ("id", "name", "active", "time_zone", "opening_hours")

_OFFERING = Statement(Offering, "WHERE offering.service_id = :service_id")
_LINKS = Statement(GoogleLink, "WHERE google_link.option_id IN :ids AND google_link.calendar_id IS NOT NULL")
_CLAIMS = Statement(
    Claim,
    "WHERE claim.option_id IN :ids AND claim.occupied_start < :end AND claim.occupied_end > :start",
    counted=(("start_at", "occupied_start"), ("end_at", "occupied_end")),
)
_TIME_OFF = Statement(
    TimeOff,
    "WHERE time_off.option_id IN :ids AND time_off.starts_at < :end AND time_off.ends_at > :start",
    counted=(("start_at", "starts_at"), ("end_at", "ends_at")),
)
_BLOCKS = Statement(
    GoogleBlock,
    "WHERE google_block.option_id IN :ids AND google_block.starts_at < :end AND google_block.ends_at > :start",
    counted=(("start_at", "starts_at"), ("end_at", "ends_at")),
)


async def offer_of(
    service: Row,
    rules: Rules,
    window: Interval,
    *,
    now: Instant,
    google_days: int,
    only: Collection[UUID] | None = None,
    leave_out: UUID | None = None,
) -> Offer:
    """Loads the offer of a service (a row with OFFER_COLUMNS) for starts within the window.

    With `only`, loads these options, also those that do not offer the service; their reasons say so. Ignores the claim
    of the booking or hold `leave_out`. A linked option has no starts more than `google_days` ahead.
    """
    offering = {row["option_id"] for row in await _OFFERING.rows(("option_id",), service_id=service["id"])}
    wanted = offering if only is None else set(only)
    rows = {row["id"]: row for row in await option.several(service["business_id"], wanted, _OPTION_COLUMNS)}
    reach = rules.reach(window)
    busy = await busy_time(rows, reach, now=now, leave_out=leave_out)
    overrides = await _overrides(rows, reach)
    pulled = {
        row["option_id"]: row["calendar__pulled_at"]
        for row in await _LINKS.rows(("option_id", "calendar__pulled_at"), ids=rows)
    }
    agendas = {
        option_id: Agenda(
            schedule=option.schedule(row, overrides[option_id]),
            busy=busy[option_id],
            limit=now + google_days * DAY if option_id in pulled else None,
            offered=option_id in offering,
            active=row["active"] and service["active"],
        )
        for option_id, row in rows.items()
    }
    fresh_as_of = min(pulled.values()) if pulled and None not in pulled.values() else None
    return Offer(rules, rows, agendas, now, fresh_as_of, pulled)


async def _overrides(options: Collection[UUID], touched: Interval) -> Mapping[UUID, list[Row]]:
    """The date overrides that may matter, by option; two days more on each side than any zone needs."""
    margin = timedelta(days=3)
    first, last = to_datetime(touched.start) - margin, to_datetime(touched.end) + margin
    by_option: dict[UUID, list[Row]] = defaultdict(list)
    for row in await option.overrides_of(options, first.date(), last.date()):
        by_option[row["option_id"]].append(row)
    return by_option


async def busy_time(
    options: Collection[UUID], touched: Interval, *, now: Instant, leave_out: UUID | None = None
) -> Mapping[UUID, list[Busy]]:
    """What keeps each option busy (rules B1 to B4), from claims, time off and Google events."""
    asked = {"ids": options, "start": to_datetime(touched.start), "end": to_datetime(touched.end)}
    by_option: dict[UUID, list[Busy]] = defaultdict(list)
    columns = ("option_id", "start_at", "end_at", "booking_id", "hold_id", "hold__expires_at")
    for row in await _CLAIMS.rows(columns, **asked):
        lapsed = row["hold__expires_at"] is not None and to_instant(row["hold__expires_at"]) <= now
        entry = row["booking_id"] or row["hold_id"]
        if not lapsed and entry != leave_out:
            kind = BusyKind.BOOKING if row["booking_id"] else BusyKind.HOLD
            by_option[row["option_id"]].append(Busy(row["start_at"], row["end_at"], kind, entry))
    for blocking, entry, kind in _OTHERS:
        for row in await blocking.rows(("option_id", "start_at", "end_at", entry), **asked):
            by_option[row["option_id"]].append(Busy(row["start_at"], row["end_at"], kind, row[entry]))
    return by_option


_OTHERS = ((_TIME_OFF, "id", BusyKind.TIME_OFF), (_BLOCKS, "event_id", BusyKind.GOOGLE))


async def least_booked(offer: Offer, start: Instant, free: Collection[UUID]) -> UUID:
    """Returns the free option with the fewest bookings on that date of its own zone; of equals, the first by name."""
    days = {each: day_interval(local_date(start, offer.zone(each)), offer.zone(each)) for each in free}
    query = Booking.filter(
        option_id__in=list(free),
        starts_at__gte=to_datetime(min(day.start for day in days.values())),
        starts_at__lt=to_datetime(max(day.end for day in days.values())),
    ).exclude(status=BookingStatus.CANCELLED)
    load = dict.fromkeys(free, 0)
    for row in await db.select(query, ("option_id", "starts_at")):
        day = days[row["option_id"]]
        load[row["option_id"]] += day.start <= to_instant(row["starts_at"]) < day.end
    order = list(offer.options)
    return min(free, key=lambda each: (load[each], order.index(each)))
