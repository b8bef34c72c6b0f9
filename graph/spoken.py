"""Translates GraphQL errors into the caller's language: a sentence of ours, followed by graphql-core's own message.

Errors are made in English, often before the caller is known, since a document is validated once for all callers. So
they are translated when they are sent, and their translations are looked up by their English text.
"""

import re
from collections.abc import Mapping
from typing import Final

from graphql import GraphQLError

from graph import excerpt
from graph.excerpt import remember_short
from graph.languages import NO_BREAK_SPACE, NORWEGIAN, translate

OURS: Final[Mapping[str, str]] = {
    "A Cursor is text that the API gave out.": "En Cursor er tekst som API-et ga ut.",
    "A Date looks like 2027-01-04.": "En Date ser ut som 2027-01-04.",
    "A Date looks like 2027-01-04 and lies between 1972 and 2200.": (
        "En Date ser ut som 2027-01-04 og ligger mellom 1972 og 2200."
    ),
    "A DateTime is a string such as 2027-01-04T09:00:00+01:00.": (
        "En DateTime er en tekst som 2027-01-04T09:00:00+01:00."
    ),
    "A DateTime lies between 1972 and 2200.": "En DateTime ligger mellom 1972 og 2200.",
    "A DateTime looks like 2027-01-04T09:00:00+01:00.": "En DateTime ser ut som 2027-01-04T09:00:00+01:00.",
    "A DateTime needs an offset: end it with Z or one such as +01:00.": (
        "En DateTime trenger en tidsforskyvning: la den slutte med Z, eller med en som +01:00."
    ),
    "A LocalTime is hours and minutes only, such as 09:30.": "En LocalTime er bare timer og minutter, som 09:30.",
    "A LocalTime looks like 09:30.": "En LocalTime ser ut som 09:30.",
    "A TimeZone is an IANA name such as Europe/Oslo.": "En TimeZone er et IANA-navn som Europe/Oslo.",
    "At most {most} ids at once.": "Høyst {most} id-er på en gang.",
    "At most {most} days at once.": "Høyst {most} dager på en gang.",
    "An operation has {counted} aliases, and may have {most}. Ask for less at once: use fewer, or send "
    "several requests.": (
        "En operasjon har {counted} aliaser, og kan ha {most}. Spør om mindre på en gang: bruk færre, "
        "eller send flere forespørsler."
    ),
    "An operation goes {counted} levels deep, and may go {most}. Ask for less at once: what lies deeper "
    "can be asked for by its id, in a request of its own.": (
        "En operasjon går {counted} nivåer dypt, og kan gå {most}. Spør om mindre på en gang: det som "
        "ligger dypere, kan hentes med sin id i en egen forespørsel."
    ),
    "An operation has more than {most} fields and repetitions of fields. Ask for less at once: for each "
    "field once in one place, or in several requests.": (
        "En operasjon har mer enn {most} felt og gjentakelser av felt. Spør om mindre på en gang: om "
        "hvert felt én gang på samme sted, eller i flere forespørsler."
    ),
    "Not available just now.": "Ikke tilgjengelig akkurat nå.",
    "Only a query can be sent by GET": "Bare en query kan sendes med GET",
    "Say with `operationName` which of the operations to run.": (
        "Si med `operationName` hvilken av operasjonene som skal kjøres."
    ),
    "Send GraphQL by POST, or a query by GET": "Send GraphQL med POST, eller en query med GET",
    "Send JSON, with the header `Content-Type: application/json`": (
        "Send JSON, med headeren `Content-Type: application/json`"
    ),
    "Send one request at a time: a JSON object, and no list of them": (
        "Send én forespørsel om gangen: et JSON-objekt, og ikke en liste"
    ),
    "Send a valid API key: `Authorization: Bearer <key>`.": "Send en gyldig API-nøkkel: `Authorization: Bearer <key>`.",
    "A subscription needs a socket, or `Accept: text/event-stream`": (
        "En subscription trenger en socket, eller `Accept: text/event-stream`"
    ),
    "Something went wrong here. Mention {fault} when you ask about it.": (
        "Noe gikk galt hos oss. Oppgi {fault} når du spør om det."
    ),
    "The request is larger than {most} bytes. Send less at once.": (
        "Forespørselen er større enn {most} byte. Send mindre på en gang."
    ),
    "What is behind the `?` is longer than {most} bytes: send GraphQL by POST.": (
        "Det som står bak `?`, er lengre enn {most} byte: send GraphQL med POST."
    ),
    "What is behind the `?` has more than {most} parameters: send GraphQL by POST.": (
        "Det som står bak `?`, har mer enn {most} parametere: send GraphQL med POST."
    ),
    "The request body is not JSON": "Forespørselens innhold er ikke JSON",
    "The request body is a JSON object": "Forespørselens innhold er et JSON-objekt",
    "The request has no query": "Forespørselen har ingen query",
    "The variables have more than {most} values. Send less at once: shorter lists, or several requests.": (
        "Variablene har mer enn {most} verdier. Send mindre på en gang: kortere lister, eller flere forespørsler."
    ),
    "The variables are nested too deeply.": "Variablene går for dypt.",
    "This document has {counted} operations, and may have {most}. Ask for less at once: send those that are to run, or "
    "several requests.": (
        "Dette dokumentet har {counted} operasjoner, og kan ha {most}. Spør om mindre på en gang: send dem som skal "
        "kjøres, eller flere forespørsler."
    ),
    "This document has more than {most} tokens. Ask for less at once: fewer fields, or several requests.": (
        "Dette dokumentet har mer enn {most} ord og tegn. Spør om mindre på en gang: færre felt, eller flere "
        "forespørsler."
    ),
    "This document is nested too deeply to be read; fields may go {most} levels deep. Ask for less at once: what lies "
    "deeper can be asked for by its id, in a request of its own.": (
        "Dette dokumentet er nøstet for dypt til å leses; felt kan gå {most} nivåer dypt. Spør om mindre på en gang: "
        "det som ligger dypere, kan hentes med sin id i en egen forespørsel."
    ),
    "The answer would be longer than {most} bytes. Ask for less at once: a shorter range, fewer options, fewer fields, "
    "or smaller pages.": (
        "Svaret ville bli lengre enn {most} byte. Spør om mindre på en gang: kortere tidsrom, færre alternativer, "
        "færre felt eller mindre sider."
    ),
    "Up to {starts} slots{each} can be in this range, and an answer has at most {most} bytes. Ask for a shorter range, "
    "fewer options, or a service with a longer step.": (
        "Opptil {starts} tider kan være i dette tidsrommet, og et svar har høyst {most} byte. Spør om et kortere "
        "tidsrom, færre alternativer eller en tjeneste med lengre steg."
    ),
    "Too many errors processing variables, error limit reached. Execution aborted.": (
        "Variablene har flere feil; resten er ikke vist."
    ),
    "Too many validation errors, error limit reached. Validation aborted.": (
        "Dokumentet har flere feil; resten er ikke vist."
    ),
    "Nobody waits for this any more.": "Ingen venter på dette lenger.",
    "`{name}` has at most {most} entries; {sent} were sent.": "`{name}` har høyst {most} verdier; {sent} ble sendt.",
    "`{name}` has at most {most} characters; {sent} were sent.": "`{name}` har høyst {most} tegn; {sent} ble sendt.",
    "The GraphQL operation's `query` must be a string or null, if provided.": "`query` må være tekst eller null.",
    "The GraphQL operation's `{name}` must be an object or null, if provided.": (
        "`{name}` må være et objekt eller null."
    ),
    "There is no booking for this manageToken.": "Det finnes ingen bestilling til dette manageToken.",
    "This took too long. What it began may still be done.": (
        "Dette tok for lang tid. Det som ble påbegynt, kan likevel bli gjort."
    ),
    "Too many open streams with this key.": "For mange åpne strømmer med denne nøkkelen.",
    "Too many requests with this key.": "For mange forespørsler med denne nøkkelen.",
    "`after` is not a cursor of this business.": "`after` er ikke en cursor hos denne bedriften.",
    "`after` is not a cursor of this list.": "`after` er ikke en cursor i denne listen.",
    "`first` is between 0 and {most}.": "`first` er mellom 0 og {most}.",
    "`to` must be after `from`.": "`to` må være etter `from`.",
    "`to` may be at most {most} days after `from`.": "`to` kan være høyst {most} dager etter `from`.",
    "`{name}` is not JSON": "`{name}` er ikke JSON",
}
"""The messages with which we refuse requests."""

GRAPHQL: Final[Mapping[str, str]] = {
    "Syntax Error: {detail}": "Dokumentet kan ikke leses som GraphQL.",
    "Cannot query field '{field}' on type '{type}'.{more}": "Typen {type} har ikke feltet {field}.",
    "Field '{field}' of type '{type}' must have a selection of subfields.{more}": "Si hvilke felt i {field}.",
    "Field '{field}' must not have a selection since type '{type}' has no subfields.": "{field} har ingen felt.",
    "Unknown argument '{argument}' on field '{field}'.{more}": "Feltet {field} har ikke argumentet {argument}.",
    "Argument '{argument}' of type '{type}' is required, but it was not provided.": "Argumentet {argument} mangler.",
    "Argument '{argument}' of required type '{type}' was not provided.": "Argumentet {argument} mangler.",
    "Argument '{argument}' has invalid value{more}": "Argumentet {argument} har en verdi som ikke passer.",
    "Unknown type '{type}'.{more}": "Det finnes ingen type {type}.",
    "Unknown fragment '{name}'.": "Det finnes ikke noe fragment {name}.",
    "Unknown directive '{name}'.": "Det finnes ikke noe direktiv {name}.",
    "Unknown operation named '{name}'.": "Det finnes ingen operasjon {name}.",
    "Fragment '{name}' is never used.": "Fragmentet {name} brukes ikke.",
    "Variable '{name}' is not defined{more}.": "Variabelen {name} er ikke oppgitt med type.",
    "Variable '{name}' is never used{more}.": "Variabelen {name} brukes ikke.",
    "Variable '{name}' has invalid value{more}": "Variabelen {name} har en verdi som ikke passer.",
    "Variable '{name}' has invalid default value{more}": "Variabelen {name} har en standardverdi som ikke passer.",
    "Variable '{name}' of type '{type}' used in position expecting type '{wanted}'.": (
        "Variabelen {name} er av typen {type}; der den står, trengs {wanted}."
    ),
    "Variable '{name}' of required type '{type}' was not provided.": "Variabelen {name} mangler.",
    "Expected value of type '{type}'{more}": "En verdi passer ikke til typen {type}.",
    "Expected value of non-null type '{type}'{more}": "En verdi av typen {type} mangler.",
    "{type} cannot represent {more}": "En verdi passer ikke til typen {type}.",
    "Fields '{name}' conflict because {reason}": "Feltet {name} står to ganger, med ulikt innhold.",
    "There can be only one {kind} named '{name}'.": "{name} er oppgitt mer enn en gang.",
}
"""The most frequent messages of graphql-core. Its own text follows the translation, since it names the place."""

_NUMBER: Final = re.compile(r"(?P<more>more than )?(?P<number>\d{1,3}(,\d{3})*)")

_OTHERWISE: Final = "Forespørselen kan ikke besvares."


def translate_message(message: str, language: str) -> str:
    """Translates the English message of an error."""
    return message if language == "en" else _norwegian(message)


@remember_short(1024)
def _norwegian(message: str) -> str:
    exact = NORWEGIAN.get(message) or OURS.get(message)
    if exact:
        return exact
    for pattern, translated in _ALL_OURS:
        if found := pattern.fullmatch(message):
            return translated.format(**{name: _format_slot(value) for name, value in found.groupdict().items()})
    for pattern, translated in _OF_GRAPHQL:
        if found := pattern.fullmatch(message):
            return f"{translated.format(**found.groupdict())}{_reason(message)} ({message})"
    return f"{_OTHERWISE} ({message})"


def _reason(message: str) -> str:
    """What a scalar of ours says of a value, where graphql-core has put its own words before it; else nothing."""
    return next((f" {said}" for sentence, said in OURS.items() if message.endswith(f": {sentence}")), "")


def _format_slot(value: str) -> str:
    """Formats a slot's value for Norwegian if it is a number."""
    if not (found := _NUMBER.fullmatch(value)):
        return value
    more = "mer enn " if found["more"] else ""
    return more + found["number"].replace(",", NO_BREAK_SPACE)


class _TranslatedError(GraphQLError):
    """An error whose message is in the caller's language already."""


def translated_error(
    message: str, values: Mapping[str, object], language: str, extensions: dict[str, object]
) -> GraphQLError:
    """Makes an error for one caller, in that caller's language, with the message's slots filled."""
    return _TranslatedError(translate(message, values, language), extensions=extensions)


def translate_error(error: GraphQLError, language: str) -> GraphQLError:
    """Returns the error translated, with long names cut. Does not change the error itself, which may go to other
    callers too.
    """
    is_ours = isinstance(error, _TranslatedError) or isinstance(error.original_error, _TranslatedError)
    message, path = error.message, excerpt.path(error.path)
    if not is_ours:
        message = translate_message(excerpt.message(message), language)
    if message == error.message and path == error.path:
        return error
    told = _TranslatedError(message, path=path, original_error=error.original_error, extensions=error.extensions)
    # To compute the places of nodes anew is work for each line of the document.
    told.nodes, told.source, told.positions, told.locations = (
        error.nodes,
        error.source,
        error.positions,
        error.locations,
    )
    told.__cause__ = error
    return told


def _compiled(sentences: Mapping[str, str]) -> list[tuple[re.Pattern[str], str]]:
    """Compiles a pattern for each sentence with slots, which matches it with the slots filled."""
    found = []
    for sentence, translated in sentences.items():
        if "{" in sentence and not sentence.startswith(("{reason}", "{{{")):
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*?)", re.escape(sentence))
            found.append((re.compile(pattern, re.DOTALL), translated))
    return found


_ALL_OURS: Final = _compiled({**NORWEGIAN, **OURS})
_OF_GRAPHQL: Final = _compiled(GRAPHQL)
