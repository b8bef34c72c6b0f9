"""Variables with very many values are refused before anything is made of them."""

from typing import Any

import pytest

from graph.complexity.values import MOST_VALUES, too_many_values
from tests.graph.shop import Shop, graphql_codes

HALF = MOST_VALUES // 2
WITHIN: tuple[dict[str, Any], ...] = ({}, {"a": [1] * (MOST_VALUES - 1)}, {"a": {"b": [None] * HALF}, "c": [[]] * 10})
BEYOND: tuple[dict[str, Any], ...] = (
    {"a": [1] * MOST_VALUES},
    {"a": {"b": [[1] * HALF, [2] * HALF]}},
    {f"a{number}": 1 for number in range(MOST_VALUES + 1)},
    {"a": [[1]] * HALF + [[2]] * HALF},
)


@pytest.mark.parametrize("variables", WITHIN)
def test_what_a_client_sends_is_within(variables: dict[str, Any]) -> None:
    assert too_many_values(variables) is None


@pytest.mark.parametrize("variables", BEYOND)
def test_more_is_refused(variables: dict[str, Any]) -> None:
    error = too_many_values(variables)
    assert error
    assert error.extensions == {"code": "BAD_USER_INPUT"}


async def test_lists_of_any_field_are_looked_at_before_they_are_read(shop: Shop) -> None:
    for document in ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", "query($ids: [Int!]) { viewer { role } }"):
        for _ in range(3):
            answer = await shop.served.send(document, shop.served.keys["public"], {"ids": [1] * 300_000})
            assert graphql_codes(answer.json()) == ["BAD_USER_INPUT"]
            assert f"more than {MOST_VALUES}" in answer.json()["errors"][0]["message"] or "never used" in answer.text
