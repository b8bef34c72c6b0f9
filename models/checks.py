"""Checks of input values. Each returns None, or a refusal that names the field and says what it must be. Pure."""

import re
from collections.abc import Iterable, Mapping, Sized
from datetime import time
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import regex

from models.normal_form import normal
from models.refusals import ErrorCode, Refusal

NAME_LENGTH = 200
TEXT_LENGTH = 5000
LONGEST_LIST = 200
"""The most ids that one list of an input may have."""

PHONE_LENGTH = 40
EMAIL_LENGTH = 320
LONGEST_MINUTES = 60 * 24 * 31
LONGEST_DAYS = 3660

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_AMOUNT = re.compile(r"[0-9]{1,17}(\.[0-9]{1,4})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"(?:[0-9 +()\-./#]|ext)+")
_VISIBLE = regex.compile(r"[^\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{DI}\u2800]")
"""A character with ink: no space, no control or format character, no blank Braille cell."""
_BLANK = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff"
)
"""What `str.strip` counts as spaces, and invisible characters that it does not."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
# A machine's own folder of zones holds other files, too: `localtime` is whatever zone that machine has. The package
# lists the names of the IANA database; "Factory" stands there for a clock that nobody has set.
_ZONES = frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split()) - {"Factory"}


def invalid(message: str, *path: str, **values: Any) -> Refusal:
    """Builds the refusal of one input field; `values` fill the slots of the message."""
    return Refusal(ErrorCode.INVALID_INPUT, message, ("input", *path), values)


def refusals(*checks: Refusal | None) -> list[Refusal]:
    """Returns the refusals among the results of several checks."""
    return [check for check in checks if check]


def tidy(value: str | None) -> str | None:
    """Trims a text for the database; None when it has no visible character. One that is longer than any may be stays as
    it is, for the check that refuses it.
    """
    if value is not None and len(value) > TEXT_LENGTH:
        return value
    # All of them at once: alternating spaces and invisible characters would take as many passes as there are.
    trimmed = None if value is None else value.strip(_BLANK)
    return trimmed if trimmed and _VISIBLE.search(trimmed) else None


def tidied(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Trims the texts of these names for the database. Adds no name that the client left out."""
    return {name: tidy(value) if name in names else value for name, value in values.items()}


def text(value: str | None, *path: str, longest: int = TEXT_LENGTH, required: bool = False) -> Refusal | None:
    """Refuses text of more than `longest` characters or with control characters, and blank text if `required`."""
    if value is not None and len(value) > longest:
        return invalid("Must not be longer than {longest} characters.", *path, longest=longest)
    if required and tidy(value) is None:
        return invalid("Must not be empty.", *path)
    return invalid("Must not contain control characters.", *path) if value and _CONTROL.search(value) else None


def name(value: str | None, *path: str) -> Refusal | None:
    """Refuses a blank name and one of more than 200 characters."""
    return text(value, *path, longest=NAME_LENGTH, required=True)


def number(value: int | None, *path: str, least: int, most: int) -> Refusal | None:
    """Refuses a number below `least` or above `most`; None passes."""
    if value is None or least <= value <= most:
        return None
    return invalid("Must be between {least} and {most}.", *path, least=least, most=most)


def length(value: Sized | None, *path: str, most: int = LONGEST_LIST) -> Refusal | None:
    """Refuses a list of more than `most` items; None passes."""
    return invalid("At most {most} at once.", *path, most=most) if value is not None and len(value) > most else None


def color(value: str | None, *path: str) -> Refusal | None:
    """Refuses a colour that is not written #rrggbb; None passes."""
    return None if value is None or _COLOR.fullmatch(value) else invalid("Must be a colour like #1a73e8.", *path)


def email(value: str | None, *path: str) -> Refusal | None:
    """Refuses what cannot be a mail address: something, @, something, at most 320 characters; None passes."""
    if value is None or (len(value) <= EMAIL_LENGTH and _EMAIL.fullmatch(value) and not _CONTROL.search(value)):
        return None
    return invalid("Must be a mail address.", *path)


def phone(value: str | None, *path: str) -> Refusal | None:
    """Refuses what cannot be a telephone number: at least three digits, and what people write between; None passes."""
    if value is None:
        return None
    if len(value) > PHONE_LENGTH:
        return invalid("Must not be longer than {longest} characters.", *path, longest=PHONE_LENGTH)
    plain = normal(value)
    if _PHONE.fullmatch(plain) and sum(each.isdecimal() for each in plain) >= 3:
        return None
    return invalid("Must be a telephone number.", *path)


def price(amount: str | None, currency: str | None, *path: str) -> list[Refusal]:
    """Refuses a price unless it is a decimal number from 0 and a currency of three capitals (ISO 4217); None passes."""
    if amount is None or currency is None:
        return []
    found = []
    if not _AMOUNT.fullmatch(amount):
        found.append(invalid("Must be a decimal number such as 450.00.", *path, "amount"))
    if not _CURRENCY.fullmatch(currency):
        found.append(invalid("Must be a currency code such as NOK.", *path, "currency"))
    return found


def required(values: Mapping[str, Any], names: Iterable[str]) -> list[Refusal]:
    """Refuses null in each of these fields; a field that the client left out passes."""
    return [invalid("Must not be null.", camel(each)) for each in names if each in values and values[each] is None]


def tidy_catalog_texts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Trims name, description and colour for the database. A blank name becomes "", so that `name` refuses it."""
    tidy_values = tidied(values, "name", "description", "color")
    if values.get("name") is not None and tidy_values["name"] is None:
        tidy_values["name"] = ""
    return tidy_values


def camel(snake: str) -> str:
    """Converts snake_case to the API's camelCase."""
    first, *rest = snake.split("_")
    return first + "".join(part.capitalize() for part in rest)


def find_time_zone(name: str) -> ZoneInfo | None:
    """Returns the zone of an IANA name; None when there is none. Case counts; every machine knows the same names."""
    return ZoneInfo(name) if name in _ZONES else None


def label(value: time) -> str:
    """Formats a wall-clock time for the database: HH:MM."""
    return value.strftime("%H:%M")
