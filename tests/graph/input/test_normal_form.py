"""A token, a cursor and an id are taken as they were given out, and in no other spelling of the same bytes."""

import base64
from collections.abc import Iterator

from tests.graph.shop import Shop, at, graphql_codes

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def others(given: str) -> Iterator[str]:
    """Other spellings that lenient decoders take for the same."""
    bare = given.rstrip("=")
    yield from (
        f"{given}x",
        f"{given}=",
        f"{given}==",
        f"{given}\n",
        f" {given}",
        f"{given}%",
        f"{bare[:4]}\n{bare[4:]}",
    )
    if bare != given:
        yield bare
    raw = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    for last in ALPHABET:
        turned = bare[:-1] + last
        padded = turned + "=" * (-len(turned) % 4)
        if turned != bare and base64.urlsafe_b64decode(padded) == raw:
            yield turned + given[len(bare) :]


async def test_a_manage_token_has_one_spelling(shop: Shop) -> None:
    token = (await shop.booked(at("10:00")))["manageToken"]
    assert await shop.served.do("ManagedBooking", "public", manageToken=token)
    for other in others(token):
        assert await shop.served.do("ManagedBooking", "public", manageToken=other) is None, other


async def test_an_id_has_one_spelling(shop: Shop) -> None:
    assert await shop.served.do("Refetch", "staff", id=shop.anna)
    for other in others(shop.anna):
        assert await shop.served.do("Refetch", "staff", id=other) is None, other


async def test_the_cursor_of_a_list_has_one_spelling(shop: Shop) -> None:
    document = "query($after: String) { options(first: 1, after: $after) { edges { cursor } } }"
    key = shop.served.keys["staff"]
    answer = (await shop.served.send(document, key, {"after": None})).json()
    cursor = answer["data"]["options"]["edges"][0]["cursor"]
    assert "errors" not in (await shop.served.send(document, key, {"after": cursor})).json()
    for other in others(cursor):
        answer = (await shop.served.send(document, key, {"after": other})).json()
        assert graphql_codes(answer) == ["BAD_USER_INPUT"], other
