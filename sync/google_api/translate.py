"""Reads Google's JSON of events and of entries of the calendar list. Pure.

It cannot say whether an event is one of our own mirrors, since people can copy an event's properties; the engine knows
our events by their ids.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from models import checks
from models.enums import GoogleAccessRole
from models.scheduling import hours
from models.scheduling.intervals import to_datetime
from sync.google_api import markup
from sync.google_api.replies import EventJson, ListedCalendar

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_LONGEST_ID: Final = 1100
_LONGEST_COLOR: Final = 64
_INSTANCE_ID: Final = re.compile(r"(?P<master>.+)_\d{8}(T\d{6}Z)?")
_NEVER_BUSY_TYPES: Final = frozenset({"workingLocation", "birthday"})
_PRIVATE: Final = frozenset({"private", "confidential"})
_ROLES: Final = {
    "owner": GoogleAccessRole.OWNER,
    "writer": GoogleAccessRole.WRITER,
    "writerWithoutPrivateAccess": GoogleAccessRole.WRITER_WITHOUT_PRIVATE_ACCESS,
    "reader": GoogleAccessRole.READER,
}


@dataclass(frozen=True, slots=True)
class GoogleOccurrence:
    """One occurrence of an event, as Google has it: `[starts_at, ends_at)`, in UTC.

    `may_block` is false for events that never make anybody unavailable, whatever a link's rules: declined, a working
    location, a birthday. `busy` means that it may block and is not marked free. A private event has its texts here,
    because a matcher may need them; clients see only "Busy". `attendees` are mail addresses in lower case, with the
    organizer's and without those of people who declined.
    """

    google_id: str
    master_id: str | None
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    title: str | None
    description: str | None
    location: str | None
    color: str | None
    attendees: tuple[str, ...]
    may_block: bool
    busy: bool
    private: bool
    html_link: str | None
    etag: str | None


def occurrence_of(event: EventJson, time_zone: str) -> GoogleOccurrence | None:
    """Reads an occurrence; None when it is cancelled, has no readable time, or an id longer than any of Google's.

    `time_zone` is the calendar's: an all-day event lasts from midnight to midnight there (rule B3).
    """
    if is_cancelled(event):
        return None
    start, end = _moment(event.get("start"), time_zone), _moment(event.get("end"), time_zone)
    ids = (str(event["id"]), event.get("recurringEventId"))
    if start is None or end is None or any(each and len(each) > _LONGEST_ID for each in ids):
        return None
    may_block = event.get("eventType") not in _NEVER_BUSY_TYPES and not _declined(event)
    return GoogleOccurrence(
        google_id=str(event["id"]),
        master_id=event.get("recurringEventId"),
        starts_at=start,
        ends_at=end,
        all_day="date" in event["start"],
        title=_text(event.get("summary")),
        description=_description(event.get("description")),
        location=_text(event.get("location")),
        color=_text(event.get("eventLabelId") or event.get("colorId"), _LONGEST_COLOR),
        attendees=_addresses(event),
        may_block=may_block,
        busy=may_block and event.get("transparency") != "transparent",
        private=event.get("visibility") in _PRIVATE,
        html_link=_text(event.get("htmlLink")),
        etag=_text(event.get("etag")),
    )


def is_cancelled(event: EventJson) -> bool:
    """Whether the event was deleted or cancelled. Such an event may have no field but its id."""
    return event.get("status") == "cancelled"


def series_of(event: EventJson) -> str | None:
    """Returns the id of the recurring event that this event is or belongs to; None for a single event.

    A cancelled occurrence may come without `recurringEventId`; its own id then begins with that of its series.
    """
    master: str | None = event.get("recurringEventId")
    if master is None and event.get("recurrence"):
        master = str(event["id"])
    if master is None and is_cancelled(event):
        named = _INSTANCE_ID.fullmatch(str(event["id"]))
        master = named["master"] if named else None
    return master


def listed_calendar(entry: Mapping[str, Any]) -> ListedCalendar:
    """Reads one entry of the calendar list; takes a role that we do not know for the weakest."""
    return ListedCalendar(
        google_id=str(entry["id"]),
        summary=_text(entry.get("summaryOverride") or entry.get("summary")) or str(entry["id"]),
        time_zone=zone_name(entry.get("timeZone")) or "UTC",
        access_role=_ROLES.get(str(entry.get("accessRole")), GoogleAccessRole.FREE_BUSY_READER),
        primary=bool(entry.get("primary", False)),
    )


def _moment(value: Mapping[str, Any] | None, time_zone: str) -> datetime | None:
    """Reads the instant of a `start` or `end`; None when it is not readable."""
    value = value or {}
    try:
        if "date" in value:
            return to_datetime(hours.instant(date.fromisoformat(value["date"]), time.min, _zone(time_zone)))
        moment = datetime.fromisoformat(value["dateTime"])
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=_zone(zone_name(value.get("timeZone")) or time_zone))
        return moment.astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def zone_name(value: object) -> str | None:
    """Returns a zone's name if it is an IANA name that we know; None otherwise."""
    return value if isinstance(value, str) and checks.find_time_zone(value) else None


def _zone(name: str) -> ZoneInfo:
    """Returns the zone; UTC for a name that our zone data does not have. Hours off, an event still blocks its day."""
    return checks.find_time_zone(name) or ZoneInfo("UTC")


def _declined(event: EventJson) -> bool:
    """Whether the calendar's own owner has declined the event."""
    attendees = event.get("attendees") or ()
    return any(each.get("self") and each.get("responseStatus") == "declined" for each in attendees)


def _addresses(event: EventJson) -> tuple[str, ...]:
    """Returns the mail addresses of the organizer and the guests, but not of those who declined."""
    guests = event.get("attendees") or ()
    declined = {_address(each) for each in guests if each.get("responseStatus") == "declined"}
    people = (_address(each) for each in (event.get("organizer") or {}, *guests))
    return tuple(dict.fromkeys(each for each in people if each and each not in declined))


def _address(person: Mapping[str, Any]) -> str | None:
    address = _text(person.get("email"))
    return address.lower() if address else None


def _description(description: str | None) -> str | None:
    """Converts a description to text; no other text of an event is HTML."""
    return _text(markup.text_of(description)) if description else None


def _text(value: str | None, longest: int | None = None) -> str | None:
    """Replaces what databases do not store, NUL and lone surrogates, which JSON can spell; None for an empty text."""
    return _UNSTORABLE.sub("\ufffd", value)[:longest] if value else None
