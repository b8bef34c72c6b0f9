"""What Google can say to us, as frozen values. Pure.

Owns the vocabulary between `client`, which makes these values, and the machines that read them. An event stays the
JSON Google sent (`EventJson`): `translate` is the only reader of its fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from typing import Any, TypeAlias

from models.enums import GoogleAccessRole

EventJson: TypeAlias = Mapping[str, Any]


class FailureKind(StrEnum):
    """What a failure means for what happens next."""

    RETRY = auto()
    """Passes by itself: rate limits, 5xx, timeouts, dropped connections, answers that are not Google's."""
    SPENT = auto()
    """Google was not asked: our own budget of requests is spent for the moment."""
    QUOTA = auto()
    """`quotaExceeded`: Google's guard against abuse; leave the calendar alone for an hour or more."""
    UNAUTHORIZED = auto()
    """401 on the API: the access token is not (or no longer) good."""
    RECONNECT = auto()
    """The grant is dead or too narrow: only the person can cure it, by signing in again."""
    READ_ONLY = auto()
    """The calendar may be read but not written."""
    NOT_FOUND = auto()
    """404: that event, or the whole calendar, is not there for this account."""
    GONE = auto()
    """410 `deleted`: that event was deleted before."""
    TOKEN_INVALID = auto()
    """410 `fullSyncRequired`: the sync token is worthless; list everything."""
    DUPLICATE = auto()
    """409 `duplicate`: the id of an insert is taken."""
    PRECONDITION = auto()
    """412: the etag moved."""
    UNWATCHABLE = auto()
    """The calendar has no push channels; poll it."""
    MISCONFIGURED = auto()
    """Ours to mend, by the operator: OAuth client, API not enabled, notification address not accepted."""
    PERMANENT = auto()
    """Any other refusal: the same request will be refused again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that did not succeed.

    `code` is Google's own reason where it gave one, `message` is fit to be shown to staff and holds no secret,
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

    `expires_in` is the access token's life in seconds. `refresh` is None when Google keeps the old one valid, which
    is the rule when refreshing. `scopes` is what was granted, empty when the answer did not say. `id_claims` is set
    by an exchange only.
    """

    access: str
    refresh: str | None
    expires_in: int
    scopes: frozenset[str]
    id_claims: IdClaims | None = None


@dataclass(frozen=True, slots=True)
class ListedCalendar:
    """One calendar an account can see. `google_id` is the real id, never "primary"."""

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
    """A push channel is open until `expires_at`; None when Google did not say."""

    resource_id: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Done:
    """It succeeded and there is nothing more to say."""
