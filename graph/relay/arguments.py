"""Arguments that several fields take, and the check of a range of time."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import strawberry

from graph.request.context import Info, bad_input
from graph.scalars import TimeZone
from models import business
from models.scheduling.hours import wall_days
from models.scheduling.intervals import DAY, Interval

MOST_DATES = 62
"""The most dates of a range, however many hours they have."""

ServiceId = Annotated[strawberry.ID, strawberry.argument(description="The service.")]
FirstStart = Annotated[datetime, strawberry.argument(name="from", description="The first start of interest.")]
LastStart = Annotated[datetime, strawberry.argument(description="Before this; at most 62 dates after `from`.")]
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


async def check_range(info: Info, window: Interval, time_zone: str | None = None) -> None:
    """Raises BAD_USER_INPUT for a range that is empty or has too many dates of the zone, or of the business's."""
    length = window.end - window.start
    # Clocks change by less than a day, so the zone matters only near the limit.
    fits = 0 < length <= (MOST_DATES - 1) * DAY
    if not fits and 0 < length <= (MOST_DATES + 1) * DAY:
        name = time_zone or (await business.read(info.context.caller.business_id, ("time_zone",)))["time_zone"]
        fits = wall_days(window, ZoneInfo(name)) <= MOST_DATES
    if length <= 0:
        raise bad_input("`to` must be after `from`.")
    if not fits:
        raise bad_input(f"`to` may be at most {MOST_DATES} days after `from`.")
