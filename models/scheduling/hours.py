"""Wall-clock time: turns a zone's dates and `HH:MM` labels into instants and back. Pure.

Opening hours are labels of a zone; everything else counts instants. No other module handles zones and daylight saving.
Rule numbers are those of the availability semantics.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from models.scheduling.intervals import Instant, Interval, to_datetime, to_instant

_ONE_DAY = timedelta(days=1)


class TimeRange(NamedTuple):
    """A range of wall-clock times; with `closes <= opens` it ends on the next day (rule O2)."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Schedule:
    """When an option is open: weekly hours by weekday (0 is Monday), other hours on dates of `overrides` (O1)."""

    zone: ZoneInfo
    weekly: Mapping[int, Sequence[TimeRange]]
    overrides: Mapping[date, Sequence[TimeRange]] = field(default_factory=dict)

    def on(self, day: date) -> Sequence[TimeRange]:
        """Returns the ranges that start on that date (rules O1, O3)."""
        override = self.overrides.get(day)
        return self.weekly.get(day.weekday(), ()) if override is None else override


class Opening(NamedTuple):
    """One opening interval: its instants (O4), and the naive wall-clock label its grid counts from (G1)."""

    start: Instant
    end: Instant
    label: datetime


@lru_cache(maxsize=65536)
def instant(day: date, label: time, zone: ZoneInfo) -> Instant:
    """Returns the first instant at which the zone's clock reads the label or later (rule T2)."""
    wall = datetime.combine(day, label)
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return to_instant(first)
    return _jump_over(wall, zone)


def _jump_over(wall: datetime, zone: ZoneInfo) -> Instant:
    """Returns the instant at which the zone's clock jumps over a label that it never reads."""
    before = to_instant(wall.replace(tzinfo=zone, fold=1))
    after = to_instant(wall.replace(tzinfo=zone, fold=0))
    while after - before > 1:
        middle = (before + after) // 2
        if reading(middle, zone) >= wall:
            after = middle
        else:
            before = middle
    return after


def reading(at: Instant, zone: ZoneInfo) -> datetime:
    """Returns what the zone's clock reads at the instant, as a naive datetime."""
    return to_datetime(at).astimezone(zone).replace(tzinfo=None)


def local_date(at: Instant, zone: ZoneInfo) -> date:
    """Returns the zone's date at the instant."""
    return reading(at, zone).date()


def wall_days(window: Interval, zone: ZoneInfo) -> float:
    """Counts the days by which the zone's clock moves in the window; a whole number from midnight to midnight."""
    return (reading(window.end, zone) - reading(window.start, zone)) / _ONE_DAY


def day_interval(day: date, zone: ZoneInfo) -> Interval:
    """Returns the zone's date as an interval of instants."""
    return all_day(day, day + _ONE_DAY, zone)


def all_day(first: date, last: date, zone: ZoneInfo) -> Interval:
    """Returns the interval from the first date's midnight to the last's; `last` is exclusive, as in Google (B3)."""
    return Interval(instant(first, time.min, zone), instant(last, time.min, zone))


def horizon_end(now: Instant, days: int | None, zone: ZoneInfo) -> Instant | None:
    """Returns the end of the last bookable date, which is `days` after today in the zone; None for no limit (W3)."""
    if days is None:
        return None
    return instant(local_date(now, zone) + timedelta(days=days + 1), time.min, zone)


def openings(schedule: Schedule, window: Interval) -> list[Opening]:
    """Returns every opening that overlaps the window, ordered by start. It belongs to the date it starts on (O3)."""
    found = []
    # Two days back: a range may run past midnight, and a zone may skip a whole date.
    day = local_date(window.start, schedule.zone) - 2 * _ONE_DAY
    last = local_date(window.end, schedule.zone) + _ONE_DAY
    while day <= last:
        for opens, closes in schedule.on(day):
            end_day = day if closes > opens else day + _ONE_DAY
            start, end = instant(day, opens, schedule.zone), instant(end_day, closes, schedule.zone)
            if start < window.end and end > window.start and start < end:
                found.append(Opening(start, end, datetime.combine(day, opens)))
        day += _ONE_DAY
    return sorted(found)


def grid(opening: Opening, step: Instant, zone: ZoneInfo, window: Interval) -> Iterator[Instant]:
    """Yields the instants within the opening and the window that lie a multiple of `step` after the opening's label on
    the wall clock (rule G1). `step` is in microseconds.
    """
    label = to_instant(opening.label.replace(tzinfo=UTC))
    for start, end in _steady(max(opening.start, window.start), min(opening.end, window.end), zone):
        offset = _offset(start, zone)
        yield from range(start + (label - start - offset) % step, end, step)


def _steady(start: Instant, end: Instant, zone: ZoneInfo) -> list[Interval]:
    """Cuts the interval where the zone's offset changes. Assumes at most one change within two days."""
    if start >= end:
        return []
    if _offset(start, zone) == _offset(end - 1, zone):
        return [Interval(start, end)]
    before, after = start, end - 1
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(middle, zone) == _offset(start, zone):
            before = middle
        else:
            after = middle
    return [Interval(start, after), *_steady(after, end, zone)]


def _offset(at: Instant, zone: ZoneInfo) -> Instant:
    """Returns how far the zone's clock is ahead of UTC, in microseconds."""
    local = to_datetime(at).astimezone(zone)
    return to_instant(local.replace(tzinfo=UTC)) - at
