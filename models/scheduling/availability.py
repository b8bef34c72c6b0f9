"""The evaluator: lists free slots, and says why a start is not one. Pure.

`starts` lists the starts that can be booked; `reasons` judges one start. Both use the same parts: a start is listed
if and only if there is no reason against it. Functions that may take long have a variant that runs in steps. Rule
numbers are those of the availability semantics.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeVar
from uuid import UUID

from models.scheduling.hours import Schedule, day_interval, grid, horizon_end, local_date, openings
from models.scheduling.intervals import DAY, MINUTE, Instant, Interval, Steps, collides, merge, run_all
from models.scheduling.recent_starts import RecentStarts

K = TypeVar("K")

_ONE_DAY = timedelta(days=1)

_STARTS_A_STEP = 1000
"""How many starts one step handles."""


class SlotReason(StrEnum):
    """Why a start cannot be booked. Lists of reasons have this order. Public keys see BUSY for every kind of it."""

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
        """The reason against a start that busy time of this kind gives."""
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
    """A service's rules, in whole minutes and days. Raises ValueError for a length below its minimum."""

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
        """Returns the time that a booking at this start takes, buffers included (rule B5)."""
        return Interval(start - self.buffer_before * MINUTE, start + (self.duration + self.buffer_after) * MINUTE)

    def reach(self, window: Interval) -> Interval:
        """Returns the time that bookings which start within the window can take, buffers included."""
        return Interval(self.occupied(window.start).start, self.occupied(window.end).end)


@dataclass(frozen=True, slots=True)
class Agenda:
    """What the evaluator reads of one option. No start from `limit` on, the end of what we know, can be booked."""

    schedule: Schedule
    busy: Sequence[Busy] = ()
    limit: Instant | None = None
    offered: bool = True
    active: bool = True


def starts(rules: Rules, agenda: Agenda, window: Interval, now: Instant) -> list[Instant]:
    """Returns the starts within the window that can be booked (rule W1), ascending and unique."""
    return run_all(starts_in_steps(rules, agenda, window, now))


def starts_in_steps(rules: Rules, agenda: Agenda, window: Interval, now: Instant) -> Steps[list[Instant]]:
    """Does the same as `starts`, one date a step."""
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
    """Returns every reason against this start, in the order of SlotReason; an empty list means it can be booked."""
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
    """Merges options' starts: each once, ascending, with the options that have it, in the mapping's order (M1)."""
    return run_all(merged_in_steps(by_option))


def merged_in_steps(by_option: Mapping[K, Sequence[Instant]]) -> Steps[list[tuple[Instant, tuple[K, ...]]]]:
    """Does the same as `merged`, a thousand starts a step."""
    offered: dict[Instant, int] = {}
    # A start's options are bits of one number, and equal numbers share one tuple: most starts have the same options.
    for number, option_starts in enumerate(by_option.values()):
        bit = 1 << number
        for at in range(0, len(option_starts), _STARTS_A_STEP):
            for start in option_starts[at : at + _STARTS_A_STEP]:
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
        if count % _STARTS_A_STEP == 0:
            yield
    return found


def _last_start(rules: Rules, agenda: Agenda, now: Instant) -> Instant | None:
    """Returns the instant before which starts must lie: the horizon (rule W3) or the agenda's limit; None: no limit."""
    horizon = horizon_end(now, rules.horizon_days, agenda.schedule.zone)
    limits = [each for each in (horizon, agenda.limit) if each is not None]
    return min(limits) if limits else None


def _candidates(schedule: Schedule, duration: int, step: int, day: date) -> Sequence[Instant]:
    """Returns the grid instants (rule G1) of a date from which the whole duration is open (rule O5), ascending.
    Busy time and the clock do not matter here, so options and requests with the same hours share what is kept.
    """
    # `openings` looks two dates back, and as far ahead as the last start of the date lasts.
    near = range(-2, 5 + duration * MINUTE // DAY)
    hours = tuple(tuple(schedule.on(day + each * _ONE_DAY)) for each in near)
    key = (schedule.zone, duration, step, day, hours)
    return _recent.find(key, sum(map(len, hours)), lambda: _computed_candidates(schedule, duration, step, day))


_recent = RecentStarts()


def _computed_candidates(schedule: Schedule, duration: int, step: int, day: date) -> Sequence[Instant]:
    length, zone = duration * MINUTE, schedule.zone
    window = day_interval(day, zone)
    found = openings(schedule, Interval(window.start, window.end + length))
    union = merge(Interval(each.start, each.end) for each in found)
    candidates: set[Instant] = set()
    for opening in found:
        enclosing = next(each for each in union if each.start <= opening.start < each.end)
        fitting = Interval(window.start, min(window.end, enclosing.end - length + 1))
        candidates.update(grid(opening, step * MINUTE, zone, fitting))
    return array("q", sorted(candidates))


def _forbidden(rules: Rules, agenda: Agenda) -> list[Interval]:
    """Returns merged intervals of the starts that would collide with busy time (rule B5)."""
    before = (rules.duration + rules.buffer_after) * MINUTE - 1
    after = rules.buffer_before * MINUTE
    return merge([(busy[0] - before, busy[1] + after) for busy in agenda.busy if busy[0] < busy[1]])


def _free(candidates: Sequence[Instant], forbidden: Sequence[Interval]) -> list[Instant]:
    """Returns the candidates outside the forbidden intervals; all three lists are ascending."""
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
