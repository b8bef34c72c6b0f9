"""Half-open intervals of instants, by rule I1 of the availability semantics."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.scheduling.intervals import Interval, collides, merge, to_datetime, to_instant

small = st.builds(Interval, st.integers(0, 30), st.integers(0, 30))


def instants(interval: Interval) -> set[int]:
    """What the interval holds."""
    return set(range(interval.start, interval.end))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (Interval(1, 3), Interval(2, 4), True),
        (Interval(1, 9), Interval(2, 4), True),
        (Interval(1, 3), Interval(3, 4), False),
        (Interval(1, 3), Interval(4, 5), False),
        (Interval(1, 9), Interval(4, 4), False),
        (Interval(1, 9), Interval(5, 4), False),
        (Interval(4, 4), Interval(4, 4), False),
    ],
)
def test_i1_intervals_collide_only_if_they_share_an_instant(a: Interval, b: Interval, expected: bool) -> None:
    assert collides(a, b) is expected
    assert collides(b, a) is expected


def test_i1_merging_joins_what_touches_and_drops_what_is_empty() -> None:
    scattered = [Interval(7, 9), Interval(1, 3), Interval(5, 5), Interval(3, 4), Interval(8, 12), Interval(6, 2)]
    assert merge(scattered) == [Interval(1, 4), Interval(7, 12)]


@given(a=small, b=small)
def test_i1_colliding_is_sharing_an_instant(a: Interval, b: Interval) -> None:
    assert collides(a, b) is bool(instants(a) & instants(b))


@given(scattered=st.lists(small))
def test_i1_merging_keeps_every_instant_and_leaves_gaps_between(scattered: list[Interval]) -> None:
    merged = merge(scattered)
    assert {each for interval in merged for each in instants(interval)} == {
        each for interval in scattered for each in instants(interval)
    }
    assert all(first.end < second.start for first, second in pairwise(merged))


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_t1_an_instant_is_exact_to_the_microsecond(moment: datetime) -> None:
    assert to_datetime(to_instant(moment)) == moment


def test_t1_an_instant_is_absolute() -> None:
    east = datetime(2025, 1, 15, 10, tzinfo=timezone(timedelta(hours=1)))
    assert to_instant(east) == to_instant(datetime(2025, 1, 15, 9, tzinfo=UTC)) == 1_736_931_600_000_000


def test_t1_a_datetime_without_offset_is_refused() -> None:
    with pytest.raises(TypeError):
        to_instant(datetime.fromisoformat("2025-01-15T10:00"))
