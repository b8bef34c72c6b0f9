"""From rows to the evaluator: reading the agendas of options, and so what can be offered.

Owns the reading of busy time. Decides nothing by itself: `models.availability` does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from models import db, option
from models.availability import Agenda, Busy, BusyKind, Rules
from models.booking import Booking
from models.claim import Claim
from models.db import Row
from models.event import GoogleBlock
from models.google import GoogleLink
from models.hours import day_interval, local_date
from models.intervals import DAY, Instant, Interval, to_datetime, to_instant
from models.offer import Offer
from models.offering import Offering
from models.option import Option
from models.timeoff import TimeOff
from models.words import BookingStatus

_OPTION_COLUMNS = ("id", "name", "active", "time_zone", "opening_hours")


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
    """The offer of a service (`id`, `business_id`, `active`) for starts within the window.

    `only` are the options that were asked for: one that does not offer the service is in, and says so. `leave_out`
    is the booking or hold whose own claim does not count. Starts of a linked option end `google_days` ahead.
    """
    offering = {row["option_id"] for row in await db.select(Offering.filter(service_id=service["id"]), ("option_id",))}
    wanted = offering if only is None else set(only)
    found = Option.filter(business_id=service["business_id"], id__in=list(wanted)).order_by("name", "id")
    rows = {row["id"]: row for row in await db.select(found, _OPTION_COLUMNS)}
    touched = rules.reach(window)
    busy = await busy_time(rows, touched, now=now, leave_out=leave_out)
    overrides = await _overrides(rows, touched)
    linked = await db.select(GoogleLink.filter(option_id__in=list(rows), calendar_id__not_isnull=True), ("option_id",))
    followed = {row["option_id"] for row in linked}
    agendas = {
        option_id: Agenda(
            schedule=option.schedule(row, overrides[option_id]),
            busy=busy[option_id],
            limit=now + google_days * DAY if option_id in followed else None,
            offered=option_id in offering,
            active=row["active"] and service["active"],
        )
        for option_id, row in rows.items()
    }
    return Offer(rules, rows, agendas, now)


async def _overrides(options: Iterable[UUID], touched: Interval) -> Mapping[UUID, list[Row]]:
    """The date overrides that may matter, by option; two days more on each side than any zone needs."""
    margin = timedelta(days=3)
    first, last = to_datetime(touched.start) - margin, to_datetime(touched.end) + margin
    by_option: dict[UUID, list[Row]] = defaultdict(list)
    for row in await option.overrides_of(options, first.date(), last.date()):
        by_option[row["option_id"]].append(row)
    return by_option


async def busy_time(
    options: Iterable[UUID], touched: Interval, *, now: Instant, leave_out: UUID | None = None
) -> Mapping[UUID, list[Busy]]:
    """What keeps each option busy (rules B1 to B4), from claims, time off and Google events."""
    ids, start, end = list(options), to_datetime(touched.start), to_datetime(touched.end)
    by_option: dict[UUID, list[Busy]] = defaultdict(list)
    claims = Claim.filter(option_id__in=ids, occupied_start__lt=end, occupied_end__gt=start)
    columns = ("option_id", "occupied_start", "occupied_end", "booking_id", "hold_id", "hold__expires_at")
    for row in await db.select(claims, columns):
        lapsed = row["hold__expires_at"] is not None and to_instant(row["hold__expires_at"]) <= now
        entry = row["booking_id"] or row["hold_id"]
        if not lapsed and entry != leave_out:
            kind = BusyKind.BOOKING if row["booking_id"] else BusyKind.HOLD
            occupied = to_instant(row["occupied_start"]), to_instant(row["occupied_end"])
            by_option[row["option_id"]].append(Busy(*occupied, kind, entry))
    others: tuple[tuple[type[TimeOff] | type[GoogleBlock], str, BusyKind], ...] = (
        (TimeOff, "id", BusyKind.TIME_OFF),
        (GoogleBlock, "event_id", BusyKind.GOOGLE),
    )
    for table, entry, kind in others:
        query = table.filter(option_id__in=ids, starts_at__lt=end, ends_at__gt=start)
        for row in await query.values("option_id", "starts_at", "ends_at", entry):
            times = to_instant(row["starts_at"]), to_instant(row["ends_at"])
            by_option[row["option_id"]].append(Busy(*times, kind, row[entry]))
    return by_option


async def least_booked(offer: Offer, start: Instant, free: Collection[UUID]) -> UUID:
    """Of the free options the one with the fewest bookings that local day (each in its own zone), then by name."""
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
