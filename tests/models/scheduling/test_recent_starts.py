"""The starts of dates that were asked for lately are kept within a limit of bytes."""

from array import array
from collections.abc import Sequence
from datetime import date, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from models.scheduling import availability
from models.scheduling.availability import Agenda, Rules, starts
from models.scheduling.hours import Schedule, TimeRange, day_interval
from models.scheduling.intervals import MINUTE, Interval
from models.scheduling.recent_starts import RecentStarts

OSLO = ZoneInfo("Europe/Oslo")
ALL_DAY = TimeRange(time.min, time.min)
MONDAY = date(2027, 3, 1)


def test_no_more_bytes_are_kept_however_long_the_lists() -> None:
    for length in (0, 1, 1000, 100_000):
        recent = RecentStarts(most_bytes=50_000)
        for number in range(300):
            found = recent.find(number, 3, partial(array, "q", range(length)))
            assert len(found) == length
            assert length * 8 * len(recent) <= recent.bytes <= 50_000
        assert len(recent) == min(300, 50_000 // (4 * 400 + 8 * length))


def test_what_was_used_last_is_kept() -> None:
    recent, computed = RecentStarts(most_bytes=3000), list[str]()

    def compute(name: str) -> Sequence[int]:
        computed.append(name)
        return array("q", [1])

    for name in "abcabadac":
        recent.find(name, 1, partial(compute, name))
    assert computed == ["a", "b", "c", "d", "c"]
    assert recent.bytes == 3 * 808


def test_a_year_of_starts_every_minute_is_kept_in_few_bytes() -> None:
    schedule = Schedule(OSLO, {each: [ALL_DAY] for each in range(7)})
    window = Interval(day_interval(MONDAY, OSLO).start, day_interval(MONDAY + timedelta(400), OSLO).start)
    found = starts(Rules(duration=30, step=1), Agenda(schedule), window, window.start)
    assert len(found) == (window.end - window.start) // MINUTE
    assert availability._recent.bytes <= 4 * 1024 * 1024


def test_equal_hours_share_and_hours_of_the_dates_around_matter() -> None:
    nine, late = TimeRange(time(9), time(17)), TimeRange(time(22), time(2))
    rules, tuesday = Rules(duration=30, step=30), MONDAY + timedelta(1)
    window = day_interval(tuesday, OSLO)

    def found(overrides: dict[date, list[TimeRange]]) -> int:
        schedule = Schedule(OSLO, {each: [nine] for each in range(7)}, overrides)
        return len(starts(rules, Agenda(schedule), window, window.start))

    assert found({}) == 16
    before = len(availability._recent)
    assert found({date(2030, 1, 1): []}) == 16
    assert len(availability._recent) == before
    assert found({MONDAY: [late]}) == 20
    assert found({tuesday: []}) == 0
    assert found({MONDAY: [late], tuesday: []}) == 4
