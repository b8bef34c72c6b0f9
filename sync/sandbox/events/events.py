"""What a client may write into an event, checked and normalised as Google keeps it. Pure.

Owns the writable fields and their rules; stores nothing and knows no calendar but its zone.
"""

from __future__ import annotations

import re
import secrets
from base64 import b32hexencode
from typing import Any

from sync.sandbox.errors import GoogleError, invalid, required, time_range_empty
from sync.sandbox.events.moments import Moment, Resource, read_moment
from sync.sandbox.events.recurrence import parse_recurrence

WRITABLE = (
    "summary",
    "description",
    "location",
    "colorId",
    "eventLabelId",
    "transparency",
    "visibility",
    "status",
    "attendees",
    "extendedProperties",
    "reminders",
    "source",
    "eventType",
    "guestsCanModify",
    "guestsCanInviteOthers",
    "guestsCanSeeOtherGuests",
    "workingLocationProperties",
    "outOfOfficeProperties",
    "focusTimeProperties",
    "birthdayProperties",
    "recurrence",
)
"""What PUT replaces, besides `start` and `end`: a writable field that is left out is cleared (§3.4)."""

CHOICES = {
    "status": ("confirmed", "tentative", "cancelled"),
    "transparency": ("opaque", "transparent"),
    "visibility": ("default", "public", "private", "confidential"),
    "eventType": ("default", "outOfOffice", "focusTime", "workingLocation", "birthday", "fromGmail"),
}
DEFAULTS = {"transparency": "opaque", "visibility": "default"}
"""Values Google does not write out: their absence says the same (§2)."""

STATUS_EVENTS = ("outOfOffice", "focusTime", "workingLocation")
PROPERTY_KEY_LENGTH = 44
PROPERTY_VALUE_LENGTH = 1024

_ID = re.compile(r"[a-v0-9]{5,1024}")


def new_event_id() -> str:
    """26 characters of base32hex, as Google makes them."""
    return b32hexencode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def checked_event_id(value: object) -> str:
    """An id a client chose (§3.1)."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise invalid("Invalid resource id value.")
    return value


def written_content(body: Resource, *, calendar_zone: str, primary: bool, person: bool = False) -> Resource:
    """The writable part of a body, checked and normalised; `GoogleError` 400 says what is wrong.

    `person`: written in Google's own apps, which may also make what the API cannot (`fromGmail`, a foreign
    organizer).
    """
    content: Resource = {field: body[field] for field in WRITABLE if body.get(field) not in (None, [])}
    for field, choices in CHOICES.items():
        if field in content and content[field] not in choices:
            raise invalid(f"Invalid value for field {field}.", field)
        if content.get(field) == DEFAULTS.get(field, ""):
            del content[field]
    if person and isinstance(body.get("organizer"), dict):
        content["organizer"] = dict(body["organizer"])
    content.setdefault("status", "confirmed")
    content.setdefault("eventType", "default")
    content.setdefault("reminders", {"useDefault": True})
    start, end = _times(body, calendar_zone)
    content |= {"start": start.resource(calendar_zone), "end": end.resource(calendar_zone)}
    _check_type(content, all_day=start.day is not None, primary=primary, person=person)
    if "recurrence" in content:
        content["recurrence"] = _checked_recurrence(body, start, calendar_zone)
    if "attendees" in content:
        content["attendees"] = [_attendee(item) for item in content["attendees"]]
    if "extendedProperties" in content:
        content["extendedProperties"] = _kept_properties(content["extendedProperties"])
    return content


def merged(before: Any, changes: Resource) -> Resource:
    """PATCH semantics (§3.4): objects merge, null deletes, arrays overwrite."""
    result = dict(before) if isinstance(before, dict) else {}
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key), value)
        else:
            result[key] = value
    return result


def _times(body: Resource, calendar_zone: str) -> tuple[Moment, Moment]:
    start = read_moment(body, "start", calendar_zone)
    end = read_moment(body, "end", calendar_zone)
    if (start.day is None) != (end.day is None):
        raise invalid("Start and end times must either both be date or both be dateTime.")
    if start.day is not None and end.day is not None and end.day <= start.day:
        raise time_range_empty()
    if start.instant is not None and end.instant is not None and end.instant < start.instant:
        raise time_range_empty()
    return start, end


def _check_type(content: Resource, *, all_day: bool, primary: bool, person: bool) -> None:
    """The rules of status events (§2)."""
    kind = content["eventType"]
    if kind == "fromGmail" and not person:
        raise _type_restriction("Events of this type cannot be created.")
    if kind in STATUS_EVENTS and not primary:
        raise _type_restriction("Status events can only be created on primary calendars.")
    if kind in ("outOfOffice", "focusTime") and all_day:
        raise _type_restriction("An event of this type cannot be an all-day event.")
    if kind == "workingLocation" and (
        content.get("transparency") != "transparent" or content.get("visibility") != "public"
    ):
        raise _type_restriction("A working location event must be public and transparent.")
    if kind == "birthday" and not all_day:
        raise _type_restriction("A birthday event must be an all-day event.")


def _type_restriction(message: str) -> GoogleError:
    return GoogleError(400, "eventTypeRestriction", message, domain="calendar")


def _checked_recurrence(body: Resource, start: Moment, calendar_zone: str) -> list[str]:
    lines = body["recurrence"]
    if start.day is None and not body["start"].get("timeZone"):
        raise required("Missing time zone definition for start time.")
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise invalid("Invalid recurrence rule.")
    try:
        parse_recurrence(lines, start.zone or calendar_zone)
    except ValueError:
        raise invalid("Invalid recurrence rule.") from None
    return list(lines)


def _attendee(item: Any) -> Resource:
    if not isinstance(item, dict) or "@" not in str(item.get("email", "")):
        raise invalid("Invalid attendee email.")
    attendee = {key: value for key, value in item.items() if key not in ("self", "organizer")}
    return {"responseStatus": "needsAction"} | attendee | {"email": str(item["email"]).lower()}


def _kept_properties(properties: Any) -> Resource:
    """Keys that are too long vanish without a word, values that are too long are cut (§2)."""
    if not isinstance(properties, dict):
        raise invalid("Invalid extended properties.")
    return {
        side: {
            key: str(value)[:PROPERTY_VALUE_LENGTH]
            for key, value in properties[side].items()
            if len(key) <= PROPERTY_KEY_LENGTH
        }
        for side in ("private", "shared")
        if isinstance(properties.get(side), dict)
    }
