"""What refuses a request as a whole is said in the caller's language, with graphql-core's own words behind it."""

import ast
import json
from pathlib import Path
from typing import cast

import pytest
import websockets
from graphql import GraphQLError, OperationDefinitionNode, build_schema, parse, validate
from graphql.execution.values import get_variable_values

from graph.complexity.aliases import AliasRule
from graph.complexity.depth import DepthRule
from graph.complexity.repetition import RepetitionRule
from graph.complexity.values import TOO_MANY_VALUES
from graph.documents import document
from graph.languages import NORWEGIAN
from graph.schema import schema
from graph.server.http.body_limit import LARGEST_BODY, LONGEST_QUERY_STRING, MOST_PARAMETERS
from graph.spoken import GRAPHQL, OURS, translate_error, translate_message
from tests.graph.shop import Shop
from tests.graph.socket_client import acknowledged, receive, subscribing

ROOT = Path(__file__).parents[2] / "graph"
MAKING = {"bad_input": 0, "GraphQLError": 0, "NoRequestError": 1}


MEASURED = {document.NESTED, document.TOO_MANY, document.TOO_LONG, TOO_MANY_VALUES}
MEASURED |= {rule.message for rule in (AliasRule, DepthRule, RepetitionRule)}
"""What is said of a document, or of variables, that are measured."""


def sentences() -> set[str]:
    """What the code refuses requests with, word for word; what is worked out has X in its place."""
    found = set()
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            at = MAKING.get(name)
            if at is None or len(node.args) <= at:
                continue
            said = node.args[at]
            if isinstance(said, ast.Constant) and said.value:
                found.add(str(said.value))
            elif isinstance(said, ast.JoinedStr):
                found.add("".join(str(each.value) if isinstance(each, ast.Constant) else "X" for each in said.values))
    return found


def test_every_refusal_of_a_request_is_said_in_norwegian() -> None:
    said = sentences() | MEASURED
    assert len(said) > 20
    assert [
        each for each in said if f"({each})" in translate_message(each, "nb") or translate_message(each, "nb") == each
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        "{ a",
        "{ b }",
        "{ o }",
        "{ a { x } }",
        "{ a(y: 1) }",
        "{ a(x: {}) }",
        "{ n }",
        "{ ...F }",
        "{ a } fragment F on Query { a }",
        "query($x: Int) { a(x: $x) }",
        "query($x: Int) { a }",
        "{ a(x: $x) }",
        "query($x: Nix) { a }",
        "{ a: n(x: 1) a: a }",
        "{ a @nix }",
        "query A { a } query A { a }",
    ],
)
def test_what_graphql_refuses_is_said_in_norwegian_with_its_own_words_behind(text: str) -> None:
    schema = build_schema("type Query { a(x: String): Int n(x: Int!): Int o: O } type O { p: Int }")
    try:
        errors = validate(schema, parse(text))
    except GraphQLError as error:
        errors = [error]
    assert errors
    for wrong in errors:
        said = translate_error(wrong, "nb")
        assert said.message.endswith(f"({wrong.message})")
        assert not said.message.startswith("Forespørselen"), wrong.message
        assert (said.locations, said.path) == (wrong.locations, wrong.path)
        assert translate_error(wrong, "en") is wrong
        assert translate_error(said, "nb") is said


@pytest.mark.parametrize(
    ("kind", "value", "norwegian"),
    [
        ("DateTime", "2027-01-04T09:00:00", "En DateTime trenger en tidsforskyvning: "),
        ("DateTime", "soon", "En DateTime ser ut som 2027-01-04T09:00:00+01:00."),
        ("DateTime", 5, "En DateTime er en tekst som 2027-01-04T09:00:00+01:00."),
        ("DateTime", "1066-10-14T09:00:00Z", "En DateTime ligger mellom 1972 og 2200."),
        ("Date", "14.10.2027", "En Date ser ut som 2027-01-04."),
        ("LocalTime", "half past nine", "En LocalTime ser ut som 09:30."),
        ("LocalTime", "09:30:15", "En LocalTime er bare timer og minutter, som 09:30."),
        ("TimeZone", "Oslo", "En TimeZone er et IANA-navn som Europe/Oslo."),
    ],
)
def test_what_a_scalar_says_of_a_variable_is_said_in_norwegian(kind: str, value: object, norwegian: str) -> None:
    operation = cast(OperationDefinitionNode, parse(f"query($x: {kind}) {{ a }}").definitions[0])
    wanted = operation.variable_definitions or ()
    errors = cast(list[GraphQLError], get_variable_values(schema._schema, wanted, {"x": value}))
    (said,) = [translate_message(each.message, "nb") for each in errors]
    assert said.startswith(f"Variabelen $x har en verdi som ikke passer. {norwegian}")
    assert said.endswith(f"({errors[0].message})")


def test_the_sentences_fill_their_own_slots() -> None:
    for sentence, translated in {**OURS, **GRAPHQL}.items():
        for slot in ("name", "most", "field", "type", "argument", "wanted", "fault"):
            assert "{" + slot + "}" in sentence or "{" + slot + "}" not in translated, sentence
    assert not OURS.keys() & NORWEGIAN.keys()


async def test_requests_are_refused_in_the_callers_language(shop: Shop) -> None:
    served = shop.served
    own = {"Authorization": f"Bearer {served.keys['public']}"}
    cases: tuple[tuple[dict[str, str], str, str], ...] = (
        ({}, "{ viewer { name } }", "Send en gyldig API-nøkkel: `Authorization: Bearer <key>`."),
        (own, "{ viewer", "Dokumentet kan ikke leses som GraphQL. (Syntax Error: Expected Name, found <EOF>.)"),
        (own, "{ nix }", "Typen Query har ikke feltet nix. (Cannot query field 'nix' on type 'Query'.)"),
        (own, "{ services(first: 101) { totalCount } }", "`first` er mellom 0 og 100."),
        (
            own,
            "{ bookings { totalCount } }",
            "Denne nøkkelen har rollen PUBLIC; bare STAFF eller ADMIN har lov til dette.",
        ),
        (own, "", "Forespørselen har ingen query"),
    )
    for more, text, expected in cases:
        for language in ("nb", "en", "nb"):
            headers = {**more, "Accept-Language": language}
            answer = (await served.http.post(f"{served.url}/graphql", json={"query": text}, headers=headers)).json()
            assert (answer["errors"][0]["message"] == expected) is (language == "nb"), answer


@pytest.mark.parametrize(
    ("content_type", "body", "english", "norwegian"),
    [
        ("application/x-www-form-urlencoded", "{}", "Send JSON, with the header", "Send JSON, med headeren"),
        ("application/json", "{", "The request body is not JSON", "Forespørselens innhold er ikke JSON"),
        ("application/json", "[{}]", "Send one request at a time", "Send én forespørsel om gangen"),
    ],
)
async def test_what_is_no_graphql_request_is_told_what_is_wanted(
    shop: Shop, content_type: str, body: str, english: str, norwegian: str
) -> None:
    headers = {"Authorization": f"Bearer {shop.served.keys['public']}", "Content-Type": content_type}
    for language, expected in (("en", english), ("nb", norwegian)):
        told = {**headers, "Accept-Language": language}
        answer = await shop.served.http.post(f"{shop.served.url}/graphql", content=body, headers=told)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["message"].startswith(expected)


async def test_a_request_that_is_too_large_is_told_the_limit_in_the_callers_language(shop: Shop) -> None:
    http, url = shop.served.http, f"{shop.served.url}/graphql"
    for language, figures in (("en", "1,048,576 bytes"), ("nb", "1\u00a0048\u00a0576 byte")):
        headers = {"Accept-Language": language}
        large = await http.post(url, content=b" " * (LARGEST_BODY + 1), headers=headers)
        long = await http.get(f"{url}?query={'x' * LONGEST_QUERY_STRING}", headers=headers)
        many = await http.get(f"{url}?{'a=b&' * MOST_PARAMETERS}", headers=headers)
        assert [each.status_code for each in (large, long, many)] == [413, 414, 400]
        told = [each.json()["errors"][0]["message"] for each in (large, long, many)]
        assert figures in told[0]
        assert f" {LONGEST_QUERY_STRING} " in told[1]
        assert f" {MOST_PARAMETERS} " in told[2]
        assert all(("POST" in each, "send GraphQL med POST" in each) == (True, language == "nb") for each in told[1:])


REFUSED = {
    "{ viewer": "Dokumentet kan ikke leses som GraphQL.",
    "{ nix }": "Typen Query har ikke feltet nix.",
    "{ "
    + " ".join(f"a{number}: viewer {{ role }}" for number in range(51))
    + " }": "En operasjon har 51 aliaser, og kan ha 50.",
    "{ services(first: 101) { totalCount } }": "`first` er mellom 0 og 100.",
    "{ bookings { totalCount } }": "Denne nøkkelen har rollen PUBLIC",
    "query A { viewer { role } } query B { viewer { role } }": "Si med `operationName`",
}


@pytest.mark.parametrize("text", REFUSED)
async def test_over_every_transport_it_is_the_callers_language(shop: Shop, text: str) -> None:
    served = shop.served
    shown = {"Authorization": f"Bearer {served.keys['public']}", "Accept-Language": "nb"}
    for accept in ("application/json", "text/event-stream"):
        for _ in range(2):
            answer = await served.http.post(
                f"{served.url}/graphql", json={"query": text}, headers={**shown, "Accept": accept}
            )
            assert REFUSED[text] in answer.text, (accept, answer.text)
    url, protocols = served.url.replace("http", "ws") + "/graphql", [websockets.Subprotocol("graphql-transport-ws")]
    async with websockets.connect(url, subprotocols=protocols, additional_headers={"Accept-Language": "nb"}) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": shown}))
        await acknowledged(socket)
        await socket.send(subscribing("1", text))
        assert REFUSED[text] in json.dumps(await receive(socket), ensure_ascii=False)
