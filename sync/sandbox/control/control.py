"""The controls: JSON routes under `/sandbox` through which tests and the demo play the world around Google.

Needs no token. Says nothing the state does not do; applications never come here.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sync.sandbox.api.calendar_list import entry
from sync.sandbox.calendars.calendars import Role
from sync.sandbox.callers import json_body
from sync.sandbox.errors import invalid, required
from sync.sandbox.events.moments import Resource
from sync.sandbox.state import SandboxGoogle


async def show(request: Request) -> Response:
    """Every account with the calendars in its list."""
    google = _google(request)
    return JSONResponse(
        {
            "accounts": [
                {
                    "email": account.email,
                    "sub": account.sub,
                    "name": account.name,
                    "calendars": [entry(calendar, account.email) for calendar in google.calendars_of(account.email)],
                }
                for account in google.accounts.values()
            ]
        }
    )


async def add_account(request: Request) -> Response:
    """`{email, name?, timeZone?}`"""
    body = await json_body(request)
    account = _google(request).add_account(_text(body, "email"), body.get("name"), time_zone=body.get("timeZone"))
    return JSONResponse({"email": account.email, "sub": account.sub, "name": account.name}, 201)


async def revoke(request: Request) -> Response:
    """`{clientId?}`: the person takes back what was granted."""
    body = await json_body(request)
    _google(request).revoke(request.path_params["email"], body.get("clientId"))
    return Response(status_code=204)


async def expire_access(request: Request) -> Response:
    """The account's access tokens are over; its refresh tokens live on."""
    google = _google(request)
    google.grants.expire_access(google.account(request.path_params["email"]).email)
    return Response(status_code=204)


async def add_calendar(request: Request) -> Response:
    """`{summary, owner, id?, timeZone?, watchable?}`"""
    body = await json_body(request)
    calendar = _google(request).add_calendar(
        _text(body, "summary"),
        _text(body, "owner"),
        calendar_id=body.get("id"),
        time_zone=body.get("timeZone"),
        watchable=body.get("watchable", True) is True,
    )
    return JSONResponse(entry(calendar, calendar.owner), 201)


async def change_calendar(request: Request) -> Response:
    """`{watchable?, bareTombstones?}`"""
    body = await json_body(request)
    calendar = _google(request).calendar(request.path_params["calendarId"])
    calendar.watchable = body.get("watchable", calendar.watchable) is True
    calendar.bare_tombstones = body.get("bareTombstones", calendar.bare_tombstones) is True
    return JSONResponse(entry(calendar, calendar.owner))


async def remove_calendar(request: Request) -> Response:
    _google(request).remove_calendar(request.path_params["calendarId"])
    return Response(status_code=204)


async def share(request: Request) -> Response:
    """`{email, role}`: a role of Google's, or null to take the calendar away."""
    body = await json_body(request)
    role = body.get("role")
    if role is not None and role not in list(Role):
        raise invalid(f"Invalid role: {role!r}")
    _google(request).share(request.path_params["calendarId"], _text(body, "email"), role)
    return Response(status_code=204)


async def invalidate(request: Request) -> Response:
    """Every sync token of the calendar is over (410)."""
    _google(request).invalidate_sync_tokens(request.path_params["calendarId"])
    return Response(status_code=204)


async def purge(request: Request) -> Response:
    """Cancelled events vanish for good."""
    _google(request).purge_deleted(request.path_params["calendarId"])
    return Response(status_code=204)


async def list_events(request: Request) -> Response:
    """Every event that is not cancelled, whole."""
    return JSONResponse({"items": _google(request).events(request.path_params["calendarId"])})


async def insert_event(request: Request) -> Response:
    """An event resource, as a person adds it; `?by=` says who."""
    body = await json_body(request)
    by = request.query_params.get("by")
    return JSONResponse(_google(request).insert_event(request.path_params["calendarId"], body, by=by), 201)


async def edit_event(request: Request) -> Response:
    """The fields to change; null deletes one, `start` and `end` are taken whole."""
    calendar_id, event_id = request.path_params["calendarId"], request.path_params["eventId"]
    return JSONResponse(_google(request).edit_event(calendar_id, event_id, await json_body(request)))


async def delete_event(request: Request) -> Response:
    _google(request).delete_event(request.path_params["calendarId"], request.path_params["eventId"])
    return Response(status_code=204)


async def copy_event(request: Request) -> Response:
    """ "Duplicate" in Google's own app."""
    calendar_id, event_id = request.path_params["calendarId"], request.path_params["eventId"]
    return JSONResponse(_google(request).copy_event(calendar_id, event_id), 201)


async def transfer_event(request: Request) -> Response:
    """`{to}`: move the event to another calendar."""
    calendar_id, event_id = request.path_params["calendarId"], request.path_params["eventId"]
    to = _text(await json_body(request), "to")
    return JSONResponse(_google(request).transfer_event(calendar_id, event_id, to), 201)


async def add_fault(request: Request) -> Response:
    """`{kind, times?, method?, path?, seconds?}`; `times: null` means until cleared."""
    body = await json_body(request)
    try:
        _google(request).faults.add(
            _text(body, "kind"),
            body.get("times", 1),
            method=body.get("method"),
            path=body.get("path"),
            seconds=body.get("seconds"),
        )
    except ValueError as error:
        raise invalid(str(error), "kind") from None
    return Response(status_code=204)


async def clear_faults(request: Request) -> Response:
    _google(request).faults.clear()
    return Response(status_code=204)


def _google(request: Request) -> SandboxGoogle:
    google: SandboxGoogle = request.app.state.google
    return google


def _text(body: Resource, name: str) -> str:
    value: Any = body.get(name)
    if not isinstance(value, str) or not value:
        raise required(f"Required: {name}")
    return value


_CALENDAR = "/sandbox/calendars/{calendarId}"
_EVENT = f"{_CALENDAR}/events/{{eventId}}"

ROUTES = [
    Route("/sandbox", show, methods=["GET"]),
    Route("/sandbox/accounts", add_account, methods=["POST"]),
    Route("/sandbox/accounts/{email}/revoke", revoke, methods=["POST"]),
    Route("/sandbox/accounts/{email}/expire-access", expire_access, methods=["POST"]),
    Route("/sandbox/calendars", add_calendar, methods=["POST"]),
    Route(_CALENDAR, change_calendar, methods=["PATCH"]),
    Route(_CALENDAR, remove_calendar, methods=["DELETE"]),
    Route(f"{_CALENDAR}/share", share, methods=["POST"]),
    Route(f"{_CALENDAR}/invalidate", invalidate, methods=["POST"]),
    Route(f"{_CALENDAR}/purge", purge, methods=["POST"]),
    Route(f"{_CALENDAR}/events", list_events, methods=["GET"]),
    Route(f"{_CALENDAR}/events", insert_event, methods=["POST"]),
    Route(_EVENT, edit_event, methods=["PATCH"]),
    Route(_EVENT, delete_event, methods=["DELETE"]),
    Route(f"{_EVENT}/copy", copy_event, methods=["POST"]),
    Route(f"{_EVENT}/transfer", transfer_event, methods=["POST"]),
    Route("/sandbox/faults", add_fault, methods=["POST"]),
    Route("/sandbox/faults", clear_faults, methods=["DELETE"]),
]
