"""Strays: events that we once wrote and have no mirror of. Pure.

It recognises them by their ids, which we compute from the booking. When somebody duplicates an event, the copy has its
properties, but another id.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from models.google.mirror import event_id
from sync.google_api.replies import EventJson
from sync.google_api.translate import is_cancelled
from sync.push.machine import BOOKING_PROPERTY

GENERATIONS = 16
"""How many ids of a booking we try. Few have a second one: only if Google let us neither use nor free the first."""


@dataclass(frozen=True, slots=True)
class Stray:
    """The booking that the event stands for, and the generation of its id."""

    booking_id: UUID
    generation: int


def strays_of(calendar_google_id: str, events: Iterable[EventJson]) -> dict[str, Stray]:
    """Returns those of the events that we once wrote to this calendar, by event id."""
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
