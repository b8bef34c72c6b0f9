"""Why nothing can be booked in a window, where one reason holds for all of it. Pure.

The evaluator judges starts, one by one; here it judges so many of those that the opening hours would give, no more.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final
from uuid import UUID

from models.scheduling.availability import Agenda, SlotReason
from models.scheduling.hours import grid, openings
from models.scheduling.intervals import MINUTE, Instant, Interval
from models.scheduling.offer import Offer

_STARTS: Final = 100
"""So many starts of an option are judged."""
_OPTIONS: Final = 25
"""So many options are looked at."""

_BY_TIME: Final = (
    SlotReason.INACTIVE,
    SlotReason.SERVICE_NOT_OFFERED,
    SlotReason.BEYOND_HORIZON,
    SlotReason.TOO_SHORT_NOTICE,
    SlotReason.IN_THE_PAST,
    SlotReason.OUTSIDE_OPENING_HOURS,
    SlotReason.NOT_ON_SLOT_GRID,
)
"""What is said first when several reasons hold for all."""


def why_empty(offer: Offer, window: Interval, *, active: bool) -> SlotReason | None:
    """The reason that holds for every start of the window with every option; None when there is no such. Busy times of
    several kinds are BUSY.
    """
    if not active:
        return SlotReason.INACTIVE
    if window.end <= offer.now:
        return SlotReason.IN_THE_PAST
    left = Interval(max(window.start, offer.now), window.end)
    agendas = {each: agenda for each, agenda in offer.agendas.items() if agenda.offered}
    if not agendas:
        return SlotReason.SERVICE_NOT_OFFERED
    agendas = {each: agenda for each, agenda in agendas.items() if agenda.active}
    if not agendas:
        return SlotReason.INACTIVE
    some = list(agendas.items())[:_OPTIONS]
    judged = [_told(offer, each, start) for each, agenda in some for start in _starts(offer, agenda, left)]
    if not judged:
        return SlotReason.OUTSIDE_OPENING_HOURS
    common = set.intersection(*judged)
    for reason in _BY_TIME:
        if reason in common:
            return reason
    if all(any(reason in _BUSY for reason in told) for told in judged):
        kinds = common & _BUSY
        return kinds.pop() if len(kinds) == 1 else SlotReason.BUSY
    return None


_BUSY: Final = frozenset(each for each in SlotReason if each.name.startswith("BUSY"))


def _told(offer: Offer, option_id: UUID, start: Instant) -> set[SlotReason]:
    return {reason.code for reason in offer.reasons(option_id, start)}


def _starts(offer: Offer, agenda: Agenda, window: Interval) -> Iterator[Instant]:
    """Starts that the opening hours alone would give: some from the beginning, and the last."""
    zone, step = agenda.schedule.zone, offer.rules.step * MINUTE
    there = openings(agenda.schedule, window)
    yield from islice((at for each in there for at in grid(each, step, zone, window)), _STARTS)
    if there:
        last = Interval(max(window.start, there[-1].end - 2 * step), window.end)
        yield from islice(grid(there[-1], step, zone, last), 2)
