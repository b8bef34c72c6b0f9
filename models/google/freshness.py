"""How old our rows of the linked Google calendars are, and whether a confirmation may rest on them.

Reads rows only; `sync` reads Google.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from models.google.tables import GoogleLink
from models.storage.queries import Statement

FRESH = timedelta(minutes=1)
"""A confirmation does not wait for another reading of a calendar that we read completely within this time."""

_SLACK = timedelta(seconds=5)
"""The time that may pass between the check whether a calendar is fresh and the confirmation itself."""

_STALE = Statement(
    GoogleLink,
    "WHERE google_link.calendar_id IS NOT NULL AND (calendar.pulled_at IS NULL OR calendar.pulled_at < :since)",
    joins=("calendar",),
)
_STALE_OF_BUSINESS = _STALE.and_then("AND google_link.business_id = :business_id")
_STALE_OF_OPTION = _STALE.and_then("AND google_link.option_id = :option_id")


async def stale_options(business_id: UUID, now: datetime) -> Collection[UUID]:
    """The options whose linked calendar was not read lately."""
    rows = await _STALE_OF_BUSINESS.rows(("option_id",), since=now - FRESH, business_id=business_id)
    return {row["option_id"] for row in rows}


async def history_note(option_id: UUID, now: datetime) -> dict[str, datetime | str]:
    """Returns what a booking's history records when the option's calendar is not fresh: when we last read it, or
    "never". Empty when it is fresh, or the option has none.
    """
    since = now - _SLACK - FRESH
    rows = await _STALE_OF_OPTION.rows(("calendar__pulled_at",), since=since, option_id=option_id)
    return {"fresh_as_of": rows[0]["calendar__pulled_at"] or "never"} if rows else {}
