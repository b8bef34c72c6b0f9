"""What asks for too much is told what was counted, what the limit is and how to ask for less, in the caller's language
and with figures as that language writes them.
"""

import re

import pytest
from graphql import GraphQLError

from graph.complexity import aliases, depth, repetition
from graph.complexity.values import MOST_VALUES, too_many_values
from graph.documents.document import MOST_OPERATIONS, MOST_TOKENS, parse_document
from graph.languages import format_number, translate
from graph.limits.cost_budget import TOO_EXPENSIVE
from graph.rendering.allowance import too_long
from graph.schema import schema
from graph.spoken import translate_error
from tests.graph.shop import Shop


def refusal(text: str, about: str) -> GraphQLError:
    """Why a document is refused, as far as it is about this."""
    document = parse_document(text)
    document.check(schema.core, introspection=True)
    errors = [document.syntax_error] if document.syntax_error else document.errors or []
    assert {(error.extensions or {})["code"] for error in errors} == {"QUERY_TOO_COMPLEX"}
    (error,) = [each for each in errors if about in each.message]
    return error


def nested(levels: int) -> str:
    """Options, their services, their options, so many levels deep."""
    names = ["options", "nodes", *(("services", "options")[at % 2] for at in range(levels - 3))]
    return "{ " + " { ".join(names) + " { id " + "}" * levels


DOUBLED = "{ ...F0 } " + " ".join(
    [
        *(f"fragment F{at} on Query {{ ...F{at + 1} ...F{at + 1} }}" for at in range(30)),
        "fragment F30 on Query { a: viewer { role } }",
    ]
)
"""A thousand million aliases, in fragments that are each spread twice."""

REFUSED = {
    "aliases": ("{ viewer { " + " ".join(f"a{at}: role" for at in range(61)) + " } }", "61", aliases.MOST),
    "aliases, in fragments": (DOUBLED, "more than 1,000,000", aliases.MOST),
    "levels deep": (nested(19), "19", depth.DEEPEST),
    "levels deep, and cannot be read": ("{ options " * 1000 + "}" * 1000, "too deeply", depth.DEEPEST),
    "repetitions": ("{ " + "viewer { role } " * 800 + "}", "more than", repetition.MOST),
    "operations": (" ".join(f"query A{at} {{ __typename }}" for at in range(123)), "123", MOST_OPERATIONS),
    "tokens": ("{ " + "__typename " * (MOST_TOKENS + 1) + "}", "more than", MOST_TOKENS),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_document_that_is_too_much_is_told_the_figures_and_what_to_do(what: str) -> None:
    document, counted, most = REFUSED[what]
    said = refusal(document, what.partition(",")[0]).message
    assert re.search(rf"\b{counted}\b", said)
    assert re.search(rf"\b{most}\b", said)
    assert "Ask for less at once: " in said


@pytest.mark.parametrize("what", REFUSED)
def test_and_so_in_norwegian(what: str) -> None:
    document, counted, most = REFUSED[what]
    said = translate_error(refusal(document, what.partition(",")[0]), "nb").message
    for figures in (counted, str(most)):
        if number := re.search(r"\d[\d,]*", figures):
            assert re.search(rf"\b{number[0].replace(',', chr(0xA0))}\b", said)
    assert "Spør om mindre på en gang: " in said
    assert "more than" not in said
    assert not said.endswith(")"), "it is said in English behind it"


def test_variables_that_are_too_many_are_told_the_limit() -> None:
    refused = too_many_values({"ids": list(range(MOST_VALUES))})
    assert refused
    assert f" {MOST_VALUES} values" in refused.message
    assert f" {MOST_VALUES} verdier" in translate_error(refused, "nb").message


@pytest.mark.parametrize(
    ("number", "english", "norwegian"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (2026, "2026", "2026"),
        (10_000, "10,000", "10\u00a0000"),
        (1_200_000, "1,200,000", "1\u00a0200\u00a0000"),
    ],
)
def test_a_figure_is_written_as_the_language_does(number: int, english: str, norwegian: str) -> None:
    assert (format_number(number), format_number(number, "nb")) == (english, norwegian)
    for language, written in (("en", english), ("nb", norwegian)):
        assert f" {written}, " in translate(TOO_EXPENSIVE, {"requested": number, "requestLimit": 7}, language)
    if number >= 1024:
        assert f" {norwegian} byte" in translate_error(too_long(number), "nb").message


async def test_a_request_that_costs_too_much_is_told_in_norwegian_figures(shop: Shop) -> None:
    document = "{ services(first: 50) { nodes { options { services { options { services { id } } } } } } }"
    headers = {"Authorization": f"Bearer {shop.served.keys['public']}", "Accept-Language": "nb"}
    body = {"query": document}
    answer = (await shop.served.http.post(f"{shop.served.url}/graphql", json=body, headers=headers)).json()
    (error,) = answer["errors"]
    assert "høyst 1\u00a0200\u00a0000." in error["message"]
    assert format_number(error["extensions"]["requested"], "nb") in error["message"]
    assert "," not in error["message"].partition(". ")[0].replace(", og", "")
