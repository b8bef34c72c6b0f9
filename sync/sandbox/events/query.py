"""The parameters of `events.list` and `events.instances`, read strictly. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import QueryParams

from sync.sandbox.errors import invalid, time_range_empty
from sync.sandbox.events.cursors import digest
from sync.sandbox.events.moments import Resource, Window, known_zone

FORBIDDEN_WITH_SYNC_TOKEN = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)
"""§1.2."""

NO_SYNC_TOKEN_AFTER = tuple(name for name in FORBIDDEN_WITH_SYNC_TOKEN if name not in ("timeMin", "timeMax"))
"""A list narrowed by these is no ground for incremental ones; a time window is (§1.8)."""

PAGE_SIZE = 250
PAGE_SIZE_MAX = 2500
_ANYWHERE = ("alt", "fields", "key", "prettyPrint", "quotaUser", "userIp", "$.xgafv")
_SEARCHED = ("summary", "description", "location")


@dataclass(frozen=True, slots=True)
class Query:
    """`shape`: what a sync token is bound to. `text`: all of it, what a page token is bound to."""

    single_events: bool
    show_deleted: bool
    page_size: int
    max_attendees: int | None
    time_zone: str | None
    window: Window
    updated_min: datetime | None
    order_by: str | None
    event_types: frozenset[str]
    search: str | None
    ical_uid: str | None
    properties: tuple[tuple[str, str, str], ...]
    original_start: datetime | None
    page_token: str | None
    sync_token: str | None
    gives_sync_token: bool
    shape: str
    text: str

    def matches(self, event: Resource) -> bool:
        """All filters but those of time and deletion."""
        if self.event_types and event.get("eventType", "default") not in self.event_types:
            return False
        if self.ical_uid is not None and event.get("iCalUID") != self.ical_uid:
            return False
        if self.search is not None:
            haystack = " ".join(str(event.get(name, "")) for name in _SEARCHED).casefold()
            if self.search.casefold() not in haystack:
                return False
        kept = event.get("extendedProperties", {})
        return all(kept.get(side, {}).get(key) == value for side, key, value in self.properties)


def read_query(params: QueryParams) -> Query:
    """A 400 for values that are no values, and for what a sync token forbids (§1.2, §1.3)."""
    items = params.multi_items()
    sync_token = params.get("syncToken")
    if sync_token is not None:
        _check_with_sync_token(params)
    order_by = _choice(params, "orderBy", ("startTime", "updated"))
    single_events = _flag(params, "singleEvents")
    if order_by == "startTime" and not single_events:
        raise invalid("The requested ordering is not available for the particular query.", "orderBy")
    zone = params.get("timeZone")
    return Query(
        single_events=single_events,
        show_deleted=_flag(params, "showDeleted"),
        page_size=page_size(params, PAGE_SIZE, PAGE_SIZE_MAX),
        max_attendees=_number(params, "maxAttendees"),
        time_zone=known_zone(zone, "response") if zone is not None else None,
        window=_window(params),
        updated_min=_instant(params, "updatedMin"),
        order_by=order_by,
        event_types=frozenset(params.getlist("eventTypes")),
        search=params.get("q"),
        ical_uid=params.get("iCalUID"),
        properties=tuple(
            (side, *_property(text, name))
            for side, name in (("private", "privateExtendedProperty"), ("shared", "sharedExtendedProperty"))
            for text in params.getlist(name)
        ),
        original_start=_instant(params, "originalStart"),
        page_token=params.get("pageToken"),
        sync_token=sync_token,
        gives_sync_token=not any(name in params for name in NO_SYNC_TOKEN_AFTER),
        shape=digest(_without(items, *FORBIDDEN_WITH_SYNC_TOKEN, *_ANYWHERE, "showDeleted", "syncToken", "pageToken")),
        text=digest(_without(items, *_ANYWHERE, "pageToken")),
    )


def page_size(params: QueryParams, default: int, limit: int) -> int:
    """`maxResults`; more than the limit means the limit (§1.4)."""
    return min(_number(params, "maxResults") or default, limit)


def _check_with_sync_token(params: QueryParams) -> None:
    for name in FORBIDDEN_WITH_SYNC_TOKEN:
        if name in params:
            raise invalid(f"Sync token cannot be used together with {name}.", name)
    if params.get("showDeleted") == "false":
        raise invalid("Sync token cannot be used together with showDeleted=false.", "showDeleted")


def _without(items: list[tuple[str, str]], *names: str) -> list[tuple[str, str]]:
    return [item for item in items if item[0] not in names]


def _flag(params: QueryParams, name: str) -> bool:
    value = params.get(name, "false")
    if value not in ("true", "false"):
        # Google's own clients send lower case; nobody has proved that it takes anything else (§6.3).
        raise invalid(f"Invalid boolean value: '{value}'.", name)
    return value == "true"


def _number(params: QueryParams, name: str) -> int | None:
    text = params.get(name)
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise invalid(f"Invalid integer value: '{text}'.", name)
    return int(text)


def _choice(params: QueryParams, name: str, choices: tuple[str, ...]) -> str | None:
    value = params.get(name)
    if value is not None and value not in choices:
        raise invalid(f"Invalid string value: '{value}'. Allowed values: {list(choices)}", name)
    return value


def _instant(params: QueryParams, name: str) -> datetime | None:
    """RFC 3339 with a mandatory offset; milliseconds are ignored (§1.8)."""
    text = params.get(name)
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise _bad_instant(name) from None
    if instant.tzinfo is None or "T" not in text.upper():
        raise _bad_instant(name)
    return instant.astimezone(UTC).replace(microsecond=0)


def _bad_instant(name: str) -> Exception:
    return invalid("Bad Request", name)


def _window(params: QueryParams) -> Window:
    window = Window(_instant(params, "timeMin"), _instant(params, "timeMax"))
    if window.start is not None and window.end is not None and window.start >= window.end:
        raise time_range_empty()
    return window


def _property(text: str, name: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise invalid("Invalid extended property constraint.", name)
    return key, value
