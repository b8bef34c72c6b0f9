"""Google's event JSON, read: what it says about time, and whether it keeps anybody busy. Pure.

The only reader of the fields of an event or a calendar-list entry. Whether an event is one of our own mirrors is
not said in it (its properties can be copied): the engine knows by id.
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
    """One occurrence of an event, as Google has it. Instants are UTC; `[starts_at, ends_at)`.

    `may_block` is false for what never makes anybody unavailable, whatever a link's rule: declined, a working
    location, a birthday. `busy` is Google's own answer: `may_block` and not marked free. A private event keeps its
    texts, because a matcher may need them; whoever shows it shows "Busy". `attendees` are mail addresses in lower
    case, the organizer's included; who declined is none of them.
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


def foreign(event: EventJson, time_zone: str) -> GoogleOccurrence | None:
    """The occurrence an event describes; None when it is cancelled, tells no time, or goes by no id of Google's.

    `time_zone` is the calendar's: the dates of an all-day event are midnights there (rule B3), whoever reads it.
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
        description=_said(event.get("description")),
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
    """Whether this is a tombstone; it may hold nothing but its id."""
    return event.get("status") == "cancelled"


def series_of(event: EventJson) -> str | None:
    """The recurring event that must be expanded again because of this row; None for an event that stands alone.

    A cancelled occurrence may come without saying what it was an occurrence of: then its id says so.
    """
    master: str | None = event.get("recurringEventId")
    if master is None and event.get("recurrence"):
        master = str(event["id"])
    if master is None and is_cancelled(event):
        named = _INSTANCE_ID.fullmatch(str(event["id"]))
        master = named["master"] if named else None
    return master


def listed_calendar(entry: Mapping[str, Any]) -> ListedCalendar:
    """One entry of the account's calendar list; a role we do not know may do the least."""
    return ListedCalendar(
        google_id=str(entry["id"]),
        summary=_text(entry.get("summaryOverride") or entry.get("summary")) or str(entry["id"]),
        time_zone=zone_name(entry.get("timeZone")) or "UTC",
        access_role=_ROLES.get(str(entry.get("accessRole")), GoogleAccessRole.FREE_BUSY_READER),
        primary=bool(entry.get("primary", False)),
    )


def _moment(value: Mapping[str, Any] | None, time_zone: str) -> datetime | None:
    """The instant of a `start` or `end`; None when it cannot be told."""
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
    """The name of a zone as Google gives it; None when it gives none, or one that is no IANA name that we know."""
    return value if isinstance(value, str) and checks.zone(value) else None


def _zone(name: str) -> ZoneInfo:
    """The zone, or UTC for a name newer than our zone data: hours off, an event still keeps its day busy."""
    return checks.zone(name) or ZoneInfo("UTC")


def _declined(event: EventJson) -> bool:
    """Whether the calendar this copy lies on said no."""
    attendees = event.get("attendees") or ()
    return any(each.get("self") and each.get("responseStatus") == "declined" for each in attendees)


def _addresses(event: EventJson) -> tuple[str, ...]:
    """Whom the event is with: a guest who declined does not come, be it the organizer."""
    guests = event.get("attendees") or ()
    declined = {_address(each) for each in guests if each.get("responseStatus") == "declined"}
    people = (_address(each) for each in (event.get("organizer") or {}, *guests))
    return tuple(dict.fromkeys(each for each in people if each and each not in declined))


def _address(person: Mapping[str, Any]) -> str | None:
    address = _text(person.get("email"))
    return address.lower() if address else None


def _said(description: str | None) -> str | None:
    """What a description says: it is the one text of an event that is HTML."""
    return _text(markup.text_of(description)) if description else None


def _text(value: str | None, longest: int | None = None) -> str | None:
    """A text as every database takes it; None for none. JSON can spell what is no character: NUL, half a pair."""
    return _UNSTORABLE.sub("\ufffd", value)[:longest] if value else None
