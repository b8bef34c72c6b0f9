"""The scalars of the API: parses and renders them.

Resolvers get what the domain uses: an aware datetime in UTC, a date, a time, an IANA name, a cursor's text.
"""

import re
from datetime import UTC, date, datetime, time
from typing import Any, NewType
from zoneinfo import ZoneInfo

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from models import checks

Date = NewType("Date", date)
LocalTime = NewType("LocalTime", time)
TimeZone = NewType("TimeZone", str)
Cursor = NewType("Cursor", str)

_LABEL = re.compile(r"[0-9]{2}:[0-9]{2}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EARLIEST = datetime(1972, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def _parse_instant(value: Any) -> datetime:
    """Parses an instant from 1972 to 2199. It must have an offset, since a time without one is ambiguous."""
    if not isinstance(value, str):
        raise GraphQLError("A DateTime is a string such as 2027-01-04T09:00:00+01:00.")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise GraphQLError("A DateTime looks like 2027-01-04T09:00:00+01:00.") from None
    if moment.tzinfo is None:
        raise GraphQLError("A DateTime needs an offset: end it with Z or one such as +01:00.")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise GraphQLError("A DateTime lies between 1972 and 2200.") from None
    if not _EARLIEST <= moment < _LATEST:
        raise GraphQLError("A DateTime lies between 1972 and 2200.")
    return moment


def render_instant(moment: datetime) -> str:
    """Formats an instant as ISO 8601 in UTC, with `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parse_date(value: Any) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError("A Date looks like 2027-01-04.") from None
    if not _EARLIEST.date() <= day < _LATEST.date() or not _DATE.fullmatch(value):
        raise GraphQLError("A Date looks like 2027-01-04 and lies between 1972 and 2200.")
    return day


def _parse_local_time(value: Any) -> time:
    try:
        label = time.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError("A LocalTime looks like 09:30.") from None
    if not _LABEL.fullmatch(value):
        raise GraphQLError("A LocalTime is hours and minutes only, such as 09:30.")
    return label


def _parse_zone(value: Any) -> str:
    zone = checks.find_time_zone(value) if isinstance(value, str) and len(value) <= 64 else None
    if not isinstance(zone, ZoneInfo):
        raise GraphQLError("A TimeZone is an IANA name such as Europe/Oslo.")
    return zone.key


def _parse_cursor(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 512:
        raise GraphQLError("A Cursor is text that the API gave out.")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant as ISO 8601. An offset is required on input, such as `2027-01-04T09:00:00+01:00`; "
        "output is in UTC and ends in `Z`.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
        serialize=render_instant,
        parse_value=_parse_instant,
    ),
    Date: strawberry.scalar(
        name="Date",
        description="A calendar date, such as `2027-01-04`. Which zone it is meant in stands with the field.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339#section-5.6",
        serialize=lambda day: day.isoformat(),
        parse_value=_parse_date,
    ),
    LocalTime: strawberry.scalar(
        name="LocalTime",
        description="A wall-clock time `HH:MM`, from `00:00` to `23:59`, in the option's time zone.",
        serialize=lambda label: label.strftime("%H:%M"),
        parse_value=_parse_local_time,
    ),
    TimeZone: strawberry.scalar(
        name="TimeZone",
        description="An IANA time zone name, such as `Europe/Oslo`.",
        specified_by_url="https://www.iana.org/time-zones",
        serialize=str,
        parse_value=_parse_zone,
    ),
    Cursor: strawberry.scalar(
        name="Cursor",
        description="An opaque position in the business's log of changes. Keep it, and hand it back as it is.",
        serialize=str,
        parse_value=_parse_cursor,
    ),
}
