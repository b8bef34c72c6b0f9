"""Google events as rows, and the time they block. Only `sync` writes them.

The verbs make the rows equal to what Google has. Each runs inside a `change_log.write`, and records one change for
each event that looks different to clients, and for each booking that overlaps it. Callers pass a few hundred rows at
most at a time.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models.bookings.booking import Booking
from models.enums import BookingStatus, ChangeAction, ChangeKind
from models.log.change_log import LoggedTransaction
from models.scheduling import intervals
from models.scheduling.affected_time import NO_TIME, hull
from models.storage import db
from models.storage.columns import Instant, belongs_to, new_id

SHOWN = (
    "master_id",
    "starts_at",
    "ends_at",
    "all_day",
    "title",
    "description",
    "location",
    "color",
    "attendees",
    "busy",
    "private",
    "html_link",
)
"""The columns that come from Google and that clients can see."""

HIDDEN = ("may_block", "etag", "veiled")
"""The columns that come from Google and that only we use."""


class GoogleEvent(Model):
    """One occurrence that somebody else put into a calendar we follow.

    `master_id` is the recurring event it belongs to. `may_block` is false for events that never make anybody
    unavailable (declined, a working location, a birthday); `busy` means that it may block and is not marked free.
    GoogleBlock has the options that it blocks by the rules of their links. For an all-day event, `starts_at` and
    `ends_at` are its dates in the calendar's zone. `attendees` are mail addresses. `veiled` has keyed hashes of the
    texts that matchers look for, where the texts themselves may not be stored.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    calendar = belongs_to("GoogleCalendar")
    calendar_id: UUID
    google_id = fields.CharField(max_length=1100)
    master_id = fields.CharField(max_length=1100, null=True)
    starts_at = Instant()
    ends_at = Instant()
    all_day = fields.BooleanField(default=False)
    title = fields.TextField(null=True)
    description = fields.TextField(null=True)
    location = fields.TextField(null=True)
    color = fields.CharField(max_length=64, null=True)
    attendees = fields.JSONField[list[str]](default=list)
    may_block = fields.BooleanField()
    busy = fields.BooleanField()
    private = fields.BooleanField(default=False)
    html_link = fields.TextField(null=True)
    etag = fields.TextField(null=True)
    veiled = fields.JSONField[dict[str, Any] | None](null=True)
    generation = fields.IntField(default=0)

    class Meta:
        table = "google_event"
        unique_together = (("calendar", "google_id"),)
        indexes = (
            Index(fields=("calendar_id", "master_id")),
            Index(fields=("business_id", "ends_at")),
        )


class GoogleBlock(Model):
    """One event makes one option unavailable. Repeats the event's range, so that reading busy time needs no join."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    event = belongs_to("GoogleEvent")
    event_id: UUID
    option = belongs_to("Option")
    option_id: UUID
    starts_at = Instant()
    ends_at = Instant()

    class Meta:
        table = "google_block"
        unique_together = (("event", "option"),)
        indexes = (Index(fields=("option_id", "ends_at")),)


@dataclass(frozen=True, slots=True)
class CalendarScope:
    """The calendar whose events a verb writes, and the options to log: those linked to it, and one just unlinked."""

    calendar_id: UUID
    option_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as Google has it: the columns of its row (SHOWN and HIDDEN), and the options that it shall block."""

    google_id: str
    columns: Mapping[str, Any]
    blocks: frozenset[UUID]


Range = tuple[datetime, datetime]
Blocks = Mapping[UUID, Range]


async def upsert(work: LoggedTransaction, scope: CalendarScope, events: Sequence[EventRow], generation: int) -> None:
    """Inserts or updates the row of each event, with its blocks. `generation` is that of the listing that had them."""
    ids = [each.google_id for each in events]
    rows = {row.google_id: row for row in await GoogleEvent.filter(calendar_id=scope.calendar_id, google_id__in=ids)}
    blocks = await blocks_of([row.id for row in rows.values()])
    written: list[GoogleEvent] = []
    wanted: dict[UUID, Blocks] = {}
    renamed: dict[UUID, list[Range]] = defaultdict(list)
    for each in events:
        row = rows.get(each.google_id)
        differs = row is None or any(getattr(row, name) != each.columns[name] for name in SHOWN)
        row = row or GoogleEvent(
            id=new_id(), business_id=work.business_id, calendar_id=scope.calendar_id, google_id=each.google_id
        )
        row.update_from_dict({**each.columns, "generation": generation})
        written.append(row)
        after = dict.fromkeys(each.blocks, (row.starts_at, row.ends_at))
        if blocks[row.id] != after:
            wanted[row.id] = after
        elif differs:
            for option_id, block in after.items():
                renamed[option_id].append(block)
        if differs or row.id in wanted:
            _record(work, scope, row.id, ChangeAction.UPSERTED, blocks[row.id], after)
    await GoogleEvent.bulk_create(written, on_conflict=["id"], update_fields=[*SHOWN, *HIDDEN, "generation"])
    await _replace_blocks(work, blocks, wanted, renamed)


async def prune(work: LoggedTransaction, scope: CalendarScope, kept: Mapping[str, Collection[str]]) -> None:
    """Deletes the rows of occurrences that their series no longer have. `kept` has, for each series by its Google id,
    the Google ids of its occurrences that stay.

    A single event is a series of its own. A series with no occurrence left was deleted in Google.
    """
    roots = list(kept)
    rows = GoogleEvent.filter(Q(google_id__in=roots) | Q(master_id__in=roots), calendar_id=scope.calendar_id)
    ids = [(row, kept.keys() & {row.google_id, row.master_id}) for row in await rows]
    await drop(work, scope, [row for row, series in ids if any(row.google_id not in kept[each] for each in series)])


def between(calendar_id: UUID, since: datetime, until: datetime | None) -> QuerySet[GoogleEvent]:
    """Selects the rows of a calendar that end after `since` and, if `until` is given, start before it."""
    query = GoogleEvent.filter(calendar_id=calendar_id, ends_at__gt=since)
    return query if until is None else query.filter(starts_at__lt=until)


async def drop(work: LoggedTransaction, scope: CalendarScope, rows: Sequence[GoogleEvent]) -> None:
    """Deletes rows and their blocks."""
    before = await blocks_of([row.id for row in rows])
    for row in rows:
        _record(work, scope, row.id, ChangeAction.REMOVED, before.get(row.id, {}), {})
    await _replace_blocks(work, before, {event_id: {} for event_id in before})
    await GoogleEvent.filter(id__in=[row.id for row in rows]).delete()


async def replace_blocks(work: LoggedTransaction, scope: CalendarScope, blocked: Mapping[UUID, Blocks]) -> None:
    """Replaces the blocks of events that did not change themselves, after a link or its rules changed."""
    before = await blocks_of(blocked)
    wanted = {event_id: blocks for event_id, blocks in blocked.items() if before[event_id] != blocks}
    for event_id in wanted:
        _record(work, scope, event_id, ChangeAction.UPSERTED, before[event_id], blocked[event_id])
    await _replace_blocks(work, before, wanted)


async def unblock(work: LoggedTransaction, option_id: UUID, recorded: Collection[UUID] = ()) -> None:
    """Deletes all Google blocks of an option, when it is unlinked or linked to another calendar. The pull that
    reroutes the calendar records the changes of its events later.

    `recorded` are bookings whose change the caller recorded already.
    """
    blocks = GoogleBlock.filter(option_id=option_id)
    ranges = [(row["starts_at"], row["ends_at"]) for row in await blocks.values("starts_at", "ends_at")]
    await blocks.delete()
    await _record_bookings(work, {option_id: ranges}, recorded)


async def blocks_of(event_ids: Collection[UUID]) -> Mapping[UUID, Blocks]:
    """Returns which options each event blocks now, and when."""
    found: dict[UUID, dict[UUID, Range]] = defaultdict(dict)
    rows = GoogleBlock.filter(event_id__in=list(event_ids)).values("event_id", "option_id", "starts_at", "ends_at")
    for row in await rows:
        found[row["event_id"]][row["option_id"]] = (row["starts_at"], row["ends_at"])
    return found


def _record(
    work: LoggedTransaction, scope: CalendarScope, event_id: UUID, action: ChangeAction, before: Blocks, after: Blocks
) -> None:
    """Records a change of an event. It affects the time that the event began or ceased to block for an option."""
    changed = before.items() ^ after.items()
    concerned = scope.option_ids | {option_id for option_id, _ in changed}
    during = hull(_interval(moments) for _, moments in changed)
    work.record(ChangeKind.GOOGLE_EVENT, event_id, action, concerned, during=during)


async def _replace_blocks(
    work: LoggedTransaction,
    before: Mapping[UUID, Blocks],
    wanted: Mapping[UUID, Blocks],
    renamed: Mapping[UUID, list[Range]] = MappingProxyType({}),
) -> None:
    """Replaces the blocks of events: `before` are the old ones, `wanted` the new. Records a change of the bookings that
    overlap a new or an old block, and of those that overlap the unchanged block of an event that looks different
    (`renamed`).
    """
    if wanted:
        await GoogleBlock.filter(event_id__in=list(wanted)).delete()
        await GoogleBlock.bulk_create(
            GoogleBlock(
                business_id=work.business_id, event_id=event_id, option_id=option_id, starts_at=begins, ends_at=ends
            )
            for event_id, blocks in wanted.items()
            for option_id, (begins, ends) in blocks.items()
        )
    changed: dict[UUID, list[Range]] = defaultdict(list, {each: list(ranges) for each, ranges in renamed.items()})
    for event_id, blocks in wanted.items():
        for option_id, block in before.get(event_id, {}).items() ^ blocks.items():
            changed[option_id].append(block)
    await _record_bookings(work, changed)


async def _record_bookings(
    work: LoggedTransaction, changed: Mapping[UUID, Iterable[Range]], recorded: Collection[UUID] = ()
) -> None:
    """Records a change of every booking that overlaps the ranges `changed` of its option."""
    merged = {option_id: intervals.merge(map(_interval, ranges)) for option_id, ranges in changed.items()}
    merged = {option_id: ranges for option_id, ranges in merged.items() if ranges}
    if not merged:
        return
    bookings = Booking.filter(
        option_id__in=list(merged),
        starts_at__lt=intervals.to_datetime(max(ranges[-1].end for ranges in merged.values())),
        ends_at__gt=intervals.to_datetime(min(ranges[0].start for ranges in merged.values())),
    ).exclude(status=BookingStatus.CANCELLED)
    for row in await db.select(bookings, ("id", "option_id", "starts_at", "ends_at")):
        ranges, booked = merged[row["option_id"]], _interval((row["starts_at"], row["ends_at"]))
        # The ranges do not overlap: the last that begins before the booking ends also ends last.
        before = bisect_left(ranges, booked.end, key=lambda each: each.start)
        if before and ranges[before - 1].end > booked.start and row["id"] not in recorded:
            work.record(ChangeKind.BOOKING, row["id"], ChangeAction.UPSERTED, [row["option_id"]], during=NO_TIME)


def _interval(moments: Range) -> intervals.Interval:
    return intervals.interval(*moments)
