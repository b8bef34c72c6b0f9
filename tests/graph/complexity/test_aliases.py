"""How often the same can be asked for under other names."""

import pytest
from graphql import parse, validate

from graph.complexity.aliases import MOST, AliasRule
from graph.schema import schema


def names(count: int) -> str:
    """So many fields with another name."""
    return " ".join(f"a{number}: name" for number in range(count))


def levels(below: int) -> str:
    """Seven times what comes below."""
    return " ".join(f"s{each}: services {{ options {{ ...F{below} }} }}" for each in range(7))


HALF = MOST // 2
WITHIN = (
    f"{{ options(first: 1) {{ nodes {{ {names(MOST)} }} }} }}",
    f"{{ options(first: 1) {{ nodes {{ ...F }} }} }} fragment F on Option {{ {names(MOST)} }}",
    f"{{ options(first: 1) {{ nodes {{ ...F ...F }} }} }} fragment F on Option {{ {names(HALF)} }}",
    f"query A {{ options(first: 1) {{ nodes {{ {names(MOST)} }} }} }} "
    f"query B {{ options(first: 1) {{ nodes {{ {names(MOST)} }} }} }}",
    "{ ...F } fragment F on Query { ...F }",
    "{ ...Lost }",
)
BEYOND = (
    f"{{ options(first: 1) {{ nodes {{ {names(MOST + 1)} }} }} }}",
    f"{{ options(first: 1) {{ nodes {{ ... {{ {names(MOST)} }} a: id }} }} }}",
    f"{{ options(first: 1) {{ nodes {{ ...F ...F }} }} }} fragment F on Option {{ {names(HALF + 1)} }}",
    # In seven levels of seven each, more than three million fields.
    "{ options(first: 1) { nodes { ...F0 } } } "
    + " ".join(f"fragment F{number} on Option {{ {levels(number + 1)} }}" for number in range(6))
    + " fragment F6 on Option { x: name }",
)


@pytest.mark.parametrize("document", WITHIN)
def test_what_has_few_other_names_may_be_asked(document: str) -> None:
    assert validate(schema.core, parse(document), [AliasRule]) == []


@pytest.mark.parametrize("document", BEYOND)
def test_what_has_too_many_is_refused(document: str) -> None:
    (error,) = validate(schema.core, parse(document), [AliasRule])
    assert error.extensions == {"code": "QUERY_TOO_COMPLEX"}
    assert str(MOST) in error.message
