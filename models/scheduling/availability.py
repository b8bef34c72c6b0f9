"""Slots, and the reasons against them: one evaluator for lists and for booking. Pure.

`starts` lists what can be booked; `reasons` judges one start. Both are built from the same parts, and a start is
listed iff there is no reason against it. What may be long is also there in steps. Rule numbers are those of the
availability semantics.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, TypeVar
from uuid import UUID

from models.scheduling.hours import Schedule, day_interval, grid, horizon_end, local_date, openings
from models.scheduling.intervals import MINUTE, Instant, Interval, Steps, collides, done, merge

K = TypeVar("K")

_ONE_DAY = timedelta(days=1)

_SOME = 1000
"""So many starts are one step."""


class SlotReason(StrEnum):
    """Why a start cannot be booked, in the order in which reasons are given. BUSY is what the public is told."""

    BUSY = "BUSY"
    BUSY_BOOKING = "BUSY_BOOKING"
    BUSY_HOLD = "BUSY_HOLD"
    BUSY_TIME_OFF = "BUSY_TIME_OFF"
    BUSY_GOOGLE = "BUSY_GOOGLE"
    OUTSIDE_OPENING_HOURS = "OUTSIDE_OPENING_HOURS"
    NOT_ON_SLOT_GRID = "NOT_ON_SLOT_GRID"
    IN_THE_PAST = "IN_THE_PAST"
    TOO_SHORT_NOTICE = "TOO_SHORT_NOTICE"
    BEYOND_HORIZON = "BEYOND_HORIZON"
    SERVICE_NOT_OFFERED = "SERVICE_NOT_OFFERED"
    INACTIVE = "INACTIVE"


class BusyKind(StrEnum):
    """What keeps an option busy."""

    BOOKING = "BOOKING"
    HOLD = "HOLD"
    TIME_OFF = "TIME_OFF"
    GOOGLE = "GOOGLE"

    @property
    def reason(self) -> SlotReason:
        """The reason that busy time of this kind gives."""
        return SlotReason[f"BUSY_{self.name}"]


class Busy(NamedTuple):
    """A range in which the option is taken; a booking's and a hold's include their own buffers (rule B1)."""

    start: Instant
    end: Instant
    kind: BusyKind
    entry: UUID | None = None


class Reason(NamedTuple):
    """One reason against a start; for busy time, the range that stands in the way."""

    code: SlotReason
    busy: Busy | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """A service's rules, in whole minutes and days. Raises ValueError when a length makes no sense."""

    duration: int
    step: int
    buffer_before: int = 0
    buffer_after: int = 0
    notice: int = 0
    horizon_days: int | None = None

    def __post_init__(self) -> None:
        if self.duration < 1 or self.step < 1:
            raise ValueError("a duration and a step are at least one minute")
        if min(self.buffer_before, self.buffer_after, self.notice, self.horizon_days or 0) < 0:
            raise ValueError("buffers, notice and horizon are not negative")

    def occupied(self, start: Instant) -> Interval:
        """What a booking at this start takes, buffers included (rule B5)."""
        return Interval(start - self.buffer_before * MINUTE, start + (self.duration + self.buffer_after) * MINUTE)

    def reach(self, window: Interval) -> Interval:
        """The time that starts within the window may take."""
        return Interval(self.occupied(window.start).start, self.occupied(window.end).end)


@dataclass(frozen=True, slots=True)
class Agenda:
    """One option as the evaluator sees it. Starts at or after `limit` are beyond what is known of its calendars."""

    schedule: Schedule
    busy: Sequence[Busy] = ()
    limit: Instant | None = None
    offered: bool = True
    active: bool = True


def starts(rules: Rules, agenda: Agenda, window: Interval, now: Instant) -> list[Instant]:
    """The starts that can be booked with `from <= s < to` (rule W1), ascending and unique."""
    return done(starts_in_steps(rules, agenda, window, now))


def starts_in_steps(rules: Rules, agenda: Agenda, window: Interval, now: Instant) -> Steps[list[Instant]]:
    """The same; a step is a date."""
    if not (agenda.offered and agenda.active):
        return []
    last = _last_start(rules, agenda, now)
    cut = Interval(
        max(window.start, now + rules.notice * MINUTE), window.end if last is None else min(window.end, last)
    )
    if cut.start >= cut.end:
        return []
    zone = agenda.schedule.zone
    day, end = local_date(cut.start, zone), local_date(cut.end, zone)
    known: list[Instant] = []
    while day <= end:
        known += _candidates(agenda.schedule, rules.duration, rules.step, day)
        day += _ONE_DAY
        yield
    inside = known[bisect_left(known, cut.start) : bisect_left(known, cut.end)]
    return _free(inside, _forbidden(rules, agenda))


def reasons(rules: Rules, agenda: Agenda, start: Instant, now: Instant) -> list[Reason]:
    """Every reason against this start, in the order of SlotReason; none: it can be booked."""
    found = [
        Reason(busy.kind.reason, busy)
        for busy in sorted(agenda.busy, key=lambda busy: busy[:3])
        if collides(rules.occupied(start), Interval(busy.start, busy.end))
    ]
    window = Interval(start, start + rules.duration * MINUTE)
    open_union = merge(Interval(each.start, each.end) for each in openings(agenda.schedule, window))
    if not any(each.start <= window.start and window.end <= each.end for each in open_union):
        found.append(Reason(SlotReason.OUTSIDE_OPENING_HOURS))
    if not _on_grid(rules, agenda, start):
        found.append(Reason(SlotReason.NOT_ON_SLOT_GRID))
    if start < now:
        found.append(Reason(SlotReason.IN_THE_PAST))
    elif start < now + rules.notice * MINUTE:
        found.append(Reason(SlotReason.TOO_SHORT_NOTICE))
    last = _last_start(rules, agenda, now)
    if last is not None and start >= last:
        found.append(Reason(SlotReason.BEYOND_HORIZON))
    if not agenda.offered:
        found.append(Reason(SlotReason.SERVICE_NOT_OFFERED))
    if not agenda.active:
        found.append(Reason(SlotReason.INACTIVE))
    order = list(SlotReason)
    return sorted(found, key=lambda reason: order.index(reason.code))


def merged(by_option: Mapping[K, Sequence[Instant]]) -> list[tuple[Instant, tuple[K, ...]]]:
    """Every start of any option, ascending, with the options that offer it in the mapping's order (rule M1)."""
    return done(merged_in_steps(by_option))


def merged_in_steps(by_option: Mapping[K, Sequence[Instant]]) -> Steps[list[tuple[Instant, tuple[K, ...]]]]:
    """The same; a step is some starts."""
    offered: dict[Instant, int] = {}
    # By start one bit per option, and each set of options once: most starts have the same ones free.
    for number, option_starts in enumerate(by_option.values()):
        bit = 1 << number
        for at in range(0, len(option_starts), _SOME):
            for start in option_starts[at : at + _SOME]:
                offered[start] = offered.get(start, 0) | bit
            yield
    options, sets = tuple(by_option), dict[int, tuple[K, ...]]()
    found: list[tuple[Instant, tuple[K, ...]]] = []
    for count, start in enumerate(sorted(offered)):
        bits = offered[start]
        free = sets.get(bits)
        if free is None:
            free = sets[bits] = tuple(each for number, each in enumerate(options) if bits >> number & 1)
        found.append((start, free))
        if count % _SOME == 0:
            yield
    return found


def _last_start(rules: Rules, agenda: Agenda, now: Instant) -> Instant | None:
    """Starts must lie before this instant: the horizon (rule W3), or the end of what is known."""
    horizon = horizon_end(now, rules.horizon_days, agenda.schedule.zone)
    limits = [each for each in (horizon, agenda.limit) if each is not None]
    return min(limits) if limits else None


@lru_cache(maxsize=4096)
def _candidates(schedule: Schedule, duration: int, step: int, day: date) -> Sequence[Instant]:
    """The grid instants (rule G1) of a date, ascending, from which the whole duration lies inside the union of the
    openings (rule O5). Neither busy time nor the clock has a say in them: options and requests share them.
    """
    length, zone = duration * MINUTE, schedule.zone
    window = day_interval(day, zone)
    found = openings(schedule, Interval(window.start, window.end + length))
    union = merge(Interval(each.start, each.end) for each in found)
    candidates: set[Instant] = set()
    for opening in found:
        home = next(each for each in union if each.start <= opening.start < each.end)
        fitting = Interval(window.start, min(window.end, home.end - length + 1))
        candidates.update(grid(opening, step * MINUTE, zone, fitting))
    return array("q", sorted(candidates))


def _forbidden(rules: Rules, agenda: Agenda) -> list[Interval]:
    """The starts that would collide with busy time (rule B5), merged: `start < s < end`, both ends excluded."""
    before = (rules.duration + rules.buffer_after) * MINUTE - 1
    after = rules.buffer_before * MINUTE
    return merge([(busy[0] - before, busy[1] + after) for busy in agenda.busy if busy[0] < busy[1]])


def _free(candidates: Sequence[Instant], forbidden: Sequence[Interval]) -> list[Instant]:
    """The ascending candidates outside the ascending forbidden intervals."""
    free: list[Instant] = []
    at = 0
    for start, end in forbidden:
        here = bisect_left(candidates, start, at)
        free += candidates[at:here]
        at = bisect_left(candidates, end, here)
    free += candidates[at:]
    return free


def _on_grid(rules: Rules, agenda: Agenda, start: Instant) -> bool:
    """Whether some opening that contains the start has it on its grid (rule G1)."""
    moment, zone = Interval(start, start + 1), agenda.schedule.zone
    return any(
        start in grid(opening, rules.step * MINUTE, zone, moment) for opening in openings(agenda.schedule, moment)
    )
