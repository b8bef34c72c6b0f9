"""Computes when to pull a calendar again. Pure: callers pass the time and a random number."""

from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from models import checks
from models.scheduling import hours
from models.scheduling.intervals import to_datetime, to_instant

_SPREAD = 0.25
_NIGHT = time(1)
_NIGHT_MINUTES = 240


def next_pull(seconds: float, live_channel: bool, random: float) -> timedelta:
    """Returns the time until the next pull: `seconds` with a live push channel, a third of it without.

    `random` in [0, 1) varies it by up to a quarter in both directions, so that calendars are not all due at once.
    """
    return timedelta(seconds=(seconds if live_channel else seconds / 3) * (1 + _SPREAD * (2 * random - 1)))


def longest_pull(seconds: float) -> timedelta:
    """Returns the longest time that `next_pull` can give."""
    return timedelta(seconds=seconds * (1 + _SPREAD))


def snapshot_is_due(last: datetime | None, calendar_id: UUID, zone_name: str, now: datetime) -> bool:
    """Whether the next pull shall list the calendar's whole window: once a night, at a minute of its own between 01:00
    and 05:00 in its zone. `last` is when it did so last.
    """
    if last is None:
        return True
    zone = checks.find_time_zone(zone_name) or ZoneInfo("UTC")
    minute = timedelta(minutes=calendar_id.int % _NIGHT_MINUTES)
    today = hours.local_date(to_instant(now), zone)
    nights = (to_datetime(hours.instant(today - timedelta(days=ago), _NIGHT, zone)) + minute for ago in (0, 1))
    return last < max(night for night in nights if night <= now)
