"""RRULE, RDATE and EXDATE, expanded on the wall clock. Pure; knows nothing of events.

Owns the rules people use: DAILY, WEEKLY, MONTHLY and YEARLY with INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY,
BYMONTH and WKST. Everything else is refused rather than guessed.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from zoneinfo import ZoneInfo

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LAST_YEAR = 2199
"""A rule that matches nothing (30 February) ends here instead of never."""

_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "WKST"}
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One RRULE. `by_day` pairs an ordinal (0: every) with a weekday (Monday is 0)."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    by_day: tuple[tuple[int, int], ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_month: tuple[int, ...] = ()
    week_start: int = 0


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The `recurrence` lines of a master, all times naive on the wall of its zone."""

    rule: Rule | None
    added: tuple[datetime, ...] = ()
    removed: frozenset[datetime] = frozenset()

    def starts(self, first: datetime) -> Iterator[datetime]:
        """Every occurrence from `first` on, ascending, each once; endless if the rule is."""
        ruled = _ruled(self.rule, first) if self.rule else iter((first,))
        previous: datetime | None = None
        for start in merge(ruled, sorted(self.added)):
            if start != previous and start not in self.removed:
                yield start
            previous = start


def parse_recurrence(lines: list[str], zone: str) -> Recurrence:
    """Read the lines of a master whose wall clock is `zone`; `ValueError` on whatever is not understood."""
    rules: list[Rule] = []
    added: list[datetime] = []
    removed: list[datetime] = []
    for line in lines:
        head, _, value = line.partition(":")
        name, *parameters = head.upper().split(";")
        if name == "RRULE":
            rules.append(_parse_rule(value.upper(), zone))
        elif name == "RDATE":
            added += _parse_dates(value, parameters, head, zone)
        elif name == "EXDATE":
            removed += _parse_dates(value, parameters, head, zone)
        else:
            raise ValueError(f"unsupported recurrence line {line!r}")
    if len(rules) > 1:
        raise ValueError("more than one RRULE")
    return Recurrence(rules[0] if rules else None, tuple(added), frozenset(removed))


def _parse_rule(text: str, zone: str) -> Rule:
    parts = dict(_pair(part) for part in text.split(";"))
    if unknown := parts.keys() - _PARTS:
        raise ValueError(f"unsupported RRULE parts {sorted(unknown)}")
    frequency = parts.get("FREQ", "")
    if frequency not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        raise ValueError(f"unsupported frequency {frequency!r}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("COUNT and UNTIL exclude each other")
    rule = Rule(
        frequency,
        interval=int(parts.get("INTERVAL", "1")),
        count=int(parts["COUNT"]) if "COUNT" in parts else None,
        until=_parse_until(parts["UNTIL"], zone) if "UNTIL" in parts else None,
        by_day=_parse_days(parts.get("BYDAY", "")),
        by_month_day=_numbers(parts.get("BYMONTHDAY", "")),
        by_month=_numbers(parts.get("BYMONTH", "")),
        week_start=WEEKDAYS.index(parts.get("WKST", "MO")),
    )
    if rule.interval < 1 or (rule.count is not None and rule.count < 1):
        raise ValueError("INTERVAL and COUNT start at 1")
    if any(ordinal for ordinal, _ in rule.by_day) and frequency in ("DAILY", "WEEKLY"):
        raise ValueError("BYDAY with ordinals needs MONTHLY or YEARLY")
    if rule.by_day and frequency == "YEARLY" and not rule.by_month:
        raise ValueError("BYDAY with YEARLY needs BYMONTH")
    return rule


def _pair(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals or not value:
        raise ValueError(f"malformed RRULE part {part!r}")
    return name, value


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(number) for number in text.split(","))) if text else ()


def _parse_days(text: str) -> tuple[tuple[int, int], ...]:
    days = []
    for item in text.split(",") if text else ():
        match = _DAY.fullmatch(item)
        if match is None:
            raise ValueError(f"malformed BYDAY {item!r}")
        days.append((int(match[1] or 0), WEEKDAYS.index(match[2])))
    return tuple(days)


def _parse_until(text: str, zone: str) -> datetime:
    """The last wall-clock time that still counts; a bare date counts to its end."""
    if len(text) == 8:
        return datetime.combine(_compact_date(text), datetime.max.time())
    return _compact_time(text, zone, zone)


def _parse_dates(value: str, parameters: list[str], head: str, zone: str) -> list[datetime]:
    own_zone = zone
    for parameter in parameters:
        if parameter.startswith("TZID="):
            # The name itself is case-sensitive, so it is cut from the line as it was written.
            own_zone = head[head.upper().index("TZID=") + 5 :].split(";")[0]
        elif parameter not in ("VALUE=DATE", "VALUE=DATE-TIME"):
            raise ValueError(f"unsupported parameter {parameter!r}")
    return [_compact_time(item, own_zone, zone) for item in value.split(",")]


def _compact_date(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _compact_time(text: str, own_zone: str, zone: str) -> datetime:
    """`20261027`, `20261027T090000` (on the wall of `own_zone`) or `…Z`, as wall-clock time of `zone`."""
    if len(text) == 8:
        return datetime.combine(_compact_date(text), datetime.min.time())
    if len(text.rstrip("Zz")) != 15 or text[8] not in "Tt":
        raise ValueError(f"malformed time {text!r}")
    wall = datetime.combine(_compact_date(text), datetime.min.time()).replace(
        hour=int(text[9:11]), minute=int(text[11:13]), second=int(text[13:15])
    )
    origin = UTC if text[-1] in "Zz" else ZoneInfo(own_zone)
    return wall.replace(tzinfo=origin).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _ruled(rule: Rule, first: datetime) -> Iterator[datetime]:
    given = 0
    for day in _days(rule, first.date()):
        start = datetime.combine(day, first.time())
        if start < first:
            continue
        if rule.until is not None and start > rule.until:
            return
        yield start
        given += 1
        if given == rule.count:
            return


def _days(rule: Rule, first: date) -> Iterator[date]:
    """The days the rule names, ascending, from the period that holds `first` on."""
    if rule.frequency == "DAILY":
        day = first
        while day.year <= LAST_YEAR:
            if _is_named(rule, day):
                yield day
            day += timedelta(days=rule.interval)
    elif rule.frequency == "WEEKLY":
        monday = first - timedelta(days=(first.weekday() - rule.week_start) % 7)
        weekdays = {weekday for _, weekday in rule.by_day} or {first.weekday()}
        while monday.year <= LAST_YEAR:
            week = (monday + timedelta(days=offset) for offset in range(7))
            yield from (day for day in week if day.weekday() in weekdays and _in_month(rule, day))
            monday += timedelta(weeks=rule.interval)
    else:
        yield from _days_by_month(rule, first)


def _is_named(rule: Rule, day: date) -> bool:
    if rule.by_day and day.weekday() not in {weekday for _, weekday in rule.by_day}:
        return False
    length = monthrange(day.year, day.month)[1]
    if rule.by_month_day and not {day.day, day.day - length - 1} & set(rule.by_month_day):
        return False
    return _in_month(rule, day)


def _in_month(rule: Rule, day: date) -> bool:
    return not rule.by_month or day.month in rule.by_month


def _days_by_month(rule: Rule, first: date) -> Iterator[date]:
    if rule.frequency == "YEARLY":
        months = rule.by_month or (first.month,)
        for year in range(first.year, LAST_YEAR + 1, rule.interval):
            for month in months:
                yield from _days_of_month(rule, first, year, month)
    else:
        index = first.year * 12 + first.month - 1
        while index // 12 <= LAST_YEAR:
            year, month = index // 12, index % 12 + 1
            if not rule.by_month or month in rule.by_month:
                yield from _days_of_month(rule, first, year, month)
            index += rule.interval


def _days_of_month(rule: Rule, first: date, year: int, month: int) -> list[date]:
    length = monthrange(year, month)[1]
    days = range(1, length + 1)
    chosen = {first.day} & set(days)
    if rule.by_day:
        chosen = {day for day in days for named in rule.by_day if _is_weekday(date(year, month, day), *named)}
    if rule.by_month_day:
        numbered = {day for day in days if {day, day - length - 1} & set(rule.by_month_day)}
        chosen = numbered & chosen if rule.by_day else numbered
    return [date(year, month, day) for day in sorted(chosen)]


def _is_weekday(day: date, ordinal: int, weekday: int) -> bool:
    """Is this the `ordinal`-th such weekday of its month (negative: from the end; 0: any)?"""
    if day.weekday() != weekday:
        return False
    length = monthrange(day.year, day.month)[1]
    from_start, from_end = (day.day - 1) // 7 + 1, -((length - day.day) // 7 + 1)
    return ordinal in (0, from_start, from_end)
