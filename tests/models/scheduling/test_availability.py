"""Slots and the reasons against them, by the rule numbers of the availability semantics. Worked out by hand."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.scheduling.availability import Agenda, Busy, BusyKind, Reason, Rules, SlotReason, merged, reasons, starts
from models.scheduling.hours import Schedule, TimeRange, all_day
from models.scheduling.intervals import MINUTE, Instant, Interval, to_datetime, to_instant

OSLO = ZoneInfo("Europe/Oslo")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")

NINE_TO_FIVE = TimeRange(time(9), time(17))
WHOLE_DAY = TimeRange(time(0), time(0))
DAY = date(2025, 1, 15)
"""A Wednesday on which nothing happens."""
LONG_AGO = to_instant(datetime.fromisoformat("2000-01-01T00:00Z"))
HALF_HOURS = Rules(duration=30, step=30)


def at(text: str) -> Instant:
    """The instant of an ISO 8601 text with an offset, or of a clock time in Oslo on the quiet day."""
    if len(text) <= len("09:00:00"):
        text = f"{DAY}T{text}+01:00"
    return to_instant(datetime.fromisoformat(text))


def busy(start: str, end: str, kind: BusyKind = BusyKind.GOOGLE) -> Busy:
    """Busy time between two texts."""
    return Busy(at(start), at(end), kind)


def agenda(*taken: Busy, hours: Sequence[TimeRange] = (NINE_TO_FIVE,), zone: ZoneInfo = OSLO) -> Agenda:
    """An option with the same hours on every day."""
    return Agenda(schedule=Schedule(zone=zone, weekly=dict.fromkeys(range(7), hours)), busy=taken)


def clock(rules: Rules, option: Agenda, begin: str = "00:00", end: str = "23:59", now: Instant = LONG_AGO) -> list[str]:
    """What the option's clock reads at each start offered in the window."""
    offered = starts(rules, option, Interval(at(begin), at(end)), now)
    return [f"{to_datetime(start).astimezone(option.schedule.zone):%H:%M}" for start in offered]


def codes(rules: Rules, option: Agenda, start: str, now: Instant = LONG_AGO) -> list[SlotReason]:
    """The reasons against a start."""
    return [reason.code for reason in reasons(rules, option, at(start), now)]


# I1


@pytest.mark.parametrize("taken", [busy("10:10", "10:10"), busy("10:20", "10:10")])
def test_i1_an_empty_or_inverted_event_blocks_nothing(taken: Busy) -> None:
    assert clock(HALF_HOURS, agenda(taken)) == clock(HALF_HOURS, agenda())
    assert codes(HALF_HOURS, agenda(taken), "10:00") == []


# O3, O5


def test_o3_new_years_eve_can_be_booked_past_a_midnight_that_starts_a_closed_day() -> None:
    overrides: Mapping[date, Sequence[TimeRange]] = {
        date(2025, 12, 31): [TimeRange(time(20), time(3))],
        date(2026, 1, 1): [],
    }
    option = Agenda(schedule=Schedule(zone=OSLO, weekly={}, overrides=overrides))
    offered = clock(Rules(duration=60, step=60), option, "2025-12-31T00:00+01:00", "2026-01-02T00:00+01:00")
    assert offered == ["20:00", "21:00", "22:00", "23:00", "00:00", "01:00", "02:00"]


def test_o5_the_whole_service_lies_inside_the_opening() -> None:
    hour = Rules(duration=60, step=30)
    assert clock(hour, agenda(), "15:00", "18:00") == ["15:00", "15:30", "16:00"]
    assert codes(hour, agenda(), "16:00") == []
    assert codes(hour, agenda(), "16:30") == [SlotReason.OUTSIDE_OPENING_HOURS]


def test_o5_a_service_may_run_across_touching_intervals() -> None:
    option = agenda(hours=[TimeRange(time(9), time(12)), TimeRange(time(12), time(17))])
    assert clock(Rules(duration=60, step=30), option, "11:00", "12:30") == ["11:00", "11:30", "12:00"]


def test_o5_a_service_may_run_across_overlapping_intervals() -> None:
    option = agenda(hours=[TimeRange(time(9), time(11)), TimeRange(time(10), time(12))])
    assert clock(Rules(duration=180, step=30), option) == ["09:00"]


def test_o5_a_service_may_not_run_across_a_break() -> None:
    option = agenda(hours=[TimeRange(time(9), time(12)), TimeRange(time(12, 1), time(17))])
    assert clock(Rules(duration=60, step=30), option, "10:30", "12:30") == ["10:30", "11:00", "12:01"]


def test_o5_opening_all_day_and_night_works_at_midnight() -> None:
    option = agenda(hours=[WHOLE_DAY])
    night = ("2025-01-15T22:00+01:00", "2025-01-16T01:00+01:00")
    assert clock(Rules(duration=120, step=60), option, *night) == ["22:00", "23:00", "00:00"]
    assert len(clock(Rules(duration=3 * 24 * 60, step=60), option)) == 24


def test_o5_buffers_need_not_be_inside_opening_hours() -> None:
    with_buffers = Rules(duration=60, step=60, buffer_before=10, buffer_after=10)
    offered = clock(with_buffers, agenda())
    assert (offered[0], offered[-1]) == ("09:00", "16:00")


# G1


def test_g1_busy_time_removes_starts_and_never_shifts_them() -> None:
    option = agenda(busy("09:00", "09:05"), busy("10:10", "10:20"))
    assert clock(HALF_HOURS, option, "09:00", "11:30") == ["09:30", "10:30", "11:00"]


def test_g1_a_step_of_25_minutes_counts_from_the_opening() -> None:
    option = agenda(busy("09:00", "09:05"))
    assert clock(Rules(duration=25, step=25), option, "09:00", "10:45") == ["09:25", "09:50", "10:15", "10:40"]


def test_g1_step_and_duration_are_independent() -> None:
    assert clock(Rules(duration=60, step=15), agenda(), "15:20", "17:00") == ["15:30", "15:45", "16:00"]
    assert clock(Rules(duration=15, step=60), agenda(), "15:20", "17:00") == ["16:00"]


def test_g1_skips_the_labels_in_the_gap() -> None:
    night = agenda(hours=[TimeRange(time(0), time(5))])
    offered = clock(HALF_HOURS, night, "2025-03-30T00:00+01:00", "2025-03-30T12:00+02:00")
    assert offered == ["00:00", "00:30", "01:00", "01:30", "03:00", "03:30", "04:00", "04:30"]


def test_g1_offers_the_labels_of_the_repeated_hour_twice() -> None:
    night = agenda(hours=[TimeRange(time(1), time(4))])
    window = Interval(at("2025-10-26T00:00+02:00"), at("2025-10-26T12:00+01:00"))
    assert starts(Rules(duration=60, step=60), night, window, LONG_AGO) == [
        at("2025-10-26T01:00+02:00"),
        at("2025-10-26T02:00+02:00"),
        at("2025-10-26T02:00+01:00"),
        at("2025-10-26T03:00+01:00"),
    ]


def test_g1_counts_from_a_start_label_in_the_gap() -> None:
    night = agenda(hours=[TimeRange(time(2, 15), time(5))])
    offered = clock(HALF_HOURS, night, "2025-03-30T00:00+01:00", "2025-03-30T12:00+02:00")
    assert offered == ["03:15", "03:45", "04:15"]


def test_g1_offers_a_clock_time_before_the_start_label_when_it_comes_again() -> None:
    night = agenda(hours=[TimeRange(time(2, 30), time(4))])
    window = Interval(at("2025-10-26T00:00+02:00"), at("2025-10-26T12:00+01:00"))
    assert starts(HALF_HOURS, night, window, LONG_AGO) == [
        at("2025-10-26T02:30+02:00"),
        at("2025-10-26T02:00+01:00"),
        at("2025-10-26T02:30+01:00"),
        at("2025-10-26T03:00+01:00"),
        at("2025-10-26T03:30+01:00"),
    ]


def test_g1_keeps_lord_howes_hourly_grid_on_the_hour() -> None:
    hourly, night = Rules(duration=30, step=60), agenda(hours=[TimeRange(time(0), time(6))], zone=LORD_HOWE)
    spring = clock(hourly, night, "2025-10-05T00:00+10:30", "2025-10-05T12:00+11:00")
    autumn = clock(hourly, night, "2025-04-06T00:00+11:00", "2025-04-06T12:00+10:30")
    assert spring == ["00:00", "01:00", "03:00", "04:00", "05:00"]
    assert autumn == ["00:00", "01:00", "02:00", "03:00", "04:00", "05:00"]


def test_g1_a_break_restarts_the_grid() -> None:
    option = agenda(hours=[TimeRange(time(9), time(12)), TimeRange(time(12, 45), time(17))])
    assert clock(HALF_HOURS, option, "11:00", "14:00") == ["11:00", "11:30", "12:45", "13:15", "13:45"]


def test_g1_overlapping_intervals_give_the_union_of_their_grids() -> None:
    option = agenda(hours=[TimeRange(time(9), time(10, 30)), TimeRange(time(9, 15), time(10, 15))])
    assert clock(HALF_HOURS, option) == ["09:00", "09:15", "09:30", "09:45", "10:00"]


def test_g1_the_grid_runs_on_past_midnight() -> None:
    option = agenda(hours=[TimeRange(time(22), time(2))])
    night = ("2025-01-15T12:00+01:00", "2025-01-16T12:00+01:00")
    assert clock(Rules(duration=30, step=45), option, *night) == ["22:00", "22:45", "23:30", "00:15", "01:00"]


def test_g1_a_start_off_the_grid_is_refused() -> None:
    assert codes(HALF_HOURS, agenda(), "09:10") == [SlotReason.NOT_ON_SLOT_GRID]
    assert codes(HALF_HOURS, agenda(), "09:30:01") == [SlotReason.NOT_ON_SLOT_GRID]


# B1 to B5


def test_b1_the_first_ones_after_and_the_second_ones_before_add_up() -> None:
    booking_until_eleven_and_its_15_minutes_after = busy("10:00", "11:15", BusyKind.BOOKING)
    rules = Rules(duration=30, step=5, buffer_before=10)
    option = agenda(booking_until_eleven_and_its_15_minutes_after)
    assert clock(rules, option, "09:25", "11:35") == ["09:25", "09:30", "11:25", "11:30"]


def test_b2_touching_an_event_is_not_colliding() -> None:
    option = agenda(busy("10:00", "11:00"))
    assert clock(Rules(duration=60, step=30), option, "09:00", "12:00") == ["09:00", "11:00", "11:30"]


def test_b2_an_event_may_carry_seconds() -> None:
    option = agenda(busy("09:59:59", "10:30:01"))
    assert clock(HALF_HOURS, option, "09:00", "11:30") == ["09:00", "11:00"]


def test_b3_an_all_day_event_blocks_by_its_calendars_clock() -> None:
    taken = Busy(*all_day(DAY, DAY + timedelta(days=1), NEW_YORK), BusyKind.GOOGLE)  # 06:00 to 06:00 in Oslo
    option = agenda(taken, hours=[WHOLE_DAY])
    offered = clock(Rules(duration=60, step=60), option, "04:00", "2025-01-16T08:00+01:00")
    assert offered == ["04:00", "05:00", "06:00", "07:00"]
    assert codes(HALF_HOURS, option, "2025-01-16T05:30+01:00") == [SlotReason.BUSY_GOOGLE]
    assert codes(HALF_HOURS, option, "2025-01-16T06:00+01:00") == []


def test_b5_only_the_candidates_own_buffers_count_next_to_an_event() -> None:
    option = agenda(busy("12:00", "13:00"))
    rules = Rules(duration=60, step=5, buffer_before=10, buffer_after=20)
    assert clock(rules, option, "10:30", "13:20") == ["10:30", "10:35", "10:40", "13:10", "13:15"]


def test_b5_events_that_overlap_or_hide_in_one_another_all_count() -> None:
    option = agenda(busy("10:00", "13:00"), busy("10:30", "11:00"), busy("12:30", "14:00"), busy("15:15", "15:16"))
    assert clock(HALF_HOURS, option, "09:30", "16:00") == ["09:30", "14:00", "14:30", "15:30"]


def test_b5_an_event_after_closing_stands_in_the_way_of_the_buffer() -> None:
    with_after = Rules(duration=60, step=60, buffer_after=30)
    assert clock(with_after, agenda(busy("17:29", "18:00")), "15:00", "17:00") == ["15:00"]
    assert clock(with_after, agenda(busy("17:30", "18:00")), "15:00", "17:00") == ["15:00", "16:00"]


# W1 to W3


def test_w1_from_is_included_and_to_is_not() -> None:
    assert clock(HALF_HOURS, agenda(), "10:00", "11:00") == ["10:00", "10:30"]


def test_w1_the_window_only_cuts() -> None:
    assert clock(HALF_HOURS, agenda(), "10:00:01", "11:00:01") == ["10:30", "11:00"]
    assert clock(HALF_HOURS, agenda(), "10:10", "10:20") == []


def test_w1_the_service_may_end_after_the_window() -> None:
    assert clock(Rules(duration=240, step=60), agenda(), "10:00", "10:30") == ["10:00"]


@pytest.mark.parametrize("end", ["10:00", "09:00"])
def test_w1_an_empty_window_holds_no_start(end: str) -> None:
    assert clock(HALF_HOURS, agenda(), "10:00", end) == []


def test_w2_a_start_exactly_at_the_notice_is_allowed() -> None:
    rules = Rules(duration=30, step=30, notice=60)
    assert clock(rules, agenda(), "09:00", "11:00", now=at("09:00")) == ["10:00", "10:30"]
    assert clock(rules, agenda(), "09:00", "11:00", now=at("09:00") + 1) == ["10:30"]


def test_w2_without_notice_a_start_may_be_now() -> None:
    assert clock(HALF_HOURS, agenda(), "09:00", "11:00", now=at("10:00")) == ["10:00", "10:30"]
    assert codes(HALF_HOURS, agenda(), "10:00", now=at("10:00")) == []


def test_w2_the_past_is_the_past_and_the_near_future_is_too_soon() -> None:
    rules = Rules(duration=30, step=30, notice=120)
    assert codes(rules, agenda(), "10:00", now=at("10:00") + 1) == [SlotReason.IN_THE_PAST]
    assert codes(rules, agenda(), "10:00", now=at("10:00")) == [SlotReason.TOO_SHORT_NOTICE]
    assert codes(rules, agenda(), "10:00", now=at("08:00") + 1) == [SlotReason.TOO_SHORT_NOTICE]
    assert codes(rules, agenda(), "10:00", now=at("08:00")) == []


def test_w3_the_last_bookable_date_is_the_options_own() -> None:
    now = at("2025-01-15T23:30Z")  # the 16th in Oslo, the 15th in New York
    hourly = Rules(duration=60, step=60, horizon_days=0)
    window = Interval(now, at("2025-01-20T00:00Z"))
    oslo = starts(hourly, agenda(hours=[WHOLE_DAY]), window, now)
    new_york = starts(hourly, agenda(hours=[WHOLE_DAY], zone=NEW_YORK), window, now)
    assert (oslo[0], oslo[-1]) == (at("2025-01-16T00:00Z"), at("2025-01-16T22:00Z"))
    assert (new_york[0], new_york[-1]) == (at("2025-01-16T00:00Z"), at("2025-01-16T04:00Z"))


def test_w3_refuses_what_lies_beyond_the_horizon() -> None:
    rules = Rules(duration=30, step=30, horizon_days=1)
    assert codes(rules, agenda(), "2025-01-16T16:30+01:00", now=at("08:00")) == []
    assert codes(rules, agenda(), "2025-01-17T09:00+01:00", now=at("08:00")) == [SlotReason.BEYOND_HORIZON]


def test_w3_nothing_is_offered_from_where_the_calendars_are_not_followed() -> None:
    option = Agenda(schedule=agenda().schedule, limit=at("10:30"))
    assert clock(HALF_HOURS, option, "09:30", "12:00") == ["09:30", "10:00"]
    assert codes(HALF_HOURS, option, "10:30") == [SlotReason.BEYOND_HORIZON]


# Reasons


def test_every_reason_is_given_in_the_order_of_the_enum() -> None:
    schedule = Schedule(zone=OSLO, weekly=dict.fromkeys(range(7), (NINE_TO_FIVE,)))
    taken = [busy("20:00", "21:00", kind) for kind in reversed(BusyKind)]
    option = Agenda(schedule=schedule, busy=taken, limit=at("12:00"), offered=False, active=False)
    rules = Rules(duration=30, step=30, notice=60)
    given = codes(rules, option, "20:10", now=at("20:00"))
    assert given == [
        SlotReason.BUSY_BOOKING,
        SlotReason.BUSY_HOLD,
        SlotReason.BUSY_TIME_OFF,
        SlotReason.BUSY_GOOGLE,
        SlotReason.OUTSIDE_OPENING_HOURS,
        SlotReason.NOT_ON_SLOT_GRID,
        SlotReason.TOO_SHORT_NOTICE,
        SlotReason.BEYOND_HORIZON,
        SlotReason.SERVICE_NOT_OFFERED,
        SlotReason.INACTIVE,
    ]
    assert [code for code in SlotReason if code in given] == given


def test_a_busy_reason_names_what_stands_in_the_way() -> None:
    doctor = busy("10:00", "11:00")
    holiday = busy("12:00", "13:00", BusyKind.TIME_OFF)
    assert reasons(HALF_HOURS, agenda(doctor, holiday), at("12:30"), LONG_AGO) == [
        Reason(SlotReason.BUSY_TIME_OFF, holiday)
    ]


@pytest.mark.parametrize(
    ("offered", "active", "expected"),
    [
        (False, True, [SlotReason.SERVICE_NOT_OFFERED]),
        (True, False, [SlotReason.INACTIVE]),
        (False, False, [SlotReason.SERVICE_NOT_OFFERED, SlotReason.INACTIVE]),
    ],
)
def test_an_option_that_is_out_of_service_offers_nothing(
    offered: bool, active: bool, expected: list[SlotReason]
) -> None:
    option = Agenda(schedule=agenda().schedule, offered=offered, active=active)
    assert clock(HALF_HOURS, option) == []
    assert codes(HALF_HOURS, option, "10:00") == expected


# M1 and input


def test_m1_a_start_is_offered_once_with_every_option_that_has_it() -> None:
    by_option = {"Kari": [at("09:00"), at("10:00")], "Ola": [at("09:30"), at("10:00")], "Per": []}
    assert merged(by_option) == [
        (at("09:00"), ("Kari",)),
        (at("09:30"), ("Ola",)),
        (at("10:00"), ("Kari", "Ola")),
    ]


def test_m1_options_with_other_hours_contribute_their_own_grids() -> None:
    window = Interval(at("09:00"), at("10:30"))
    options = {"on the hour": agenda(), "a quarter past": agenda(hours=[TimeRange(time(9, 15), time(17))])}
    by_option = {name: starts(HALF_HOURS, option, window, LONG_AGO) for name, option in options.items()}
    assert [(start - at("09:00")) // MINUTE for start, _ in merged(by_option)] == [0, 15, 30, 45, 60, 75]


def test_starts_with_the_same_options_share_them() -> None:
    found = merged({"anna": range(100), "ben": range(50, 150), "room": range(0, 150, 10)})
    assert len(found) == 150
    assert len({id(options) for _, options in found}) == len({options for _, options in found}) == 6


@pytest.mark.parametrize("length", ["duration", "step"])
@pytest.mark.parametrize("minutes", [0, -30])
def test_a_duration_or_step_of_less_than_a_minute_is_refused(length: str, minutes: int) -> None:
    with pytest.raises(ValueError, match=length):
        Rules(**{"duration": 30, "step": 30, length: minutes})


@pytest.mark.parametrize("length", ["buffer_before", "buffer_after", "notice", "horizon_days"])
def test_a_negative_length_is_refused(length: str) -> None:
    with pytest.raises(ValueError, match="not negative"):
        Rules(**{"duration": 30, "step": 30, length: -1})
