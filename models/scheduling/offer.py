"""An offer: a service's rules with the agendas of the options that may take it. Pure.

Every list of slots, check, hold and booking goes through an Offer, so that all ask the same evaluator.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from models.refusals import Alternative
from models.scheduling import availability
from models.scheduling.availability import Agenda, Reason, Rules
from models.scheduling.hours import day_interval, local_date
from models.scheduling.intervals import DAY, MINUTE, Instant, Interval, Steps, run_all

_WEEK = _NEARBY = 7 * DAY
_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """A service's rules and the options that may take it, ordered by name, as of `now`.

    `pulled` has for each linked option when we last read its Google calendar completely. `fresh_as_of` is the earliest
    of them; None when we never read one, or no option is linked.
    """

    rules: Rules
    options: Mapping[UUID, Mapping[str, Any]]
    agendas: Mapping[UUID, Agenda]
    now: Instant
    fresh_as_of: datetime | None = None
    pulled: Mapping[UUID, datetime | None] = field(default_factory=dict)

    def slots(self, window: Interval) -> list[tuple[Instant, tuple[UUID, ...]]]:
        """Returns every start in the window that at least one option offers, with those options."""
        return run_all(self.slots_in_steps(window))

    def slots_in_steps(self, window: Interval) -> Steps[list[tuple[Instant, tuple[UUID, ...]]]]:
        """Does the same as `slots`, in steps."""
        found: dict[UUID, Sequence[Instant]] = {}
        for each in self.options:
            found[each] = yield from self._starts(each, window)
        return (yield from availability.merged_in_steps(found))

    def starts_in_steps(self, window: Interval) -> Steps[list[Instant]]:
        """Returns every start in the window that at least one option offers, in steps."""
        found: set[Instant] = set()
        for each in self.options:
            # One option after another, since all their starts together would take much memory.
            found.update((yield from self._starts(each, window)))
            yield
        return sorted(found)

    def has_start_in_steps(self, window: Interval) -> Steps[bool]:
        """Whether at least one option offers a start in the window, in steps. Looks at a week after the other, and no
        further than the first start.
        """
        for start in range(window.start, window.end, _WEEK):
            for each in self.options:
                if (yield from self._starts(each, Interval(start, min(start + _WEEK, window.end)))):
                    return True
                yield
        return False

    def _starts(self, option_id: UUID, window: Interval) -> Steps[Sequence[Instant]]:
        starts = yield from availability.starts_in_steps(self.rules, self.agendas[option_id], window, self.now)
        return array("q", starts)

    def eligible(self) -> list[UUID]:
        """Returns the active options that offer the service, ordered by name."""
        return [each for each, agenda in self.agendas.items() if agenda.offered and agenda.active]

    def reasons(self, option_id: UUID, start: Instant) -> list[Reason]:
        """Returns every reason against this option at this start."""
        return availability.reasons(self.rules, self.agendas[option_id], start, self.now)

    def nearest(self, start: Instant, wanted: UUID | None) -> Steps[list[Alternative]]:
        """Returns up to five free slots within a week: first the same start with other options, then the wanted
        option's nearest starts, then others'. Runs in steps.
        """
        listed = yield from self.slots_in_steps(nearby(start))

        def far(slot: tuple[Instant, tuple[UUID, ...]]) -> tuple[bool, bool, Instant, Instant]:
            at, free = slot
            return at != start, wanted is not None and wanted not in free, abs(at - start), at

        listed.sort(key=far)
        length = self.rules.duration * MINUTE
        return [
            Alternative(at, at + length, tuple(sorted(free, key=lambda option_id: option_id != wanted)))
            for at, free in listed[:_ALTERNATIVES]
        ]

    def next_change(self, first: Instant | None) -> Instant | None:
        """Returns the next instant at which the passing of time alone changes the slots; None when it never does. Then
        the first slot, which starts at `first`, comes too close to now, or the horizon moves on by a date.
        """
        closing = [] if first is None else [first - self.rules.notice * MINUTE + 1]
        midnights = [
            day_interval(local_date(self.now, self.zone(each)), self.zone(each)).end
            for each in self.options
            if self.rules.horizon_days is not None
        ]
        return min((at for at in (*closing, *midnights) if at > self.now), default=None)

    def zone(self, option_id: UUID) -> ZoneInfo:
        """Returns the option's time zone."""
        return self.agendas[option_id].schedule.zone


def nearby(start: Instant) -> Interval:
    """Returns the window for which an offer must be loaded before its `nearest` is asked for slots near this start."""
    return Interval(start - _NEARBY, start + _NEARBY + 1)
