"""Wall-clock time, by the rule numbers of the availability semantics. Every expectation was worked out by hand."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from models.scheduling.hours import Schedule, TimeRange, all_day, horizon_end, instant, openings
from models.scheduling.intervals import Instant, Interval, to_instant

OSLO = ZoneInfo("Europe/Oslo")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
HAVANA = ZoneInfo("America/Havana")
NUUK = ZoneInfo("America/Nuuk")
APIA = ZoneInfo("Pacific/Apia")

NINE_TO_FIVE = TimeRange(time(9), time(17))
WHOLE_DAY = TimeRange(time(0), time(0))
LATE = TimeRange(time(22), time(2))
HOUR = timedelta(hours=1)


def at(text: str) -> Instant:
    """The instant of an ISO 8601 text with an offset."""
    return to_instant(datetime.fromisoformat(text))


def opened(schedule: Schedule, begin: str, end: str) -> list[tuple[Instant, Instant]]:
    """The opening intervals that meet the window, without their labels."""
    return [(each.start, each.end) for each in openings(schedule, Interval(at(begin), at(end)))]


def every_day(zone: ZoneInfo, *ranges: TimeRange) -> Schedule:
    """The same hours on every weekday."""
    return Schedule(zone=zone, weekly=dict.fromkeys(range(7), ranges))


def length(day: date, zone: ZoneInfo) -> timedelta:
    """How long whole-day opening hours last on this date."""
    noon = instant(day, time(12), zone)
    [only] = openings(every_day(zone, WHOLE_DAY), Interval(noon, noon + 1))
    return timedelta(microseconds=only.end - only.start)


@pytest.mark.parametrize(
    ("zone", "label", "expected"),
    [
        (OSLO, "2025-01-15 09:00", "2025-01-15T08:00Z"),
        (OSLO, "2025-07-15 09:00", "2025-07-15T07:00Z"),
        (NEW_YORK, "2025-07-15 21:30", "2025-07-16T01:30Z"),
        (LORD_HOWE, "2025-07-15 09:00", "2025-07-14T22:30Z"),
    ],
)
def test_t2_a_label_that_comes_once_means_that_time(zone: ZoneInfo, label: str, expected: str) -> None:
    wall = datetime.fromisoformat(label)
    assert instant(wall.date(), wall.time(), zone) == at(expected)


@pytest.mark.parametrize(
    ("zone", "label", "jump"),
    [
        (OSLO, "2025-03-30 02:00", "2025-03-30T01:00Z"),
        (OSLO, "2025-03-30 02:30", "2025-03-30T01:00Z"),
        (OSLO, "2025-03-30 02:59", "2025-03-30T01:00Z"),
        (OSLO, "2025-03-30 03:00", "2025-03-30T01:00Z"),
        (NEW_YORK, "2025-03-09 02:30", "2025-03-09T07:00Z"),
        (LORD_HOWE, "2025-10-05 02:15", "2025-10-04T15:30Z"),
        (NUUK, "2025-03-29 23:15", "2025-03-30T01:00Z"),
        (APIA, "2011-12-30 00:00", "2011-12-30T10:00Z"),
        (APIA, "2011-12-30 16:45", "2011-12-30T10:00Z"),
        (APIA, "2011-12-31 00:00", "2011-12-30T10:00Z"),
    ],
)
def test_t2_a_label_in_a_gap_means_the_instant_of_the_jump(zone: ZoneInfo, label: str, jump: str) -> None:
    wall = datetime.fromisoformat(label)
    assert instant(wall.date(), wall.time(), zone) == at(jump)


@pytest.mark.parametrize(
    ("zone", "label", "first"),
    [
        (OSLO, "2025-10-26 02:00", "2025-10-26T00:00Z"),
        (OSLO, "2025-10-26 02:30", "2025-10-26T00:30Z"),
        (OSLO, "2025-10-26 03:00", "2025-10-26T02:00Z"),
        (NEW_YORK, "2025-11-02 01:30", "2025-11-02T05:30Z"),
        (LORD_HOWE, "2025-04-06 01:45", "2025-04-05T14:45Z"),
        (LORD_HOWE, "2025-04-06 02:00", "2025-04-05T15:30Z"),
        (SAO_PAULO, "2018-02-17 23:30", "2018-02-18T01:30Z"),
        (HAVANA, "2025-11-02 00:00", "2025-11-02T04:00Z"),
    ],
)
def test_t2_a_label_that_comes_twice_means_the_first_time(zone: ZoneInfo, label: str, first: str) -> None:
    wall = datetime.fromisoformat(label)
    assert instant(wall.date(), wall.time(), zone) == at(first)


def test_t2_a_midnight_that_does_not_exist_means_the_first_instant_of_the_date() -> None:
    assert instant(date(2018, 11, 4), time(0), SAO_PAULO) == at("2018-11-04T01:00-02:00")


def test_t2_a_midnight_after_a_repeated_hour_comes_once() -> None:
    assert instant(date(2018, 2, 18), time(0), SAO_PAULO) == at("2018-02-18T00:00-03:00")


@pytest.mark.parametrize("zone", [OSLO, NEW_YORK, LORD_HOWE, SAO_PAULO, HAVANA, NUUK, APIA], ids=str)
@pytest.mark.parametrize("first", [date(2011, 12, 28), date(2018, 2, 16), date(2018, 11, 2), date(2025, 10, 25)])
def test_t2_never_puts_a_later_label_before_an_earlier_one(zone: ZoneInfo, first: date) -> None:
    labels = [datetime.combine(first, time()) + minutes * HOUR / 4 for minutes in range(4 * 24 * 4)]
    instants = [instant(label.date(), label.time(), zone) for label in labels]
    assert all(earlier <= later for earlier, later in pairwise(instants))


def test_o1_a_date_has_its_weekdays_hours() -> None:
    schedule = Schedule(zone=OSLO, weekly={2: [NINE_TO_FIVE]})
    wednesday = (at("2025-01-15T08:00Z"), at("2025-01-15T16:00Z"))
    assert opened(schedule, "2025-01-13T00:00Z", "2025-01-20T00:00Z") == [wednesday]


def test_o1_an_override_replaces_the_whole_days_list() -> None:
    morning, evening = TimeRange(time(8), time(12)), TimeRange(time(18), time(20))
    override = {date(2025, 1, 15): [TimeRange(time(10), time(11))]}
    schedule = Schedule(zone=OSLO, weekly=dict.fromkeys(range(7), (morning, evening)), overrides=override)
    assert opened(schedule, "2025-01-15T00:00+01:00", "2025-01-16T00:00+01:00") == [
        (at("2025-01-15T09:00Z"), at("2025-01-15T10:00Z"))
    ]


def test_o1_an_empty_override_closes_the_date() -> None:
    schedule = Schedule(zone=OSLO, weekly=dict.fromkeys(range(7), (NINE_TO_FIVE,)), overrides={date(2025, 1, 15): []})
    assert opened(schedule, "2025-01-15T00:00+01:00", "2025-01-16T00:00+01:00") == []


@pytest.mark.parametrize(
    ("opens", "closes", "end"),
    [
        (time(22), time(2), "2025-01-16T02:00+01:00"),
        (time(9), time(0), "2025-01-16T00:00+01:00"),
        (time(0), time(0), "2025-01-16T00:00+01:00"),
        (time(10, 30), time(10, 30), "2025-01-16T10:30+01:00"),
        (time(10), time(10, 1), "2025-01-15T10:01+01:00"),
    ],
)
def test_o2_hours_that_close_no_later_than_they_open_run_past_midnight(opens: time, closes: time, end: str) -> None:
    day = date(2025, 1, 15)
    schedule = Schedule(zone=OSLO, weekly={}, overrides={day: [TimeRange(opens, closes)]})
    assert opened(schedule, "2025-01-14T00:00Z", "2025-01-17T00:00Z") == [(instant(day, opens, OSLO), at(end))]


def test_o3_closing_saturday_does_not_cut_fridays_night() -> None:
    schedule = Schedule(zone=OSLO, weekly={4: [LATE]}, overrides={date(2025, 1, 18): []})
    friday_night = (at("2025-01-17T22:00+01:00"), at("2025-01-18T02:00+01:00"))
    assert opened(schedule, "2025-01-18T00:00+01:00", "2025-01-18T01:00+01:00") == [friday_night]


def test_o3_overriding_friday_cuts_fridays_night() -> None:
    schedule = Schedule(zone=OSLO, weekly={4: [LATE]}, overrides={date(2025, 1, 17): []})
    assert opened(schedule, "2025-01-18T00:00+01:00", "2025-01-18T01:00+01:00") == []


def test_o3_new_years_eve_runs_into_a_closed_first_of_january() -> None:
    schedule = Schedule(
        zone=OSLO,
        weekly=dict.fromkeys(range(7), (NINE_TO_FIVE,)),
        overrides={date(2025, 12, 31): [TimeRange(time(20), time(3))], date(2026, 1, 1): []},
    )
    assert opened(schedule, "2025-12-31T12:00+01:00", "2026-01-02T00:00+01:00") == [
        (at("2025-12-31T20:00+01:00"), at("2026-01-01T03:00+01:00"))
    ]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (OSLO, date(2025, 1, 15), 24),
        (OSLO, date(2025, 3, 30), 23),
        (OSLO, date(2025, 10, 26), 25),
        (NEW_YORK, date(2025, 3, 9), 23),
        (NEW_YORK, date(2025, 11, 2), 25),
        (LORD_HOWE, date(2025, 10, 5), 23.5),
        (LORD_HOWE, date(2025, 4, 6), 24.5),
        (SAO_PAULO, date(2018, 11, 4), 23),
        (SAO_PAULO, date(2018, 2, 17), 25),
        (HAVANA, date(2025, 11, 2), 25),
        (NUUK, date(2025, 3, 29), 23),
    ],
    ids=str,
)
def test_o4_a_whole_day_is_as_long_as_its_clock_makes_it(zone: ZoneInfo, day: date, hours: float) -> None:
    assert length(day, zone) == hours * HOUR


def test_o4_a_date_that_was_skipped_has_no_hours() -> None:
    both = opened(every_day(APIA, NINE_TO_FIVE), "2011-12-29T00:00-10:00", "2012-01-01T00:00+14:00")
    assert [each for each in both if each[0] < each[1]] == [
        (at("2011-12-29T09:00-10:00"), at("2011-12-29T17:00-10:00")),
        (at("2011-12-31T09:00+14:00"), at("2011-12-31T17:00+14:00")),
    ]


def test_o4_an_interval_whose_labels_both_fall_into_the_gap_is_empty() -> None:
    in_the_gap = every_day(OSLO, TimeRange(time(2, 10), time(2, 50)))
    both = opened(in_the_gap, "2025-03-30T00:00+01:00", "2025-03-30T12:00+02:00")
    assert [each for each in both if each[0] < each[1]] == []


def test_g1_an_opening_keeps_the_label_its_grid_counts_from() -> None:
    window = Interval(at("2025-03-30T00:00Z"), at("2025-03-30T04:00Z"))
    [only] = openings(every_day(OSLO, TimeRange(time(2, 15), time(6))), window)
    assert only.start == at("2025-03-30T03:00+02:00")
    assert only.label == datetime.fromisoformat("2025-03-30 02:15")


def test_openings_ascend_and_leave_out_what_only_touches_the_window() -> None:
    touching = every_day(OSLO, TimeRange(time(14), time(18)), TimeRange(time(8), time(12)))
    window = ("2025-01-15T12:00+01:00", "2025-01-16T14:00+01:00")
    assert opened(touching, *window) == [
        (at("2025-01-15T14:00+01:00"), at("2025-01-15T18:00+01:00")),
        (at("2025-01-16T08:00+01:00"), at("2025-01-16T12:00+01:00")),
    ]


@pytest.mark.parametrize(
    ("zone", "first", "last", "start", "end"),
    [
        (OSLO, date(2025, 1, 15), date(2025, 1, 16), "2025-01-14T23:00Z", "2025-01-15T23:00Z"),
        (NEW_YORK, date(2025, 1, 15), date(2025, 1, 17), "2025-01-15T05:00Z", "2025-01-17T05:00Z"),
        (OSLO, date(2025, 3, 30), date(2025, 3, 31), "2025-03-29T23:00Z", "2025-03-30T22:00Z"),
        (SAO_PAULO, date(2018, 11, 4), date(2018, 11, 5), "2018-11-04T03:00Z", "2018-11-05T02:00Z"),
        (SAO_PAULO, date(2018, 2, 17), date(2018, 2, 18), "2018-02-17T02:00Z", "2018-02-18T03:00Z"),
        (HAVANA, date(2025, 11, 2), date(2025, 11, 3), "2025-11-02T04:00Z", "2025-11-03T05:00Z"),
    ],
    ids=str,
)
def test_b3_an_all_day_event_runs_from_midnight_to_the_midnight_of_its_exclusive_end(
    zone: ZoneInfo, first: date, last: date, start: str, end: str
) -> None:
    assert all_day(first, last, zone) == Interval(at(start), at(end))


def test_b3_an_all_day_event_on_a_date_that_was_skipped_is_empty() -> None:
    day = all_day(date(2011, 12, 30), date(2011, 12, 31), APIA)
    assert day.start == day.end


@pytest.mark.parametrize(
    ("zone", "now", "days", "expected"),
    [
        (OSLO, "2025-01-15T12:00Z", 0, "2025-01-16T00:00+01:00"),
        (OSLO, "2025-01-15T12:00Z", 7, "2025-01-23T00:00+01:00"),
        (OSLO, "2025-01-15T22:59:59Z", 0, "2025-01-16T00:00+01:00"),
        (OSLO, "2025-01-15T23:00Z", 0, "2025-01-17T00:00+01:00"),
        (NEW_YORK, "2025-01-15T04:00Z", 0, "2025-01-15T00:00-05:00"),
        (OSLO, "2025-03-28T12:00Z", 2, "2025-03-31T00:00+02:00"),
        (SAO_PAULO, "2018-11-02T12:00Z", 1, "2018-11-04T01:00-02:00"),
    ],
    ids=str,
)
def test_w3_the_last_bookable_date_is_included_whole(zone: ZoneInfo, now: str, days: int, expected: str) -> None:
    assert horizon_end(at(now), days, zone) == at(expected)


def test_w3_no_horizon_is_no_limit() -> None:
    assert horizon_end(at("2025-01-15T12:00Z"), None, OSLO) is None
