"""Google events as rows, and the time they block. Written by `sync` only.

Owns how rows come to equal what Google has: each verb works inside a write, and notes one change per event, and per
booking under it, that a client would see differently. A batch is a few hundred rows at most; cutting it up is the
caller's.
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
"""The columns that Google fills and a client can see a difference in."""

HIDDEN = ("may_block", "etag", "veiled")
"""The columns that Google fills for our own use."""


class GoogleEvent(Model):
    """One occurrence somebody else put into a calendar we follow.

    `master_id` is the recurring event it belongs to. `may_block` is false for what never makes anybody unavailable
    (declined, a working location, a birthday), `busy` is Google's own answer: that, and not marked free. What it
    blocks, by the links' rules, is in GoogleBlock. All-day events keep their dates: `starts_at` and `ends_at` are
    those dates in the calendar's zone. `attendees` are mail addresses. `veiled` is what rules find in texts that may
    not be kept, as keyed hashes.
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
    """One event makes one option unavailable: the join of events and links, with the range repeated for speed."""

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
    """The calendar whose events are written, and the options that see them: those linked to it, or just unlinked."""

    calendar_id: UUID
    option_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as Google has it: the columns of its row (SHOWN and HIDDEN), and the options it makes unavailable."""

    google_id: str
    columns: Mapping[str, Any]
    blocks: frozenset[UUID]


Range = tuple[datetime, datetime]
Blocks = Mapping[UUID, Range]


async def put(work: LoggedTransaction, on: CalendarScope, seen: Sequence[EventRow], generation: int) -> None:
    """Makes a row of each event, with its blocks, and marks it with the generation of the listing that saw it."""
    ids = [each.google_id for each in seen]
    rows = {row.google_id: row for row in await GoogleEvent.filter(calendar_id=on.calendar_id, google_id__in=ids)}
    blocks = await blocks_of([row.id for row in rows.values()])
    written: list[GoogleEvent] = []
    wanted: dict[UUID, Blocks] = {}
    renamed: dict[UUID, list[Range]] = defaultdict(list)
    for each in seen:
        row = rows.get(each.google_id)
        differs = row is None or any(getattr(row, name) != each.columns[name] for name in SHOWN)
        row = row or GoogleEvent(
            id=new_id(), business_id=work.business_id, calendar_id=on.calendar_id, google_id=each.google_id
        )
        row.update_from_dict({**each.columns, "generation": generation})
        written.append(row)
        there = dict.fromkeys(each.blocks, (row.starts_at, row.ends_at))
        if blocks[row.id] != there:
            wanted[row.id] = there
        elif differs:
            for option_id, block in there.items():
                renamed[option_id].append(block)
        if differs or row.id in wanted:
            _note(work, on, row.id, ChangeAction.UPSERTED, blocks[row.id], there)
    await GoogleEvent.bulk_create(written, on_conflict=["id"], update_fields=[*SHOWN, *HIDDEN, "generation"])
    await _block(work, blocks, wanted, renamed)


async def prune(work: LoggedTransaction, on: CalendarScope, kept: Mapping[str, Collection[str]]) -> None:
    """Removes what series (by their ids in Google) no longer have: their rows, but for the occurrences to keep.

    An event that stands alone is a series of its own; a series that keeps nothing was deleted.
    """
    roots = list(kept)
    rows = GoogleEvent.filter(Q(google_id__in=roots) | Q(master_id__in=roots), calendar_id=on.calendar_id)
    ids = [(row, kept.keys() & {row.google_id, row.master_id}) for row in await rows]
    await drop(work, on, [row for row, series in ids if any(row.google_id not in kept[each] for each in series)])


def between(calendar_id: UUID, since: datetime, until: datetime | None) -> QuerySet[GoogleEvent]:
    """The rows of a calendar that end after `since` and, if `until` is given, start before it."""
    query = GoogleEvent.filter(calendar_id=calendar_id, ends_at__gt=since)
    return query if until is None else query.filter(starts_at__lt=until)


async def drop(work: LoggedTransaction, on: CalendarScope, rows: Sequence[GoogleEvent]) -> None:
    """Removes rows; what they blocked goes with them."""
    there = await blocks_of([row.id for row in rows])
    for row in rows:
        _note(work, on, row.id, ChangeAction.REMOVED, there.get(row.id, {}), {})
    await _block(work, there, {event_id: {} for event_id in there})
    await GoogleEvent.filter(id__in=[row.id for row in rows]).delete()


async def reroute(work: LoggedTransaction, on: CalendarScope, blocked: Mapping[UUID, Blocks]) -> None:
    """Makes these the blocks of rows that did not change themselves."""
    there = await blocks_of(blocked)
    wanted = {event_id: blocks for event_id, blocks in blocked.items() if there[event_id] != blocks}
    for event_id in wanted:
        _note(work, on, event_id, ChangeAction.UPSERTED, there[event_id], blocked[event_id])
    await _block(work, there, wanted)


async def free(work: LoggedTransaction, option_id: UUID, besides: Collection[UUID] = ()) -> None:
    """Nothing in Google blocks the option any more; its events are seen otherwise when they are decided anew.

    `besides` are bookings whose change the caller noted already.
    """
    blocks = GoogleBlock.filter(option_id=option_id)
    ranges = [(row["starts_at"], row["ends_at"]) for row in await blocks.values("starts_at", "ends_at")]
    await blocks.delete()
    await _note_bookings(work, {option_id: ranges}, besides)


async def blocks_of(event_ids: Collection[UUID]) -> Mapping[UUID, Blocks]:
    """What each event blocks now."""
    found: dict[UUID, dict[UUID, Range]] = defaultdict(dict)
    rows = GoogleBlock.filter(event_id__in=list(event_ids)).values("event_id", "option_id", "starts_at", "ends_at")
    for row in await rows:
        found[row["event_id"]][row["option_id"]] = (row["starts_at"], row["ends_at"])
    return found


def _note(
    work: LoggedTransaction, on: CalendarScope, event_id: UUID, action: ChangeAction, before: Blocks, after: Blocks
) -> None:
    """Notes a change of an event. It touches the time for which an option is blocked otherwise than before."""
    changed = before.items() ^ after.items()
    concerned = on.option_ids | {option_id for option_id, _ in changed}
    during = hull(_interval(moments) for _, moments in changed)
    work.record(ChangeKind.GOOGLE_EVENT, event_id, action, concerned, during=during)


async def _block(
    work: LoggedTransaction,
    there: Mapping[UUID, Blocks],
    wanted: Mapping[UUID, Blocks],
    renamed: Mapping[UUID, list[Range]] = MappingProxyType({}),
) -> None:
    """Replaces what the events block; what they blocked before is `there`. Bookings under them look different, as do
    those under what is blocked as before, by an event that was `renamed`.
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
        for option_id, block in there.get(event_id, {}).items() ^ blocks.items():
            changed[option_id].append(block)
    await _note_bookings(work, changed)


async def _note_bookings(
    work: LoggedTransaction, changed: Mapping[UUID, Iterable[Range]], besides: Collection[UUID] = ()
) -> None:
    """Notes a change of every booking that stands where an option is blocked otherwise than before."""
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
        # Of ranges that do not overlap, the last to begin before the booking ends reaches furthest.
        before = bisect_left(ranges, booked.end, key=lambda each: each.start)
        if before and ranges[before - 1].end > booked.start and row["id"] not in besides:
            work.record(ChangeKind.BOOKING, row["id"], ChangeAction.UPSERTED, [row["option_id"]], during=NO_TIME)


def _interval(moments: Range) -> intervals.Interval:
    return intervals.interval(*moments)
