"""From rows to the evaluator: reading the agendas of options, and so what can be offered.

Owns the reading of busy time, and of how old it is. Decides nothing by itself: `models.scheduling.availability` does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import RawSQL
from tortoise.models import Model
from tortoise.queryset import QuerySet

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
from models.storage import db, queries
from models.storage.columns import counted
from models.storage.db import Row

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
    offering = {row["option_id"] for row in await queries.rows(_offering, ("option_id",), service_id=service["id"])}
    wanted = list(offering if only is None else set(only))
    rows = {row["id"]: row for row in await option.several(service["business_id"], wanted, _OPTION_COLUMNS)}
    touched = rules.reach(window)
    busy = await busy_time(rows, touched, now=now, leave_out=leave_out)
    overrides = await _overrides(rows, touched)
    pulled = {
        row["option_id"]: row["calendar__pulled_at"]
        for row in await queries.rows(_links, ("option_id", "calendar__pulled_at"), ids=list(rows))
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


def _offering(service_id: UUID) -> QuerySet[Offering]:
    return Offering.filter(service_id=service_id)


def _links(ids: Sequence[UUID]) -> QuerySet[GoogleLink]:
    return GoogleLink.filter(option_id__in=list(ids), calendar_id__not_isnull=True)


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
    asked = {"ids": list(options), "start": to_datetime(touched.start), "end": to_datetime(touched.end)}
    by_option: dict[UUID, list[Busy]] = defaultdict(list)
    columns = ("option_id", "start_at", "end_at", "booking_id", "hold_id", "hold__expires_at")
    for row in await queries.rows(_claims, columns, **asked):
        lapsed = row["hold__expires_at"] is not None and to_instant(row["hold__expires_at"]) <= now
        entry = row["booking_id"] or row["hold_id"]
        if not lapsed and entry != leave_out:
            kind = BusyKind.BOOKING if row["booking_id"] else BusyKind.HOLD
            by_option[row["option_id"]].append(Busy(row["start_at"], row["end_at"], kind, entry))
    for table, entry, kind in _OTHERS:
        for row in await queries.rows(_blocking, ("option_id", "start_at", "end_at", entry), table=table, **asked):
            by_option[row["option_id"]].append(Busy(row["start_at"], row["end_at"], kind, row[entry]))
    return by_option


_OTHERS: Sequence[tuple[type[Model], str, BusyKind]] = (
    (TimeOff, "id", BusyKind.TIME_OFF),
    (GoogleBlock, "event_id", BusyKind.GOOGLE),
)


def _claims(ids: Sequence[UUID], start: datetime, end: datetime) -> QuerySet[Claim]:
    found = Claim.filter(option_id__in=list(ids), occupied_start__lt=end, occupied_end__gt=start)
    return found.annotate(**_counted("occupied_start", "occupied_end"))


def _blocking(table: type[Model], ids: Sequence[UUID], start: datetime, end: datetime) -> QuerySet[Model]:
    found = table.filter(option_id__in=list(ids), starts_at__lt=end, ends_at__gt=start)
    return found.annotate(**_counted("starts_at", "ends_at"))


def _counted(start: str, end: str) -> dict[str, RawSQL]:
    on_postgres = db.is_postgres()
    return {
        "start_at": counted(start, is_postgres=on_postgres),
        "end_at": counted(end, is_postgres=on_postgres),
    }


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
