"""Half-open intervals of instants, as integers. Pure: knows no clock, no zone, no row.

An instant is a count of microseconds since the Unix epoch: exact for every datetime, and cheap to compare.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")
U = TypeVar("U")

Instant: TypeAlias = int

Steps: TypeAlias = Generator[None, None, T]
"""Work that is done in steps of a millisecond or so, so that whoever does it can do something else in between."""

MINUTE: Instant = 60_000_000
DAY: Instant = 24 * 60 * MINUTE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Interval(NamedTuple):
    """`[start, end)`. Empty or inverted, it holds nothing and collides with nothing (rule I1)."""

    start: Instant
    end: Instant


def done(steps: Steps[T]) -> T:
    """What comes of work when all its steps are done at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value


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


def meetings(
    ones: Sequence[T], others: Sequence[U], between: Callable[[Any], tuple[Any, Any]]
) -> Iterator[tuple[T, U]]:
    """The pairs of one and another that overlap; `between` says from when to when something is. For each of the ones
    the others come by their start, and those of one start in their order.

    Nothing is held against what has ended before it begins: it takes as long as there are pairs, beside sorting.
    """
    sides: tuple[Sequence[Any], Sequence[Any]] = (ones, others)
    begins = sorted(
        ((*between(each), side, each) for side, each_side in enumerate(sides) for each in each_side),
        key=lambda begun: begun[0],
    )
    open_now: tuple[list[Any], list[Any]] = ([], [])
    for begun in begins:
        start, end, side, each = begun
        still = [other for other in open_now[1 - side] if other[1] > start]
        open_now[1 - side][:] = still
        # What is open began before, or at the same moment: then it overlaps only what lasts.
        for other in still:
            if other[0] < end:
                yield (other[3], each) if side else (each, other[3])
        open_now[side].append(begun)
