"""Drift: what somebody did in Google to the event that stands for a booking. Pure.

It is put right and shown; it never changes the booking.
"""

from collections.abc import Mapping
from typing import Any

from models.enums import Drift
from sync.google_api import translate
from sync.google_api.replies import EventJson
from sync.google_api.translate import GoogleOccurrence

REPAIRS_A_DAY = 10
"""A mirror that somebody or something changes more often than this is left alone until a person looks at it."""


def drift_of(event: EventJson, body: Mapping[str, Any], time_zone: str) -> Drift:
    """How the event differs from what we put there. `time_zone` is the calendar's.

    What we do not render (a colour, a reminder) is a person's own business.
    """
    if translate.is_cancelled(event):
        return Drift.DELETED
    there = translate.foreign(event, time_zone)
    ours = translate.foreign({**body, "id": event["id"]}, time_zone)
    if there is None or ours is None:
        return Drift.EDITED
    if (there.starts_at, there.ends_at, there.all_day) != (ours.starts_at, ours.ends_at, ours.all_day):
        return Drift.MOVED
    if any(_words(each) != _words(other) for each, other in zip(_texts(there), _texts(ours), strict=True)):
        return Drift.EDITED
    if there.busy != ours.busy:
        return Drift.EDITED
    return Drift.EDITED if event.get("recurrence") or event.get("attendees") else Drift.NONE


def _texts(event: GoogleOccurrence) -> tuple[str | None, ...]:
    return event.title, event.description, event.location


def _words(text: str | None) -> list[str]:
    """A description comes back in Google's own HTML, with other tags, entities and breaks: the words count."""
    return (text or "").split()
