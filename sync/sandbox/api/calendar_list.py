"""`calendarList`: the calendars an account can choose from, and what it may do with each."""

from __future__ import annotations

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sync.sandbox.calendars.calendars import Calendar, Role
from sync.sandbox.callers import LIST_CALENDARS, caller_of
from sync.sandbox.errors import JSON_TYPE, invalid, not_found
from sync.sandbox.events.cursors import PageToken, decode, digest, encode
from sync.sandbox.events.moments import Resource
from sync.sandbox.events.query import page_size

PAGE_SIZE = 100
PAGE_SIZE_MAX = 250
"""§1.4."""


async def list_calendars(request: Request) -> Response:
    caller = caller_of(request, LIST_CALENDARS)
    params = request.query_params
    if "syncToken" in params:
        raise invalid("Sync tokens of calendar lists are not given out here.", "syncToken")
    calendars = [
        calendar for calendar in caller.google.calendars_of(caller.email) if _is_wanted(calendar, caller.email, params)
    ]
    text = digest([item for item in params.multi_items() if item[0] != "pageToken"])
    first = _first(params, text)
    last = first + page_size(params, PAGE_SIZE, PAGE_SIZE_MAX)
    answer: Resource = {
        "kind": "calendar#calendarList",
        "etag": f'"p{sum(calendar.version for calendar in calendars):014d}"',
        "items": [entry(calendar, caller.email) for calendar in calendars[first:last]],
    }
    if last < len(calendars):
        answer["nextPageToken"] = encode(PageToken("", text, 0, [last]))
    return JSONResponse(answer, media_type=JSON_TYPE)


async def get_calendar(request: Request) -> Response:
    caller = caller_of(request, LIST_CALENDARS)
    calendar, _ = caller.calendar(request.path_params["calendarId"])
    if not calendar.shares[caller.email].listed:
        raise not_found()
    return JSONResponse(entry(calendar, caller.email), media_type=JSON_TYPE)


def entry(calendar: Calendar, email: str) -> Resource:
    """A calendar as one account's list shows it."""
    share = calendar.shares[email]
    answer: Resource = {
        "kind": "calendar#calendarListEntry",
        "etag": f'"{calendar.epochs[email]:016d}"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "colorId": "14",
        "backgroundColor": "#9fe1e7",
        "foregroundColor": "#000000",
        "selected": True,
        "accessRole": str(share.role),
        "defaultReminders": [],
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    }
    if share.summary_override is not None:
        answer["summaryOverride"] = share.summary_override
    if share.hidden:
        answer |= {"hidden": True, "selected": False}
    if calendar.id == email:
        answer["primary"] = True
    elif not calendar.primary:
        answer["dataOwner"] = calendar.owner
    return answer


def _is_wanted(calendar: Calendar, email: str, params: QueryParams) -> bool:
    share = calendar.shares[email]
    if not share.listed:
        return False
    if share.hidden and params.get("showHidden") != "true":
        return False
    least = params.get("minAccessRole")
    if least is None:
        return True
    if least not in list(Role):
        raise invalid(f"Invalid string value: '{least}'.", "minAccessRole")
    return share.role.rank >= Role(least).rank


def _first(params: QueryParams, text: str) -> int:
    if "pageToken" not in params:
        return 0
    token = decode(PageToken, params["pageToken"], "pageToken")
    if token.query != text:
        raise invalid("The page token was given for another query.", "pageToken")
    return int(token.after[0])


ROUTES = [
    Route("/users/me/calendarList", list_calendars, methods=["GET"], name="calendarList.list"),
    Route("/users/me/calendarList/{calendarId}", get_calendar, methods=["GET"], name="calendarList.get"),
]
