"""`events.list` and `events.instances`: full lists, incremental lists, pages and their tokens. Pure.

Reads a calendar and a query; writes nothing. A page is cut by key, never by offset, so that rows which appear
or change while a client is paging are neither missed nor doubled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync.sandbox.calendars.calendars import Calendar, Role, StoredEvent
from sync.sandbox.calendars.views import seen, tombstone
from sync.sandbox.errors import full_sync_required, invalid, updated_min_too_long_ago
from sync.sandbox.events.cursors import Key, PageToken, SyncToken, decode, encode
from sync.sandbox.events.instances import instances_of
from sync.sandbox.events.moments import Resource, Window, read_moment, span, timestamp
from sync.sandbox.events.query import Query

EXPANSION_DAYS = 730
"""How far an endless series is expanded when nobody sets an end; Google's own number is not known (§1.5)."""

UPDATED_MIN_DAYS = 30
"""How far back `updatedMin` may reach (§1.7)."""

Row = tuple[Key, Resource]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks for a list, of what, and when.

    Pages may always be shorter than asked, or empty (§1.1): `page_cap` makes them so, `empty_page` this one.
    """

    calendar: Calendar
    email: str
    role: Role
    now: datetime
    page_cap: int | None = None
    empty_page: bool = False

    @property
    def horizon(self) -> datetime:
        return self.now + timedelta(days=EXPANSION_DAYS)


def list_events(reader: Reader, query: Query) -> Resource:
    """The answer of `events.list`; 410 for a sync token that is dead, 400 for one that does not belong here."""
    since = _since(reader, query)
    place = _place(reader, query)
    # Free/busy readers have no masters to look at (§2).
    single = query.single_events or reader.role is Role.FREE_BUSY_READER
    if since is not None:
        rows = _changed_rows(reader, since, place.snapshot, single=single)
    elif query.updated_min is not None:
        rows = _updated_rows(reader, query.updated_min, place.snapshot, single=single)
    else:
        rows = _full_rows(reader, query, single=single)
    return _page(reader, query, place, rows)


def list_instances(reader: Reader, query: Query, master: Resource) -> Resource:
    """The answer of `events.instances`: one series in the window, exceptions in their place."""
    if "recurrence" not in master:
        raise invalid("The event is not a recurring event.")
    zone = reader.calendar.time_zone
    window = Window(query.window.start, query.window.end or reader.horizon)
    found = reader.calendar.instances(master, window, deleted_too=query.show_deleted)
    if query.original_start is not None:
        wanted = query.original_start
        found = [row for row in found if read_moment(row, "originalStartTime", zone).at(zone) == wanted]
    rows = ((_by_start(row, zone), row) for row in found)
    answer = _page(reader, query, _place(reader, query), rows)
    answer.pop("nextSyncToken", None)
    return answer


def _since(reader: Reader, query: Query) -> int | None:
    """The version the sync token stands for."""
    if query.sync_token is None:
        return None
    token = decode(SyncToken, query.sync_token, "syncToken")
    mine = (token.account, token.calendar) == (reader.email, reader.calendar.id)
    if not mine or token.epoch != reader.calendar.epoch_of(reader.email):
        raise full_sync_required()
    if token.shape != query.shape:
        # Google calls the outcome undefined (§1.2); the sandbox says it aloud.
        raise invalid("The sync token was given for a query with other parameters.", "syncToken")
    return token.version


def _place(reader: Reader, query: Query) -> PageToken:
    """Where this page begins; for a first page before everything, at the version of now."""
    calendar = reader.calendar
    if query.page_token is None:
        return PageToken(calendar.id, query.text, calendar.version, [])
    token = decode(PageToken, query.page_token, "pageToken")
    if (token.calendar, token.query) != (calendar.id, query.text):
        raise invalid("The page token was given for another query.", "pageToken")
    return token


def _full_rows(reader: Reader, query: Query, *, single: bool) -> Iterator[Row]:
    zone = reader.calendar.time_zone
    for stored in reader.calendar.events.values():
        found = _expanded(stored, reader, query) if single else _unexpanded(stored, reader.calendar, query)
        for row in found:
            if query.order_by == "updated":
                yield [row["updated"], row["id"]], row
            else:
                yield _by_start(row, zone) if single else [stored.born], row


def _expanded(stored: StoredEvent, reader: Reader, query: Query) -> Iterable[Resource]:
    """`singleEvents=true`: one row per instance and no masters (§1.5)."""
    event, calendar = stored.resource, reader.calendar
    if "recurrence" in event:
        window = Window(query.window.start, query.window.end or reader.horizon)
        if not stored.cancelled:
            return calendar.instances(event, window, deleted_too=query.show_deleted)
        return instances_of(event, calendar.time_zone, window) if query.show_deleted else ()
    if "recurringEventId" in event and not stored.reset:
        return ()
    wanted = query.show_deleted or not stored.cancelled
    return (event,) if wanted and query.window.touches(*span(event, calendar.time_zone)) else ()


def _unexpanded(stored: StoredEvent, calendar: Calendar, query: Query) -> Iterable[Resource]:
    """`singleEvents=false`: masters, exceptions and, even unasked, cancelled instances of live series (§1.3)."""
    event, window, zone = stored.resource, query.window, calendar.time_zone
    if stored.cancelled:
        exception = "recurringEventId" in event and not stored.reset
        if exception:
            return (event,) if calendar.original_touches(event, window) else ()
        return (event,) if query.show_deleted and window.touches(*span(event, zone)) else ()
    if "recurrence" in event and window != Window():
        # A series is in the window when one of its instances is; the first that touches settles it.
        return (event,) if next(instances_of(event, zone, window), None) is not None else ()
    return (event,) if window.touches(*span(event, zone)) else ()


def _changed_rows(reader: Reader, since: int, upto: int, *, single: bool) -> Iterator[Row]:
    """What changed after `since`, deletions included. What changes after `upto`, while the client is paging,
    is left to the next sync: its token starts there (§1.1)."""
    calendar = reader.calendar
    window = Window(None, reader.horizon)
    given: set[str] = set()
    for stored in calendar.events.values():
        if not since < stored.version <= upto:
            continue
        event = stored.resource
        rows: Iterable[Resource] = (event,)
        if single and "recurrence" in event:
            if stored.cancelled:
                rows = instances_of(event, calendar.time_zone, window)
            else:
                rows = calendar.instances(event, window, deleted_too=True)
        for row in rows:
            if row["id"] not in given:
                given.add(row["id"])
                yield [stored.version, row["id"]], row


def _updated_rows(reader: Reader, updated_min: datetime, upto: int, *, single: bool) -> Iterator[Row]:
    if updated_min < reader.now - timedelta(days=UPDATED_MIN_DAYS):
        raise updated_min_too_long_ago()
    oldest = timestamp(updated_min)
    rows = _changed_rows(reader, 0, upto, single=single)
    return ((key, row) for key, row in rows if row["updated"] >= oldest)


def _by_start(row: Resource, zone: str) -> Key:
    return [timestamp(span(row, zone)[0]), row["id"]]


def _page(reader: Reader, query: Query, place: PageToken, rows: Iterable[Row]) -> Resource:
    calendar = reader.calendar
    left = sorted(
        ((key, row) for key, row in rows if key > place.after and query.matches(row)),
        key=lambda item: item[0],
    )
    size = min(query.page_size, reader.page_cap or query.page_size)
    page = [] if reader.empty_page else left[:size]
    answer: Resource = {
        "kind": "calendar#events",
        "etag": f'"p{calendar.version:014d}"',
        "summary": calendar.summary,
        "updated": timestamp(reader.now),
        "timeZone": calendar.time_zone,
        "accessRole": str(reader.role),
        "defaultReminders": [],
        "items": [_shown(reader, query, row) for _, row in page],
    }
    if len(page) < len(left):
        after = page[-1][0] if page else place.after
        answer["nextPageToken"] = encode(PageToken(calendar.id, query.text, place.snapshot, after))
    elif query.gives_sync_token:
        epoch = calendar.epoch_of(reader.email)
        token = SyncToken(reader.email, calendar.id, epoch, place.snapshot, query.shape)
        answer["nextSyncToken"] = encode(token)
    return answer


def _shown(reader: Reader, query: Query, row: Resource) -> Resource:
    if row["status"] == "cancelled":
        return tombstone(row, reader.calendar)
    return seen(
        row,
        reader.calendar,
        reader.role,
        max_attendees=query.max_attendees,
        time_zone=query.time_zone,
    )
