"""The week as HTML: a grid of seven days, a link on every event and every hour. Owns tags and words only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sync.sandbox.events.moments import Resource
from sync.sandbox.frame import text
from sync.sandbox.page.week import SHORTEST_MINUTES, Block, Day, Week

HOUR_PIXELS = 48

Link = Callable[..., str]
"""The page's own address with some parameters changed, safe for an attribute."""


def week_html(week: Week, today: date, link: Link, chosen: str | None) -> str:
    heads = "".join(_head(day.date, today) for day in week.days)
    tops = "".join(f'<div class="top">{_chips(day, link, chosen)}</div>' for day in week.days)
    hours = range(week.first_hour, week.last_hour)
    labels = "".join(f"<span>{hour:02}:00</span>" for hour in hours)
    columns = "".join(_column(day, week, link, chosen, is_today=day.date == today) for day in week.days)
    height = len(hours) * HOUR_PIXELS
    return f"""<section id="week" style="--hour:{HOUR_PIXELS}px">
<div class="heads"><div></div>{heads}</div>
<div class="tops"><div class="gutter">all day</div>{tops}</div>
<div class="hours" style="height:{height}px"><div class="labels">{labels}</div>{columns}</div>
</section>"""


def title_of(event: Resource) -> str:
    """What a person calls the event; hidden details and missing titles have words of their own."""
    if "summary" in event:
        return str(event["summary"]) or "(No title)"
    return "(No title)" if "creator" in event else "Busy"


def when_of(event: Resource) -> str:
    """`Tue 24 Nov, 08:00 – 09:00`, or the days of an all-day event."""
    start, end = event["start"], event["end"]
    if "date" in start:
        first = date.fromisoformat(start["date"])
        last = date.fromisoformat(end["date"]) - timedelta(days=1)
        days = _day(first) if first == last else f"{_day(first)} – {_day(last)}"
        return f"{days}, all day"
    begins, ends = datetime.fromisoformat(start["dateTime"]), datetime.fromisoformat(end["dateTime"])
    until = f"{ends:%H:%M}" if begins.date() == ends.date() else f"{_day(ends)}, {ends:%H:%M}"
    return f"{_day(begins)}, {begins:%H:%M} – {until}"


def kind_of(event: Resource) -> str:
    """Classes for the style: free, tentative, private, and whether an application put it there."""
    kinds = ["event"]
    if event.get("transparency") == "transparent":
        kinds.append("free")
    if event.get("status") == "tentative":
        kinds.append("tentative")
    if event.get("visibility") in ("private", "confidential"):
        kinds.append("private")
    if event.get("extendedProperties", {}).get("private"):
        kinds.append("app")
    return " ".join(kinds)


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _head(day: date, today: date) -> str:
    mark = " today" if day == today else ""
    return f'<div class="head{mark}"><span>{day:%a}</span><b>{day.day}</b></div>'


def _chips(day: Day, link: Link, chosen: str | None) -> str:
    return "".join(
        f'<a class="{_kind(event, chosen)}" href="{link(event=event["id"])}">{text(title_of(event))}</a>'
        for event in day.all_day
    )


def _column(day: Day, week: Week, link: Link, chosen: str | None, *, is_today: bool) -> str:
    cells = "".join(
        f'<a class="cell" href="{link(event=None, at=f"{day.date}T{hour:02}:00")}" '
        f'aria-label="Add an event on {day.date} at {hour:02}:00"></a>'
        for hour in range(week.first_hour, week.last_hour)
    )
    blocks = "".join(_block(block, week, link, chosen) for block in day.blocks)
    return f'<div class="day{" today" if is_today else ""}">{cells}{blocks}</div>'


def _block(block: Block, week: Week, link: Link, chosen: str | None) -> str:
    minutes = max(block.ends - block.begins, SHORTEST_MINUTES)
    top = (block.begins - week.first_hour * 60) * HOUR_PIXELS / 60
    height = minutes * HOUR_PIXELS / 60 - 2
    style = (
        f"top:{top:.1f}px;height:{height:.1f}px;"
        f"left:{100 * block.lane / block.lanes:.2f}%;width:{100 / block.lanes:.2f}%"
    )
    size = " short" if minutes < 50 else " low" if minutes < 80 else ""
    begins, ends, title = _clock(block.begins), _clock(block.ends), text(title_of(block.event))
    return (
        f'<a class="{_kind(block.event, chosen)}{size}" style="{style}" href="{link(event=block.event["id"])}" '
        f'title="{title}"><b>{title}</b> <span>{begins} – {ends}</span></a>'
    )


def _kind(event: Resource, chosen: str | None) -> str:
    return f"{kind_of(event)} chosen" if event["id"] == chosen else kind_of(event)


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
