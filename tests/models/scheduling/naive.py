"""The slot rules a second time, as plainly as they can be said, to hold the real ones against.

Owns nothing but that. It imports nothing of the project, looks at one minute after another, and never merges, sorts
or skips ahead: the comment beside each line is the rule it is. Instants are microseconds since the epoch (UTC).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Range(NamedTuple):
    """Opening hours as they are configured."""

    opens: time
    closes: time


class Opening(NamedTuple):
    """Opening hours of one date: `[start, end)`, and the wall-clock label the start was made from."""

    start: int
    end: int
    label: datetime


@dataclass(frozen=True)
class Timed:
    """A timed calendar event, or time off."""

    start: int
    end: int


@dataclass(frozen=True)
class AllDay:
    """An all-day calendar event, in the calendar's zone; `last` is exclusive."""

    first: date
    last: date
    zone: str


@dataclass(frozen=True)
class Booked:
    """An own booking with the buffers it was made with, in minutes."""

    start: int
    end: int
    before: int
    after: int


@dataclass(frozen=True)
class Option:
    """What can be booked; `known_until` is how far its calendars are followed (None: it has none)."""

    zone: str
    weekly: Mapping[int, Sequence[Range]]
    overrides: Mapping[date, Sequence[Range]]
    busy: Sequence[Timed | AllDay | Booked] = ()
    known_until: int | None = None


@dataclass(frozen=True)
class Service:
    """Everything in minutes, but the horizon in days."""

    duration: int
    step: int
    before: int = 0
    after: int = 0
    notice: int = 0
    horizon_days: int | None = None


@lru_cache(maxsize=2**17)
def reading(instant: int, zone: str) -> datetime:
    """What the zone's wall clock shows, as a datetime without a zone."""
    return (EPOCH + timedelta(microseconds=instant)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@cache
def instant(label: datetime, zone: str) -> int:
    """T2: the first instant at which the wall clock shows the label or later."""
    as_utc = (label - EPOCH.replace(tzinfo=None)) // timedelta(minutes=1) * MINUTE
    minute = as_utc - 15 * 60 * MINUTE  # no clock is as far ahead, so here it shows an earlier label
    while reading(minute, zone) < label:
        minute += MINUTE
    return minute


def openings(option: Option, begin: int, end: int) -> list[Opening]:
    """The opening intervals of every date that could matter to `[begin, end)`, and of some that could not."""
    found = []
    day = reading(begin, option.zone).date() - timedelta(days=2)
    while day <= reading(end, option.zone).date() + timedelta(days=2):
        ranges = option.overrides[day] if day in option.overrides else option.weekly[day.weekday()]  # O1
        for opens, closes in ranges:
            closing_day = day + timedelta(days=1) if closes <= opens else day  # O2, O3
            label = datetime.combine(day, opens)
            close = datetime.combine(closing_day, closes)
            found.append(Opening(instant(label, option.zone), instant(close, option.zone), label))  # O4
        day += timedelta(days=1)
    return found


def occupied(busy: Timed | AllDay | Booked) -> tuple[int, int]:
    """The instants a busy thing takes."""
    match busy:
        case Booked(start, end, before, after):  # B1
            return start - before * MINUTE, end + after * MINUTE
        case Timed(start, end):  # B2
            return start, end
        case AllDay(first, last, zone):  # B3
            return (
                instant(datetime.combine(first, time()), zone),
                instant(datetime.combine(last, time()), zone),
            )


def broken(service: Service, option: Option, opened: Sequence[Opening], start: int, now: int) -> Iterator[str]:
    """The numbers of the rules that keep `start` from being offered; none when it can be booked."""
    step = timedelta(minutes=service.step)
    grids = [label for a, b, label in opened if a <= start < b]
    if not any((reading(start, option.zone) - label) % step == timedelta(0) for label in grids):
        yield "G1"
    if start < now + service.notice * MINUTE:
        yield "W2"
    end = start + service.duration * MINUTE
    a = start - service.before * MINUTE
    b = end + service.after * MINUTE
    if any(max(a, c) < min(b, d) for c, d in map(occupied, option.busy)):  # I1
        yield "B5"
    closed = list(range(start - start % MINUTE, end, MINUTE))  # opening hours begin and end on whole minutes
    for a, b, _ in opened:
        closed = [minute for minute in closed if not a <= minute < b]
    if closed:
        yield "O5"
    if service.horizon_days is not None:
        after = reading(now, option.zone).date() + timedelta(days=service.horizon_days + 1)
        if start >= instant(datetime.combine(after, time()), option.zone):
            yield "W3"
    if option.known_until is not None and start >= option.known_until:
        yield "W3"


def broken_rules(service: Service, option: Option, start: int, now: int) -> set[str]:
    """The same for one start on its own, whatever window is asked for."""
    opened = openings(option, start, start + service.duration * MINUTE)
    return set(broken(service, option, opened, start, now))


def starts(service: Service, option: Option, begin: int, end: int, now: int) -> list[int]:
    """W1: every minute of `[begin, end)` at which no rule is broken."""
    opened = openings(option, begin, end + service.duration * MINUTE)
    first = -(-begin // MINUTE) * MINUTE  # labels and zone offsets are whole minutes, so starts are
    return [
        start for start in range(first, end, MINUTE) if next(broken(service, option, opened, start, now), None) is None
    ]


def merged(by_option: Mapping[str, Sequence[int]]) -> list[tuple[int, set[str]]]:
    """M1: each start once, ascending, with the options that offer it."""
    every = sorted({start for offered in by_option.values() for start in offered})
    return [(start, {key for key, offered in by_option.items() if start in offered}) for start in every]
