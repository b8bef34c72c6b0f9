"""Half-open intervals of instants, as integers. Pure: knows no clock, no zone and no row.

An instant is a count of microseconds since the Unix epoch: exact for every datetime, and cheap to compare.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")
U = TypeVar("U")

Instant: TypeAlias = int

Steps: TypeAlias = Generator[None, None, T]
"""A computation in steps of about a millisecond; its caller can do something else between two steps."""

MINUTE: Instant = 60_000_000
DAY: Instant = 24 * 60 * MINUTE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Interval(NamedTuple):
    """`[start, end)`. With `end <= start` it is empty and collides with nothing (rule I1)."""

    start: Instant
    end: Instant


def run_all(steps: Steps[T]) -> T:
    """Runs all steps at once and returns the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value


def to_instant(moment: datetime) -> Instant:
    """Converts an aware datetime to an instant. Raises TypeError for a naive one."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(instant: Instant) -> datetime:
    """Converts an instant to an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=instant)


def interval(start: datetime, end: datetime) -> Interval:
    """Builds the interval between two aware datetimes."""
    return Interval(to_instant(start), to_instant(end))


def collides(a: Interval, b: Interval) -> bool:
    """Whether the two share an instant; an interval that begins where the other ends does not (rule I1)."""
    return max(a.start, b.start) < min(a.end, b.end)


def merge(intervals: Iterable[tuple[Instant, Instant]]) -> list[Interval]:
    """Unites intervals: returns ascending ones that neither overlap nor touch; drops empty ones."""
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


def overlapping_pairs(
    ones: Sequence[T], others: Sequence[U], between: Callable[[Any], tuple[Any, Any]]
) -> Iterator[tuple[T, U]]:
    """Yields each pair of one of the `ones` and one of the `others` that overlap. `between` returns the start and end
    of an item. For each of the ones, the others come in the order of their starts.

    Its time grows with the number of pairs, and with sorting: it compares no item with one that ended before.
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
        # An open item began before this one, or at the same moment; then they overlap only if this one has a length.
        for other in still:
            if other[0] < end:
                yield (other[3], each) if side else (each, other[3])
        open_now[side].append(begun)
