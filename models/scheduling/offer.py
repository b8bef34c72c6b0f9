"""Who could take a service, and when: a service's rules with the agendas of its options. Pure.

Every list, check, hold and booking goes through an Offer, so they all ask the same evaluator.
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
from models.scheduling.intervals import DAY, MINUTE, Instant, Interval, Steps, done

_NEARBY = 7 * DAY
_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """A service's rules and the options that may take it, by name, as of `now`; and the oldest complete reading of
    their Google calendars, None when one was never read or none is linked. `pulled` has that of each linked option.
    """

    rules: Rules
    options: Mapping[UUID, Mapping[str, Any]]
    agendas: Mapping[UUID, Agenda]
    now: Instant
    fresh_as_of: datetime | None = None
    pulled: Mapping[UUID, datetime | None] = field(default_factory=dict)

    def slots(self, window: Interval) -> list[tuple[Instant, tuple[UUID, ...]]]:
        """Every start in the window that at least one option offers, with those options."""
        return done(self.slots_in_steps(window))

    def slots_in_steps(self, window: Interval) -> Steps[list[tuple[Instant, tuple[UUID, ...]]]]:
        """The same, in steps."""
        found: dict[UUID, Sequence[Instant]] = {}
        for each in self.options:
            found[each] = yield from self._starts(each, window)
        return (yield from availability.merged_in_steps(found))

    def starts_in_steps(self, window: Interval) -> Steps[list[Instant]]:
        """Every start in the window that at least one option offers, in steps."""
        found: set[Instant] = set()
        for each in self.options:
            # One option after another: all of their starts together would take much memory.
            found.update((yield from self._starts(each, window)))
            yield
        return sorted(found)

    def _starts(self, option_id: UUID, window: Interval) -> Steps[Sequence[Instant]]:
        starts = yield from availability.starts_in_steps(self.rules, self.agendas[option_id], window, self.now)
        return array("q", starts)

    def eligible(self) -> list[UUID]:
        """The options that may take the service, by name."""
        return [each for each, agenda in self.agendas.items() if agenda.offered and agenda.active]

    def reasons(self, option_id: UUID, start: Instant) -> list[Reason]:
        """Every reason against this option at this start."""
        return availability.reasons(self.rules, self.agendas[option_id], start, self.now)

    def nearest(self, start: Instant, wanted: UUID | None) -> Steps[list[Alternative]]:
        """Up to five free slots within a week: first the same start with others, then the wanted one's; in steps."""
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
        """When time alone changes the slots next, the first of which starts at `first`: that one comes too close, or
        a date comes in reach.
        """
        closing = [] if first is None else [first - self.rules.notice * MINUTE + 1]
        midnights = [
            day_interval(local_date(self.now, self.zone(each)), self.zone(each)).end
            for each in self.options
            if self.rules.horizon_days is not None
        ]
        return min((at for at in (*closing, *midnights) if at > self.now), default=None)

    def zone(self, option_id: UUID) -> ZoneInfo:
        """The option's time zone."""
        return self.agendas[option_id].schedule.zone


def nearby(start: Instant) -> Interval:
    """The window an offer must have for its `nearest` slots to a start."""
    return Interval(start - _NEARBY, start + _NEARBY + 1)
