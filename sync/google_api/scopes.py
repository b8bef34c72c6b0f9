"""What we ask a Google account to grant, and what of it we cannot do without. Pure."""

from collections.abc import Collection

EVENTS = "https://www.googleapis.com/auth/calendar.events"
CALENDAR_LIST = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"

ASKED = ("openid", "email", EVENTS, CALENDAR_LIST)
REQUIRED = (EVENTS, CALENDAR_LIST)


def missing(granted: Collection[str]) -> tuple[str, ...]:
    """The required scopes that were not granted.

    Compared as whole words, since one scope's name is the beginning of another's. `openid` and `email` are not
    boxes a person can leave unticked, and come back under other names.
    """
    return tuple(scope for scope in REQUIRED if scope not in granted)
