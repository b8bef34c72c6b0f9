"""Cases for the slot rules, all made from a seed: around a change of the clocks, with everything configurable odd.

A case is in the naive implementation's words. It says nothing of what is right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from tests.models.scheduling.naive import (
    DAY,
    MINUTE,
    AllDay,
    Booked,
    Option,
    Range,
    Service,
    Timed,
    instant,
    occupied,
    openings,
    reading,
)

HOUR = 60 * MINUTE


class ClockDay(NamedTuple):
    """A UTC date and hour in which a zone's clock does something."""

    zone: str
    day: date
    hour: int

    @property
    def moment(self) -> int:
        """The instant to make cases around."""
        return instant(datetime.combine(self.day, time(self.hour)), "UTC")

    def __str__(self) -> str:
        return f"{self.zone.replace('/', '-')}-{self.day}"


CLOCK_DAYS = (
    ClockDay("Europe/Oslo", date(2025, 3, 30), 1),
    ClockDay("Europe/Oslo", date(2025, 10, 26), 1),
    ClockDay("America/New_York", date(2025, 3, 9), 7),
    ClockDay("America/New_York", date(2025, 11, 2), 6),
    ClockDay("Australia/Lord_Howe", date(2025, 4, 5), 15),  # back by 30 minutes
    ClockDay("Australia/Lord_Howe", date(2025, 10, 4), 15),  # on by 30 minutes, at half past
    ClockDay("America/Sao_Paulo", date(2018, 11, 4), 3),  # there is no 00:00
    ClockDay("America/Sao_Paulo", date(2018, 2, 18), 2),  # 23:00 of the 17th comes twice
    ClockDay("America/Havana", date(2025, 11, 2), 5),  # 00:00 comes twice
    ClockDay("America/Nuuk", date(2025, 3, 30), 1),  # the 29th has no 23:00
    ClockDay("Pacific/Apia", date(2011, 12, 30), 10),  # there is no 30th
    ClockDay("Africa/Casablanca", date(2025, 2, 23), 2),  # a zone whose summer time is negative
    ClockDay("Asia/Kathmandu", date(2025, 6, 18), 3),  # +05:45, and nothing happens
    ClockDay("UTC", date(2025, 1, 1), 0),
)
OTHER_ZONES = ("UTC", "Europe/Oslo", "America/New_York", "Pacific/Apia")


@dataclass(frozen=True)
class Case:
    """One question: the starts of a service, per option, in `[begin, end)`, asked at `now`."""

    service: Service
    options: Mapping[str, Option]
    begin: int
    end: int
    now: int
    asked: tuple[int, ...]
    """Starts to be judged one by one."""


def make_case(random: Random, clock_day: ClockDay) -> Case:
    """The case that this source of chance gives for this day."""
    begin, end = _window(random, clock_day.moment)
    service = _service(random)
    now = _now(random, begin, end, service.notice * MINUTE)
    options = {"first": _option(random, clock_day.zone, clock_day.moment, service)}
    for name in random.choice(((), (), ("second",), ("second", "third"))):
        zone = random.choice((clock_day.zone, *OTHER_ZONES))
        options[name] = _option(random, zone, clock_day.moment, service)
    asked = _asked(random, service, options, (begin, end), now)
    return Case(service, options, begin, end, now, asked)


def seeded_case(seed: int, clock_day: ClockDay) -> Case:
    """The same case for the same seed, always."""
    return make_case(Random(f"{clock_day} {seed}"), clock_day)  # noqa: S311 - chance that must repeat


def cases() -> st.SearchStrategy[Case]:
    """Cases that Hypothesis chooses, and shrinks."""
    return st.builds(make_case, st.randoms(use_true_random=False), st.sampled_from(CLOCK_DAYS))


def _window(random: Random, moment: int) -> tuple[int, int]:
    begin = moment + random.randint(-12, 3) * HOUR
    end = begin + random.choice((random.randint(-1, 2), 3, 5, 7, 9, 11, 13, 26)) * HOUR
    if random.random() < 0.4:
        begin += _odd(random)
        end += _odd(random)
    return begin, end


def _now(random: Random, begin: int, end: int, notice: int) -> int:
    """Before the window, or in it, or on an edge; at times the notice before a start, to the microsecond."""
    inside = begin + random.randint(0, max(0, end - begin) // (30 * MINUTE)) * 15 * MINUTE
    before_a_start = inside // (30 * MINUTE) * 30 * MINUTE - notice
    long_before = random.choice((begin - DAY, begin - 3 * DAY))
    now = random.choice((long_before, long_before, begin - 2 * HOUR, begin, inside, before_a_start, before_a_start))
    return now + random.choice((0, 0, 0, 1, -1, _odd(random)))


def _odd(random: Random) -> int:
    """A length that need not be whole minutes."""
    return random.choice((1, -1, 30_000_000, random.randint(-HOUR, HOUR), random.randint(-60, 60) * MINUTE))


def _service(random: Random) -> Service:
    duration = random.choice((1, 5, 10, 15, 20, 25, 30, 30, 30, 45, 50, 60, 60, 60, 90, 120, 7, 23, 480, 1500))
    steps = (5, 10, 15, 20, 25, 30, 30, 40, 45, 60, 60, 90, 7, 37, 100, 720, duration)
    step = random.choice(steps if duration <= 120 else (60, 90, 150, duration))
    before = random.choice((0, 0, 0, 5, 10, 15, 30, 7, 60))
    after = random.choice((0, 0, 0, 5, 10, 15, 30, 11, 60))
    notice = random.choice((0, 0, 0, 0, 30, 60, 90, 120, 1440))
    return Service(duration, step, before, after, notice, random.choice((None, None, None, None, 0, 1, 1, 2, 3, 30)))


def _option(random: Random, zone: str, moment: int, service: Service) -> Option:
    today = reading(moment, zone).date()
    near = [today + timedelta(days=days) for days in range(-2, 3)]
    usual = _ranges(random)
    weekly = {weekday: usual if random.random() < 0.7 else _ranges(random) for weekday in range(7)}
    overrides = {day: _ranges(random) for day in near if random.random() < 0.2}
    closed = Option(zone, weekly, overrides)
    starts = [opening.start for opening in openings(closed, moment - DAY // 2, moment + DAY // 2)]
    grid = [start + steps * service.step * MINUTE for start in starts or [moment] for steps in range(12)]
    busy = tuple(_busy(random, random.choice(grid), service) for _ in range(random.choice((0, 0, 1, 2, 3, 5))))
    known = moment + random.randint(-12, 12) * HOUR if random.random() < 0.1 else None
    return Option(zone, weekly, overrides, busy, known)


def _ranges(random: Random) -> tuple[Range, ...]:
    """Hours of a date: usual ones, and all that may be typed in."""
    a, b, c = (_label(random) for _ in range(3))
    return random.choice(
        (
            (),
            (Range(time(7), time(23)),),
            (Range(time(9), time(12)), Range(time(12, 45), time(17))),
            (Range(time(0), time(0)),),
            (Range(time(0), time(0)),),
            (Range(time(0), time(0)),),
            (Range(time(22), time(2)),),
            (Range(time(20), time(3)), Range(time(8), time(10))),
            (Range(time(9), time(0)),),
            (Range(time(0), time(9)),),
            (Range(a, b),),
            (Range(a, a),),
            (Range(a, b), Range(b, c)),
            (Range(a, b), Range(c, b), Range(b, a)),
        )
    )


def _label(random: Random) -> time:
    """A label, more often than not in the small hours, where clocks change."""
    hour = random.choice((0, 0, 1, 1, 2, 2, 3, 3, 4, 22, 23, 23, random.randint(5, 21)))
    return time(hour, random.choice((0, 0, 0, 15, 30, 30, 45, 59, random.randint(0, 59))))


def _busy(random: Random, slot: int, service: Service) -> Timed | AllDay | Booked:
    """Busy time near a slot: just before it, just after it, or anywhere."""
    length = random.choice((0, 0, 1, 5, 15, 30, 60, 90, 240, 600, -20, service.duration)) * MINUTE
    until_slot = slot - service.before * MINUTE - length
    after_slot = slot + (service.duration + service.after) * MINUTE
    inside = slot + random.randint(0, service.duration) * MINUTE
    start = random.choice((until_slot, after_slot, inside, slot + random.randint(-100, 100) * 5 * MINUTE))
    kind = random.choice(("event", "event", "odd event", "booking", "booking", "all day"))
    if kind == "event":
        return Timed(start, start + length)
    if kind == "odd event":
        return Timed(start + _odd(random), start + length + _odd(random))
    if kind == "booking":
        before, after = (random.choice((0, 0, 5, 10, 15, 30, 13)) for _ in range(2))
        return Booked(start + before * MINUTE, start + max(0, length) - after * MINUTE, before, after)
    zone = random.choice(OTHER_ZONES)
    first = reading(start, zone).date()
    return AllDay(first, first + timedelta(days=random.choice((0, 1, 1, 1, 2, -1))), zone)


def _asked(
    random: Random, service: Service, options: Mapping[str, Option], window: tuple[int, int], now: int
) -> tuple[int, ...]:
    """Starts at which the answer may turn, and what is just before and after them; and some others."""
    points = 5 * [*window, now, now + service.notice * MINUTE]
    for option in options.values():
        points += _turns(service, option, window[0], now)
    around = (0, 0, 0, -1, 1, -MINUTE, service.step * MINUTE, -service.step * MINUTE)
    asked = {random.choice(points) + random.choice(around) for _ in range(8)}
    asked |= {window[0] + random.randint(-96, 96) * 15 * MINUTE for _ in range(2)}
    return tuple(sorted(asked))


def _turns(service: Service, option: Option, begin: int, now: int) -> list[int]:
    """Where the answer for one option may turn."""
    points = []
    for start, end, _ in openings(option, begin, begin):
        on_grid = [start + steps * service.step * MINUTE for steps in range(1, 20)]
        points += [start, end, end - service.duration * MINUTE, *on_grid]
    for start, end in map(occupied, option.busy):
        points += 5 * [end + service.before * MINUTE, start - (service.duration + service.after) * MINUTE]
    if service.horizon_days is not None:
        beyond = reading(now, option.zone).date() + timedelta(days=service.horizon_days + 1)
        points += 5 * [instant(datetime.combine(beyond, time()), option.zone)]
    if option.known_until is not None:
        points += 5 * [option.known_until]
    return points
