"""When a calendar is looked at again."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from sync import schedule

CALENDAR = UUID(int=90)
"""Its minute is 02:30 in its zone."""


@given(seconds=st.integers(1, 100_000), live=st.booleans(), random=st.floats(0, 1, exclude_max=True))
def test_a_pull_follows_after_the_set_time_or_a_third_of_it_give_or_take_a_quarter(
    seconds: int, live: bool, random: float
) -> None:
    wait = schedule.next_pull(seconds, live, random).total_seconds() * (1 if live else 3)
    assert 0.75 * seconds - 0.001 <= wait <= 1.25 * seconds + 0.001
    assert schedule.next_pull(seconds, live, random) <= schedule.longest_pull(seconds)


def test_the_window_is_listed_once_a_night_at_the_calendars_own_minute() -> None:
    def due(last: str, now: str) -> bool:
        return schedule.snapshot_is_due(
            datetime.fromisoformat(last), CALENDAR, "Europe/Oslo", datetime.fromisoformat(now)
        )

    assert not due("2026-11-22T02:31+01:00", "2026-11-22T23:00+01:00")
    assert not due("2026-11-22T02:31+01:00", "2026-11-23T02:29+01:00")
    assert due("2026-11-22T02:31+01:00", "2026-11-23T02:30+01:00")
    assert due("2026-11-22T02:29+01:00", "2026-11-22T02:30+01:00")
    assert due("2026-11-01T02:29+01:00", "2026-11-22T02:00+01:00")


def test_a_calendar_never_listed_is_due() -> None:
    assert schedule.snapshot_is_due(None, CALENDAR, "Europe/Oslo", datetime.now(UTC))


@given(number=st.integers(0, 2**128 - 1), minutes=st.integers(0, 2 * 365 * 24 * 60))
def test_every_calendar_is_listed_once_in_any_25_hours(number: int, minutes: int) -> None:
    last = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    later = last + timedelta(hours=25, minutes=1)
    assert schedule.snapshot_is_due(last, UUID(int=number), "America/New_York", later)


def test_a_zone_nobody_knows_is_read_as_utc() -> None:
    now = datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert schedule.snapshot_is_due(now - timedelta(hours=2), CALENDAR, "Mars/Olympus", now)
