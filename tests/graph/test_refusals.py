"""Why a time is refused: which rule says what, in which order, and what staff may lift."""

from typing import Any

from tests.graph.shop import Shop, at, codes, hours, make_option


async def test_each_rule_alone_gives_its_own_code_and_writes_nothing(shop: Shop) -> None:
    early = await shop.another_service(minimumNoticeMinutes=60 * 24 * 60)
    near = await shop.another_service(bookingHorizonDays=1)
    inactive = await make_option(shop.served, name="Cleo", serviceIds=[shop.haircut])
    await shop.served.do("UpdateOption", "staff", input={"optionId": inactive, "active": False})
    await shop.booked(at("12:00"), optionId=shop.anna)
    before = await shop.calendar()

    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("SLOT_TAKEN", at("12:00"), {"optionId": shop.anna}),
        ("OUTSIDE_OPENING_HOURS", at("16:00"), {"serviceId": shop.colouring}),
        ("NOT_ON_SLOT_GRID", at("09:10"), {}),
        ("NOT_ON_SLOT_GRID", at("09:00:30"), {}),
        ("IN_THE_PAST", at("10:00", -21), {}),
        ("IN_THE_PAST", at("10:00", -21), {"serviceId": early}),
        ("TOO_SHORT_NOTICE", at("10:00"), {"serviceId": early}),
        ("BEYOND_HORIZON", at("10:00"), {"serviceId": near}),
        ("SERVICE_NOT_OFFERED", at("10:00"), {"serviceId": shop.colouring, "optionId": shop.ben}),
        ("INACTIVE", at("10:00"), {"optionId": inactive}),
    ]
    for code, start, more in cases:
        payload = await shop.book(start, "staff", **more)
        assert (payload["booking"], codes(payload)) == (None, [code]), (code, start)
        assert payload["errors"][0]["message"]
    assert await shop.calendar() == before


async def test_all_the_reasons_come_once_each_in_the_order_of_the_enum(shop: Shop) -> None:
    strict = await shop.another_service(minimumNoticeMinutes=60 * 24 * 60, bookingHorizonDays=1, optionIds=[shop.anna])
    busy: dict[str, Any] = {"optionId": shop.ben, "overrideRules": True}
    await shop.booked(at("16:40"), "staff", **busy)
    await shop.booked(at("17:40"), "staff", **busy)

    # It would begin in one booking, end in the other and run past closing.
    payload = await shop.book(at("16:50"), "staff", optionId=shop.ben, serviceId=strict)
    assert codes(payload) == [
        "SLOT_TAKEN",
        "OUTSIDE_OPENING_HOURS",
        "NOT_ON_SLOT_GRID",
        "TOO_SHORT_NOTICE",
        "BEYOND_HORIZON",
        "SERVICE_NOT_OFFERED",
    ]


async def test_without_an_option_the_reasons_are_those_of_the_one_that_has_the_fewest(shop: Shop) -> None:
    await shop.served.do(
        "SetOpeningHours", "staff", input={"optionId": shop.ben, "openingHours": hours("09:30", "17:00")}
    )
    await shop.booked(at("09:00"), optionId=shop.anna)
    # Anna is taken at 09:00; Ben is not open then, and 09:00 is on no grid of his.
    assert codes(await shop.book(at("09:00"))) == ["SLOT_TAKEN"]


async def test_a_service_that_nobody_offers_cannot_be_booked(shop: Shop) -> None:
    nobody = await shop.another_service(optionIds=[])
    assert codes(await shop.book(at("10:00"), serviceId=nobody)) == ["SERVICE_NOT_OFFERED"]
    assert codes(await shop.book(at("10:00"), "staff", serviceId=nobody, overrideRules=True)) == ["SERVICE_NOT_OFFERED"]


async def test_staff_may_lift_every_rule_but_busy_time(shop: Shop) -> None:
    strict = await shop.another_service(minimumNoticeMinutes=60 * 24 * 60, bookingHorizonDays=1)
    lifted: dict[str, Any] = {"overrideRules": True, "optionId": shop.anna}
    for start, service in (
        (at("10:00", -21), shop.haircut),
        (at("03:07", 6), shop.haircut),
        (at("10:00"), strict),
        (at("20:00", 30), strict),
    ):
        await shop.booked(start, "staff", serviceId=service, **lifted)
        refused = await shop.book(start, "staff", serviceId=service, **lifted)
        assert codes(refused) == ["SLOT_TAKEN"]
    refused = await shop.book(at("03:30", 6), "staff", **lifted)
    assert codes(refused) == ["SLOT_TAKEN"]
    refused = await shop.book(at("10:00"), "staff", **{**lifted, "optionId": shop.ben, "serviceId": shop.colouring})
    assert codes(refused) == ["SERVICE_NOT_OFFERED"]


async def test_customers_may_lift_no_rule(shop: Shop) -> None:
    strict = await shop.another_service(minimumNoticeMinutes=60 * 24 * 60)
    before = await shop.calendar()
    for start, more in ((at("03:07", 6), {}), (at("09:10"), {}), (at("10:00"), {"serviceId": strict})):
        payload = await shop.book(start, "public", overrideRules=True, **more)
        assert (payload["booking"], payload["manageToken"]) == (None, None)
        assert codes(payload) in (["FORBIDDEN"], codes(await shop.book(start, "public", **more)))
    assert await shop.calendar() == before
    await shop.booked(at("10:00"), "public", overrideRules=False)


async def test_a_start_that_no_calendar_has_room_for_is_refused_not_broken(shop: Shop) -> None:
    before = await shop.calendar()
    for start in ("0001-01-01T00:00:00Z", "9999-12-31T23:30:00Z", "9999-12-31T23:59:59Z"):
        for more in ({}, {"overrideRules": True}, {"optionId": shop.anna, "serviceId": shop.colouring}):
            answer = await shop.served.ask(
                "Book",
                "staff",
                input={"serviceId": shop.haircut, "start": start, "customer": {"name": "Methuselah"}, **more},
            )
            assert "INTERNAL" not in str(answer), (start, more)
            if "errors" not in answer and answer["data"]["createBooking"]["booking"] is None:
                assert codes(answer["data"]["createBooking"]), (start, more)
    assert (await shop.calendar())["entries"] == before["entries"]
