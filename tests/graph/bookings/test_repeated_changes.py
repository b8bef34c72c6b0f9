"""A move, an edit or a cancellation that is sent again after a lost answer gets the same outcome, and is done once."""

from typing import Any

import pytest

from tests.graph.shop import KARI, Shop, at, codes, located

KEYED = ("RescheduleBooking", "UpdateBooking", "CancelBooking")


def change(operation: str, booking: str, **more: Any) -> dict[str, Any]:
    """An input that changes something."""
    own: dict[str, Any] = {"start": at("14:00")} if operation == "RescheduleBooking" else {}
    if operation == "UpdateBooking":
        own = {"note": "Window seat"}
    return {"bookingId": booking, **own, **more}


@pytest.mark.parametrize("operation", KEYED)
async def test_the_same_again_is_answered_as_the_first_time_and_done_once(each_shop: Shop, operation: str) -> None:
    shop = each_shop
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    wanted = change(operation, booking["id"], expectedVersion=1, idempotencyKey="k")
    first = await shop.served.do(operation, "staff", input=wanted)
    assert first["errors"] == []
    cursor, history = await shop.cursor(), await shop.history(booking["id"])
    assert await shop.served.do(operation, "staff", input=wanted) == first
    assert (await shop.cursor(), await shop.history(booking["id"])) == (cursor, history)
    without = {name: value for name, value in wanted.items() if name != "idempotencyKey"}
    expected = "ALREADY_CANCELLED" if operation == "CancelBooking" else "STALE_VERSION"
    assert codes(await shop.served.do(operation, "staff", input=without)) == [expected]


@pytest.mark.parametrize("operation", KEYED)
async def test_a_key_is_bound_to_the_whole_input_and_to_its_mutation(shop: Shop, operation: str) -> None:
    booking = (await shop.booked(at("10:00"), optionId=shop.anna, idempotencyKey="k"))["booking"]["id"]
    wanted = change(operation, booking, idempotencyKey="k")
    assert (await shop.served.do(operation, "staff", input=wanted))["errors"] == []
    for other in ({"expectedVersion": 7}, {"bookingId": shop.anna}):
        again = await shop.served.do(operation, "staff", input={**wanted, **other})
        assert located(again) == [("IDEMPOTENCY_MISMATCH", "input.idempotencyKey")]


async def test_a_refused_move_stays_refused_and_what_was_never_decided_is_not_remembered(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
    other = (await shop.booked(at("14:00"), optionId=shop.anna))["booking"]["id"]
    wanted = change("RescheduleBooking", booking, idempotencyKey="k")
    refused = await shop.served.do("RescheduleBooking", "staff", input=wanted)
    assert codes(refused) == ["SLOT_TAKEN"]
    assert (await shop.served.do("CancelBooking", "staff", input={"bookingId": other}))["errors"] == []
    assert codes(await shop.served.do("RescheduleBooking", "staff", input=wanted)) == ["SLOT_TAKEN"]
    assert (await shop.served.do("RescheduleBooking", "staff", input={**wanted, "idempotencyKey": "l"}))["errors"] == []

    edit = {"bookingId": booking, "customer": {**KARI, "email": "nonsense"}, "idempotencyKey": "m"}
    assert codes(await shop.served.do("UpdateBooking", "staff", input=edit)) == ["INVALID_INPUT"]
    assert codes(await shop.served.do("UpdateBooking", "public", input=edit)) == ["FORBIDDEN"]
    edit["customer"] = KARI
    assert (await shop.served.do("UpdateBooking", "staff", input=edit))["errors"] == []


@pytest.mark.parametrize("operation", KEYED)
async def test_a_key_has_1_to_128_characters(shop: Shop, operation: str) -> None:
    booking = (await shop.booked(at("10:00")))["booking"]["id"]
    for wrong in ("", "k" * 129):
        wanted = change(operation, booking, idempotencyKey=wrong)
        payload = await shop.served.do(operation, "staff", input=wanted)
        assert located(payload) == [("INVALID_INPUT", "input.idempotencyKey")]


async def test_customers_repeat_their_moves_with_their_token_and_nobody_else_does(shop: Shop) -> None:
    made = await shop.booked(at("10:00"), optionId=shop.anna)
    wanted = change("RescheduleBooking", made["booking"]["id"], idempotencyKey="k")
    mine = {**wanted, "manageToken": made["manageToken"]}
    first = await shop.served.do("RescheduleBooking", "public", input=mine)
    assert first["errors"] == []
    assert await shop.served.do("RescheduleBooking", "public", input=mine) == first
    assert codes(await shop.served.do("RescheduleBooking", "public", input=wanted)) == ["NOT_FOUND"]
