"""Documents that ask for the same very often are refused before the rule that compares all of it runs."""

import pytest
from graphql import parse, validate

from graph.complexity.repetition import RepetitionRule
from graph.documents.document import MOST_OPERATIONS, MOST_TOKENS, parse_document
from graph.schema import schema


def often(count: int, field: str = "options { nodes { id name } }") -> str:
    """A field so many times."""
    return " ".join([field] * count)


def codes(text: str) -> set[str | None]:
    """The codes of what is wrong with a document."""
    document = parse_document(text)
    document.check(schema.core, introspection=True)
    wrong = [document.syntax_error] if document.syntax_error else document.errors or []
    return {(each.extensions or {}).get("code") for each in wrong}


HOSTILE = {
    "a field of the schema": f"{{ {often(350, '__schema { __typename }')} }}",
    "a field with others below": f"{{ {often(800)} }}",
    "below another": f"{{ viewer {{ {often(100, 'business { id }')} }} }}",
    "in fragments without a name": f"{{ {often(100, '... on Query { viewer { role } }')} }}",
    "in fragments that spread the next": "{ ...F0 } "
    + " ".join(f"fragment F{at} on Query {{ ...F{at + 1} ...F{at + 1} viewer {{ role }} }}" for at in range(150))
    + " fragment F150 on Query { viewer { role } }",
    "in many fragments": f"{{ {' '.join(f'...F{at}' for at in range(200))} }} "
    + " ".join(f"fragment F{at} on Query {{ viewer {{ role }} }}" for at in range(200)),
    "under one name": f"{{ {often(100, 'v: viewer { role }')} }}",
    "on types of one interface": '{ node(id: "x") { '
    + often(60, "... on Booking { id } ... on Option { id } ... on Hold { id }")
    + " } }",
}
HONEST = {
    "components that each bring a fragment": "{ options { nodes { "
    + " ".join(f"...F{at}" for at in range(30))
    + " } } } "
    + " ".join(f"fragment F{at} on Option {{ __typename id name }}" for at in range(30)),
    "many fields": "{ options { nodes { " + " ".join(f"a{at}: name" for at in range(1000)) + " } } }",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_repeats_itself_is_refused(name: str) -> None:
    (error,) = validate(schema.core, parse(HOSTILE[name]), [RepetitionRule])
    assert error.extensions == {"code": "QUERY_TOO_COMPLEX"}


@pytest.mark.parametrize("name", HONEST)
def test_what_a_client_puts_together_is_not(name: str) -> None:
    assert validate(schema.core, parse(HONEST[name]), [RepetitionRule]) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_else_is_asked_of_a_document_that_repeats_itself(name: str) -> None:
    """Not even whether its fields exist: the time that takes grows with the square of the repetition."""
    assert codes(HOSTILE[name].replace("role", "nonsense")) == {"QUERY_TOO_COMPLEX"}


def test_counting_goes_as_deep_as_fragments_do() -> None:
    """Three hundred levels, in fragments that are written once."""
    levels = " ".join(f"fragment F{at} on Option {{ services {{ options {{ ...F{at + 1} }} }} }}" for at in range(300))
    document = f"{{ options {{ nodes {{ ...F0 }} }} }} {levels} fragment F300 on Option {{ id }}"
    assert codes(document) == {"QUERY_TOO_COMPLEX"}


@pytest.mark.parametrize(
    "text",
    [
        "{ " + "__typename " * (MOST_TOKENS + 1) + "}",
        " ".join(f"query A{at} {{ __typename }}" for at in range(MOST_OPERATIONS + 1)),
        "{ options " * 1000 + "}" * 1000,
        "{ nodes(ids: " + "[" * 1000 + "]" * 1000 + ") { id } }",
        "{ viewer { role } } " + "#" * 10 + "\n" + "{" * 3000,
    ],
)
def test_too_many_tokens_operations_or_levels_are_one_code(text: str) -> None:
    document = parse_document(text)
    assert document.syntax_error
    too_complex = (document.syntax_error.extensions or {}).get("code") == "QUERY_TOO_COMPLEX"
    assert too_complex != ("#" in text)
