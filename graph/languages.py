"""What the API says to people, in their language. English is what the code says; the rest is translated here.

Owns which language a caller gets. Names, notes and whatever else people wrote is never touched.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from babel import negotiate_locale

DEFAULT = "en"
SPOKEN = {"en": "en", "nb": "nb", "no": "nb", "nn": "nb"}
"""The languages a caller may ask for, and what is spoken then."""

FORBIDDEN = "This key has the role {role}; only {allowed} may do that."
NO_TEXT = "The text of `{name}` has a character that no text may have: NUL, or half of one."

HELD = "Held: {service}"
BUSY = "Busy"

NORWEGIAN: Mapping[str, str] = {
    FORBIDDEN: "Denne nøkkelen har rollen {role}; bare {allowed} har lov til dette.",
    NO_TEXT: "Teksten i `{name}` har et tegn som ingen tekst kan ha: NUL, eller et halvt tegn.",
    HELD: "Reservert: {service}",
    BUSY: "Opptatt",
    "A booking is cancelled with cancelBooking.": "En bestilling avbestilles med cancelBooking.",
    "At most 100 intervals a week.": "Høyst 100 intervaller i uken.",
    "At most 24 intervals a day.": "Høyst 24 intervaller om dagen.",
    "At most a year after the start.": "Høyst et år etter starten.",
    "At most {most} matchers.": "Høyst {most} kjennetegn.",
    "Must be a colour like #1a73e8.": "Må være en farge som #1a73e8.",
    "Must be a currency code such as NOK.": "Må være en valutakode som NOK.",
    "Must be a decimal number such as 450.00.": "Må være et desimaltall som 450.00.",
    "Must be a mail address.": "Må være en e-postadresse.",
    "Must be after the start.": "Må være etter starten.",
    "Must be an address on an origin registered for this business.": (
        "Må være en adresse hos et nettsted som er registrert for bedriften."
    ),
    "Must be between {least} and {most}.": "Må være mellom {least} og {most}.",
    "Must have 1 to 128 characters.": "Må ha 1 til 128 tegn.",
    "Must not be empty.": "Må ikke være tom.",
    "Must not be longer than {longest} characters.": "Må ikke være lengre enn {longest} tegn.",
    "Must not be null.": "Må ikke være null.",
    "Must not contain control characters.": "Må ikke inneholde kontrolltegn.",
    "Needed without a hold.": "Trengs når det ikke er noen reservasjon.",
    "No booking starts at this time.": "Ingen bestilling starter på dette tidspunktet.",
    "Not every id in the list is known here.": "Ikke alle id-ene i listen er kjent her.",
    "Say which hours, none at all, or null.": "Si hvilke åpningstider, ingen, eller null.",
    "Sign in with Google for this option first.": "Logg inn med Google for dette alternativet først.",
    "The Google account has no such calendar.": "Google-kontoen har ingen slik kalender.",
    "The Google account must be signed in again.": "Google-kontoen må logges inn på nytt.",
    "The account may only read this calendar: linked without blocking it would do nothing.": (
        "Kontoen kan bare lese denne kalenderen: uten å blokkere ville koblingen ikke gjøre noe."
    ),
    "The booking cannot be changed any more.": "Bestillingen kan ikke endres lenger.",
    "The booking has changed meanwhile: it is at version {version}.": (
        "Bestillingen er endret i mellomtiden: den er på versjon {version}."
    ),
    "The booking is cancelled already.": "Bestillingen er allerede avbestilt.",
    "The hold has expired.": "Reservasjonen er utløpt.",
    "This hold was booked already.": "Denne reservasjonen er allerede bestilt.",
    "The hold says this already.": "Dette sier reservasjonen allerede.",
    "The option is not linked to a Google calendar.": "Alternativet er ikke koblet til en Google-kalender.",
    "The service is not offered here.": "Tjenesten tilbys ikke her.",
    "There is no such Google account.": "Det finnes ingen slik Google-konto.",
    "There is no such booking.": "Det finnes ingen slik bestilling.",
    "There is no such hold.": "Det finnes ingen slik reservasjon.",
    "There is no such option.": "Det finnes ikke noe slikt alternativ.",
    "There is no such service.": "Det finnes ingen slik tjeneste.",
    "There is no such time off.": "Det finnes ikke noe slikt fravær.",
    "This can no longer be booked.": "Dette kan ikke bestilles lenger.",
    "This idempotency key was used with another input.": "Denne idempotency-nøkkelen ble brukt med andre verdier.",
    "This sign-in is not known, was used, or is too old.": "Denne innloggingen er ukjent, brukt eller for gammel.",
    "This time is in the past.": "Dette tidspunktet er passert.",
    "This time is outside the opening hours.": "Dette tidspunktet er utenfor åpningstiden.",
    "This time is taken.": "Dette tidspunktet er opptatt.",
    "This time is too far ahead.": "Dette tidspunktet er for langt frem i tid.",
    "This time is too soon.": "Dette tidspunktet er for nært.",
    "Too many slots are held at once. Book or release one.": (
        "For mange tider er reservert på en gang. Bestill eller frigi en."
    ),
    "{reason}": "{reason}",
    "Must be a telephone number.": "Må være et telefonnummer.",
    "{{{keyword}}} at character {position} is no placeholder. Nearest: {nearest}.": (
        "{{{keyword}}} ved tegn {position} er ikke et nøkkelord. Nærmest: {nearest}."
    ),
    "{{{keyword}}} at character {position} is no placeholder.": (
        "{{{keyword}}} ved tegn {position} er ikke et nøkkelord."
    ),
}


@lru_cache(maxsize=256)
def asked_for(accept_language: str) -> str:
    """The language to speak, by an `Accept-Language` header; English when we speak none of those asked for."""
    ranked = sorted(filter(None, map(_weighed, accept_language.split(","))), key=lambda one: -one[0])
    found = negotiate_locale([tag for _, tag in ranked], list(SPOKEN), sep="-")
    return SPOKEN[found] if found else DEFAULT


def _weighed(part: str) -> tuple[float, str] | None:
    """A language range with its weight; None when it is nonsense, or not wanted."""
    tag, _, parameter = part.strip().partition(";")
    name, _, weight = parameter.strip().partition("=")
    try:
        value = float(weight) if name == "q" else 1.0
    except ValueError:
        return None
    return (value, tag.strip()) if tag.strip() and value > 0 else None


def say(message: str, values: Mapping[str, Any], language: str) -> str:
    """An English message, with its slots filled, in the language."""
    spoken = NORWEGIAN.get(message, message) if language == "nb" else message
    return spoken.format(**values)
