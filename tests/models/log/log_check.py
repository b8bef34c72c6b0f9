"""Busy time and the log side by side: nothing is taken or given back without a change that tells of it."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

from models import clock
from models.actions.load_offer import busy_time
from models.log import change_log
from models.scheduling.affected_time import touches
from models.scheduling.intervals import Instant, Interval, collides, interval, merge, to_datetime, to_instant
from models.storage.db import Row

ALWAYS = interval(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
MOST = 1000
"""More changes than one deed makes."""


@asynccontextmanager
async def telling(business_id: UUID, options: Collection[UUID]) -> AsyncIterator[list[Row]]:
    """The changes made in the block, there once it is left. Wherever an option is taken before the block and not after
    it, or after it and not before, one of them touches that option and that time.

    A hold that lapses gives its time back by the clock alone, and is told of when it is swept: so it must be true as
    of now, and as if no hold ever lapsed.
    """
    log: list[Row] = []
    revision, times = await change_log.newest(business_id), (to_instant(clock.now()), ALWAYS.start)
    before = [await _taken(options, now) for now in times]
    yield log
    log += await change_log.after(business_id, revision, MOST)
    assert len(log) < MOST
    after = [await _taken(options, now) for now in times]
    for was, now in zip(before, after, strict=True):
        for option_id in options:
            for piece in _differing(was[option_id], now[option_id], log):
                assert any(touches(row, [option_id], piece) for row in log), (
                    f"nothing tells that {option_id} is taken otherwise {_said(piece)}: {log}"
                )


async def _taken(options: Collection[UUID], now: Instant) -> Mapping[UUID, Sequence[Interval]]:
    """When each option is busy, whatever keeps it so."""
    found = await busy_time(options, ALWAYS, now=now)
    return {option_id: merge(Interval(each.start, each.end) for each in found[option_id]) for option_id in options}


def _differing(before: Sequence[Interval], after: Sequence[Interval], log: Sequence[Row]) -> Iterator[Interval]:
    """The time that is in one of the two only, in pieces so small that a change touches all of one or nothing."""
    told = [interval(row["touches_from"], row["touches_to"]) for row in log if row["touches_from"]]
    bounds = {bound for each in (*before, *after, *told) for bound in each}
    for piece in map(Interval._make, pairwise(sorted(bounds))):
        if any(collides(piece, each) for each in before) is not any(collides(piece, each) for each in after):
            yield piece


def _said(piece: Interval) -> str:
    return f"from {to_datetime(piece.start)} to {to_datetime(piece.end)}"
