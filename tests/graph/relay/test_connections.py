"""Lists in pages: by name, by keyset, so that rows which arrive while somebody pages are no disturbance."""

import base64
import json
from typing import Any

import pytest

from tests.graph.shop import Shop, graphql_codes, make_option, make_service
from tests.served import Served

NAMES = ("apple", "Banana", "Ängström", "cherry", "Same", "Same", "Same", "Østers", "zebra", "Éclair")


def page_of(field: str) -> str:
    """The query for one page of `options` or `services`."""
    return f"""
        query($first: Int!, $after: String) {{ {field}(first: $first, after: $after) {{
            totalCount
            nodes {{ id name }}
            edges {{ cursor node {{ id }} }}
            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
        }} }}
    """


async def page(served: Served, field: str, first: int, after: str | None = None, role: str = "staff") -> Any:
    """One page."""
    variables = {"first": first, "after": after}
    answer = (await served.send(page_of(field), served.keys[role], variables)).json()
    assert "errors" not in answer, answer
    found = answer["data"][field]
    assert [edge["node"]["id"] for edge in found["edges"]] == [node["id"] for node in found["nodes"]]
    ends = [found["edges"][0]["cursor"], found["edges"][-1]["cursor"]] if found["edges"] else [None, None]
    assert [found["pageInfo"]["startCursor"], found["pageInfo"]["endCursor"]] == ends
    return found


async def make(served: Served, field: str, name: str) -> str:
    """One more option or service."""
    return await (make_service if field == "services" else make_option)(served, name=name)


@pytest.mark.parametrize("field", ["options", "services"])
async def test_pages_neither_skip_nor_repeat_while_rows_arrive(served: Served, field: str) -> None:
    made = [await make(served, field, name) for name in NAMES]
    whole = await page(served, field, 100)
    assert sorted(node["id"] for node in whole["nodes"]) == sorted(made)
    assert (whole["totalCount"], whole["pageInfo"]["hasNextPage"]) == (len(NAMES), False)

    seen: list[str] = []
    arriving = iter(("AAA", "Same", "zzz", "M"))
    arrived = 0
    after, more = None, True
    while more:
        found = await page(served, field, 3, after)
        assert found["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += [node["id"] for node in found["nodes"]]
        after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
        if more and (name := next(arriving, None)):
            await make(served, field, name)
            arrived += 1
    assert len(seen) == len(set(seen))
    assert [each for each in seen if each in made] == [node["id"] for node in whole["nodes"]]
    assert arrived >= 3
    assert (await page(served, field, 1))["totalCount"] == len(NAMES) + arrived


async def test_a_page_has_at_most_a_hundred_and_may_be_empty(shop: Shop) -> None:
    empty = await page(shop.served, "options", 0)
    assert (empty["nodes"], empty["totalCount"]) == ([], 2)
    last = (await page(shop.served, "options", 100))["pageInfo"]["endCursor"]
    beyond = await page(shop.served, "options", 10, last)
    assert beyond["nodes"] == []
    assert beyond["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
        "endCursor": None,
    }
    for first in (101, -1, 2**31 - 1):
        answer = await shop.served.send(page_of("options"), shop.served.keys["staff"], {"first": first})
        assert graphql_codes(answer.json()) == ["BAD_USER_INPUT"], first


async def test_what_is_no_cursor_of_a_page_is_bad_input(shop: Shop) -> None:
    real = (await page(shop.served, "options", 1))["pageInfo"]["endCursor"]
    for after in ("nonsense", "", "ø", real[: len(real) // 2], "=" * 9, "W10=", "bnVsbA==", "x" * 5000):
        answer = await shop.served.send(page_of("options"), shop.served.keys["staff"], {"first": 1, "after": after})
        assert graphql_codes(answer.json()) == ["BAD_USER_INPUT"], after


@pytest.mark.parametrize(
    ("listed", "place"),
    [
        ("bookings", "0001-01-01T00:00:00+23:59"),
        ("bookings", "9999-12-31T23:59:59-23:59"),
        ("bookings", "2027-01-04T09:00:00"),
        ("options", "\ud800"),
        ("options", "A\0"),
        ("options", 1),
    ],
)
async def test_a_cursor_that_was_made_up_is_bad_input(shop: Shop, listed: str, place: object) -> None:
    plain = json.dumps([place, "0" * 32]).encode()
    variables = {"first": 1, "after": base64.urlsafe_b64encode(plain).decode()}
    document = f"query($first: Int!, $after: String) {{ {listed}(first: $first, after: $after) {{ nodes {{ id }} }} }}"
    for _ in range(3):
        answer = await shop.served.send(document, shop.served.keys["staff"], variables)
        assert graphql_codes(answer.json()) == ["BAD_USER_INPUT"]


async def test_a_row_that_is_gone_for_customers_leaves_their_pages_whole(shop: Shop) -> None:
    first = await page(shop.served, "options", 1, role="public")
    await shop.served.do("UpdateOption", "staff", input={"optionId": shop.anna, "active": False})
    rest = await page(shop.served, "options", 1, first["pageInfo"]["endCursor"], role="public")
    assert [node["name"] for node in rest["nodes"]] == ["Ben"]
    assert rest["totalCount"] == 1
