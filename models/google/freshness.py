"""How old our picture of the linked Google calendars is, and whether a confirmation may rest on it.

Owns the reads that ask for what is stale; may not call Google: that is `sync`.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from models.google.tables import GoogleLink
from models.storage.queries import Statement

FRESH = timedelta(minutes=1)
"""A calendar that was read completely so lately is not read again before a confirmation."""

_SLACK = timedelta(seconds=5)
"""From looking whether a calendar is to be read again, to the confirmation that rests on it."""

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


async def missed(option_id: UUID, now: datetime) -> dict[str, datetime | str]:
    """What the history of a booking says of it: as of when the option's calendar was known, if that is not fresh."""
    since = now - _SLACK - FRESH
    rows = await _STALE_OF_OPTION.rows(("calendar__pulled_at",), since=since, option_id=option_id)
    return {"fresh_as_of": rows[0]["calendar__pulled_at"] or "never"} if rows else {}
