"""Start and end of an event as Google writes them: a date or an instant, never both. Pure.

Owns reading, checking and printing `EventDateTime`, and the window two of them can overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sync.sandbox.errors import GoogleError, invalid, required

Resource = dict[str, Any]
"""A JSON object of the Calendar API."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A date (all-day), or an aware instant with the zone it was written in."""

    day: date | None
    instant: datetime | None
    zone: str | None

    def at(self, calendar_zone: str) -> datetime:
        """The instant; of a date its midnight in the calendar's zone."""
        if self.instant is not None:
            return self.instant
        assert self.day is not None
        return datetime.combine(self.day, datetime.min.time(), ZoneInfo(calendar_zone)).astimezone(UTC)

    def wall(self, calendar_zone: str) -> datetime:
        """The naive wall-clock time in the moment's own zone."""
        if self.instant is None:
            assert self.day is not None
            return datetime.combine(self.day, datetime.min.time())
        return self.instant.astimezone(ZoneInfo(self.zone or calendar_zone)).replace(tzinfo=None)

    def resource(self, calendar_zone: str) -> Resource:
        """As Google answers it: instants carry the calendar's offset, dates stand alone."""
        if self.day is not None:
            return {"date": self.day.isoformat()}
        assert self.instant is not None
        return {"dateTime": rfc3339(self.instant, calendar_zone), "timeZone": self.zone or calendar_zone}

    def stamp(self) -> str:
        """What follows the underscore in the id of an instance that starts here (§1.6)."""
        if self.day is not None:
            return self.day.strftime("%Y%m%d")
        assert self.instant is not None
        return self.instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


@dataclass(frozen=True, slots=True)
class Window:
    """`timeMin` and `timeMax`: the first bounds an event's end, the second its start, both exclusive (§1.8)."""

    start: datetime | None = None
    end: datetime | None = None

    def touches(self, start: datetime, end: datetime) -> bool:
        return (self.start is None or end > self.start) and (self.end is None or start < self.end)


def rfc3339(instant: datetime, zone: str) -> str:
    """The instant in the zone, seconds precise, `Z` for UTC."""
    text = instant.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def timestamp(instant: datetime) -> str:
    """The form of `created` and `updated`: UTC with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def known_zone(name: object, what: str) -> str:
    """The name if it is an IANA zone; else a 400."""
    if isinstance(name, str):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
        else:
            return name
    raise invalid(f"Invalid time zone definition for {what} time.")


def read_moment(body: Resource, field: str, calendar_zone: str) -> Moment:
    """`start`, `end` or `originalStartTime` of a body; a `GoogleError` 400 if it is missing or nonsense."""
    what = {"start": "start", "end": "end"}.get(field, "original start")
    value = body.get(field)
    if not isinstance(value, dict):
        raise required(f"Missing {what} time.")
    day, clock = value.get("date"), value.get("dateTime")
    if (day is None) == (clock is None):
        raise invalid(f"Invalid {what} time.") if day is not None else required(f"Missing {what} time.")
    if day is not None:
        return Moment(_read_day(day, what), None, None)
    zone = known_zone(value["timeZone"], what) if value.get("timeZone") is not None else None
    instant = _read_clock(clock, what)
    if instant.tzinfo is None:
        if zone is None:
            raise required(f"Missing time zone definition for {what} time.")
        instant = instant.replace(tzinfo=ZoneInfo(zone))
    return Moment(None, instant.astimezone(UTC).replace(microsecond=0), zone or calendar_zone)


def span(event: Resource, calendar_zone: str) -> tuple[datetime, datetime]:
    """Start and end of a stored event as instants; end exclusive (§2)."""
    start = read_moment(event, "start", calendar_zone)
    end = read_moment(event, "end", calendar_zone)
    return start.at(calendar_zone), end.at(calendar_zone)


def days_after(moment: Moment, days: int) -> Moment:
    """The all-day moment `days` later."""
    assert moment.day is not None
    return Moment(moment.day + timedelta(days=days), None, None)


def _read_day(value: object, what: str) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise _bad(what) from None


def _read_clock(value: object, what: str) -> datetime:
    text = str(value)
    if "T" not in text:
        raise _bad(what)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise _bad(what) from None


def _bad(what: str) -> GoogleError:
    return invalid(f"Invalid {what} time.")
