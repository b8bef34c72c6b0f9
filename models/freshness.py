"""How old our picture of the linked Google calendars is, and whether a confirmation may rest on it.

Owns the reads; may not call Google: that is `sync`.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from models import db
from models.google import GoogleLink

FRESH = timedelta(minutes=1)
"""A calendar that was read completely so lately is not read again before a confirmation."""

_SLACK = timedelta(seconds=5)
"""From looking whether a calendar is to be read again, to the confirmation that rests on it."""


async def stale_options(business_id: UUID, now: datetime) -> Collection[UUID]:
    """The options whose linked calendar was not read lately."""
    rows = await db.select(_stale(now).filter(business_id=business_id), ("option_id",))
    return {row["option_id"] for row in rows}


async def missed(option_id: UUID, now: datetime) -> dict[str, datetime | str]:
    """What the history of a booking says of it: as of when the option's calendar was known, if that is not fresh."""
    rows = await db.select(_stale(now - _SLACK).filter(option_id=option_id), ("calendar__pulled_at",))
    return {"fresh_as_of": rows[0]["calendar__pulled_at"] or "never"} if rows else {}


def _stale(now: datetime) -> QuerySet[GoogleLink]:
    long_ago = Q(calendar__pulled_at__isnull=True) | Q(calendar__pulled_at__lt=now - FRESH)
    return GoogleLink.filter(long_ago, calendar_id__not_isnull=True)
