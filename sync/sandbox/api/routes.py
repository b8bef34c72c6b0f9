"""The Calendar API's `events` and `channels` methods, on Google's own paths.

Each handler reads the request, checks who asks, and leaves the rest to the calendar and the lists.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sync.sandbox.api.calendar_list import ROUTES as CALENDAR_LIST_ROUTES
from sync.sandbox.calendars.calendars import Calendar, Role
from sync.sandbox.calendars.event_list import Reader, list_events, list_instances
from sync.sandbox.calendars.views import seen
from sync.sandbox.callers import (
    READ_EVENTS,
    STOP_CHANNELS,
    WRITE_EVENTS,
    Caller,
    caller_of,
    check_precondition,
    json_body,
)
from sync.sandbox.errors import JSON_TYPE, forbidden_for_non_organizer, invalid, push_not_supported
from sync.sandbox.events.moments import Resource
from sync.sandbox.events.query import Query, read_query
from sync.sandbox.faults import FaultKind

SEND_UPDATES = ("all", "externalOnly", "none")


async def list_(request: Request) -> Response:
    caller, calendar, role = _reader(request)
    query = read_query(request.query_params)
    return _json(list_events(_at(caller, calendar, role), query))


async def instances(request: Request) -> Response:
    caller, calendar, role = _reader(request)
    query = read_query(request.query_params)
    master = calendar.get(request.path_params["eventId"])
    return _json(list_instances(_at(caller, calendar, role), query, master))


async def get(request: Request) -> Response:
    _, calendar, role = _reader(request)
    query = read_query(request.query_params)
    return _event(calendar.get(request.path_params["eventId"]), calendar, role, query)


async def insert(request: Request) -> Response:
    caller, calendar = _writer(request)
    body = await json_body(request)
    event = caller.google.insert_event(calendar.id, body, by=caller.email, person=False)
    return _written(event, caller, calendar, request)


async def update(request: Request) -> Response:
    caller, calendar = _writer(request)
    body = await json_body(request)
    event_id = _changeable(request, calendar)
    event = caller.google.replace_event(calendar.id, event_id, body, person=False)
    return _written(event, caller, calendar, request)


async def patch(request: Request) -> Response:
    caller, calendar = _writer(request)
    body = await json_body(request)
    event_id = _changeable(request, calendar)
    event = caller.google.edit_event(calendar.id, event_id, body, person=False)
    return _written(event, caller, calendar, request)


async def delete(request: Request) -> Response:
    caller, calendar = _writer(request)
    event_id = request.path_params["eventId"]
    check_precondition(request, calendar.get(event_id))
    caller.google.delete_event(calendar.id, event_id)
    return Response(status_code=204)


async def watch(request: Request) -> Response:
    caller, calendar, _ = _reader(request)
    body = await json_body(request)
    if not calendar.watchable:
        raise push_not_supported()
    uri = f"{request.base_url}calendar/v3/calendars/{quote(calendar.id, safe='')}/events?alt=json"
    channel = await caller.google.channels.watch(
        body, email=caller.email, client_id=caller.client_id, calendar_id=calendar.id, uri=uri
    )
    return _json(channel.resource())


async def stop(request: Request) -> Response:
    caller = caller_of(request, STOP_CHANNELS)
    caller.google.channels.stop(await json_body(request), email=caller.email, client_id=caller.client_id)
    return Response(status_code=204)


def _reader(request: Request) -> tuple[Caller, Calendar, Role]:
    caller = caller_of(request, READ_EVENTS)
    return caller, *caller.calendar(request.path_params["calendarId"])


def _writer(request: Request) -> tuple[Caller, Calendar]:
    caller = caller_of(request, WRITE_EVENTS)
    if request.query_params.get("sendUpdates", "none") not in SEND_UPDATES:
        raise invalid("Invalid string value for sendUpdates.", "sendUpdates")
    return caller, caller.writable(request.path_params["calendarId"])


def _changeable(request: Request, calendar: Calendar) -> str:
    """The event's id, if it is as the caller saw it and the calendar's own to change (§3.5, §3.10)."""
    event = calendar.get(request.path_params["eventId"])
    check_precondition(request, event)
    if event["organizer"]["email"] != calendar.id and not event.get("guestsCanModify"):
        raise forbidden_for_non_organizer()
    event_id: str = event["id"]
    return event_id


def _at(caller: Caller, calendar: Calendar, role: Role) -> Reader:
    google = caller.google
    empty = google.faults.take(frozenset({FaultKind.EMPTY_PAGE}), path=calendar.id)
    return Reader(calendar, caller.email, role, google.now(), google.page_cap, empty_page=empty is not None)


def _written(event: Resource, caller: Caller, calendar: Calendar, request: Request) -> Response:
    _, role = caller.calendar(calendar.id)
    return _event(event, calendar, role, read_query(request.query_params))


def _event(event: Resource, calendar: Calendar, role: Role, query: Query) -> Response:
    shown = seen(event, calendar, role, max_attendees=query.max_attendees, time_zone=query.time_zone)
    return JSONResponse(shown, headers={"ETag": event["etag"]}, media_type=JSON_TYPE)


def _json(answer: Resource) -> Response:
    return JSONResponse(answer, media_type=JSON_TYPE)


_EVENTS = "/calendars/{calendarId}/events"

ROUTES = [
    *CALENDAR_LIST_ROUTES,
    Route(_EVENTS, list_, methods=["GET"], name="events.list"),
    Route(_EVENTS, insert, methods=["POST"], name="events.insert"),
    Route(f"{_EVENTS}/watch", watch, methods=["POST"], name="events.watch"),
    Route(f"{_EVENTS}/{{eventId}}", get, methods=["GET"], name="events.get"),
    Route(f"{_EVENTS}/{{eventId}}", update, methods=["PUT"], name="events.update"),
    Route(f"{_EVENTS}/{{eventId}}", patch, methods=["PATCH"], name="events.patch"),
    Route(f"{_EVENTS}/{{eventId}}", delete, methods=["DELETE"], name="events.delete"),
    Route(f"{_EVENTS}/{{eventId}}/instances", instances, methods=["GET"], name="events.instances"),
    Route("/channels/stop", stop, methods=["POST"], name="channels.stop"),
]
