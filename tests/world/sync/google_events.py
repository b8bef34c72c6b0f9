"""What people have in their calendars, and what should follow from it: computed the slow and plain way.

Looks at the sandbox's state and at what the door says of the links. Uses nothing of how `sync` decides.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models.enums import AllDayEvents, Blocking, EventDetail, MatcherField, UnroutedEvents
from sync.sandbox.calendars.calendars import Calendar
from sync.sandbox.events.moments import Resource, Window, span
from sync.service import Connection, Matcher
from tests.world.sync.model import DAYS, SyncModel

Block = tuple[UUID, str, str, datetime, datetime]
"""Option, calendar, event, `[start, end)`."""


@dataclass(frozen=True)
class Occurrence:
    """One event of a person's, as it stands in a calendar."""

    calendar: str
    id: str
    start: datetime
    end: datetime
    event: Resource


def occurrences(town: SyncModel, calendar: Calendar) -> Iterator[Occurrence]:
    """Everything that people have in a calendar from now on, one by one."""
    window = horizon(town)
    for event_id, stored in list(calendar.events.items()):
        event = stored.resource
        if stored.cancelled or "recurringEventId" in event or not town.people.is_theirs(calendar, event_id):
            continue
        for each in calendar.instances(event, window) if "recurrence" in event else [event]:
            start, end = span(each, calendar.time_zone)
            if window.touches(start, end):
                yield Occurrence(calendar.id, each["id"], start, end, each)


def busy(event: Resource, calendar: Calendar) -> bool:
    """What Google itself would say, read as people read it."""
    return may_block(event, calendar) and event.get("transparency") != "transparent"


def may_block(event: Resource, calendar: Calendar) -> bool:
    declined = any(
        each["email"] == calendar.id and each["responseStatus"] == "declined" for each in event.get("attendees", ())
    )
    return event["eventType"] not in ("workingLocation", "birthday") and not declined


def named(event: Resource, matcher: Matcher) -> bool:
    """Whether an event says the words."""
    if matcher.field is MatcherField.ATTENDEE:
        people = [event["organizer"], *event.get("attendees", ())]
        return matcher.value in {each["email"] for each in people}
    if matcher.field is MatcherField.COLOR:
        return bool(event.get("colorId") == matcher.value)
    text = event.get("summary" if matcher.field is MatcherField.TITLE else "location") or ""
    return re.search(rf"\b{re.escape(matcher.value)}\b", text, re.IGNORECASE) is not None


def wanted_blocks(town: SyncModel, ties: dict[UUID, Connection]) -> set[Block]:
    """Which event should keep which option from being booked."""
    found: set[Block] = set()
    for calendar_id, sharing in by_calendar(ties).items():
        calendar = town.floor.sandbox.calendars[calendar_id]
        for each in occurrences(town, calendar):
            matched = [tie for tie in sharing if tie.blocking is Blocking.MATCHED_EVENTS]
            claimed = [tie for tie in matched if any(named(each.event, matcher) for matcher in tie.matchers)]
            unrouted = sharing[0].calendar and sharing[0].calendar.unrouted_events
            if not claimed and unrouted is UnroutedEvents.BLOCK_ALL:
                claimed = matched
            for tie in claimed + [tie for tie in sharing if tie.blocking is Blocking.ALL_EVENTS]:
                if each.start < each.end and _keeps_busy(each, calendar, tie.all_day_events):
                    found.add((tie.option_id, calendar_id, each.id, each.start, each.end))
    return found


def _keeps_busy(each: Occurrence, calendar: Calendar, rule: AllDayEvents) -> bool:
    if "date" in each.event["start"] and rule is not AllDayEvents.AS_MARKED:
        return rule is AllDayEvents.ALWAYS_BLOCK and may_block(each.event, calendar)
    return busy(each.event, calendar)


def wanted_entries(town: SyncModel, ties: dict[UUID, Connection]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for calendar_id, sharing in by_calendar(ties).items():
        calendar = town.floor.sandbox.calendars[calendar_id]
        full = any(tie.detail is EventDetail.FULL for tie in sharing)
        for each in occurrences(town, calendar):
            title = each.event.get("summary") if full else None
            private = each.event.get("visibility") == "private"
            all_day = "date" in each.event["start"]
            found[calendar_id, each.id, each.start, each.end, all_day, title, private, busy(each.event, calendar)] += 1
    return found


def by_calendar(ties: dict[UUID, Connection]) -> dict[str, list[Connection]]:
    found: dict[str, list[Connection]] = {}
    for tie in ties.values():
        if tie.calendar:
            found.setdefault(tie.calendar.google_id, []).append(tie)
    return found


def horizon(town: SyncModel) -> Window:
    """What is looked at: from now on. The window rolls once a night, so its last days may be missing."""
    now = town.clock.time
    return Window(now, now + timedelta(days=DAYS - 2))
