"""Who calls the Calendar API: the bearer of a token, what it may ask for, and which calendars it can see.

Owns the checks every API method begins with: token, scope, access.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.requests import Request

from sync.sandbox.calendars.calendars import Calendar, Role
from sync.sandbox.errors import (
    auth_error,
    condition_not_met,
    insufficient_permissions,
    login_required,
    not_found,
    parse_error,
    required_access_level,
)
from sync.sandbox.events.moments import Resource
from sync.sandbox.state import SandboxGoogle

PREFIX = "https://www.googleapis.com/auth/"
LIST_CALENDARS = ("calendar.calendarlist.readonly", "calendar.calendarlist", "calendar.readonly", "calendar")
READ_EVENTS = ("calendar.events", "calendar.events.readonly", "calendar.readonly", "calendar")
WRITE_EVENTS = ("calendar.events", "calendar")
STOP_CHANNELS = (*READ_EVENTS, "calendar.calendarlist", "calendar.calendarlist.readonly")
"""One of them is enough (§5.7)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An application in an account's name."""

    google: SandboxGoogle
    email: str
    client_id: str

    def calendar(self, calendar_id: str) -> tuple[Calendar, Role]:
        """A calendar in the account's list and its role there; 404 for all others, existing or not."""
        calendar = self.google.calendars.get(self.email if calendar_id == "primary" else calendar_id)
        role = calendar.role_of(self.email) if calendar is not None else None
        if calendar is None or role is None:
            raise not_found()
        return calendar, role

    def writable(self, calendar_id: str) -> Calendar:
        """The calendar, if this account may write to it; 403 otherwise."""
        calendar, role = self.calendar(calendar_id)
        if not role.may_write:
            raise required_access_level()
        return calendar


def caller_of(request: Request, scopes: tuple[str, ...]) -> Caller:
    """The caller, if its token is good and carries one of the scopes; 401 or 403 otherwise."""
    google: SandboxGoogle = request.app.state.google
    header = request.headers.get("Authorization")
    if header is None:
        raise login_required()
    kind, _, token = header.partition(" ")
    access = google.grants.bearer(token) if kind.lower() == "bearer" else None
    if access is None:
        raise auth_error()
    if not access.scopes & {PREFIX + scope for scope in scopes}:
        raise insufficient_permissions()
    return Caller(google, access.email, access.client_id)


async def json_body(request: Request) -> Resource:
    """The request's JSON object; 400 `parseError` if it is none."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise parse_error() from None
    if not isinstance(body, dict):
        raise parse_error()
    return body


def check_precondition(request: Request, event: Resource) -> None:
    """`If-Match` against the event's etag (§3.5)."""
    wanted = request.headers.get("If-Match")
    if wanted is not None and wanted not in ("*", event["etag"]):
        raise condition_not_met()
