"""Arguments that several fields take, said once, and how long a range of time may be."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph.context import bad_input
from graph.scalars import TimeZone
from models.intervals import DAY, Interval

LONGEST = 62 * DAY
"""How long a range may be at most."""

ServiceId = Annotated[strawberry.ID, strawberry.argument(description="The service.")]
FirstStart = Annotated[datetime, strawberry.argument(name="from", description="The first start of interest.")]
LastStart = Annotated[datetime, strawberry.argument(description="Before this; at most 62 days after `from`.")]
OptionIds = Annotated[
    list[strawberry.ID] | None, strawberry.argument(description="Only these options, at most 200; left out: all.")
]
GroupingZone = Annotated[
    TimeZone | None, strawberry.argument(description="The zone to group days by; left out: the business's.")
]
MovingBookingId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="A booking that is to be moved: its own time does not count as taken."),
]
MovingToken = Annotated[str | None, strawberry.argument(description="With a public key, that booking's manage token.")]


def check_range(window: Interval) -> None:
    """Raises BAD_USER_INPUT for a range that is empty, inverted or too long."""
    if not 0 < window.end - window.start <= LONGEST:
        raise bad_input("`to` is after `from`, by at most 62 days.")
