"""A retry is harmless: the same idempotency key gives the same outcome, refusals included."""

import asyncio

from tests.graph.shop import KARI, OLA, Shop, at, codes


async def test_a_retry_gets_the_first_answer_and_writes_nothing(each_shop: Shop) -> None:
    shop = each_shop
    first = await shop.booked(at("10:00"), idempotencyKey="k")
    stands = await shop.calendar()
    assert await shop.book(at("10:00"), idempotencyKey="k") == first
    assert first["manageToken"]
    # The same instant in other words is the same input.
    assert (await shop.book(at("10:00").replace("Z", "+00:00"), idempotencyKey="k"))["booking"] == first["booking"]
    assert await shop.calendar() == stands


async def test_simultaneous_retries_book_once(each_shop: Shop) -> None:
    shop = each_shop
    answers = await asyncio.gather(*(shop.book(at("10:00"), idempotencyKey="k") for _ in range(6)))
    assert [codes(answer) for answer in answers] == [[]] * 6
    assert len({answer["booking"]["id"] for answer in answers}) == 1
    assert len({answer["manageToken"] for answer in answers}) == 1
    assert len((await shop.calendar())["entries"]) == 1


async def test_a_refusal_is_replayed_even_when_the_slot_is_free_again(each_shop: Shop) -> None:
    shop = each_shop
    taken = await shop.booked(at("10:00"), optionId=shop.anna)
    refused = await shop.book(at("10:00"), optionId=shop.anna, idempotencyKey="k")
    assert codes(refused) == ["SLOT_TAKEN"]
    await shop.served.do("CancelBooking", "staff", input={"bookingId": taken["booking"]["id"]})
    stands = await shop.calendar()

    replayed = await shop.book(at("10:00"), optionId=shop.anna, idempotencyKey="k")
    assert (replayed["booking"], replayed["manageToken"]) == (None, None)
    assert replayed["errors"] == refused["errors"]
    assert await shop.calendar() == stands
    await shop.booked(at("10:00"), optionId=shop.anna, idempotencyKey="another")


async def test_several_reasons_are_replayed_as_they_were(shop: Shop) -> None:
    refused = await shop.book(at("20:07", 35), optionId=shop.ben, serviceId=shop.colouring, idempotencyKey="k")
    assert len(codes(refused)) > 1
    replayed = await shop.book(at("20:07", 35), optionId=shop.ben, serviceId=shop.colouring, idempotencyKey="k")
    assert replayed["errors"] == refused["errors"]


async def test_the_same_key_with_another_input_is_a_mismatch(shop: Shop) -> None:
    await shop.booked(at("10:00"), note="one", idempotencyKey="k")
    stands = await shop.calendar()
    others = (
        {"note": "two"},
        {"note": None},
        {"note": "one", "customer": OLA},
        {"note": "one", "optionId": shop.ben},
        {"note": "one", "serviceId": shop.colouring},
    )
    for other in others:
        payload = await shop.book(at("10:00"), idempotencyKey="k", **other)
        assert (payload["booking"], payload["manageToken"]) == (None, None)
        assert codes(payload) == ["IDEMPOTENCY_MISMATCH"], other
    assert codes(await shop.book(at("11:00"), note="one", idempotencyKey="k")) == ["IDEMPOTENCY_MISMATCH"]
    assert await shop.calendar() == stands


async def test_two_api_keys_may_use_the_same_key(shop: Shop) -> None:
    mine = await shop.booked(at("10:00"), "public", idempotencyKey="k")
    yours = await shop.booked(at("10:00"), "staff", idempotencyKey="k")
    assert mine["booking"]["id"] != yours["booking"]["id"]
    elsewhere = await shop.served.another("elsewhere")
    payload = await elsewhere.do(
        "Book", "public", input={"serviceId": "nonsense", "start": at("10:00"), "customer": KARI, "idempotencyKey": "k"}
    )
    assert codes(payload) == ["NOT_FOUND"]


async def test_what_was_never_decided_is_not_remembered(shop: Shop) -> None:
    wrong = {"name": "Kari", "email": "nonsense"}
    assert codes(await shop.book(at("10:00"), customer=wrong, idempotencyKey="k")) == ["INVALID_INPUT"]
    await shop.booked(at("10:00"), idempotencyKey="k")


async def test_a_key_of_128_characters_is_remembered(shop: Shop) -> None:
    first = await shop.booked(at("10:00"), idempotencyKey="ø" * 128)
    assert await shop.booked(at("10:00"), idempotencyKey="ø" * 128) == first


async def test_a_retry_after_the_booking_moved_still_names_the_same_booking(shop: Shop) -> None:
    first = await shop.booked(at("10:00"), idempotencyKey="k")
    move = {"bookingId": first["booking"]["id"], "start": at("12:00")}
    assert (await shop.served.do("RescheduleBooking", "staff", input=move))["errors"] == []
    again = await shop.book(at("10:00"), idempotencyKey="k")
    assert again["errors"] == []
    assert (again["booking"]["id"], again["manageToken"]) == (first["booking"]["id"], first["manageToken"])
