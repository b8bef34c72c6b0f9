"""Echoes: entries that look different because a row changed which they are shown with.

A booking is shown with its service's name, a Google event with its calendar's: who changes such a row calls the verb
here for it, in the same write, so that followers hear of every such entry and future bookings are written to Google
anew. A handful of statements each, however many entries there are.

Told of is what a calendar that reaches up to now can still show; who looks further back reads again anyway.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models.enums import ChangeAction, ChangeKind
from models.google import mirror
from models.google.event import GoogleBlock
from models.google.tables import GoogleLink
from models.log.change_log import LoggedTransaction
from models.scheduling.affected_time import NO_TIME
from models.storage import db

REACH = timedelta(days=62)
"""The longest range of a calendar: what ended longer ago is not told of when only what it is shown with changes."""

IN_GOOGLE = {"service": frozenset({"name"}), "option": frozenset({"name", "time_zone"})}
"""The columns of a service and of an option that events in Google are rendered from."""

_BOOKED = "SELECT id, option_id FROM booking WHERE {owner} = :{owner} AND ends_at > :since AND status <> 'CANCELLED'"
_HELD = "SELECT id, option_id FROM hold WHERE {owner} = :{owner} AND expires_at > :now"
_TIME_OFF = "SELECT id, option_id FROM time_off WHERE option_id = :option_id AND ends_at > :since"
_EVENTS = """
SELECT event.id, link.option_id FROM google_event AS event
JOIN google_link AS link ON link.calendar_id = event.calendar_id
WHERE event.calendar_id IN ({calendars}) AND event.ends_at > :since
"""
_BOOKED_UNDER_THEM = """
SELECT booking.id, booking.option_id FROM google_event AS event
JOIN google_block AS block ON block.event_id = event.id
JOIN booking ON booking.option_id = block.option_id
AND booking.starts_at < block.ends_at AND booking.ends_at > block.starts_at
WHERE event.calendar_id IN ({calendars}) AND event.ends_at > :since AND booking.status <> 'CANCELLED'
"""
_EVENTS_OVER_BOOKED = """
SELECT event.id, link.option_id FROM google_event AS event
JOIN google_link AS link ON link.calendar_id = event.calendar_id
WHERE event.id IN (
SELECT block.event_id FROM booking JOIN google_block AS block ON booking.option_id = block.option_id
AND booking.starts_at < block.ends_at AND booking.ends_at > block.starts_at
WHERE booking.service_id = :service_id AND booking.ends_at > :since AND booking.status <> 'CANCELLED')
"""
_EVENTS_LEFT = """
SELECT event.id, option.id FROM google_event AS event JOIN option ON option.id = :left_option
WHERE event.calendar_id = :calendar_id AND event.ends_at > :since
"""
_OF_OPTION = "SELECT calendar_id FROM google_link WHERE option_id = :option_id"
_ONE = ":calendar_id"


async def of_service(work: LoggedTransaction, service_id: UUID, columns: Collection[str]) -> None:
    """These columns of a service have another value: what is booked or held with it looks different, and the Google
    events over its bookings, which show them.
    """
    if not columns:
        return
    since = work.now - REACH
    await work.record_each(ChangeKind.BOOKING, _BOOKED.format(owner="service_id"), service_id=service_id, since=since)
    await work.record_each(ChangeKind.HOLD, _HELD.format(owner="service_id"), service_id=service_id)
    await work.record_each(ChangeKind.GOOGLE_EVENT, _EVENTS_OVER_BOOKED, service_id=service_id, since=since)
    if IN_GOOGLE["service"].intersection(columns):
        await mirror.renew(work, service_id=service_id)


async def of_option(work: LoggedTransaction, option_id: UUID, columns: Collection[str]) -> None:
    """These columns of an option have another value: everything that it has in the calendar looks different."""
    if not columns:
        return
    since = work.now - REACH
    booked = f"{_BOOKED.format(owner='option_id')} UNION {_BOOKED_UNDER_THEM.format(calendars=_OF_OPTION)}"
    await work.record_each(ChangeKind.BOOKING, booked, option_id=option_id, since=since)
    await work.record_each(ChangeKind.HOLD, _HELD.format(owner="option_id"), option_id=option_id)
    await work.record_each(ChangeKind.TIME_OFF, _TIME_OFF, option_id=option_id, since=since)
    await work.record_each(
        ChangeKind.GOOGLE_EVENT, _EVENTS.format(calendars=_OF_OPTION), option_id=option_id, since=since
    )
    if IN_GOOGLE["option"].intersection(columns):
        await mirror.renew(work, option_id=option_id)


async def of_calendar(work: LoggedTransaction, calendar_id: UUID, left: UUID | None = None) -> None:
    """A Google calendar, or how an option is linked to it, looks different: so do its events, and the bookings that
    show them as conflicts. `left` is an option that is linked to it no more.
    """
    since = work.now - REACH
    of: dict[str, UUID | datetime] = {"calendar_id": calendar_id, "since": since}
    events = _EVENTS.format(calendars=_ONE)
    if left:
        await work.record_each(ChangeKind.GOOGLE_EVENT, f"{events} UNION {_EVENTS_LEFT}", **of, left_option=left)
    else:
        await work.record_each(ChangeKind.GOOGLE_EVENT, events, **of)
    await work.record_each(ChangeKind.BOOKING, _BOOKED_UNDER_THEM.format(calendars=_ONE), **of)


async def of_booking(work: LoggedTransaction, option_id: UUID, starts_at: datetime, ends_at: datetime) -> None:
    """A booking was made, moved, edited or cancelled: the Google events over its time show it among their conflicts.

    Called for each time and option that it has or had.
    """
    over = GoogleBlock.filter(option_id=option_id, starts_at__lt=ends_at, ends_at__gt=starts_at)
    rows = await db.select(over, ("event_id", "event__calendar_id"))
    if not rows:
        return
    calendars = {row["event__calendar_id"] for row in rows}
    links = await db.select(GoogleLink.filter(calendar_id__in=list(calendars)), ("calendar_id", "option_id"))
    for row in rows:
        concerned = [link["option_id"] for link in links if link["calendar_id"] == row["event__calendar_id"]]
        event_id = row["event_id"]
        work.record(ChangeKind.GOOGLE_EVENT, event_id, ChangeAction.UPSERTED, concerned, during=NO_TIME)


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """The columns that have another value after than before."""
    return frozenset(name for name, value in after.items() if before[name] != value)
