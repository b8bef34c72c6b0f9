"""The page at `/`: a person in Google Calendar. See a week, add an event, change it, delete it.

Owns the routes and the reading of forms; plain HTML, a POST and a redirect for everything. Writes what the
person's role allows, through the same verbs as everybody.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sync.sandbox.calendars.calendars import Calendar, Role
from sync.sandbox.calendars.event_list import Reader, list_events
from sync.sandbox.calendars.views import seen
from sync.sandbox.control.mood import Mood, choose
from sync.sandbox.errors import GoogleError, invalid, not_found, required_access_level
from sync.sandbox.events.moments import Resource
from sync.sandbox.events.query import read_query
from sync.sandbox.frame import document
from sync.sandbox.oauth.endpoints import form
from sync.sandbox.page.page_html import Place, page_html, welcome_html
from sync.sandbox.page.week import bounds, lay_out, monday_of
from sync.sandbox.state import SandboxGoogle

REPEATS = {
    "daily": ["RRULE:FREQ=DAILY"],
    "weekly": ["RRULE:FREQ=WEEKLY"],
    "monthly": ["RRULE:FREQ=MONTHLY"],
}


async def show(request: Request) -> Response:
    google: SandboxGoogle = request.app.state.google
    if not google.accounts:
        return document("Sandbox Calendar", welcome_html(), kind="consent")
    place = _place(google, request.query_params)
    calendar, role = place.calendar, place.role
    start, end = bounds(place.monday, calendar.time_zone)
    query = read_query(
        QueryParams(singleEvents="true", maxResults="2500", timeMin=start.isoformat(), timeMax=end.isoformat())
    )
    events = list_events(Reader(calendar, place.email, role, google.now()), query)["items"]
    week = lay_out(events, place.monday, calendar.time_zone)
    body = page_html(google, place, week, _chosen(calendar, role, request.query_params.get("event")))
    return document(f"{calendar.summary} – Sandbox Calendar", body, kind="planner")


async def add(request: Request) -> Response:
    """Form: the fields of an event, `repeat`, and where the person is."""
    google: SandboxGoogle = request.app.state.google
    fields = dict(await form(request))
    place = _place(google, fields)
    try:
        _check_writer(place)
        body = _event_of(fields, place.calendar.time_zone)
        recurrence = REPEATS.get(fields.get("repeat", ""))
        if recurrence:
            body["recurrence"] = recurrence
        google.insert_event(place.calendar.id, body, by=place.email)
        shown = date.fromisoformat(fields["date"])
    except GoogleError as error:
        return _back(place, complaint=error.message)
    return _back(place, week=monday_of(shown).isoformat())


async def save(request: Request) -> Response:
    """Form: the fields of an event. Changes the one event or instance it names."""
    google: SandboxGoogle = request.app.state.google
    fields = dict(await form(request))
    place = _place(google, fields)
    event_id = request.path_params["eventId"]
    try:
        _check_writer(place)
        google.edit_event(place.calendar.id, event_id, _event_of(fields, place.calendar.time_zone))
        shown = date.fromisoformat(fields["date"])
    except GoogleError as error:
        return _back(place, event=event_id, complaint=error.message)
    return _back(place, event=event_id, week=monday_of(shown).isoformat())


async def delete(request: Request) -> Response:
    """Deletes the event, series or instance of this id."""
    google: SandboxGoogle = request.app.state.google
    place = _place(google, dict(await form(request)))
    try:
        _check_writer(place)
        google.delete_event(place.calendar.id, request.path_params["eventId"])
    except GoogleError as error:
        return _back(place, complaint=error.message)
    return _back(place)


async def add_account(request: Request) -> Response:
    """Form: `email`."""
    google: SandboxGoogle = request.app.state.google
    try:
        account = google.add_account(dict(await form(request)).get("email", ""))
    except GoogleError as error:
        return RedirectResponse(f"/?{urlencode({'complaint': error.message})}", 303)
    return RedirectResponse(f"/?{urlencode({'account': account.email})}", 303)


async def add_calendar(request: Request) -> Response:
    """Form: `summary`, and whose."""
    google: SandboxGoogle = request.app.state.google
    fields = dict(await form(request))
    place = _place(google, fields)
    calendar = google.add_calendar(fields.get("summary", "").strip() or "Untitled", place.email)
    return RedirectResponse(f"/?{urlencode({'account': place.email, 'calendar': calendar.id})}", 303)


async def set_mood(request: Request) -> Response:
    """Form: `mood`, and where the person is."""
    google: SandboxGoogle = request.app.state.google
    fields = dict(await form(request))
    place = _place(google, fields)
    if fields.get("mood") not in set(Mood):
        return _back(place, complaint="Google is well, slow, away or busy.")
    choose(google, Mood(fields["mood"]))
    return _back(place)


async def revoke(request: Request) -> Response:
    """The person takes back what they granted: no application goes on in their name."""
    google: SandboxGoogle = request.app.state.google
    place = _place(google, dict(await form(request)))
    google.revoke(place.email)
    return _back(place)


def _place(google: SandboxGoogle, params: QueryParams | dict[str, str]) -> Place:
    """Where the person is; what is missing or gone falls back to the first account, its primary calendar, today."""
    email = params.get("account", "")
    if email not in google.accounts:
        email = next(iter(google.accounts), "")
    calendars = google.calendars_of(email)
    if not calendars:
        raise not_found()
    wanted = params.get("calendar")
    calendar = next((calendar for calendar in calendars if calendar.id == wanted), calendars[0])
    role = calendar.role_of(email)
    assert role is not None
    today = google.now().astimezone(ZoneInfo(calendar.time_zone)).date()
    return Place(
        email,
        calendar,
        role,
        monday_of(_date_or(params.get("week"), today)),
        today,
        _hour_or_none(params.get("at")),
        params.get("complaint"),
    )


def _chosen(calendar: Calendar, role: Role, event_id: str | None) -> Resource | None:
    """The event the person clicked, if it is still there."""
    if event_id is None:
        return None
    try:
        event = calendar.get(event_id)
    except GoogleError:
        return None
    return None if event["status"] == "cancelled" else seen(event, calendar, role)


def _check_writer(place: Place) -> None:
    if not place.role.may_write:
        raise required_access_level()


def _event_of(fields: dict[str, str], zone: str) -> Resource:
    """What the form says, as an event resource; None clears a field."""
    first, last = fields.get("date", ""), fields.get("last") or fields.get("date", "")
    if "all_day" in fields:
        after = _date_or_refuse(last) + timedelta(days=1)
        times: Resource = {"start": {"date": first}, "end": {"date": after.isoformat()}}
    else:
        times = {
            name: {"dateTime": f"{day}T{clock}:00", "timeZone": zone}
            for name, day, clock in (
                ("start", first, fields.get("from", "")),
                ("end", last, fields.get("to", "")),
            )
        }
    return times | {
        "summary": fields.get("title", "").strip() or None,
        "transparency": "transparent" if fields.get("show_as") == "free" else None,
        "visibility": "private" if "private" in fields else None,
    }


def _back(place: Place, **changes: str) -> Response:
    return RedirectResponse(place.address(**changes), 303)


def _date_or(text: str | None, fallback: date) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return fallback


def _date_or_refuse(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise invalid("Invalid end time.") from None


def _hour_or_none(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=None)
    except ValueError:
        return None


ROUTES = [
    Route("/", show, methods=["GET"]),
    Route("/events", add, methods=["POST"]),
    Route("/events/{eventId}", save, methods=["POST"]),
    Route("/events/{eventId}/delete", delete, methods=["POST"]),
    Route("/accounts", add_account, methods=["POST"]),
    Route("/calendars", add_calendar, methods=["POST"]),
    Route("/mood", set_mood, methods=["POST"]),
    Route("/grants/revoke", revoke, methods=["POST"]),
]
