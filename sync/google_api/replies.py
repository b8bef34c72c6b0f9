"""Google's replies as frozen values. Pure.

The client makes them; the engine and the machines read them. An event stays the JSON that Google sent (`EventJson`):
`translate` reads its fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from typing import Any, TypeAlias

from models.enums import GoogleAccessRole

EventJson: TypeAlias = Mapping[str, Any]


class FailureKind(StrEnum):
    """Kinds of failures, by what to do next."""

    RETRY = auto()
    """Passes by itself: rate limits, 5xx, timeouts, dropped connections, answers that are not Google's."""
    SPENT = auto()
    """We did not ask Google, since our own budget of requests is used up for the moment."""
    QUOTA = auto()
    """`quotaExceeded`: Google's guard against abuse; leave the calendar alone for an hour or more."""
    UNAUTHORIZED = auto()
    """401 on the API: Google rejects the access token."""
    RECONNECT = auto()
    """The grant is dead, or lacks a permission: the person must sign in again."""
    READ_ONLY = auto()
    """The account may read the calendar but not write to it."""
    NOT_FOUND = auto()
    """404: this account cannot see that event, or the whole calendar."""
    GONE = auto()
    """410 `deleted`: somebody deleted that event before."""
    TOKEN_INVALID = auto()
    """410 `fullSyncRequired`: Google rejects the sync token; list everything."""
    DUPLICATE = auto()
    """409 `duplicate`: an event with the id of an insert exists."""
    PRECONDITION = auto()
    """412: the event's etag has changed."""
    UNWATCHABLE = auto()
    """The calendar has no push channels; poll it."""
    MISCONFIGURED = auto()
    """The operator must mend it: OAuth client, API not enabled, notification address not accepted."""
    PERMANENT = auto()
    """Any other refusal: Google will refuse the same request again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that did not succeed.

    `code` is Google's own reason where it gave one. `message` is for the log and for staff; it has no secrets.
    `retry_after` is how many seconds Google asked us to wait.
    """

    kind: FailureKind
    code: str
    message: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of `events.list` or `events.instances`.

    Only the last page of a list has `next_sync_token`, only the others have `next_page`. `time_zone` is the
    calendar's; None when the answer left it out, or named one that we do not know.
    """

    items: tuple[EventJson, ...]
    next_page: str | None = None
    next_sync_token: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class EventReply:
    """One event, as Google has it now."""

    event: EventJson


@dataclass(frozen=True, slots=True)
class IdClaims:
    """Who signed in: `sub` never changes, `email` may."""

    sub: str
    email: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """An answer of the token endpoint.

    `expires_in` is the access token's life in seconds. `refresh` is None when the old refresh token stays valid, as it
    usually does after a refresh. `scopes` are the granted ones, empty when the answer did not name them. Only an
    exchange sets `id_claims`.
    """

    access: str
    refresh: str | None
    expires_in: int
    scopes: frozenset[str]
    id_claims: IdClaims | None = None


@dataclass(frozen=True, slots=True)
class ListedCalendar:
    """One calendar that an account can see. `google_id` is the real id, never "primary"."""

    google_id: str
    summary: str
    time_zone: str
    access_role: GoogleAccessRole
    primary: bool


@dataclass(frozen=True, slots=True)
class CalendarList:
    """Every calendar of the account."""

    items: tuple[ListedCalendar, ...]


@dataclass(frozen=True, slots=True)
class ChannelReply:
    """An open push channel. `expires_at` is None when Google did not say it."""

    resource_id: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Done:
    """The call succeeded, and its answer has no content."""
