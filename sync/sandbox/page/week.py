"""One week of a calendar laid out by day: what stands beside what, and how tall. Pure.

Owns the geometry; the words and tags stand in `week_html`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sync.sandbox.events.moments import Resource, read_moment

FIRST_HOUR = 7
LAST_HOUR = 19
DAY_MINUTES = 24 * 60
SHORTEST_MINUTES = 25
"""A shorter event is drawn this tall, so that its title can be read."""


@dataclass(frozen=True, slots=True)
class Block:
    """A timed event on one day, in minutes of that day's wall clock. `lane` of `lanes` side by side."""

    event: Resource
    begins: int
    ends: int
    lane: int
    lanes: int


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    all_day: tuple[Resource, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from a Monday; the hours shown hold every block."""

    days: tuple[Day, ...]
    first_hour: int
    last_hour: int


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def bounds(monday: date, zone: str) -> tuple[datetime, datetime]:
    """The week as instants, in the calendar's zone."""
    tz = ZoneInfo(zone)
    first = datetime.combine(monday, time.min, tz)
    last = datetime.combine(monday + timedelta(days=7), time.min, tz)
    return first.astimezone(UTC), last.astimezone(UTC)


def lay_out(events: list[Resource], monday: date, zone: str) -> Week:
    """Place single events and instances (never masters) in the week that begins on `monday`."""
    days = tuple(_day(events, monday + timedelta(days=offset), zone) for offset in range(7))
    blocks = [block for day in days for block in day.blocks]
    earliest = min((block.begins // 60 for block in blocks), default=FIRST_HOUR)
    latest = max((-(-block.ends // 60) for block in blocks), default=LAST_HOUR)
    return Week(days, min(FIRST_HOUR, earliest), max(LAST_HOUR, latest))


def _day(events: list[Resource], day: date, zone: str) -> Day:
    all_day: list[Resource] = []
    timed: list[tuple[int, int, Resource]] = []
    for event in events:
        start, end = read_moment(event, "start", zone), read_moment(event, "end", zone)
        if start.day is not None and end.day is not None:
            if start.day <= day < end.day:
                all_day.append(event)
            continue
        begins = _minute(start.at(zone), day, zone)
        ends = _minute(end.at(zone), day, zone)
        if begins < DAY_MINUTES and (ends > 0 or begins == ends == 0):
            timed.append((max(0, begins), min(DAY_MINUTES, ends), event))
    return Day(day, tuple(all_day), tuple(_side_by_side(timed)))


def _minute(instant: datetime, day: date, zone: str) -> int:
    """Minutes on the wall clock since the day's midnight; negative before it, past 1440 after it."""
    wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return int((wall - datetime.combine(day, time.min)).total_seconds() // 60)


def _side_by_side(timed: list[tuple[int, int, Resource]]) -> list[Block]:
    """Give events that overlap a lane each; a group of them shares the width."""
    blocks: list[Block] = []
    group: list[tuple[int, int, Resource, int]] = []
    lanes: list[int] = []

    def close() -> None:
        blocks.extend(Block(event, begins, ends, lane, len(lanes)) for begins, ends, event, lane in group)
        group.clear()
        lanes.clear()

    for begins, ends, event in sorted(timed, key=lambda item: (item[0], -item[1], item[2]["id"])):
        if lanes and begins >= max(lanes):
            close()
        drawn = max(ends, begins + SHORTEST_MINUTES)
        lane = next((index for index, free in enumerate(lanes) if free <= begins), len(lanes))
        if lane == len(lanes):
            lanes.append(drawn)
        else:
            lanes[lane] = drawn
        group.append((begins, ends, event, lane))
    close()
    return blocks
