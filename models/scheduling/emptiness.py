"""Says why a window has no free slot, if one reason holds for all of it. Pure.

It takes a sample of the starts that the opening hours allow, and asks the evaluator for the reasons against each.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final
from uuid import UUID

from models.scheduling.availability import Agenda, SlotReason
from models.scheduling.hours import grid, openings
from models.scheduling.intervals import MINUTE, Instant, Interval
from models.scheduling.offer import Offer

_MOST_STARTS: Final = 100
"""The most starts that the sample has of one option."""
_MOST_OPTIONS: Final = 25
"""The most options in the sample."""

_BY_TIME: Final = (
    SlotReason.INACTIVE,
    SlotReason.SERVICE_NOT_OFFERED,
    SlotReason.BEYOND_HORIZON,
    SlotReason.TOO_SHORT_NOTICE,
    SlotReason.IN_THE_PAST,
    SlotReason.OUTSIDE_OPENING_HOURS,
    SlotReason.NOT_ON_SLOT_GRID,
)
"""Which reason wins when several hold for all starts: the first of these."""


def why_empty(offer: Offer, window: Interval, *, active: bool) -> SlotReason | None:
    """Returns the one reason that holds for every start with every option; BUSY for several kinds; else None."""
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
    some = list(agendas.items())[:_MOST_OPTIONS]
    judged = [_codes(offer, each, start) for each, agenda in some for start in _starts(offer, agenda, left)]
    if not judged:
        return SlotReason.OUTSIDE_OPENING_HOURS
    common = set.intersection(*judged)
    for reason in _BY_TIME:
        if reason in common:
            return reason
    if all(any(reason in _BUSY for reason in codes) for codes in judged):
        kinds = common & _BUSY
        return kinds.pop() if len(kinds) == 1 else SlotReason.BUSY
    return None


_BUSY: Final = frozenset(each for each in SlotReason if each.name.startswith("BUSY"))


def _codes(offer: Offer, option_id: UUID, start: Instant) -> set[SlotReason]:
    return {reason.code for reason in offer.reasons(option_id, start)}


def _starts(offer: Offer, agenda: Agenda, window: Interval) -> Iterator[Instant]:
    """Yields starts that the opening hours allow: the first hundred of the window, and the last ones."""
    zone, step = agenda.schedule.zone, offer.rules.step * MINUTE
    found = openings(agenda.schedule, window)
    yield from islice((at for each in found for at in grid(each, step, zone, window)), _MOST_STARTS)
    if found:
        last = Interval(max(window.start, found[-1].end - 2 * step), window.end)
        yield from islice(grid(found[-1], step, zone, last), 2)
