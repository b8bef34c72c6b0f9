"""Templates for the texts of bookings' events, with placeholders such as `{customer_name}`. Pure.

Owns the grammar, the keywords with their labels and examples, and the default templates. `{{` stands for one brace, and
so do `}}` and a single `}`. A placeholder without a value becomes nothing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.units import format_unit

DEFAULT_TITLE: Final = "{service_name} – {customer_name}"
DEFAULT_DESCRIPTION: Final = (
    "{customer_name}\n{customer_phone}\n{customer_email}\n\n{booking_note}\n\n{booking_reference}"
)
DEFAULT_LOCATION: Final = ""
DEFAULTS: Final[Mapping[str, str]] = {
    "title_template": DEFAULT_TITLE,
    "description_template": DEFAULT_DESCRIPTION,
    "location_template": DEFAULT_LOCATION,
}

_PIECE: Final = re.compile(r"\{\{|\}\}|\{(?P<keyword>[^{}]*)\}|\{(?P<broken>[^\s{}]*)")

_LABEL: Final = re.compile(r"(?:[^.!?:]{1,60}:)?\s*")
_GAP: Final = re.compile(r"\n\s*\n\s*\n")

_LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "appointment_date": "Appointment date",
        "appointment_time": "Appointment time",
        "appointment_end_date": "Appointment end date",
        "appointment_end_time": "Appointment end time",
        "appointment_duration": "Appointment duration",
        "service_name": "Service",
        "option_name": "Option",
        "customer_name": "Customer name",
        "customer_email": "Customer email",
        "customer_phone": "Customer phone",
        "booking_note": "Note",
        "booking_reference": "Booking reference",
        "business_name": "Business name",
        "manage_link": "Link to manage the booking",
    },
    "nb": {
        "appointment_date": "Avtaledato",
        "appointment_time": "Klokkeslett",
        "appointment_end_date": "Sluttdato",
        "appointment_end_time": "Sluttid",
        "appointment_duration": "Varighet",
        "service_name": "Tjeneste",
        "option_name": "Alternativ",
        "customer_name": "Kundens navn",
        "customer_email": "Kundens e-post",
        "customer_phone": "Kundens telefon",
        "booking_note": "Merknad",
        "booking_reference": "Bestillingsnummer",
        "business_name": "Bedriftens navn",
        "manage_link": "Lenke for å endre bestillingen",
    },
}

KEYWORDS: Final = tuple(_LABELS["en"])

# English without a country: dates and clocks as Europe writes them, so that no date can be read two ways.
_LOCALES: Final[Mapping[str, str]] = {"en": "en_150", "nb": "nb"}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One keyword that templates may use, without its braces, with the label and example for the settings page."""

    keyword: str
    label: str
    example: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A brace that opens no known placeholder: what stood behind it, where, counted in characters from 0, and whether a
    brace closes it.
    """

    keyword: str
    position: int
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Subject:
    """The values of a booking that templates can use. Instants are aware; `time_zone` is the option's."""

    business: str
    option: str
    service: str
    reference: str
    customer_name: str
    customer_email: str | None
    customer_phone: str | None
    note: str | None
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    manage_link: str | None = None


EXAMPLE: Final = Subject(
    business="Fjord Hair",
    option="Anna",
    service="Haircut",
    reference="A17K3M",
    customer_name="Kari Nordmann",
    customer_email="kari@example.com",
    customer_phone="+47 912 34 567",
    note="Prefers mornings",
    starts_at=datetime(2026, 12, 1, 8, 30, tzinfo=UTC),
    ends_at=datetime(2026, 12, 1, 9, 15, tzinfo=UTC),
    time_zone="Europe/Oslo",
    manage_link="https://book.example.com/manage/3fA9c2",
)


def placeholders(language: str) -> tuple[Placeholder, ...]:
    """Returns every keyword with its label and example in the language; in English for a language that we have not."""
    labels, examples = _LABELS.get(language, _LABELS["en"]), values_for(EXAMPLE, language)
    return tuple(Placeholder(keyword, labels[keyword], examples[keyword]) for keyword in KEYWORDS)


def unknown_placeholders(template: str) -> list[Unknown]:
    """Returns the unknown placeholders of a template, in their order. A template without any may be saved."""
    found = ((piece, _keyword(piece)) for piece in _PIECE.finditer(template))
    return [
        Unknown(word, piece.start(), closed=piece["broken"] is None)
        for piece, word in found
        if word is not None and not _is_known(piece)
    ]


def nearest(keyword: str) -> list[str]:
    """Returns known keywords that somebody may have meant: similar ones, the likeliest first, or ones that have it."""
    plain = keyword.strip().casefold().replace(" ", "_").replace("-", "_")[:100]
    close = get_close_matches(plain, KEYWORDS, n=3, cutoff=0.6)
    return close or [each for each in KEYWORDS if len(plain) > 2 and plain in each.split("_")][:3]


def keywords_in(template: str) -> frozenset[str]:
    """Returns the known keywords in a template."""
    return frozenset(piece["keyword"] for piece in _PIECE.finditer(template) if _is_known(piece))


def render(template: str, values: Mapping[str, str]) -> str:
    """Replaces each known placeholder by its value, or by nothing.

    Leaves out a line that would have only a label, because none of its placeholders has a value, and the empty lines
    that it leaves. Unknown placeholders stay as they are; `unknown_placeholders` refuses a template with any.
    """
    lines = template.split("\n")
    kept = [text for line in lines if not _is_bare_label(line, text := _fill(line, values), values)]
    text = "\n".join(kept)
    return text if len(kept) == len(lines) else _GAP.sub("\n\n", text).strip("\n")


def _is_bare_label(line: str, text: str, values: Mapping[str, str]) -> bool:
    """Whether a line has placeholders, none has a value, and the rest of it is at most a label."""
    keywords = keywords_in(line)
    return bool(keywords) and not any(values.get(keyword) for keyword in keywords) and bool(_LABEL.fullmatch(text))


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Replaces each placeholder by its value."""

    def replacement(piece: re.Match[str]) -> str:
        if _is_known(piece):
            return values.get(piece["keyword"], "")
        return piece[0] if _keyword(piece) is not None else piece[0][0]

    return _PIECE.sub(replacement, template)


def values_for(subject: Subject, language: str) -> dict[str, str]:
    """Returns a value for every keyword, with dates and times in the option's zone and in the language."""
    locale, zone = _locale(language), ZoneInfo(subject.time_zone)
    starts, ends = subject.starts_at.astimezone(zone), subject.ends_at.astimezone(zone)
    minutes = int((subject.ends_at - subject.starts_at).total_seconds()) // 60
    return {
        "appointment_date": format_date(starts.date(), "full", locale),
        "appointment_time": format_time(starts, "short", zone, locale),
        "appointment_end_date": format_date(ends.date(), "full", locale),
        "appointment_end_time": format_time(ends, "short", zone, locale),
        "appointment_duration": " ".join(_duration(minutes, locale)),
        "service_name": subject.service,
        "option_name": subject.option,
        "customer_name": subject.customer_name,
        "customer_email": subject.customer_email or "",
        "customer_phone": subject.customer_phone or "",
        "booking_note": subject.note or "",
        "booking_reference": subject.reference,
        "business_name": subject.business,
        "manage_link": subject.manage_link or "",
    }


def _is_known(piece: re.Match[str]) -> bool:
    return piece["keyword"] in _LABELS["en"]


def _keyword(piece: re.Match[str]) -> str | None:
    """Returns the text in the place of a keyword; None when the piece is an escaped brace."""
    keyword: str | None = piece["keyword"]
    return piece["broken"] if keyword is None else keyword


def _duration(minutes: int, locale: Locale) -> Iterator[str]:
    hours, rest = divmod(minutes, 60)
    if hours:
        yield format_unit(hours, "hour", length="short", locale=locale)
    if rest or not hours:
        yield format_unit(rest, "minute", length="short", locale=locale)


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(_LOCALES.get(language, language).replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(_LOCALES["en"])
