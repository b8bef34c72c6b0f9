"""What clients were promised is kept: no breaking change of the schema that the changelog does not tell them of.

`promised.graphql` is the schema of the last release; releasing copies `schema.graphql` over it.
"""

from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema
from graphql.utilities import find_breaking_changes, find_dangerous_changes

from graph.schema import sdl

PROMISED = (Path(__file__).parent / "promised.graphql").read_text()
README = (Path(__file__).parents[2] / "README.md").read_text()

OTHERWISE = {
    "a type is gone": ("Cursor", "Bookmark"),
    "a field is gone": ("  reference: String!\n", "  number: String!\n"),
    "what was always there may be null": ("  durationMinutes: Int!\n", "  durationMinutes: Int\n"),
    "an argument is demanded": ("  after: Cursor\n", "  after: Cursor!\n"),
    "an input field is demanded": ("  note: String\n", "  note: String!\n"),
    "an enum's value is gone": ("  NO_SHOW\n", "  ABSENT\n"),
    "a default is another": ("first: Int! = ", "first: Int! = 1"),
}


def untold(before: GraphQLSchema, after: GraphQLSchema, changelog: str) -> list[str]:
    """Changes that may break a client, as graphql-core words them, which the changelog does not quote."""
    changes = [*find_breaking_changes(before, after), *find_dangerous_changes(before, after)]
    return [description for _, description in changes if description not in changelog]


def test_nothing_that_may_break_a_client_goes_untold() -> None:
    assert untold(build_schema(PROMISED), build_schema(sdl()), README) == []


@pytest.mark.parametrize("kind", OTHERWISE)
def test_a_change_that_breaks_a_client_is_noticed_until_it_is_told(kind: str) -> None:
    said, otherwise = OTHERWISE[kind]
    assert said in PROMISED, f"choose another example of: {kind}"
    before, after = build_schema(PROMISED), build_schema(PROMISED.replace(said, otherwise))
    found = untold(before, after, "")
    assert found
    assert untold(before, after, "\n".join(found)) == []
