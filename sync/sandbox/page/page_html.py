"""The page's HTML: who you are, which calendar, the forms beside the week. Owns tags and words only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import quote, urlencode

from sync.sandbox.calendars.calendars import Calendar, Role
from sync.sandbox.control.mood import mood_html
from sync.sandbox.events.moments import Resource
from sync.sandbox.frame import text
from sync.sandbox.page.week import Week, monday_of
from sync.sandbox.page.week_html import kind_of, title_of, week_html, when_of
from sync.sandbox.state import SandboxGoogle

ROLE_WORDS = {
    Role.FREE_BUSY_READER: "sees only free and busy",
    Role.READER: "can look",
    Role.WRITER_WITHOUT_PRIVATE_ACCESS: "can change what is not private",
    Role.WRITER: "can change events",
    Role.OWNER: "owns it",
}

REFRESH = """<script>
setInterval(async () => {
  if (document.hidden) return
  const answer = await fetch(location.href).catch(() => null)
  if (!answer || !answer.ok) return
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('week')
  const shown = document.getElementById('week')
  if (fresh && fresh.innerHTML !== shown.innerHTML) shown.replaceWith(fresh)
}, 2000)
</script>"""
"""The week follows what applications write. Without JavaScript a reload does the same."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the person is: whose view, which calendar and week, and the hour that was clicked."""

    email: str
    calendar: Calendar
    role: Role
    monday: date
    today: date
    at: datetime | None
    complaint: str | None

    def address(self, **changes: str | None) -> str:
        """This place's address with some parameters changed; None drops one."""
        params: dict[str, str | None] = {
            "account": self.email,
            "calendar": self.calendar.id,
            "week": self.monday.isoformat(),
        }
        kept = {name: value for name, value in (params | changes).items() if value is not None}
        return f"/?{urlencode(kept)}"

    def link(self, **changes: str | None) -> str:
        return text(self.address(**changes))


def page_html(google: SandboxGoogle, place: Place, week: Week, chosen: Resource | None) -> str:
    complaint = f'<p class="complaint">{text(place.complaint)}</p>' if place.complaint else ""
    panel = _event_panel(place, chosen) if chosen is not None else _new_panel(place)
    grid = week_html(week, place.today, place.link, chosen["id"] if chosen is not None else None)
    return f"""<header>{_brand()}{_weeks(place)}{_accounts(google, place)}</header>
<div class="room">
<aside>{complaint}{panel}{_calendars(google, place)}{mood_html(google, _where(place))}</aside>
<main>{grid}</main>
</div>
{REFRESH}"""


def welcome_html() -> str:
    return f"""<main class="card">{_brand()}<h1>Nobody lives here yet</h1>
<form method="post" action="/accounts"><p>Type a mail address to make an account with a calendar of its own.</p>
<p><input type="email" name="email" required placeholder="anna@example.com" aria-label="Mail address"></p>
<p class="buttons"><button class="main">Make account</button></p></form></main>"""


def _brand() -> str:
    return '<p class="brand">Sandbox Calendar <span>plays Google on this machine</span></p>'


def _weeks(place: Place) -> str:
    before, after = place.monday - timedelta(days=7), place.monday + timedelta(days=7)
    sunday = place.monday + timedelta(days=6)
    month = f"{place.monday:%B %Y}"
    if place.monday.month != sunday.month:
        month = f"{place.monday:%b} – {sunday:%b %Y}"
    return f"""<nav class="weeks">
<a class="button" href="{place.link(week=monday_of(place.today).isoformat())}">Today</a>
<a class="arrow" href="{place.link(week=before.isoformat())}" aria-label="The week before">‹</a>
<a class="arrow" href="{place.link(week=after.isoformat())}" aria-label="The week after">›</a>
<h1>{month}</h1><span class="small">week {place.monday.isocalendar().week} · {text(place.calendar.time_zone)}</span>
</nav>"""


def _accounts(google: SandboxGoogle, place: Place) -> str:
    links = "".join(
        f'<a class="person{" current" if account.email == place.email else ""}" '
        f'href="{text("/?" + urlencode({"account": account.email, "week": place.monday.isoformat()}))}">'
        f'<span class="face">{text(account.name[:1].upper())}</span>{text(account.email)}</a>'
        for account in google.accounts.values()
    )
    return f"""<nav class="people">{links}<details><summary class="arrow" title="Add an account">+</summary>
<form method="post" action="/accounts" class="pop"><input type="email" name="email" required
placeholder="somebody@example.com" aria-label="Mail address"><button class="main">Make account</button></form>
</details></nav>"""


def _calendars(google: SandboxGoogle, place: Place) -> str:
    rows = "".join(
        f'<a class="calendar{" current" if calendar.id == place.calendar.id else ""}" '
        f'href="{place.link(calendar=calendar.id)}"><i></i><span>{text(calendar.summary)}'
        f"<small>{ROLE_WORDS[calendar.shares[place.email].role]}</small></span></a>"
        for calendar in google.calendars_of(place.email)
    )
    return f"""<section class="panel"><h2>Calendars</h2>{rows}
<details><summary class="small">New calendar</summary><form method="post" action="/calendars">{_where(place)}
<label>Name<input name="summary" required></label><p class="buttons"><button>Make calendar</button></p></form>
</details></section>"""


def _new_panel(place: Place) -> str:
    if not place.role.may_write:
        return f"""<section class="panel"><h2>{text(place.calendar.summary)}</h2>
<p class="small">This account {ROLE_WORDS[place.role]}; it cannot add events here.</p></section>"""
    start = place.at
    if start is None:
        in_week = place.monday <= place.today < place.monday + timedelta(days=7)
        day = place.today if in_week else place.monday
        start = datetime.combine(day, datetime.min.time()).replace(hour=9)
    end = start + timedelta(hours=1)
    last = "" if end.date() == start.date() else end.date().isoformat()
    return f"""<section class="panel"><h2>New event</h2>
<form method="post" action="/events">{_where(place)}
<label>Title<input name="title" placeholder="Add title" autofocus></label>
{_times(start.date().isoformat(), last, f"{start:%H:%M}", f"{end:%H:%M}", all_day=False)}
{_marks(free=False, private=False)}
<label>Repeats<select name="repeat"><option value="">Does not repeat</option><option value="daily">Every day</option>
<option value="weekly">Every week</option><option value="monthly">Every month</option></select></label>
<p class="buttons"><button class="main">Add event</button></p></form></section>"""


def _event_panel(place: Place, event: Resource) -> str:
    facts = [when_of(event)]
    facts += [str(event[name]) for name in ("location", "description") if event.get(name)]
    if "recurringEventId" in event:
        facts.append("One of a series")
    if event.get("extendedProperties", {}).get("private"):
        facts.append("Put here by an application")
    listed = "".join(f"<li>{text(fact)}</li>" for fact in facts)
    change = _change_forms(place, event) if place.role.may_write else ""
    return f"""<section class="panel"><p class="close"><a class="arrow" href="{place.link()}" title="Close">×</a></p>
<h2 class="named {kind_of(event)}"><i></i>{text(title_of(event))}</h2>
<ul class="facts">{listed}</ul>{change}</section>"""


def _change_forms(place: Place, event: Resource) -> str:
    start, end = event["start"], event["end"]
    all_day = "date" in start
    if all_day:
        first = start["date"]
        last = (date.fromisoformat(end["date"]) - timedelta(days=1)).isoformat()
        begins, ends = "09:00", "10:00"
    else:
        first, begins = start["dateTime"][:10], start["dateTime"][11:16]
        last, ends = end["dateTime"][:10], end["dateTime"][11:16]
    free, private = event.get("transparency") == "transparent", event.get("visibility") == "private"
    path = f"/events/{quote(event['id'], safe='')}"
    series = event.get("recurringEventId")
    one = " this one" if series else ""
    whole = _delete_button(series, "Delete the whole series") if series else ""
    return f"""<form method="post" action="{path}">{_where(place)}
<label>Title<input name="title" value="{text(event.get("summary", ""))}"></label>
{_times(first, "" if last == first else last, begins, ends, all_day=all_day)}
{_marks(free=free, private=private)}
<p class="buttons"><button class="main">Save{one}</button>{_delete_button(event["id"], f"Delete{one}")}{whole}</p>
</form>"""


def _delete_button(event_id: str, label: str) -> str:
    path = f"/events/{quote(event_id, safe='')}/delete"
    return f'<button class="danger" formaction="{path}" formnovalidate>{label}</button>'


def _where(place: Place) -> str:
    fields = {"account": place.email, "calendar": place.calendar.id, "week": place.monday.isoformat()}
    return "".join(f'<input type="hidden" name="{name}" value="{text(value)}">' for name, value in fields.items())


def _times(first: str, last: str, begins: str, ends: str, *, all_day: bool) -> str:
    mark = " checked" if all_day else ""
    return f"""<label class="tick"><input type="checkbox" name="all_day"{mark}> All day</label>
<div class="pair"><label>Date<input type="date" name="date" value="{first}" required></label>
<label>Last day (if later)<input type="date" name="last" value="{last}"></label></div>
<div class="pair clock"><label>From<input type="time" name="from" value="{begins}"></label>
<label>To<input type="time" name="to" value="{ends}"></label></div>"""


def _marks(*, free: bool, private: bool) -> str:
    return f"""<div class="pair"><label>Show as<select name="show_as"><option value="busy">Busy</option>
<option value="free"{" selected" if free else ""}>Free</option></select></label>
<label class="tick"><input type="checkbox" name="private"{" checked" if private else ""}> Private</label></div>"""
