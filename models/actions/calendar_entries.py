"""Reads the calendar's entries, many at once: bookings, holds, time off and Google events."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q
from tortoise.models import Model

from models import clock
from models.bookings import booking
from models.bookings.booking import Booking
from models.bookings.hold import Hold
from models.catalog import time_off
from models.catalog.time_off import TimeOff
from models.enums import BookingStatus, ChangeKind, EventDetail
from models.google.event import GoogleBlock, GoogleEvent
from models.google.tables import GoogleLink
from models.scheduling import intervals
from models.storage import db
from models.storage.db import Row

TABLES: Mapping[ChangeKind, type[Model]] = {
    ChangeKind.BOOKING: Booking,
    ChangeKind.HOLD: Hold,
    ChangeKind.TIME_OFF: TimeOff,
    ChangeKind.GOOGLE_EVENT: GoogleEvent,
}


_LONGEST: Mapping[ChangeKind, timedelta] = {ChangeKind.BOOKING: booking.LONGEST, ChangeKind.TIME_OFF: time_off.LONGEST}
"""The longest entry of a kind. Bounds the query from below: it would scan all entries that ever ended otherwise."""


@dataclass(frozen=True, slots=True)
class LinkedOption:
    """An option linked to a calendar, and whether its link stores busy times only."""

    option_id: UUID
    busy_only: bool


def _present(kind: ChangeKind, business_id: UUID) -> Q:
    """Filters the rows that are entries: cancelled bookings and lapsed holds are not."""
    of_business = Q(business_id=business_id)
    if kind is ChangeKind.BOOKING:
        return of_business & ~Q(status=BookingStatus.CANCELLED)
    return of_business & Q(expires_at__gt=clock.now()) if kind is ChangeKind.HOLD else of_business


def _of_options(kind: ChangeKind, within: frozenset[UUID] | None) -> Q:
    """Filters the entries of these options; an event belongs to every option linked to its calendar."""
    if within is None:
        return Q()
    if kind is ChangeKind.GOOGLE_EVENT:
        calendars = GoogleLink.filter(option_id__in=list(within), calendar_id__not_isnull=True)
        return Q(calendar_id__in=db.within(calendars, "calendar_id"))
    return Q(option_id__in=list(within))


async def overlapping(
    business_id: UUID,
    start: datetime,
    end: datetime,
    within: frozenset[UUID] | None,
    columns: Mapping[ChangeKind, frozenset[str]],
) -> list[tuple[ChangeKind, Row]]:
    """Returns every entry that overlaps `[start, end)`, ordered by start and id, with the columns for its kind."""
    found: list[tuple[ChangeKind, Row]] = []
    for kind, table in TABLES.items():
        touches = Q(ends_at__gt=start)
        if kind is ChangeKind.GOOGLE_EVENT:
            # An event without length overlaps nothing; a calendar shows it all the same.
            touches |= Q(starts_at__gte=start)
        if kind in _LONGEST:
            touches &= Q(starts_at__gt=start - _LONGEST[kind])
        touches &= Q(starts_at__lt=end)
        query = table.filter(_present(kind, business_id), _of_options(kind, within), touches)
        found += [(kind, row) for row in await db.select(query, columns[kind] | {"starts_at"})]
    return sorted(found, key=lambda entry: (entry[1]["starts_at"], entry[1]["id"]))


async def one(
    business_id: UUID, kind: ChangeKind, entry_id: UUID, within: frozenset[UUID] | None, columns: frozenset[str]
) -> Row | None:
    """Returns one entry as it is now; None when it is gone or belongs to none of these options."""
    query = TABLES[kind].filter(_present(kind, business_id), _of_options(kind, within), id=entry_id)
    rows = await db.select(query, columns)
    return rows[0] if rows else None


async def links_of(calendar_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[LinkedOption]]:
    """Returns the options linked to each calendar."""
    found: dict[UUID, list[LinkedOption]] = defaultdict(list)
    query = GoogleLink.filter(calendar_id__in=list(set(calendar_ids))).order_by("option_id")
    for row in await db.select(query, ("calendar_id", "option_id", "detail")):
        found[row["calendar_id"]].append(LinkedOption(row["option_id"], row["detail"] == EventDetail.BUSY_ONLY))
    return found


async def blocked_by(event_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[UUID]]:
    """Returns the options that each event blocks."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    query = GoogleBlock.filter(event_id__in=list(set(event_ids))).order_by("option_id")
    for row in await db.select(query, ("event_id", "option_id")):
        found[row["event_id"]].append(row["option_id"])
    return found


async def conflicts_of(booking_ids: Sequence[UUID], columns: frozenset[str]) -> Mapping[UUID, Sequence[Row]]:
    """Returns for each booking the Google events that block its option during it."""
    bookings = Booking.filter(id__in=list(set(booking_ids))).exclude(status=BookingStatus.CANCELLED)
    rows = await db.select(bookings, ("id", "option_id", "starts_at", "ends_at"))
    if not rows:
        return {}
    blocks = GoogleBlock.filter(
        option_id__in=list({row["option_id"] for row in rows}),
        starts_at__lt=max(row["ends_at"] for row in rows),
        ends_at__gt=min(row["starts_at"] for row in rows),
    ).order_by("starts_at", "event_id")
    sources = {name: f"event__{name}" for name in columns}
    found: dict[UUID, list[Row]] = defaultdict(list)
    others = await db.select(blocks, ("option_id", "starts_at", "ends_at"), **_prefixed(sources))
    for row, block in _overlapping_pairs(rows, others):
        found[row["id"]].append({name: block[f"of_{name}"] for name in sources})
    return found


async def bookings_under(event_ids: Sequence[UUID], columns: frozenset[str]) -> Mapping[UUID, Sequence[Row]]:
    """Returns for each event the bookings that it overlaps on an option that it blocks."""
    query = GoogleBlock.filter(event_id__in=list(set(event_ids)))
    blocks = await db.select(query, ("event_id", "option_id", "starts_at", "ends_at"))
    if not blocks:
        return {}
    bookings = Booking.filter(
        option_id__in=list({block["option_id"] for block in blocks}),
        starts_at__lt=max(block["ends_at"] for block in blocks),
        ends_at__gt=min(block["starts_at"] for block in blocks),
    ).exclude(status=BookingStatus.CANCELLED)
    found: dict[UUID, list[Row]] = defaultdict(list)
    rows = await db.select(bookings.order_by("starts_at", "id"), columns | {"option_id", "starts_at", "ends_at"})
    for block, row in _overlapping_pairs(blocks, rows):
        found[block["event_id"]].append(row)
    return found


def _prefixed(sources: Mapping[str, str]) -> dict[str, str]:
    """Prefixes the names of the event's columns, so that they differ from the block's own."""
    return {f"of_{name}": source for name, source in sources.items()}


def _overlapping_pairs(firsts: Iterable[Row], others: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    """Yields the pairs of the same option that overlap. For each of the firsts, the others come ordered by start."""
    by_option: dict[UUID, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((firsts, others)):
        for row in rows:
            by_option[row["option_id"]][side].append(row)
    for first, second in by_option.values():
        yield from intervals.overlapping_pairs(first, second, _range)


def _range(row: Row) -> tuple[datetime, datetime]:
    return row["starts_at"], row["ends_at"]
