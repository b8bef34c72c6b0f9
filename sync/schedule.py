"""When a calendar is looked at again. Pure: handed the dice and the time."""

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
    """How long a calendar may go unlooked at: `seconds` with a live push channel, a third of it without.

    `random` in [0, 1) spreads it by a quarter in both directions, so that calendars do not march in step.
    """
    return timedelta(seconds=(seconds if live_channel else seconds / 3) * (1 + _SPREAD * (2 * random - 1)))


def longest_pull(seconds: float) -> timedelta:
    """The longest time between two pulls that is as it should be."""
    return timedelta(seconds=seconds * (1 + _SPREAD))


def snapshot_is_due(last: datetime | None, calendar_id: UUID, zone_name: str, now: datetime) -> bool:
    """Whether the calendar's whole window is to be listed: once a night, at a minute of its own after 01:00 in its
    zone. Calendars are spread over four hours.
    """
    if last is None:
        return True
    zone = checks.zone(zone_name) or ZoneInfo("UTC")
    minute = timedelta(minutes=calendar_id.int % _NIGHT_MINUTES)
    today = hours.local_date(to_instant(now), zone)
    nights = (to_datetime(hours.instant(today - timedelta(days=ago), _NIGHT, zone)) + minute for ago in (0, 1))
    return last < max(night for night in nights if night <= now)
