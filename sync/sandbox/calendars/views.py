"""What one account sees of an event: its own mark on it, and what its role hides. Pure."""

from __future__ import annotations

from datetime import datetime

from sync.sandbox.calendars.calendars import Calendar, Role
from sync.sandbox.events.moments import Resource, rfc3339

_TIMES = ("kind", "etag", "id", "status", "start", "end", "transparency")
_OUTLINE = (
    *_TIMES,
    "htmlLink",
    "created",
    "updated",
    "visibility",
    "iCalUID",
    "sequence",
    "eventType",
    "recurrence",
    "recurringEventId",
    "originalStartTime",
)


def seen(
    event: Resource,
    calendar: Calendar,
    role: Role,
    *,
    max_attendees: int | None = None,
    time_zone: str | None = None,
) -> Resource:
    """The event as the Calendar API answers it to a role.

    `freeBusyReader` sees times alone; without private access a private event has no details (§2).
    """
    if role is Role.FREE_BUSY_READER:
        shown = {name: event[name] for name in _TIMES if name in event}
    elif event.get("visibility") in ("private", "confidential") and not role.sees_private:
        shown = {name: event[name] for name in _OUTLINE if name in event}
    else:
        shown = dict(event)
    for name in ("creator", "organizer"):
        if name in shown:
            shown[name] = _marked(shown[name], calendar)
    if "attendees" in shown:
        attendees = [_marked(attendee, calendar) for attendee in shown["attendees"]]
        shown["attendees"] = attendees
        if max_attendees is not None and len(attendees) > max_attendees:
            shown["attendees"] = [attendee for attendee in attendees if attendee.get("self")]
            shown["attendeesOmitted"] = True
    if time_zone is not None:
        for name in ("start", "end", "originalStartTime"):
            if "dateTime" in shown.get(name, {}):
                instant = datetime.fromisoformat(shown[name]["dateTime"])
                shown[name] = shown[name] | {"dateTime": rfc3339(instant, time_zone)}
    return shown


def tombstone(event: Resource, calendar: Calendar) -> Resource:
    """A deleted event in a list: nothing but its id is promised; an instance also says whose it was (§1.6)."""
    names = ["kind", "etag", "id", "status"]
    if "recurringEventId" in event and not calendar.bare_tombstones:
        names += ["recurringEventId", "originalStartTime"]
    return {name: event[name] for name in names}


def _marked(person: Resource, calendar: Calendar) -> Resource:
    """`self`: this entry stands for the calendar on which this copy of the event appears (§2)."""
    return person | {"self": True} if person.get("email") == calendar.id else person
