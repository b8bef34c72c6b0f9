"""Reads Google's answers into values of `sync.google_api.replies`. Pure.

An answer without the fields that it must have becomes the failure UNREADABLE, which is retried.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sync.google_api import translate
from sync.google_api.replies import (
    ChannelReply,
    Done,
    EventReply,
    Failure,
    FailureKind,
    IdClaims,
    ListedCalendar,
    Page,
    Tokens,
)

UNREADABLE: Final = Failure(FailureKind.RETRY, "unreadable", "Google's answer could not be read.")


class CalendarPage(NamedTuple):
    """One page of the calendar list, and the token of the next one."""

    items: tuple[ListedCalendar, ...]
    next_page: str | None


def done(_: Mapping[str, Any]) -> Done:
    """Reads an answer without content: that it came is all that counts."""
    return Done()


def page(body: Mapping[str, Any]) -> Page | Failure:
    """Reads a page of events."""
    items = body.get("items", [])
    if not _have_ids(items):
        return UNREADABLE
    return Page(
        items=tuple(items),
        next_page=body.get("nextPageToken") or None,
        next_sync_token=body.get("nextSyncToken") or None,
        time_zone=translate.zone_name(body.get("timeZone")),
    )


def event(body: Mapping[str, Any]) -> EventReply | Failure:
    """Reads one event."""
    return EventReply(body) if body.get("id") else UNREADABLE


def calendars(body: Mapping[str, Any]) -> CalendarPage | Failure:
    """Reads a page of the calendar list."""
    items = body.get("items", [])
    if not _have_ids(items):
        return UNREADABLE
    listed = tuple(translate.listed_calendar(item) for item in items if not item.get("deleted"))
    return CalendarPage(listed, body.get("nextPageToken") or None)


def channel(body: Mapping[str, Any]) -> ChannelReply | Failure:
    """Reads an opened channel. Google gives its end in milliseconds, as a string or a number."""
    resource_id = body.get("resourceId")
    if not isinstance(resource_id, str):
        return UNREADABLE
    try:
        expires_at = datetime.fromtimestamp(int(body["expiration"]) / 1000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        expires_at = None
    return ChannelReply(resource_id, expires_at)


def tokens(body: Mapping[str, Any], client_id: str) -> Tokens | Failure:
    """Reads an answer of the token endpoint; ignores fields that we do not know.

    Sets `id_claims` when the answer has an id token for `client_id`. Does not check its signature, since it came
    straight from the token endpoint (OpenID Connect Core §3.1.3.7, item 6).
    """
    access, expires_in = body.get("access_token"), body.get("expires_in")
    if not isinstance(access, str) or not isinstance(expires_in, int):
        return UNREADABLE
    return Tokens(
        access=access,
        refresh=body.get("refresh_token") or None,
        expires_in=expires_in,
        scopes=frozenset(str(body.get("scope") or "").split()),
        id_claims=_id_token(body.get("id_token"), client_id),
    )


def id_claims(body: Mapping[str, Any]) -> IdClaims | Failure:
    """Reads the identity from an id token or from an answer of the userinfo endpoint."""
    sub = body.get("sub")
    return IdClaims(sub, str(body.get("email") or sub)) if isinstance(sub, str) and sub else UNREADABLE


def _have_ids(items: object) -> bool:
    return isinstance(items, list) and all(isinstance(item, Mapping) and item.get("id") for item in items)


def _id_token(token: object, client_id: str) -> IdClaims | None:
    try:
        payload = str(token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return None
    if not isinstance(claims, Mapping):
        return None
    audience = claims.get("aud")
    ours = client_id in audience if isinstance(audience, list) else client_id == audience
    identity = id_claims(claims)
    return identity if ours and isinstance(identity, IdClaims) else None
