"""Who changes a booking with a public key hears that a manage token is needed, and never whether there is a booking."""

from typing import Any

import pytest

from graph.languages import NORWEGIAN
from graph.relay.nodes import to_id
from models.storage.columns import new_id
from tests.graph.shop import Shop, at, codes


async def told(shop: Shop, role: str, booking: str, **token: Any) -> list[str]:
    """What a move and a cancellation are refused with."""
    said = []
    for name, more in (("Move", {"start": at("14:00")}), ("Cancel", {})):
        payload = await shop.served.do(name, role, input={"bookingId": booking, **token, **more})
        assert codes(payload) == ["NOT_FOUND"]
        said.append(payload["errors"][0]["message"])
    return said


@pytest.mark.parametrize("absent", [{}, {"manageToken": None}, {"manageToken": ""}])
async def test_without_a_token_it_is_said_what_is_missing(shop: Shop, absent: dict[str, Any]) -> None:
    ours = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
    nobodys = to_id("Booking", new_id())
    said = await told(shop, "public", ours, **absent)
    assert said == await told(shop, "public", nobodys, **absent) == await told(shop, "public", "nonsense", **absent)
    assert all("With a public key" in each and "manageToken" in each and each in NORWEGIAN for each in said)
    assert ["manageToken" in each for each in await told(shop, "staff", nobodys, **absent)] == [False, False]


async def test_with_another_token_it_is_said_that_this_is_not_the_one(shop: Shop) -> None:
    ours = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
    other = (await shop.booked(at("12:00"), optionId=shop.anna))["manageToken"]
    nobodys = to_id("Booking", new_id())
    for token in (other, "nonsense"):
        said = await told(shop, "public", ours, manageToken=token)
        assert said == await told(shop, "public", nobodys, manageToken=token)
        assert all("not its `manageToken`" in each and each in NORWEGIAN for each in said)
