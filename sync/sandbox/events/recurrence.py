"""RRULE, RDATE and EXDATE, expanded on the wall clock. Pure; knows nothing of events.

Owns the rules people use: DAILY, WEEKLY, MONTHLY and YEARLY with INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY,
BYMONTH and WKST. Everything else is refused rather than guessed.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from heapq import merge
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

LAST_MOMENT = datetime(2199, 12, 31, 23, 59, 59)  # noqa: DTZ001 - on any wall
"""Rules without an end go no further."""

_LEAP_YEAR = 2028

_WEEKDAY = "(?:MO|TU|WE|TH|FR|SA|SU)"


def _list_of(item: str) -> str:
    return rf"(?:{item})(?:,(?:{item}))*"


_PARTS = {
    "FREQ": "DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"0*[1-9]\d{0,4}",
    "COUNT": r"0*[1-9]\d{0,8}",
    "UNTIL": r"\d{8}(?:T\d{6}Z?)?",
    "BYDAY": _list_of(rf"(?:[+-]?0?[1-5])?{_WEEKDAY}"),
    "BYMONTHDAY": _list_of(r"[+-]?(?:0?[1-9]|[12]\d|3[01])"),
    "BYMONTH": _list_of("0?[1-9]|1[0-2]"),
    "WKST": _WEEKDAY,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One RRULE: its text without COUNT and UNTIL, which stand apart."""

    text: str
    count: int | None
    until: datetime

    def starts(self, first: datetime) -> Iterator[datetime]:
        """Every occurrence from `first` on, ascending."""
        # Dateutil warns of an end and a count at once.
        ruled = rrulestr(self.text, dtstart=first)
        assert isinstance(ruled, rrule), "there is one rule"
        return islice(ruled.replace(until=min(self.until, LAST_MOMENT)), self.count)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The `recurrence` lines of a master, all times naive on the wall of its zone."""

    rule: Rule | None
    added: tuple[datetime, ...] = ()
    removed: frozenset[datetime] = frozenset()

    def starts(self, first: datetime) -> Iterator[datetime]:
        """Every occurrence from `first` on, ascending, each once; endless if the rule is."""
        ruled = self.rule.starts(first) if self.rule else iter((first,))
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
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name not in _PARTS or not re.fullmatch(_PARTS[name], value):
            raise ValueError(f"unsupported RRULE part {part!r}")
        parts[name] = value
    if "FREQ" not in parts:
        raise ValueError("RRULE without FREQ")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("COUNT and UNTIL exclude each other")
    if "BYMONTHDAY" in parts and parts["FREQ"] == "WEEKLY":
        raise ValueError("BYMONTHDAY is not for WEEKLY")
    if "BYDAY" in parts and parts["FREQ"] == "YEARLY" and "BYMONTH" not in parts:
        raise ValueError("BYDAY with YEARLY needs BYMONTH")
    kinds = {len(day) > 2 for day in parts.get("BYDAY", "").split(",")}
    # Of both kinds of days dateutil gives only those that are of either.
    if True in kinds and (parts["FREQ"] in ("DAILY", "WEEKLY") or len(kinds) > 1):
        raise ValueError("BYDAY with ordinals needs MONTHLY or YEARLY, and an ordinal with each day")
    count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
    return Rule(
        ";".join(f"{name}={value}" for name, value in parts.items()),
        # For a day that never comes dateutil would look until the year 9999.
        0 if _is_never(parts.get("BYMONTHDAY"), parts.get("BYMONTH")) else int(count) if count else None,
        _parse_until(until, zone) if until else LAST_MOMENT,
    )


def _is_never(days: str | None, months: str | None) -> bool:
    """Whether none of the months ever has one of the days: 30 February."""
    longest = max(monthrange(_LEAP_YEAR, int(month))[1] for month in (months or "12").split(","))
    return all(abs(int(day)) > longest for day in (days or "1").split(","))


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
