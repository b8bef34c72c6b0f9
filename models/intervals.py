"""Half-open intervals of instants, as integers. Pure: knows no clock, no zone, no row.

An instant is a count of microseconds since the Unix epoch: exact for every datetime, and cheap to compare.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

Instant: TypeAlias = int

MINUTE: Instant = 60_000_000
DAY: Instant = 24 * 60 * MINUTE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Interval(NamedTuple):
    """`[start, end)`. Empty or inverted, it holds nothing and collides with nothing (rule I1)."""

    start: Instant
    end: Instant


def to_instant(moment: datetime) -> Instant:
    """The instant of an aware datetime. Raises TypeError for a naive one."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(instant: Instant) -> datetime:
    """The instant as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=instant)


def interval(start: datetime, end: datetime) -> Interval:
    """`[start, end)` of two aware datetimes."""
    return Interval(to_instant(start), to_instant(end))


def collides(a: Interval, b: Interval) -> bool:
    """Whether the two share an instant; touching is not colliding (rule I1)."""
    return max(a.start, b.start) < min(a.end, b.end)


def merge(intervals: Iterable[tuple[Instant, Instant]]) -> list[Interval]:
    """The same instants as ascending intervals that neither overlap nor touch; empty ones vanish."""
    merged: list[Interval] = []
    first, last = 0, None
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if last is None or start > last:
            if last is not None:
                merged.append(Interval(first, last))
            first, last = start, end
        elif end > last:
            last = end
    if last is not None:
        merged.append(Interval(first, last))
    return merged
