"""Booking: any option or a chosen one, what is answered, who sees what, and what is written."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any

from tests.graph.shop import KARI, Shop, at, codes, located


async def test_a_customer_books_and_finds_the_booking_by_its_token(each_shop: Shop) -> None:
    shop = each_shop
    payload = await shop.booked(at("10:00"), optionId=shop.ben, note="Short, please")
    booking = payload["booking"]
    assert booking == {
        "id": booking["id"],
        "reference": booking["reference"],
        "status": "CONFIRMED",
        "start": at("10:00"),
        "end": at("11:00"),
        "version": 1,
        "service": {"id": shop.haircut, "name": "Haircut", "durationMinutes": 60},
        "option": {"id": shop.ben, "name": "Ben"},
    }
    assert booking["reference"]
    assert payload["alternatives"] == []
    assert await shop.served.do("ManagedBooking", "public", manageToken=payload["manageToken"]) == booking

    (entry,) = (await shop.calendar())["entries"]
    assert {field: entry[field] for field in ("id", "reference", "note", "customer", "start")} == {
        "id": booking["id"],
        "reference": booking["reference"],
        "note": "Short, please",
        "customer": KARI,
        "start": at("10:00"),
    }
    (created,) = await shop.history(booking["id"])
    assert created["action"] == "CREATED"
    assert "the public key" in created["actor"] or created["actor"] == "customer"


async def test_an_offset_is_only_another_way_to_write_the_same_instant(shop: Shop) -> None:
    elsewhere = datetime.fromisoformat(at("10:00")).astimezone().isoformat()
    far = at("11:00").replace("Z", "+00:00")
    assert (await shop.booked(elsewhere))["booking"]["start"] == at("10:00")
    assert (await shop.booked(far))["booking"]["start"] == at("11:00")


async def test_any_option_means_the_free_one_with_the_fewest_bookings_that_day_then_by_name(shop: Shop) -> None:
    async def chosen(clock: str, day: int = 0) -> str:
        return str((await shop.booked(at(clock, day)))["booking"]["option"]["name"])

    assert await chosen("09:00") == "Anna"
    assert await chosen("12:00") == "Ben"
    assert await chosen("14:00") == "Anna"
    assert await chosen("14:00") == "Ben"
    assert await chosen("15:00", 1) == "Anna"
    await shop.booked(at("16:00"), optionId=shop.ben)
    await shop.booked(at("15:00"), optionId=shop.ben)
    assert await chosen("10:00") == "Anna"
    assert await chosen("10:00") == "Ben"


async def test_a_taken_slot_is_refused_with_the_nearest_alternatives(shop: Shop) -> None:
    await shop.booked(at("12:00"), optionId=shop.anna)
    before = await shop.calendar()

    refused = await shop.book(at("12:00"), optionId=shop.anna)
    assert (refused["booking"], refused["manageToken"]) == (None, None)
    assert codes(refused) == ["SLOT_TAKEN"]
    assert 1 <= len(refused["alternatives"]) <= 5
    same, nearest = refused["alternatives"][:2]
    assert (same["start"], [option["id"] for option in same["options"]]) == (at("12:00"), [shop.ben])
    assert shop.anna in [option["id"] for option in nearest["options"]]
    assert nearest["start"] in (at("11:00"), at("13:00"))
    assert await shop.calendar() == before

    await shop.booked(at("12:00"))
    refused = await shop.book(at("12:00"))
    assert codes(refused) == ["SLOT_TAKEN"]
    starts = [slot["start"] for slot in refused["alternatives"]]
    assert set(starts[:2]) == {at("11:00"), at("13:00")}
    assert set(starts[2:4]) == {at("10:00"), at("14:00")}
    assert starts[4] in (at("09:00"), at("15:00"))
    for slot in refused["alternatives"]:
        await shop.booked(slot["start"], optionId=slot["options"][0]["id"])


async def test_simultaneous_bookings_of_one_slot_leave_exactly_one(each_shop: Shop) -> None:
    shop = each_shop
    attempts = await asyncio.gather(*(shop.book(at("10:00"), optionId=shop.anna) for _ in range(8)))
    assert Counter(map(str, map(codes, attempts))) == {"[]": 1, "['SLOT_TAKEN']": 7}
    (won,) = [attempt["booking"] for attempt in attempts if attempt["booking"]]
    assert [entry["id"] for entry in (await shop.calendar())["entries"]] == [won["id"]]


async def test_simultaneous_bookings_of_any_option_fill_every_option_once(each_shop: Shop) -> None:
    shop = each_shop
    attempts = await asyncio.gather(*(shop.book(at("10:00")) for _ in range(5)))
    names = sorted(attempt["booking"]["option"]["name"] for attempt in attempts if attempt["booking"])
    assert names == ["Anna", "Ben"]
    assert sorted(map(codes, attempts)) == [[], [], *[["SLOT_TAKEN"]] * 3]


async def test_buffers_are_kept_between_two_bookings_and_not_at_opening(shop: Shop) -> None:
    async def attempt(clock: str) -> list[str]:
        return codes(await shop.book(at(clock), serviceId=shop.colouring))

    assert await attempt("09:00") == []
    # It ends at 10:30 and clears up until 10:50; the next one prepares for ten minutes before its start.
    assert await attempt("10:45") == ["SLOT_TAKEN"]
    assert await attempt("11:00") == []
    assert await attempt("15:30") == []
    # A haircut has no buffers of its own: 12:30 and its clearing up are over at 12:50, preparing begins at 15:20.
    assert codes(await shop.book(at("13:00"), optionId=shop.anna)) == []
    assert codes(await shop.book(at("15:00"), optionId=shop.anna)) == ["SLOT_TAKEN"]


async def test_a_wrong_value_is_named_by_its_path_and_nothing_is_written(shop: Shop) -> None:
    before = await shop.calendar()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"customer": {**KARI, "name": ""}}, "customer.name"),
        ({"customer": {**KARI, "name": "  "}}, "customer.name"),
        ({"customer": {**KARI, "email": "kari"}}, "customer.email"),
        ({"customer": {**KARI, "email": "kari@"}}, "customer.email"),
        ({"customer": {**KARI, "email": "kari@example.no\nBcc: all@example.no"}}, "customer.email"),
        ({"serviceId": None}, "serviceId"),
        ({"start": None}, "start"),
        ({"idempotencyKey": ""}, "idempotencyKey"),
        ({"idempotencyKey": "k" * 129}, "idempotencyKey"),
    ]
    for more, path in wrong:
        wanted = {"serviceId": shop.haircut, "start": at("10:00"), "customer": KARI, **more}
        payload = await shop.served.do("Book", "public", input=wanted)
        assert located(payload) == [("INVALID_INPUT", f"input.{path}")], more
        assert (payload["booking"], payload["manageToken"], payload["alternatives"]) == (None, None, []), more
    for unknown in ({"serviceId": "nonsense"}, {"optionId": "nonsense"}, {"optionId": shop.haircut}):
        payload = await shop.book(at("10:00"), **unknown)
        assert (payload["booking"], codes(payload)) == (None, ["NOT_FOUND"]), unknown
    payload = await shop.served.do("Book", "public", input={"holdId": "nonsense", "customer": KARI})
    assert payload["booking"] is None
    assert codes(payload) in (["NOT_FOUND"], ["HOLD_EXPIRED"])
    assert await shop.calendar() == before


async def test_text_is_kept_as_it_was_written(each_shop: Shop) -> None:
    shop = each_shop
    name, note = "Åse Ñuñez 王小明 👩🏽‍⚕️ <b>'\";--", "Line one\nline two\t%s {0} {{note}}"
    await shop.booked(at("09:00"), "staff", customer={"name": name}, note=note)
    (entry,) = (await shop.calendar())["entries"]
    assert (entry["customer"]["name"], entry["note"]) == (name, note)


async def test_a_token_that_opens_no_booking_is_answered_with_null(shop: Shop) -> None:
    token = (await shop.booked(at("10:00")))["manageToken"]
    turned = token.swapcase()
    for wrong in ("", "nonsense", "ø", f"{token}x", f"{token}=", token[:-1], turned, token[:8], "A" * 10_000):
        assert await shop.served.do("ManagedBooking", "public", manageToken=wrong) is None, wrong
    assert await shop.served.do("ManagedBooking", "staff", manageToken=token)
