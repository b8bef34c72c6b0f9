"""The calendar's entries, read for many at once: bookings, holds, time off, Google events. Reads only."""

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
"""How long before a time something began at most that overlaps it; else all that ever ended would be looked at."""


@dataclass(frozen=True, slots=True)
class Linked:
    """An option linked to a calendar, and whether it keeps only that events are busy."""

    option_id: UUID
    busy_only: bool


def _present(kind: ChangeKind, business_id: UUID) -> Q:
    """What makes a row an entry: cancelled bookings and lapsed holds are none."""
    mine = Q(business_id=business_id)
    if kind is ChangeKind.BOOKING:
        return mine & ~Q(status=BookingStatus.CANCELLED)
    return mine & Q(expires_at__gt=clock.now()) if kind is ChangeKind.HOLD else mine


def _concerning(kind: ChangeKind, within: frozenset[UUID] | None) -> Q:
    """Narrows to entries of these options; an event concerns every option linked to its calendar."""
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
    """Every entry that overlaps `[start, end)`, by start and id, with the asked columns of its kind."""
    found: list[tuple[ChangeKind, Row]] = []
    for kind, table in TABLES.items():
        touches = Q(ends_at__gt=start)
        if kind is ChangeKind.GOOGLE_EVENT:
            # An event without length overlaps nothing, and is shown where it stands all the same.
            touches |= Q(starts_at__gte=start)
        if kind in _LONGEST:
            touches &= Q(starts_at__gt=start - _LONGEST[kind])
        touches &= Q(starts_at__lt=end)
        query = table.filter(_present(kind, business_id), _concerning(kind, within), touches)
        found += [(kind, row) for row in await db.select(query, columns[kind] | {"starts_at"})]
    return sorted(found, key=lambda entry: (entry[1]["starts_at"], entry[1]["id"]))


async def one(
    business_id: UUID, kind: ChangeKind, entry_id: UUID, within: frozenset[UUID] | None, columns: frozenset[str]
) -> Row | None:
    """One entry as it is now; None when it is gone, or concerns none of these options."""
    query = TABLES[kind].filter(_present(kind, business_id), _concerning(kind, within), id=entry_id)
    rows = await db.select(query, columns)
    return rows[0] if rows else None


async def links_of(calendar_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Linked]]:
    """The options linked to each calendar."""
    found: dict[UUID, list[Linked]] = defaultdict(list)
    query = GoogleLink.filter(calendar_id__in=list(set(calendar_ids))).order_by("option_id")
    for row in await db.select(query, ("calendar_id", "option_id", "detail")):
        found[row["calendar_id"]].append(Linked(row["option_id"], row["detail"] == EventDetail.BUSY_ONLY))
    return found


async def blocked_by(event_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[UUID]]:
    """The options each event makes unavailable."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    query = GoogleBlock.filter(event_id__in=list(set(event_ids))).order_by("option_id")
    for row in await db.select(query, ("event_id", "option_id")):
        found[row["event_id"]].append(row["option_id"])
    return found


async def conflicts_of(booking_ids: Sequence[UUID], columns: frozenset[str]) -> Mapping[UUID, Sequence[Row]]:
    """The Google events that block a booking's option during the booking."""
    bookings = Booking.filter(id__in=list(set(booking_ids))).exclude(status=BookingStatus.CANCELLED)
    rows = await db.select(bookings, ("id", "option_id", "starts_at", "ends_at"))
    if not rows:
        return {}
    blocks = GoogleBlock.filter(
        option_id__in=list({row["option_id"] for row in rows}),
        starts_at__lt=max(row["ends_at"] for row in rows),
        ends_at__gt=min(row["starts_at"] for row in rows),
    ).order_by("starts_at", "event_id")
    asked = {name: f"event__{name}" for name in columns}
    found: dict[UUID, list[Row]] = defaultdict(list)
    others = await db.select(blocks, ("option_id", "starts_at", "ends_at"), **_apart(asked))
    for row, block in _meetings(rows, others):
        found[row["id"]].append({name: block[f"of_{name}"] for name in asked})
    return found


async def bookings_under(event_ids: Sequence[UUID], columns: frozenset[str]) -> Mapping[UUID, Sequence[Row]]:
    """The bookings that each event came in over."""
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
    for block, row in _meetings(blocks, rows):
        found[block["event_id"]].append(row)
    return found


def _apart(asked: Mapping[str, str]) -> dict[str, str]:
    """The event's columns under names that do not meet the block's own."""
    return {f"of_{name}": source for name, source in asked.items()}


def _meetings(ones: Iterable[Row], others: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    """The pairs that overlap and are of the same option. For each of the ones the others come by their start."""
    by_option: dict[UUID, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((ones, others)):
        for row in rows:
            by_option[row["option_id"]][side].append(row)
    for mine, theirs in by_option.values():
        yield from intervals.meetings(mine, theirs, _range)


def _range(row: Row) -> tuple[datetime, datetime]:
    return row["starts_at"], row["ends_at"]
