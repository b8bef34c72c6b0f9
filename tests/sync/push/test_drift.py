"""Drift: what somebody did to an event of ours, told from the event."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from models.enums import Drift, MirrorAs
from sync.push import machine
from sync.push.drift import drift_of

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
RENDERED = machine.render_event(
    booking_id=UUID(int=1),
    title="Cut – Kari",
    description="",
    location="Storgata 1",
    starts_at=START,
    ends_at=START + timedelta(hours=1),
    time_zone="Europe/Oslo",
    mirror_as=MirrorAs.BUSY,
)
OURS: dict[str, Any] = {"id": "tb1", "status": "confirmed", **RENDERED.body}


def times(start: datetime, end: datetime) -> dict[str, Any]:
    return {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}


def drift(**changed: Any) -> Drift:
    return drift_of({**OURS, **changed}, RENDERED.body, "Europe/Oslo")


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"etag": '"2"', "updated": "2026-12-01T00:00:00Z", "sequence": 3},
        times(START, START + timedelta(hours=1)),
        {"colorId": "5"},
        {"organizer": {"email": "anna@example.com", "self": True}},
        {"reminders": {"useDefault": True}},
        {"description": None},
    ],
)
def test_what_says_the_same_is_no_drift(changed: dict[str, Any]) -> None:
    assert drift(**changed) is Drift.NONE


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"status": "cancelled"}, Drift.DELETED),
        (times(START + timedelta(hours=1), START + timedelta(hours=2)), Drift.MOVED),
        (times(START, START + timedelta(hours=2)), Drift.MOVED),
        ({"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}, Drift.MOVED),
        ({"start": None}, Drift.EDITED),
        ({"summary": "Mine"}, Drift.EDITED),
        ({"description": "More"}, Drift.EDITED),
        ({"location": None}, Drift.EDITED),
        ({"transparency": "transparent"}, Drift.EDITED),
        ({"recurrence": ["RRULE:FREQ=DAILY"]}, Drift.EDITED),
        ({"attendees": [{"email": "guest@example.com"}]}, Drift.EDITED),
    ],
)
def test_what_was_done_is_named(changed: dict[str, Any], expected: Drift) -> None:
    assert drift(**changed) is expected


def test_a_tombstone_with_nothing_but_its_id_is_a_deletion() -> None:
    assert drift_of({"id": "tb1", "status": "cancelled"}, RENDERED.body, "Europe/Oslo") is Drift.DELETED
