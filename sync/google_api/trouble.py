"""Troubles of synchronisation: the codes that clients know, and sentences that say what to do about each. Pure.

Rows have only the code. Google's own message is only in the log: it comes in one language, and does not say what helps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sync.google_api.budget import TOO_MANY
from sync.google_api.replies import Failure, FailureKind


class TroubleCode(StrEnum):
    """Every kind of trouble. Clients rely on the names."""

    GOOGLE_UNAVAILABLE = "GOOGLE_UNAVAILABLE"
    GOOGLE_RATE_LIMITED = "GOOGLE_RATE_LIMITED"
    GOOGLE_QUOTA_EXCEEDED = "GOOGLE_QUOTA_EXCEEDED"
    GOOGLE_RECONNECT_REQUIRED = "GOOGLE_RECONNECT_REQUIRED"
    GOOGLE_SCOPES_MISSING = "GOOGLE_SCOPES_MISSING"
    GOOGLE_CALENDAR_READ_ONLY = "GOOGLE_CALENDAR_READ_ONLY"
    GOOGLE_CALENDAR_NOT_FOUND = "GOOGLE_CALENDAR_NOT_FOUND"
    GOOGLE_NOT_SET_UP = "GOOGLE_NOT_SET_UP"
    GOOGLE_REFUSED = "GOOGLE_REFUSED"
    OVER_BUDGET = "OVER_BUDGET"
    TIME_ZONE_CHANGED = "TIME_ZONE_CHANGED"
    EVENTS_MISSING = "EVENTS_MISSING"
    CHANGED_TOO_OFTEN = "CHANGED_TOO_OFTEN"
    SECRET_KEY_LOST = "SECRET_KEY_LOST"  # noqa: S105  # a code, no secret
    SYNC_FAULT = "SYNC_FAULT"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong last, and when."""

    code: TroubleCode
    at: datetime


EXPLANATIONS: Final[Mapping[TroubleCode, str]] = {
    TroubleCode.GOOGLE_UNAVAILABLE: (
        "Google does not answer as it should. It is tried again by itself; there is nothing to do."
    ),
    TroubleCode.GOOGLE_RATE_LIMITED: (
        "Google takes no more requests of this account for the moment. It goes on by itself; there is nothing to do."
    ),
    TroubleCode.GOOGLE_QUOTA_EXCEEDED: (
        "Google takes no more changes of this calendar for some hours. It goes on by itself; there is nothing to do."
    ),
    TroubleCode.GOOGLE_RECONNECT_REQUIRED: (
        "Google no longer accepts the account's consent. An admin has to sign in with Google again with this account."
    ),
    TroubleCode.GOOGLE_SCOPES_MISSING: (
        "Not every permission was granted. An admin has to sign in with Google again with this account and tick every "
        "box."
    ),
    TroubleCode.GOOGLE_CALENDAR_READ_ONLY: (
        "The Google account may only read this calendar, so bookings are not shown in it. The calendar's owner has to "
        "let the account make changes to events, or an admin has to link another calendar."
    ),
    TroubleCode.GOOGLE_CALENDAR_NOT_FOUND: (
        "Google finds no such calendar for this account. The calendar's owner has to share it with the account again, "
        "or an admin has to link another calendar."
    ),
    TroubleCode.GOOGLE_NOT_SET_UP: (
        "The access to Google is not set up rightly. Whoever runs this service has to mend the settings of its OAuth "
        "client; the log says what Google found."
    ),
    TroubleCode.GOOGLE_REFUSED: (
        "Google refuses this. Whoever runs this service finds the reason in the log; when it is mended, staff have to "
        "ask for a sync of this calendar."
    ),
    TroubleCode.OVER_BUDGET: ("Too many requests go to Google just now. It goes on by itself; there is nothing to do."),
    TroubleCode.TIME_ZONE_CHANGED: (
        "The calendar's time zone changed while it was being read. It is read again by itself; there is nothing to do."
    ),
    TroubleCode.EVENTS_MISSING: (
        "More than half of this calendar's events are gone from Google. Nothing was removed here. If that is right, "
        "staff have to ask for a sync of this calendar."
    ),
    TroubleCode.CHANGED_TOO_OFTEN: (
        "The event was changed in Google again and again, so it is left as it is. Find out who or what changes it; "
        "then staff have to ask for a sync of this calendar."
    ),
    TroubleCode.SECRET_KEY_LOST: (
        "No secret key of this service opens the account's tokens. Whoever runs this service has to put the earlier "
        "key back into TIMEBOK_SECRET_KEYS, or an admin has to sign in with Google again with this account."
    ),
    TroubleCode.SYNC_FAULT: (
        "Something went wrong here. It is tried again by itself; whoever runs this service finds the reason in the log."
    ),
}
"""What clients show to people: what the trouble is, and what cures it."""

_BY_KIND: Final[Mapping[FailureKind, TroubleCode]] = {
    FailureKind.RETRY: TroubleCode.GOOGLE_UNAVAILABLE,
    FailureKind.SPENT: TroubleCode.OVER_BUDGET,
    FailureKind.QUOTA: TroubleCode.GOOGLE_QUOTA_EXCEEDED,
    FailureKind.UNAUTHORIZED: TroubleCode.GOOGLE_RECONNECT_REQUIRED,
    FailureKind.RECONNECT: TroubleCode.GOOGLE_RECONNECT_REQUIRED,
    FailureKind.READ_ONLY: TroubleCode.GOOGLE_CALENDAR_READ_ONLY,
    FailureKind.NOT_FOUND: TroubleCode.GOOGLE_CALENDAR_NOT_FOUND,
    FailureKind.MISCONFIGURED: TroubleCode.GOOGLE_NOT_SET_UP,
    FailureKind.PERMANENT: TroubleCode.GOOGLE_REFUSED,
    # The machines go on by other calls after these; where they cannot, a worker retries.
    FailureKind.GONE: TroubleCode.GOOGLE_UNAVAILABLE,
    FailureKind.TOKEN_INVALID: TroubleCode.GOOGLE_UNAVAILABLE,
    FailureKind.DUPLICATE: TroubleCode.GOOGLE_UNAVAILABLE,
    FailureKind.PRECONDITION: TroubleCode.GOOGLE_UNAVAILABLE,
    FailureKind.UNWATCHABLE: TroubleCode.GOOGLE_UNAVAILABLE,
}


def code_of(failure: Failure) -> TroubleCode:
    """Returns the trouble that clients see for a failure. The code of a failure of our own may name it already."""
    if failure.kind is FailureKind.RETRY and failure.code in TOO_MANY:
        return TroubleCode.GOOGLE_RATE_LIMITED
    return parse_code(failure.code) or _BY_KIND[failure.kind]


def parse_code(code: str) -> TroubleCode | None:
    """Returns the trouble with this code; None when there is none."""
    return TroubleCode(code) if code in TroubleCode.__members__ else None


def from_row(code: str | None, at: datetime | None) -> Trouble | None:
    """Builds the trouble from a row's columns; an earlier release may have stored a reason of Google's as the code."""
    return Trouble(parse_code(code) or TroubleCode.GOOGLE_REFUSED, at) if code and at else None
