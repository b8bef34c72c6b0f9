"""The calendar: what a range shows of a booking, what it leaves out, and who may look."""

from datetime import datetime, timedelta
from typing import Any

from tests.graph.shop import KARI, OLA, Shop, at, graphql_codes


async def seen(shop: Shop, begin: str, end: str, **more: Any) -> list[str]:
    """The starts of the entries that overlap a range, in the order answered."""
    calendar = await shop.served.do("Calendar", "staff", **{"from": begin, "to": end}, **more)
    return [entry["start"] for entry in calendar["entries"]]


async def test_a_booking_is_shown_with_all_that_staff_need(each_shop: Shop) -> None:
    shop = each_shop
    payload = await shop.booked(at("10:00"), optionId=shop.anna, note="Window seat", customer=OLA)
    (entry,) = (await shop.calendar())["entries"]
    assert "Haircut" in entry["title"]
    assert "Ola Hansen" in entry["title"]
    assert entry == {
        "__typename": "Booking",
        "id": payload["booking"]["id"],
        "start": at("10:00"),
        "end": at("11:00"),
        "allDay": False,
        "title": entry["title"],
        "blocks": True,
        "options": [{"id": shop.anna}],
        "reference": payload["booking"]["reference"],
        "status": "CONFIRMED",
        "version": 1,
        "note": "Window seat",
        "service": {"id": shop.haircut, "name": "Haircut"},
        "customer": OLA,
        "mirror": {"state": "NOT_LINKED", "htmlLink": None, "drift": "NONE", "error": None},
        "conflicts": [],
    }


async def test_a_range_shows_what_overlaps_it_in_order(shop: Shop) -> None:
    await shop.booked(at("14:00"), optionId=shop.anna)
    await shop.booked(at("10:00"), optionId=shop.ben)
    both = [at("10:00"), at("14:00")]
    assert await seen(shop, at("00:00"), at("00:00", 1)) == both
    assert await seen(shop, at("10:59"), at("14:01")) == both
    assert await seen(shop, at("11:00"), at("14:00")) == []
    assert await seen(shop, at("09:00"), at("10:00")) == []
    assert await seen(shop, at("10:15"), at("10:30")) == both[:1]
    assert await seen(shop, at("00:00", -1), at("00:00")) == []


async def test_buffers_do_not_lengthen_what_is_shown(shop: Shop) -> None:
    await shop.booked(at("10:00"), serviceId=shop.colouring)
    assert await seen(shop, at("11:30"), at("12:00")) == []
    assert await seen(shop, at("09:50"), at("10:00")) == []


async def test_only_the_options_that_are_asked_for_are_shown(shop: Shop) -> None:
    await shop.booked(at("10:00"), optionId=shop.anna)
    await shop.booked(at("12:00"), optionId=shop.ben)
    day = (at("00:00"), at("00:00", 1))
    assert await seen(shop, *day, optionIds=[shop.anna]) == [at("10:00")]
    assert await seen(shop, *day, optionIds=[shop.ben]) == [at("12:00")]
    assert await seen(shop, *day, optionIds=[shop.anna, shop.ben, shop.anna]) == [at("10:00"), at("12:00")]
    assert await seen(shop, *day, optionIds=None) == [at("10:00"), at("12:00")]
    for unknown in ("", "nonsense", shop.haircut):
        answer = await shop.served.ask("Calendar", "staff", **{"from": day[0], "to": day[1]}, optionIds=[unknown])
        assert graphql_codes(answer) == ["BAD_USER_INPUT"] or answer["data"]["calendar"]["entries"] == [], unknown


async def test_a_cancelled_booking_leaves_the_calendar_and_a_moved_one_moves(shop: Shop) -> None:
    first = (await shop.booked(at("10:00"), customer=KARI))["booking"]
    second = (await shop.booked(at("12:00")))["booking"]
    await shop.served.do("CancelBooking", "staff", input={"bookingId": first["id"]})
    await shop.served.do("RescheduleBooking", "staff", input={"bookingId": second["id"], "start": at("15:00")})
    assert await seen(shop, at("00:00"), at("00:00", 1)) == [at("15:00")]


async def test_the_cursor_moves_with_every_write_and_stands_still_without(shop: Shop) -> None:
    stands = await shop.cursor()
    assert await shop.cursor() == stands
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    booked = await shop.cursor()
    assert booked != stands
    await shop.book(at("10:00"), optionId=shop.anna)
    await shop.book(at("03:00"), customer={"name": ""})
    assert await shop.cursor() == booked
    await shop.served.do("CancelBooking", "staff", input={"bookingId": booking["id"]})
    assert await shop.cursor() not in (stands, booked)


async def test_a_range_of_62_days_is_answered_and_a_longer_one_refused(shop: Shop) -> None:
    begin = datetime.fromisoformat(at("00:00"))
    for length, expected in ((timedelta(days=62), []), (timedelta(days=62, seconds=1), ["BAD_USER_INPUT"])):
        window = {"from": at("00:00"), "to": (begin + length).isoformat()}
        assert graphql_codes(await shop.served.ask("Calendar", "staff", **window)) == expected


async def test_customers_may_not_look_at_the_calendar(shop: Shop) -> None:
    await shop.booked(at("10:00"))
    answer = await shop.served.ask("Calendar", "public", **{"from": at("00:00"), "to": at("00:00", 1)})
    assert graphql_codes(answer) == ["FORBIDDEN"]
    assert answer.get("data") is None
    # Who may not look is not told what else was wrong with the question.
    answer = await shop.served.ask("Calendar", "public", **{"from": at("00:00"), "to": at("00:00", 99)})
    assert graphql_codes(answer) == ["FORBIDDEN"]
