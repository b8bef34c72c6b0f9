"""Drift: what somebody did in Google to the event of a booking. Pure.

The push undoes it, and clients see it; it never changes the booking.
"""

from collections.abc import Mapping
from typing import Any

from models.enums import Drift
from sync.google_api import translate
from sync.google_api.replies import EventJson
from sync.google_api.translate import GoogleOccurrence

REPAIRS_A_DAY = 10
"""How often a day we undo changes of one event. After that we leave it alone until a person asks for a sync."""


def drift_of(event: EventJson, body: Mapping[str, Any], time_zone: str) -> Drift:
    """Returns how the event differs from what we rendered. `time_zone` is the calendar's.

    Ignores what we do not render, such as a colour or a reminder: people may set that.
    """
    if translate.is_cancelled(event):
        return Drift.DELETED
    theirs = translate.occurrence_of(event, time_zone)
    ours = translate.occurrence_of({**body, "id": event["id"]}, time_zone)
    if theirs is None or ours is None:
        return Drift.EDITED
    if (theirs.starts_at, theirs.ends_at, theirs.all_day) != (ours.starts_at, ours.ends_at, ours.all_day):
        return Drift.MOVED
    if any(_words(each) != _words(other) for each, other in zip(_texts(theirs), _texts(ours), strict=True)):
        return Drift.EDITED
    if theirs.busy != ours.busy:
        return Drift.EDITED
    return Drift.EDITED if event.get("recurrence") or event.get("attendees") else Drift.NONE


def _texts(event: GoogleOccurrence) -> tuple[str | None, ...]:
    return event.title, event.description, event.location


def _words(text: str | None) -> list[str]:
    """Splits a text into words: all that stays the same when Google rewrites a description's HTML."""
    return (text or "").split()
