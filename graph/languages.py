"""Messages for people, in their language. The code has them in English; the translations are here.

It also chooses a caller's language. It never changes names, notes and other texts that people wrote.
"""

from collections.abc import Mapping
from typing import Any

from babel import negotiate_locale

from graph.excerpt import parts, remember_short

DEFAULT = "en"
LANGUAGES = {"en": "en", "nb": "nb", "no": "nb", "nn": "nb"}
"""The languages that a caller may ask for, and the one that each gets."""

NO_BREAK_SPACE = "\u00a0"
_LONG = 10_000

ONLY_STAFF = "This key has the role {role}; only STAFF or ADMIN may do that."
ONLY_ADMIN = "This key has the role {role}; only ADMIN may do that."
NO_TEXT = "The text of `{name}` has a character that no text may have: NUL, or half of one."

UNPROVEN = "With a public key a booking is found by its `manageToken` only: send what `createBooking` answered."
DISPROVED = "There is no such booking, or this is not its `manageToken`: send what `createBooking` answered."

HELD = "Held: {service}"
BUSY = "Busy"

NORWEGIAN: Mapping[str, str] = {
    ONLY_STAFF: "Denne nøkkelen har rollen {role}; bare STAFF eller ADMIN har lov til dette.",
    ONLY_ADMIN: "Denne nøkkelen har rollen {role}; bare ADMIN har lov til dette.",
    NO_TEXT: "Teksten i `{name}` har et tegn som ingen tekst kan ha: NUL, eller et halvt tegn.",
    HELD: "Reservert: {service}",
    BUSY: "Opptatt",
    "A booking is cancelled with cancelBooking.": "En bestilling avbestilles med cancelBooking.",
    "At most 100 intervals a week.": "Høyst 100 intervaller i uken.",
    "At most 24 intervals a day.": "Høyst 24 intervaller om dagen.",
    "At most a year after the start.": "Høyst et år etter starten.",
    "At most {most} at once.": "Høyst {most} om gangen.",
    "At most {most} matchers.": "Høyst {most} kjennetegn.",
    "MATCHED_EVENTS needs a matcher: what names this option.": (
        "MATCHED_EVENTS trenger et kjennetegn: det som nevner dette alternativet."
    ),
    "A socket may have {most} operations open. Complete what is not looked at, or open another socket.": (
        "En socket kan ha {most} åpne operasjoner. Avslutt det som ikke vises, eller åpne en socket til."
    ),
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
    "One address may have {most} different subscriptions open with this key. Equal ones count once: let windows begin "
    "at whole days, and close what is not looked at.": (
        "Én adresse kan ha {most} forskjellige abonnementer åpne med denne nøkkelen. Like teller bare én gang: la "
        "tidsrom begynne ved hele døgn, og lukk det som ikke vises."
    ),
    "`intervals` is missing: [] closes the day, null removes the override.": (
        "`intervals` mangler: [] stenger dagen, null fjerner overstyringen."
    ),
    "Sign in with Google for this option first.": "Logg inn med Google for dette alternativet først.",
    "The Google account has no such calendar.": "Google-kontoen har ingen slik kalender.",
    "The Google account must be signed in again.": "Google-kontoen må logges inn på nytt.",
    "The Google account lacks a permission: {missing}. Sign in with it again, and tick every box.": (
        "Google-kontoen mangler en tillatelse: {missing}. Logg inn med den på nytt, og kryss av for alle."
    ),
    "The booking has not taken place yet: how it went can be said once it has started.": (
        "Bestillingen har ikke funnet sted ennå: hvordan det gikk, kan sies når den har begynt."
    ),
    "The booking is {status}: make it CONFIRMED first.": "Bestillingen er {status}: sett den til CONFIRMED først.",
    "The account may only read this calendar: linked without blocking it would do nothing.": (
        "Kontoen kan bare lese denne kalenderen: uten å blokkere ville koblingen ikke gjøre noe."
    ),
    "The booking cannot be changed any more.": "Bestillingen kan ikke endres lenger.",
    "The booking has changed meanwhile: it is at version {version}.": (
        "Bestillingen er endret i mellomtiden: den er på versjon {version}."
    ),
    "The booking is cancelled already.": "Bestillingen er allerede avbestilt.",
    "The document and the variables of a subscription may have {most} bytes together. Ask for less at once.": (
        "Dokumentet og variablene til et abonnement kan ha {most} byte til sammen. Be om mindre om gangen."
    ),
    "The hold has expired.": "Reservasjonen er utløpt.",
    "This hold was booked already.": "Denne reservasjonen er allerede bestilt.",
    "The hold says this already.": "Dette sier reservasjonen allerede.",
    "The option is not linked to a Google calendar.": "Alternativet er ikke koblet til en Google-kalender.",
    "The service is not offered here.": "Tjenesten tilbys ikke her.",
    "There is no such Google account.": "Det finnes ingen slik Google-konto.",
    "There is no such booking.": "Det finnes ingen slik bestilling.",
    DISPROVED: (
        "Det finnes ingen slik bestilling, eller dette er ikke dens `manageToken`: send det `createBooking` svarte."
    ),
    UNPROVEN: (
        "Med en offentlig nøkkel finnes en bestilling bare ved sitt `manageToken`: send det `createBooking` svarte."
    ),
    "There is no such hold.": "Det finnes ingen slik reservasjon.",
    "There is no such option.": "Det finnes ikke noe slikt alternativ.",
    "There is no such service.": "Det finnes ingen slik tjeneste.",
    "There is no such time off.": "Det finnes ikke noe slikt fravær.",
    "This can no longer be booked.": "Dette kan ikke bestilles lenger.",
    "This idempotency key was used with another input.": "Denne idempotency-nøkkelen ble brukt med andre verdier.",
    "This key, or one address with it, may have {most} subscriptions open, equal ones included. Close some.": (
        "Denne nøkkelen, eller én adresse med den, kan ha {most} abonnementer åpne, like medregnet. Lukk noen."
    ),
    "This key may have {most} different subscriptions open. Equal ones count once: let windows begin at whole days, "
    "and close what is not looked at.": (
        "Denne nøkkelen kan ha {most} forskjellige abonnementer åpne. Like teller bare én gang: la tidsrom begynne ved "
        "hele døgn, og lukk det som ikke vises."
    ),
    "This sign-in is not known, was used, or is too old.": "Denne innloggingen er ukjent, brukt eller for gammel.",
    "This time is in the past.": "Dette tidspunktet er passert.",
    "This time is outside the opening hours.": "Dette tidspunktet er utenfor åpningstiden.",
    "This time is taken.": "Dette tidspunktet er opptatt.",
    "This time is too far ahead.": "Dette tidspunktet er for langt frem i tid.",
    "This time is too soon.": "Dette tidspunktet er for nært.",
    "Too many slots are held at once. Book or release one.": (
        "For mange tider er reservert på en gang. Bestill eller frigi en."
    ),
    "This document may cost {requested}, and one request at most {requestLimit}. Ask for less at once: a smaller "
    "`first`, a shorter range, fewer options, fewer fields.": (
        "Dette dokumentet kan koste {requested}, og en forespørsel høyst {requestLimit}. Spør om mindre på en gang: "
        "mindre `first`, kortere tidsrom, færre alternativer, færre felt."
    ),
    "What may be asked for in a minute is spent. Ask again in {seconds} s, or for less at once.": (
        "Det som kan spørres om på et minutt er brukt opp. Spør igjen om {seconds} s, eller om mindre på en gang."
    ),
    'Send a valid key as payload of connection_init: {{"Authorization": "Bearer <key>"}}': (
        'Send en gyldig nøkkel som payload i connection_init: {{"Authorization": "Bearer <key>"}}'
    ),
    "Too many bookings from this address. Book the next one in {seconds} s.": (
        "For mange bestillinger fra denne adressen. Bestill den neste om {seconds} s."
    ),
    "This booking was moved too often. Move it again in {seconds} s.": (
        "Denne bestillingen er flyttet for ofte. Flytt den igjen om {seconds} s."
    ),
    "Too many open sockets and streams with this key. Close one, or connect again in {seconds} s.": (
        "For mange åpne forbindelser med denne nøkkelen. Lukk en, eller koble til igjen om {seconds} s."
    ),
    "Too many requests from this address without a valid key. Send one in {seconds} s.": (
        "For mange forespørsler fra denne adressen uten en gyldig nøkkel. Send en om {seconds} s."
    ),
    "Too many requests with this key from this address. Send the next one in {seconds} s.": (
        "For mange forespørsler med denne nøkkelen fra denne adressen. Send den neste om {seconds} s."
    ),
    "Too many requests with this key. Send the next one in {seconds} s.": (
        "For mange forespørsler med denne nøkkelen. Send den neste om {seconds} s."
    ),
    "Must be a telephone number.": "Må være et telefonnummer.",
    "{{{keyword}}} at character {position} is no placeholder. Nearest: {nearest}.": (
        "{{{keyword}}} ved tegn {position} er ikke et nøkkelord. Nærmest: {nearest}."
    ),
    "`{{` at character {position} opens no placeholder. Close it with `}}`, or write `{{{{` for a literal brace.": (
        "`{{` ved tegn {position} åpner ikke noe nøkkelord. Lukk med `}}`, eller skriv `{{{{` for en krøllparentes."
    ),
    "{{{keyword}}} at character {position} is no placeholder.": (
        "{{{keyword}}} ved tegn {position} er ikke et nøkkelord."
    ),
    # What is wrong with synchronisation.
    "Google does not answer as it should. It is tried again by itself; there is nothing to do.": (
        "Google svarer ikke som det skal. Det prøves igjen av seg selv; ingen trenger å gjøre noe."
    ),
    "Google takes no more requests of this account for the moment. It goes on by itself; there is nothing to do.": (
        "Google tar ikke imot flere forespørsler fra denne kontoen akkurat nå. Det fortsetter av seg selv; ingen "
        "trenger å gjøre noe."
    ),
    "Google takes no more changes of this calendar for some hours. It goes on by itself; there is nothing to do.": (
        "Google tar ikke imot flere endringer i denne kalenderen på noen timer. Det fortsetter av seg selv; ingen "
        "trenger å gjøre noe."
    ),
    "Google no longer accepts the account's consent. An admin has to sign in with Google again with this account.": (
        "Google godtar ikke lenger samtykket fra kontoen. En administrator må logge inn med Google på nytt med denne "
        "kontoen."
    ),
    "Not every permission was granted. An admin has to sign in with Google again with this account and tick every "
    "box.": (
        "Ikke alle tillatelser ble gitt. En administrator må logge inn med Google på nytt med denne kontoen og krysse "
        "av for alle."
    ),
    "The Google account may only read this calendar, so bookings are not shown in it. The calendar's owner has to "
    "let the account make changes to events, or an admin has to link another calendar.": (
        "Google-kontoen kan bare lese denne kalenderen, så bestillinger vises ikke der. Eieren av kalenderen må la "
        "kontoen endre aktiviteter, eller en administrator må koble til en annen kalender."
    ),
    "Google finds no such calendar for this account. The calendar's owner has to share it with the account again, "
    "or an admin has to link another calendar.": (
        "Google finner ingen slik kalender for denne kontoen. Eieren av kalenderen må dele den med kontoen på nytt, "
        "eller en administrator må koble til en annen kalender."
    ),
    "The access to Google is not set up rightly. Whoever runs this service has to mend the settings of its OAuth "
    "client; the log says what Google found.": (
        "Tilgangen til Google er ikke satt opp riktig. Den som driver denne tjenesten, må rette innstillingene for "
        "OAuth-klienten; loggen sier hva Google fant."
    ),
    "Google refuses this. Whoever runs this service finds the reason in the log; when it is mended, staff have to "
    "ask for a sync of this calendar.": (
        "Google avviser dette. Den som driver denne tjenesten, finner grunnen i loggen; når det er rettet, må de "
        "ansatte be om en synkronisering av denne kalenderen."
    ),
    "Too many requests go to Google just now. It goes on by itself; there is nothing to do.": (
        "Det sendes for mange forespørsler til Google akkurat nå. Det fortsetter av seg selv; ingen trenger å gjøre "
        "noe."
    ),
    "The calendar's time zone changed while it was being read. It is read again by itself; there is nothing to do.": (
        "Tidssonen til kalenderen ble endret mens den ble lest. Den leses på nytt av seg selv; ingen trenger å gjøre "
        "noe."
    ),
    "More than half of this calendar's events are gone from Google. Nothing was removed here. If that is right, "
    "staff have to ask for a sync of this calendar.": (
        "Mer enn halvparten av aktivitetene i denne kalenderen er borte fra Google. Ingenting er fjernet her. Hvis det "
        "stemmer, må de ansatte be om en synkronisering av denne kalenderen."
    ),
    "The event was changed in Google again and again, so it is left as it is. Find out who or what changes it; "
    "then staff have to ask for a sync of this calendar.": (
        "Aktiviteten ble endret i Google om og om igjen, så den får stå som den er. Finn ut hvem eller hva som endrer "
        "den; så må de ansatte be om en synkronisering av denne kalenderen."
    ),
    "No secret key of this service opens the account's tokens. Whoever runs this service has to put the earlier "
    "key back into TIMEBOK_SECRET_KEYS, or an admin has to sign in with Google again with this account.": (
        "Ingen hemmelig nøkkel i denne tjenesten åpner kontoens tilganger. Den som driver tjenesten, må legge den "
        "tidligere nøkkelen tilbake i TIMEBOK_SECRET_KEYS, eller en administrator må logge inn med Google på nytt med "
        "denne kontoen."
    ),
    "Something went wrong here. It is tried again by itself; whoever runs this service finds the reason in the log.": (
        "Noe gikk galt her. Det prøves igjen av seg selv; den som driver tjenesten, finner grunnen i loggen."
    ),
}


@remember_short(256)
def negotiate(accept_language: str) -> str:
    """Chooses the language for an `Accept-Language` header; English when we have none of its languages."""
    ranked = sorted(filter(None, map(_parse_range, parts(accept_language))), key=lambda one: -one[0])
    found = negotiate_locale([tag for _, tag in ranked], list(LANGUAGES), sep="-")
    return LANGUAGES[found] if found else DEFAULT


def _parse_range(part: str) -> tuple[float, str] | None:
    """Parses a language range into its weight and tag; None when it is malformed, or has the weight 0."""
    tag, _, parameter = part.strip().partition(";")
    name, _, weight = parameter.strip().partition("=")
    try:
        value = float(weight) if name == "q" else 1.0
    except ValueError:
        return None
    return (value, tag.strip()) if tag.strip() and value > 0 else None


def translate(message: str, values: Mapping[str, Any], language: str) -> str:
    """Translates an English message into the language and fills its slots."""
    spoken = NORWEGIAN.get(message, message) if language == "nb" else message
    return spoken.format(**{name: _format_value(value, language) for name, value in values.items()})


def token_needed(manage_token: str | None) -> str:
    """What a public key hears that names a booking without its manage token, by what it sent alone: whether there is
    such a booking is told to nobody.
    """
    return DISPROVED if manage_token else UNPROVEN


def format_number(number: int, language: str = DEFAULT) -> str:
    """Formats a number for the language, with separated thousands where it has more than four digits."""
    grouped = f"{number:,}" if number >= _LONG else str(number)
    return grouped.replace(",", NO_BREAK_SPACE) if language == "nb" else grouped


def _format_value(value: Any, language: str) -> Any:
    return format_number(value, language) if isinstance(value, int) else value
