"""Rules on the wall clock, worked out by hand."""

from datetime import datetime
from itertools import islice

import pytest

from sync.sandbox.events.instances import instances_of
from sync.sandbox.events.moments import Window
from sync.sandbox.events.recurrence import parse_recurrence

TUESDAY = datetime.fromisoformat("2026-11-24T09:00:00")


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        (["RRULE:FREQ=DAILY"], "11-24 11-25 11-26 11-27"),
        (["RRULE:FREQ=DAILY;INTERVAL=3;COUNT=3"], "11-24 11-27 11-30"),
        (["RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR"], "11-24 11-25 11-26 11-27 11-30"),
        (["RRULE:FREQ=WEEKLY"], "11-24 12-01 12-08"),
        (["RRULE:FREQ=WEEKLY;BYDAY=TU,TH"], "11-24 11-26 12-01 12-03"),
        (["RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU"], "11-24 12-07 12-08 12-21"),
        (["RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;WKST=SU"], "11-24 12-06 12-08 12-20"),
        (["RRULE:FREQ=MONTHLY"], "11-24 12-24 01-24"),
        (["RRULE:FREQ=MONTHLY;BYDAY=4TU"], "11-24 12-22 01-26"),
        (["RRULE:FREQ=MONTHLY;BYDAY=-1FR"], "11-27 12-25 01-29"),
        (["RRULE:FREQ=MONTHLY;BYMONTHDAY=-1"], "11-30 12-31 01-31 02-28"),
        (["RRULE:FREQ=MONTHLY;BYMONTHDAY=31"], "12-31 01-31 03-31"),
        (["RRULE:FREQ=YEARLY;BYMONTH=3,11"], "11-24 03-24 11-24"),
        (["RRULE:FREQ=YEARLY;BYMONTHDAY=1,31"], "12-01 12-31 01-01 01-31 02-01"),
        (["RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU"], "03-28 03-26"),
        (["RRULE:FREQ=DAILY;UNTIL=20261125T080000Z"], "11-24 11-25"),
        (["RRULE:FREQ=DAILY;UNTIL=20261125T075959Z"], "11-24"),
        (["RRULE:FREQ=DAILY;UNTIL=20261126"], "11-24 11-25 11-26"),
        (["EXDATE;TZID=Europe/Oslo:20261125T090000", "RRULE:FREQ=DAILY;COUNT=3"], "11-24 11-26"),
        (["EXDATE:20261125T080000Z,20261126T080000Z", "RRULE:FREQ=DAILY;COUNT=4"], "11-24 11-27"),
        (["RDATE;TZID=America/New_York:20261125T030000", "RRULE:FREQ=WEEKLY"], "11-24 11-25 12-01"),
        (["RDATE:20261128T080000Z"], "11-24 11-28"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_rule_gives_these_days(lines: list[str], days: str) -> None:
    wanted = days.split()
    starts = list(islice(parse_recurrence(lines, "Europe/Oslo").starts(TUESDAY), len(wanted)))
    assert [f"{start:%m-%d}" for start in starts] == wanted
    assert {start.time() for start in starts} == {TUESDAY.time()}


def test_a_rule_that_is_over_ends() -> None:
    assert len(list(parse_recurrence(["RRULE:FREQ=DAILY;COUNT=5"], "UTC").starts(TUESDAY))) == 5


def test_a_rule_that_matches_nothing_ends_all_the_same() -> None:
    for rule in ("YEARLY;BYMONTH=2;BYMONTHDAY=30", "DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=3"):
        assert list(parse_recurrence([f"RRULE:FREQ={rule}"], "UTC").starts(TUESDAY)) == []


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=HOURLY",
        "RRULE:FREQ=DAILY;BYSETPOS=1",
        "RRULE:FREQ=DAILY;INTERVAL=0",
        "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20261201",
        "RRULE:FREQ=WEEKLY;BYDAY=1TU",
        "RRULE:FREQ=YEARLY;BYDAY=1TU",
        "RRULE:FREQ=YEARLY;BYDAY=TU",
        "RRULE:FREQ=MONTHLY;BYDAY=TU,1FR",
        "RRULE:FREQ=MONTHLY;BYDAY=0FR",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=0",
        "RRULE:FREQ=WEEKLY;BYMONTHDAY=1",
        "RRULE:FREQ=DAILY;BYMONTH=13",
        "RRULE:COUNT=3",
        "RRULE:FREQ=DAILY;BYDAY=XX",
        "RRULE:",
        "EXDATE:soon",
        "EXDATE;X-WHAT=1:20261125T080000Z",
        "EXRULE:FREQ=DAILY",
        "DTSTART:20261125T080000Z",
    ],
)
def test_what_is_not_understood_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_recurrence([line], "Europe/Oslo")


def test_a_series_keeps_its_wall_clock_time_over_the_change_of_the_clocks() -> None:
    """New York leaves summer time on 1 November 2026."""
    master = {
        "id": "series",
        "etag": '"1"',
        "status": "confirmed",
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"],
        "start": {"dateTime": "2026-10-31T01:30:00-04:00", "timeZone": "America/New_York"},
        "end": {"dateTime": "2026-10-31T03:30:00-04:00", "timeZone": "America/New_York"},
    }
    rows = list(instances_of(master, "America/New_York", Window()))
    assert [(row["start"]["dateTime"], row["end"]["dateTime"]) for row in rows] == [
        ("2026-10-31T01:30:00-04:00", "2026-10-31T03:30:00-04:00"),
        ("2026-11-01T01:30:00-04:00", "2026-11-01T02:30:00-05:00"),
        ("2026-11-02T01:30:00-05:00", "2026-11-02T03:30:00-05:00"),
    ]
    assert [row["id"] for row in rows] == [
        "series_20261031T053000Z",
        "series_20261101T053000Z",
        "series_20261102T063000Z",
    ]
