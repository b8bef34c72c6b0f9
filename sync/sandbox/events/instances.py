"""The instances of a recurring event: their ids, and the rows Google makes up for them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sync.sandbox.events.moments import Moment, Resource, Window, days_after, read_moment
from sync.sandbox.events.recurrence import parse_recurrence

_INSTANCE_ID = re.compile(r"(.+)_(\d{8}(?:T\d{6}Z)?)")
_NOT_INHERITED = ("recurrence", "etag", "start", "end")


def instance_id(master_id: str, original: Moment) -> str:
    """`<master>_<YYYYMMDDTHHMMSSZ>` of the original start, `<master>_<YYYYMMDD>` for all-day (§1.6)."""
    return f"{master_id}_{original.stamp()}"


def master_of(event_id: str) -> str | None:
    """The master an instance id names, None for other ids."""
    match = _INSTANCE_ID.fullmatch(event_id)
    return match[1] if match else None


def instances_of(master: Resource, calendar_zone: str, window: Window) -> Iterator[Resource]:
    """The rows the rule gives within the window, ascending, exceptions left aside.

    The window must have an end unless the rule has one. An instance lasts as long as the master, exactly:
    a night shift does not grow on the day the clock goes back.
    """
    first = read_moment(master, "start", calendar_zone)
    last = read_moment(master, "end", calendar_zone)
    length = last.at(calendar_zone) - first.at(calendar_zone)
    zone = first.zone or calendar_zone
    recurrence = parse_recurrence(master["recurrence"], zone)
    for wall in recurrence.starts(first.wall(calendar_zone)):
        if first.day is not None and last.day is not None:
            start = Moment(wall.date(), None, None)
            end = days_after(start, (last.day - first.day).days)
        else:
            instant = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
            start, end = Moment(None, instant, zone), Moment(None, instant + length, last.zone or zone)
        begins, ends = start.at(calendar_zone), end.at(calendar_zone)
        if window.end is not None and begins >= window.end:
            return
        if window.touches(begins, ends):
            yield _row(master, start, end, calendar_zone)


def instance_at(master: Resource, event_id: str, calendar_zone: str) -> Resource | None:
    """The one made-up instance of this id, None if the rule does not give it."""
    match = _INSTANCE_ID.fullmatch(event_id)
    if match is None or "recurrence" not in master:
        return None
    begins = _stamped(match[2], calendar_zone)
    if begins is None:
        return None
    moment = timedelta(microseconds=1)
    rows = instances_of(master, calendar_zone, Window(begins - moment, begins + moment))
    return next((row for row in rows if row["id"] == event_id), None)


def has_instance(master: Resource, event_id: str, calendar_zone: str) -> bool:
    return instance_at(master, event_id, calendar_zone) is not None


def _row(master: Resource, start: Moment, end: Moment, calendar_zone: str) -> Resource:
    inherited = {key: value for key, value in master.items() if key not in _NOT_INHERITED}
    event_id = instance_id(master["id"], start)
    return inherited | {
        "id": event_id,
        "etag": master["etag"],
        "start": start.resource(calendar_zone),
        "end": end.resource(calendar_zone),
        "recurringEventId": master["id"],
        "originalStartTime": start.resource(calendar_zone),
    }


def _stamped(stamp: str, calendar_zone: str) -> datetime | None:
    try:
        if len(stamp) == 8:
            day = date(int(stamp[:4]), int(stamp[4:6]), int(stamp[6:]))
            return Moment(day, None, None).at(calendar_zone)
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
