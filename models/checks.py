"""Judging input values: pure checks that answer with the refusals a client can act on, one per wrong field."""

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
"""Ids that may be given at once."""

PHONE_LENGTH = 40
LONGEST_MINUTES = 60 * 24 * 31
LONGEST_DAYS = 3660

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_AMOUNT = re.compile(r"[0-9]{1,17}(\.[0-9]{1,4})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"(?:[0-9 +()\-./#]|ext)+")
_SEEN = regex.compile(r"[^\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{DI}\u2800]")
"""A character that is drawn: all else is space, tells how others are drawn, or is a blank (in Braille, too)."""
_AROUND = "\u200b\u2060\ufeff"
"""What is not drawn and is no space to Python."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
# A machine's own folder of zones holds other files, too: `localtime` is whatever that machine was set to. The package
# lists the names of the IANA database; "Factory" is its word for a clock that nobody has set.
_ZONES = frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split()) - {"Factory"}


def invalid(message: str, *path: str, **values: Any) -> Refusal:
    """A refusal of one input field."""
    return Refusal(ErrorCode.INVALID_INPUT, message, ("input", *path), values)


def found(*checks: Refusal | None) -> list[Refusal]:
    """The refusals among the answers of several checks."""
    return [check for check in checks if check]


def tidy(value: str | None) -> str | None:
    """A text as it is kept: trimmed; None when nothing of it can be seen."""
    if value is None or not _SEEN.search(value):
        return None
    before, tidied = None, value
    while tidied != before:
        before, tidied = tidied, tidied.strip().strip(_AROUND)
    return tidied


def tidied(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The values, with the texts of these names as they are kept; what was left out stays so."""
    return {name: tidy(value) if name in names else value for name, value in values.items()}


def text(value: str | None, *path: str, longest: int = TEXT_LENGTH, required: bool = False) -> Refusal | None:
    """Free text: not longer than `longest` characters, nothing unprintable; not blank where it is required."""
    if required and tidy(value) is None:
        return invalid("Must not be empty.", *path)
    if value is not None and len(value) > longest:
        return invalid("Must not be longer than {longest} characters.", *path, longest=longest)
    return invalid("Must not contain control characters.", *path) if value and _CONTROL.search(value) else None


def name(value: str | None, *path: str) -> Refusal | None:
    """A name: required, at most 200 characters."""
    return text(value, *path, longest=NAME_LENGTH, required=True)


def number(value: int | None, *path: str, least: int, most: int) -> Refusal | None:
    """A whole number within bounds, both included; None passes."""
    if value is None or least <= value <= most:
        return None
    return invalid("Must be between {least} and {most}.", *path, least=least, most=most)


def length(value: Sized | None, *path: str, most: int = LONGEST_LIST) -> Refusal | None:
    """A list of at most so many; None passes."""
    return invalid("At most {most} at once.", *path, most=most) if value is not None and len(value) > most else None


def color(value: str | None, *path: str) -> Refusal | None:
    """A colour as #rrggbb; None passes."""
    return None if value is None or _COLOR.fullmatch(value) else invalid("Must be a colour like #1a73e8.", *path)


def email(value: str | None, *path: str) -> Refusal | None:
    """A mail address, loosely: something, @, something; None passes."""
    if value is None or (_EMAIL.fullmatch(value) and len(value) <= 320 and not _CONTROL.search(value)):
        return None
    return invalid("Must be a mail address.", *path)


def phone(value: str | None, *path: str) -> Refusal | None:
    """A telephone number, loosely: three digits at least, and what people write between them; None passes."""
    if value is None:
        return None
    if len(value) > PHONE_LENGTH:
        return invalid("Must not be longer than {longest} characters.", *path, longest=PHONE_LENGTH)
    plain = normal(value)
    if _PHONE.fullmatch(plain) and sum(each.isdecimal() for each in plain) >= 3:
        return None
    return invalid("Must be a telephone number.", *path)


def price(amount: str | None, currency: str | None, *path: str) -> list[Refusal]:
    """A price: a decimal number that is not negative, and a currency of three capitals (ISO 4217); None passes."""
    if amount is None or currency is None:
        return []
    wrong = []
    if not _AMOUNT.fullmatch(amount):
        wrong.append(invalid("Must be a decimal number such as 450.00.", *path, "amount"))
    if not _CURRENCY.fullmatch(currency):
        wrong.append(invalid("Must be a currency code such as NOK.", *path, "currency"))
    return wrong


def required(values: Mapping[str, Any], names: Iterable[str]) -> list[Refusal]:
    """Refuses null where a field cannot be empty; a field that was left out passes."""
    return [invalid("Must not be null.", camel(each)) for each in names if each in values and values[each] is None]


def named(values: Mapping[str, Any]) -> dict[str, Any]:
    """Texts as they are kept: the name of something, its description and its colour. A blank name stays one."""
    tidy_values = tidied(values, "name", "description", "color")
    if values.get("name") is not None and tidy_values["name"] is None:
        tidy_values["name"] = ""
    return tidy_values


def camel(snake: str) -> str:
    """The API's spelling of one of our field names."""
    first, *rest = snake.split("_")
    return first + "".join(part.capitalize() for part in rest)


def zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name, spelled exactly; None when there is none such. The same names on every machine."""
    return ZoneInfo(name) if name in _ZONES else None


def label(value: time) -> str:
    """A wall-clock label as it is stored: HH:MM."""
    return value.strftime("%H:%M")
