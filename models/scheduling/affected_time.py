"""The time that a change touches: where an option is taken otherwise than before. Pure.

Who notes a change says it; who follows what options have free asks whether a change can matter to them.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from models.enums import ChangeKind
from models.scheduling.intervals import Interval, collides, interval, merge

NO_TIME = Interval(0, 0)
"""What a change touches by which nothing is taken or given back."""


def hull(each: Iterable[Interval]) -> Interval:
    """The smallest interval that holds them all; NO_TIME when they hold nothing."""
    held = merge(each)
    return Interval(held[0].start, held[-1].end) if held else NO_TIME


def touches(row: Mapping[str, Any], option_ids: Collection[UUID], within: Interval) -> bool:
    """Whether a change may alter what one of these options has free within the interval. Half-open: touching is not
    overlapping.

    `row` is of the log: `kind`, `option_ids`, `touches_from`, `touches_to`. One that names no option concerns all of
    them, one without times may touch any time; keys concern none.
    """
    if row["kind"] == ChangeKind.KEY:
        return False
    if row["touches_from"] is not None and not collides(interval(row["touches_from"], row["touches_to"]), within):
        return False
    named = row["option_ids"]
    return not named or any(str(option_id) in named for option_id in option_ids)
