"""Strays: events of ours that we have no mirror of, known by what nobody could have copied. Pure.

An event's properties go along when somebody duplicates it; its id does not, and ours are made of the booking.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from models.google.mirror import event_id
from sync.google_api.replies import EventJson
from sync.google_api.translate import is_cancelled
from sync.push.machine import BOOKING_PROPERTY

GENERATIONS = 16
"""So many ids of one booking are recognized: a new one is made only where the last could neither be used nor freed."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Which booking the event was written for, and under the id of which generation."""

    booking_id: UUID
    generation: int


def strays_of(calendar_google_id: str, events: Iterable[EventJson]) -> dict[str, Stray]:
    """The events that we once wrote to this calendar, by id."""
    found = {}
    for event in events:
        if stray := None if is_cancelled(event) else _stray(calendar_google_id, event):
            found[str(event["id"])] = stray
    return found


def _stray(calendar_google_id: str, event: EventJson) -> Stray | None:
    properties = event.get("extendedProperties") or {}
    try:
        booking_id = UUID(str((properties.get("private") or {})[BOOKING_PROPERTY]))
    except (KeyError, ValueError):
        return None
    for generation in range(GENERATIONS):
        if event["id"] == event_id(booking_id, calendar_google_id, generation):
            return Stray(booking_id, generation)
    return None
