"""What is wrong with a document is worked out once, however long it is and however much of it is wrong."""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from graphql import GraphQLError, Source, parse
from graphql.language.location import _re_newline

from graph.documents.document import Document, parse_document
from graph.documents.validity import MOST_ERRORS
from graph.errors import with_code
from graph.graphql_internals import LinedSource
from graph.schema import schema
from tests.served import Served

LINE_BREAK = _re_newline.pattern
LINES = "\n" * 300
WRONG = (
    "{" + LINES + " ".join(f"wrong{at}" for at in range(50)) + "}",
    "{" + LINES + " ".join(f"a{at}: options(first: 1, wrong: 2) {{ totalCount }}" for at in range(40)) + "}",
    "query(" + " ".join(f"$a{at}: Int" for at in range(50)) + ") {" + LINES + "__typename }",
    "{" + LINES + " ".join(f'a{at}: node(id: "\\u0000") {{ id }}' for at in range(40)) + "}",
    LINES + "{ a( }",
    "".join(f"query A {{ {LINES} __typename }}" for _ in range(20)),
    "query(" + f"$a: Int {LINES}" * 20 + ") { __typename }",
)


def checked(text: str) -> Document:
    """A document of which it is known what is wrong with it."""
    document = parse_document(text)
    document.check(schema.core, introspection=True)
    return document


def errors_of(document: Document) -> list[GraphQLError]:
    """What is wrong with a document."""
    return [document.syntax_error] if document.syntax_error else document.errors or []


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """Counts how often this thread looks for the lines of a text meanwhile."""
    found = 0

    def count(_: Any, event: str, called: Any) -> None:
        nonlocal found
        found += event == "c_call" and called.__name__ == "finditer" and called.__self__.pattern == LINE_BREAK

    sys.setprofile(count)
    try:
        yield lambda: found
    finally:
        sys.setprofile(None)


def walks(work: Callable[[], Any]) -> tuple[int, Any]:
    """How often the lines of a text are looked for meanwhile, and what comes of the work."""
    with counted() as count:
        made = work()
    return count(), made


@pytest.mark.parametrize("text", WRONG)
def test_lines_are_looked_for_once_for_all_errors_of_a_document(text: str) -> None:
    walked, document = walks(lambda: checked(text))
    errors = errors_of(document)
    # Errors with several places look for them in another way, each once: also the one that is not told any more.
    assert walked <= 2 + sum(len(error.locations or ()) > 1 for error in errors)
    assert 1 <= len(errors) <= MOST_ERRORS + 1
    assert all(len(error.locations or ()) <= MOST_ERRORS for error in errors)
    for language in ("en", "nb"):
        told = [with_code(error, language) for error in errors]
        again, formatted = walks(lambda: [with_code(error, language).formatted for error in errors])  # noqa: B023
        assert again == 0
        assert formatted == [each.formatted for each in told]
        assert [each.locations for each in told] == [each.locations for each in errors]


def test_an_error_with_thousands_of_places_tells_some() -> None:
    document = checked("query(" + "$a: Int " * 900 + ") { __typename }")
    assert document.errors
    assert max(len(each.locations or ()) for each in document.errors) <= MOST_ERRORS


def test_that_there_are_more_errors_is_the_last_one() -> None:
    errors = errors_of(checked(WRONG[0]))
    assert [each.message.split(" '")[0] for each in errors[:-1]] == ["Cannot query field"] * MOST_ERRORS
    assert with_code(errors[-1], "nb").message == "Dokumentet har flere feil; resten er ikke vist."
    assert len(errors_of(checked("{ one two three }"))) == 3


def test_a_place_is_where_graphql_says() -> None:
    chance = random.Random(11)  # noqa: S311
    for _ in range(200):
        text = "".join(chance.choices(["\n", "\r", "\r\n", "a", "\u2028", "ø"], k=30))
        ours, theirs = LinedSource(text), Source(text)
        for at in range(len(text) + 1):
            if text[at - 1 : at + 1] != "\r\n":
                assert ours.get_location(at) == theirs.get_location(at)
    assert parse(LinedSource("{\n a }")) == parse("{\n a }")


@pytest.mark.parametrize("word", ["", "first", "wrong"])
async def test_who_serves_all_looks_for_no_lines(studio: Served, word: str) -> None:
    """Threads read and check long documents; what fails when one runs has its place, too."""
    twice = "".join(f"a{at}: options(first: 1000) {{ totalCount }} " * 2 for at in range(20))
    text = f"query($first: Int) {{ {LINES} {twice.replace('1000', '$first') if word == 'first' else twice} {word} }}"
    if word == "":
        text = text.replace("query($first: Int)", "")
    headers = {"Authorization": f"Bearer {studio.keys['staff']}", "Accept-Language": "nb"}
    with counted() as count:
        body = {"query": text, "variables": {"first": "many"}}
        answer = (await studio.http.post(f"{studio.url}/graphql", json=body, headers=headers)).json()
    assert count() == 0
    assert {each["extensions"]["code"] for each in answer["errors"]} == {"BAD_USER_INPUT"}
    assert all(each["locations"] for each in answer["errors"])
