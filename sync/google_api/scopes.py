"""The scopes that we ask a Google account to grant, and those that we need. Pure."""

from collections.abc import Collection

EVENTS = "https://www.googleapis.com/auth/calendar.events"
CALENDAR_LIST = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"

ASKED = ("openid", "email", EVENTS, CALENDAR_LIST)
REQUIRED = (EVENTS, CALENDAR_LIST)


def missing(granted: Collection[str]) -> tuple[str, ...]:
    """Returns the required scopes that are not among the granted ones.

    Compares whole names, since one scope's name is the beginning of another's. Does not look for `openid` and `email`:
    a person cannot untick them, and Google returns them under other names.
    """
    return tuple(scope for scope in REQUIRED if scope not in granted)
