"""Records changes of calendar entries that look different because another row changed, which clients see with them.

Clients see a booking with its service's name, and a Google event with its calendar's. Code that changes such a row
calls the function here for it, in the same transaction: it records a change of every such entry, for subscriptions,
and wants the mirrors of future bookings rendered anew. Each costs a few statements, however many entries there are.

Entries that ended more than REACH ago get no change: a client that looks so far back reads them again anyway.
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
"""The longest range of a calendar. What ended longer ago cannot be in one that reaches up to now."""

IN_GOOGLE = {"service": frozenset({"name"}), "option": frozenset({"name", "time_zone"})}
"""The columns of a service and of an option that templates of events in Google can show."""

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


async def record_for_service(work: LoggedTransaction, service_id: UUID, columns: Collection[str]) -> None:
    """Records a change of the bookings and holds of a service, and of the Google events that overlap its bookings.
    Called after these columns of the service changed.
    """
    if not columns:
        return
    since = work.now - REACH
    await work.record_each(ChangeKind.BOOKING, _BOOKED.format(owner="service_id"), service_id=service_id, since=since)
    await work.record_each(ChangeKind.HOLD, _HELD.format(owner="service_id"), service_id=service_id)
    await work.record_each(ChangeKind.GOOGLE_EVENT, _EVENTS_OVER_BOOKED, service_id=service_id, since=since)
    if IN_GOOGLE["service"].intersection(columns):
        await mirror.rerender(work, service_id=service_id)


async def record_for_option(work: LoggedTransaction, option_id: UUID, columns: Collection[str]) -> None:
    """Records a change of everything that an option has in the calendar. Called after these columns of it changed."""
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
        await mirror.rerender(work, option_id=option_id)


async def record_for_calendar(work: LoggedTransaction, calendar_id: UUID, left: UUID | None = None) -> None:
    """Records a change of a Google calendar's events, and of the bookings that show them as conflicts. Called after the
    calendar or a link to it changed. `left` is an option that was just unlinked from it.
    """
    since = work.now - REACH
    of: dict[str, UUID | datetime] = {"calendar_id": calendar_id, "since": since}
    events = _EVENTS.format(calendars=_ONE)
    if left:
        await work.record_each(ChangeKind.GOOGLE_EVENT, f"{events} UNION {_EVENTS_LEFT}", **of, left_option=left)
    else:
        await work.record_each(ChangeKind.GOOGLE_EVENT, events, **of)
    await work.record_each(ChangeKind.BOOKING, _BOOKED_UNDER_THEM.format(calendars=_ONE), **of)


async def record_for_booking(work: LoggedTransaction, option_id: UUID, starts_at: datetime, ends_at: datetime) -> None:
    """Records a change of the Google events that overlap a booking, since they show it as a conflict.

    Called after the booking was made, moved, edited or cancelled, for the time and option that it has and for those
    that it had.
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


def changed_columns(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """Returns the columns whose values differ."""
    return frozenset(name for name, value in after.items() if before[name] != value)
