"""The time that a change affects: an interval outside of which no option became busier or freer. Pure.

The code that logs a change passes it on; subscriptions to free slots ask with `touches` whether to look again.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from models.enums import ChangeKind
from models.scheduling.intervals import Interval, collides, interval, merge

NO_TIME = Interval(0, 0)
"""The time of a change by which no option became busier or freer."""


def hull(each: Iterable[Interval]) -> Interval:
    """Returns the smallest interval that contains all of them; NO_TIME when all are empty."""
    held = merge(each)
    return Interval(held[0].start, held[-1].end) if held else NO_TIME


def touches(row: Mapping[str, Any], option_ids: Collection[UUID], within: Interval) -> bool:
    """Whether a change may alter when one of these options is free within the interval. An interval that only begins
    where the other ends does not count.

    `row` is an entry of the log with `kind`, `option_ids`, `touches_from` and `touches_to`. Without options it concerns
    all of them, without times any time. Changes of API keys concern no option.
    """
    if row["kind"] == ChangeKind.KEY:
        return False
    if row["touches_from"] is not None and not collides(interval(row["touches_from"], row["touches_to"]), within):
        return False
    named = row["option_ids"]
    return not named or any(str(option_id) in named for option_id in option_ids)
