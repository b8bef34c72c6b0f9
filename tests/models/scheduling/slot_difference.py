"""Holds the models' slot rules against the naive ones, for one case."""

from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

from tests.models.scheduling import naive
from tests.models.scheduling.naive import MINUTE, AllDay, Booked, Timed
from tests.models.scheduling.slot_cases import Case

RULE_OF = {
    "BUSY_BOOKING": "B5",
    "BUSY_TIME_OFF": "B5",
    "BUSY_GOOGLE": "B5",
    "OUTSIDE_OPENING_HOURS": "O5",
    "NOT_ON_SLOT_GRID": "G1",
    "IN_THE_PAST": "W2",
    "TOO_SHORT_NOTICE": "W2",
    "BEYOND_HORIZON": "W3",
}
"""The rule whose breach a reason states."""


def difference(case: Case, hours: ModuleType, availability: ModuleType) -> str | None:
    """What `availability` (and `hours`, which it stands on) answers otherwise than the naive rules; None: nothing."""
    rules = _rules(case.service, availability)
    listed: dict[str, list[int]] = {}
    for name, option in case.options.items():
        agenda = _agenda(option, hours, availability)
        wanted = naive.starts(case.service, option, case.begin, case.end, case.now)
        listed[name] = availability.starts(rules, agenda, _window(case, hours), case.now)
        if listed[name] != wanted:
            odd = sorted(set(listed[name]) ^ set(wanted))
            return f"starts of {name}: {[str(naive.reading(each, 'UTC')) for each in odd]} in one of the two\n{case}"
        for start in {*case.asked, *wanted[:1], *wanted[-1:]}:
            broken = naive.broken_rules(case.service, option, start, case.now)
            given = availability.reasons(rules, agenda, start, case.now)
            if {RULE_OF[reason.code] for reason in given} != broken:
                return f"reasons of {name} at {naive.reading(start, 'UTC')} UTC: {given}, not {broken}\n{case}"
            if case.begin <= start < case.end and (start in wanted) != (not given):
                return f"{name} at {naive.reading(start, 'UTC')} UTC is listed against reasons {given}\n{case}"
    union = [(start, set(keys)) for start, keys in availability.merged(listed)]
    if union != naive.merged(listed):
        return f"merged: {union}\n{case}"
    return None


def _window(case: Case, hours: ModuleType) -> Any:
    return hours.Interval(case.begin, case.end)


def _rules(service: naive.Service, availability: ModuleType) -> Any:
    return availability.Rules(
        duration=service.duration,
        step=service.step,
        buffer_before=service.before,
        buffer_after=service.after,
        notice=service.notice,
        horizon_days=service.horizon_days,
    )


def _agenda(option: naive.Option, hours: ModuleType, availability: ModuleType) -> Any:
    schedule = hours.Schedule(
        zone=ZoneInfo(option.zone),
        weekly={day: [hours.TimeRange(*each) for each in ranges] for day, ranges in option.weekly.items()},
        overrides={day: [hours.TimeRange(*each) for each in ranges] for day, ranges in option.overrides.items()},
    )
    busy = [_busy(each, hours, availability) for each in option.busy]
    return availability.Agenda(schedule=schedule, busy=busy, limit=option.known_until)


def _busy(each: Timed | AllDay | Booked, hours: ModuleType, availability: ModuleType) -> Any:
    """What the rows would hand over: a booking's claim, an event's range."""
    kind = availability.BusyKind
    match each:
        case Booked(start, end, before, after):
            return availability.Busy(start - before * MINUTE, end + after * MINUTE, kind.BOOKING)
        case Timed(start, end):
            return availability.Busy(start, end, kind.GOOGLE)
        case AllDay(first, last, zone):
            return availability.Busy(*hours.all_day(first, last, ZoneInfo(zone)), kind.GOOGLE)
