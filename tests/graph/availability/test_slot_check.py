"""`slotCheck`: every reason against a start, with what is in the way for staff; never another answer than booking."""

from datetime import datetime, timedelta
from typing import Any

from tests.graph.connected_shop import Connected
from tests.graph.shop import WORKDAYS, Shop, at, codes, furnish, graphql_codes, hours, make_option
from tests.served import answered

BUSY = ("BUSY", "BUSY_BOOKING", "BUSY_HOLD", "BUSY_TIME_OFF", "BUSY_GOOGLE")


async def check(shop: Shop, start: str, role: str = "staff", **more: Any) -> Any:
    """Asks about a haircut with Anna unless `more` says otherwise."""
    wanted = {"serviceId": shop.haircut, "optionId": shop.anna, "start": start, **more}
    return await shop.served.do("ExplainSlot", role, **wanted)


async def reasons(shop: Shop, start: str, role: str = "staff", **more: Any) -> list[str]:
    """The codes of what speaks against a start, in order; fails unless the answer agrees with itself."""
    answer = await check(shop, start, role, **more)
    assert answer["available"] is (answer["reasons"] == [])
    assert all(reason["message"] for reason in answer["reasons"])
    return [reason["code"] for reason in answer["reasons"]]


async def act(shop: Shop, operation: str, role: str = "staff", /, **wanted: Any) -> Any:
    """Does something that must succeed: the payload."""
    payload = await shop.served.do(operation, role, input=wanted)
    assert payload["errors"] == []
    return payload


async def test_a_free_start_has_nothing_against_it(each_shop: Shop) -> None:
    for role in ("public", "staff", "admin"):
        assert await check(each_shop, at("10:00"), role) == {"available": True, "reasons": []}


async def test_staff_see_what_takes_the_time_from_when_to_when(each_shop: Shop) -> None:
    shop = each_shop
    booking = await act(
        shop, "Book", serviceId=shop.colouring, start=at("10:00"), customer={"name": "Kari"}, note="Lavender"
    )
    hold = await act(shop, "Hold", "public", serviceId=shop.colouring, start=at("13:00"))
    away = await act(shop, "CreateTimeOff", optionId=shop.anna, start=at("15:30"), end=at("16:15"), reason="Dentist")
    # Buffers are part of what is taken: ten minutes before colouring, and twenty after.
    for start, code, begin, end, entry in (
        (at("11:00"), "BUSY_BOOKING", at("09:50"), at("11:50"), ("Booking", booking["booking"]["id"])),
        (at("14:00"), "BUSY_HOLD", at("12:50"), at("14:50"), ("Hold", hold["hold"]["id"])),
        (at("15:00"), "BUSY_TIME_OFF", at("15:30"), at("16:15"), ("TimeOff", away["timeOff"]["id"])),
    ):
        answer = await check(shop, start)
        (reason,) = answer["reasons"]
        assert (answer["available"], reason["code"], reason["from"], reason["to"]) == (False, code, begin, end)
        assert (reason["entry"]["__typename"], reason["entry"]["id"]) == entry
    titles = {entry["id"]: entry["title"] for entry in (await shop.calendar())["entries"]}
    assert reason["entry"]["title"] == titles[away["timeOff"]["id"]] == "Dentist"


async def test_an_event_in_google_is_a_reason_with_its_title_for_staff_only(town: Connected) -> None:
    shop = town.shop
    await town.sign_in(shop.anna)
    cursor = await shop.cursor()
    await town.link(shop.anna)
    town.put(at("10:30"), at("11:15"), summary="Doctor's appointment")
    async with shop.served.following("CalendarChanges", "staff", after=cursor) as dashboard:
        entry = (await dashboard.next())["calendarChanges"]["entry"]
    for start in (at("10:00"), at("11:00")):
        (reason,) = (await check(shop, start))["reasons"]
        assert (reason["code"], reason["from"], reason["to"]) == ("BUSY_GOOGLE", at("10:30"), at("11:15"))
        shown = {"__typename": "GoogleEvent", "id": entry["id"], "title": "Doctor's appointment"}
        assert reason["entry"] == shown
        (reason,) = (await check(shop, start, "public"))["reasons"]
        assert (reason["code"], reason["from"], reason["to"], reason["entry"]) == ("BUSY", None, None, None)
        assert "Doctor" not in reason["message"]
    assert await reasons(shop, at("10:00"), optionId=shop.ben) == []


async def test_each_rule_has_a_reason_of_its_own_without_times_or_entry(shop: Shop) -> None:
    early = await shop.another_service(minimumNoticeMinutes=60 * 24 * 60)
    near = await shop.another_service(bookingHorizonDays=1)
    resting = await make_option(shop.served, name="Cleo", serviceIds=[shop.haircut])
    await act(shop, "UpdateOption", optionId=resting, active=False)
    retired = await shop.another_service()
    await act(shop, "UpdateService", serviceId=retired, active=False)
    cases: tuple[tuple[list[str], str, dict[str, Any]], ...] = (
        (["OUTSIDE_OPENING_HOURS"], at("16:00"), {"serviceId": shop.colouring}),
        (["OUTSIDE_OPENING_HOURS", "NOT_ON_SLOT_GRID"], at("20:00"), {}),
        (["NOT_ON_SLOT_GRID"], at("09:10"), {}),
        (["NOT_ON_SLOT_GRID"], at("09:00:30"), {}),
        (["IN_THE_PAST"], at("10:00", -21), {}),
        (["IN_THE_PAST"], at("10:00", -21), {"serviceId": early}),
        (["TOO_SHORT_NOTICE"], at("10:00"), {"serviceId": early}),
        (["BEYOND_HORIZON"], at("10:00"), {"serviceId": near}),
        (["SERVICE_NOT_OFFERED"], at("10:00"), {"serviceId": shop.colouring, "optionId": shop.ben}),
        (["INACTIVE"], at("10:00"), {"optionId": resting}),
        (["INACTIVE"], at("10:00"), {"serviceId": retired}),
    )
    for expected, start, more in cases:
        answer = await check(shop, start, **more)
        assert [reason["code"] for reason in answer["reasons"]] == expected, (expected, start)
        about = [(reason["from"], reason["to"], reason["entry"]) for reason in answer["reasons"]]
        assert set(about) == {(None, None, None)}


async def all_at_once(shop: Shop) -> tuple[str, str]:
    """A start that all but the past speaks against, and the service that is meant."""
    strict = await shop.another_service(
        name="Strict", minimumNoticeMinutes=60 * 24 * 60, bookingHorizonDays=1, durationMinutes=240
    )
    late: dict[str, Any] = {"optionId": shop.anna, "overrideRules": True, "customer": {"name": "Kari"}}
    await act(shop, "Book", serviceId=shop.haircut, start=at("16:30"), **late)
    opened = {"optionId": shop.anna, "openingHours": hours("09:00", "19:00")}
    await act(shop, "SetOpeningHours", **opened)
    await act(shop, "Hold", "public", serviceId=shop.haircut, optionId=shop.anna, start=at("18:00"))
    await act(shop, "SetOpeningHours", **{**opened, "openingHours": hours("09:00", "17:00")})
    await act(shop, "CreateTimeOff", optionId=shop.anna, start=at("17:30"), end=at("18:00"))
    await act(shop, "UpdateService", serviceId=strict, optionIds=[shop.ben])
    await act(shop, "UpdateOption", optionId=shop.anna, active=False)
    return at("16:10"), strict


async def test_all_that_speaks_against_a_start_is_said_at_once_in_the_order_of_the_enum(shop: Shop) -> None:
    start, strict = await all_at_once(shop)
    rules = [
        "OUTSIDE_OPENING_HOURS",
        "NOT_ON_SLOT_GRID",
        "TOO_SHORT_NOTICE",
        "BEYOND_HORIZON",
        "SERVICE_NOT_OFFERED",
        "INACTIVE",
    ]
    busy = ["BUSY_BOOKING", "BUSY_HOLD", "BUSY_TIME_OFF"]
    assert await reasons(shop, start, serviceId=strict) == [*busy, *rules]


async def test_a_customer_learns_once_that_it_is_busy_and_the_rules_and_nothing_more(shop: Shop) -> None:
    start, strict = await all_at_once(shop)
    await act(shop, "UpdateOption", optionId=shop.anna, active=True)
    answer = await check(shop, start, "public", serviceId=strict)
    rules = ["OUTSIDE_OPENING_HOURS", "NOT_ON_SLOT_GRID", "TOO_SHORT_NOTICE", "BEYOND_HORIZON", "SERVICE_NOT_OFFERED"]
    assert [reason["code"] for reason in answer["reasons"]] == ["BUSY", *rules]
    assert {(reason["from"], reason["to"], reason["entry"]) for reason in answer["reasons"]} == {(None, None, None)}
    # What is in the way cannot be told from the words, either.
    messages = set()
    for begin in (at("16:40"), at("17:30"), at("18:30")):
        one = await check(shop, begin, "public")
        messages |= {reason["message"] for reason in one["reasons"] if reason["code"] == "BUSY"}
    assert len(messages) == 1


async def test_what_customers_may_not_see_is_not_explained_to_them(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    await act(shop, "UpdateOption", optionId=shop.ben, active=False)
    for role in ("public", "staff"):
        for wrong in (
            {"serviceId": "nonsense"},
            {"serviceId": ""},
            {"serviceId": shop.anna},
            {"serviceId": other.haircut},
            {"optionId": "nonsense"},
            {"optionId": ""},
            {"optionId": shop.haircut},
            {"optionId": other.anna},
        ):
            wanted = {"serviceId": shop.haircut, "optionId": shop.anna, "start": at("10:00"), **wrong}
            answer = await shop.served.ask("ExplainSlot", role, **wanted)
            assert (graphql_codes(answer), answer.get("data")) == (["BAD_USER_INPUT"], None), (role, wrong)
    resting = {"serviceId": shop.haircut, "optionId": shop.ben, "start": at("10:00")}
    answer = await shop.served.ask("ExplainSlot", "public", **resting)
    assert graphql_codes(answer) == ["BAD_USER_INPUT"] or await reasons(shop, role="public", **resting) == ["INACTIVE"]


async def test_a_booking_is_moved_over_itself_and_over_nothing_else(shop: Shop) -> None:
    mine = (await shop.booked(at("10:00"), optionId=shop.anna, serviceId=shop.colouring))["booking"]["id"]
    other = (await shop.booked(at("13:00"), optionId=shop.anna, serviceId=shop.colouring))["booking"]["id"]
    wanted = {"serviceId": shop.colouring}
    assert await reasons(shop, at("10:15"), **wanted) == ["BUSY_BOOKING"]
    assert await reasons(shop, at("10:15"), movingBookingId=mine, **wanted) == []
    assert await reasons(shop, at("10:15"), movingBookingId=other, **wanted) == ["BUSY_BOOKING"]
    assert await reasons(shop, at("12:00"), movingBookingId=mine, **wanted) == ["BUSY_BOOKING"]
    overview = await shop.served.do(
        "SlotOverview", "staff", movingBookingId=mine, **wanted, **{"from": at("10:00"), "to": at("11:00")}
    )
    assert [slot["start"] for slot in overview["days"][0]["slots"]] == [
        at(f"10:{minute:02}") for minute in (0, 15, 30, 45)
    ]
    # A public key needs that booking's token, which this operation does not carry.
    answer = await shop.served.ask(
        "ExplainSlot", "public", optionId=shop.anna, start=at("10:15"), movingBookingId=mine, **wanted
    )
    if graphql_codes(answer):
        assert graphql_codes(answer)[0] in ("BAD_USER_INPUT", "FORBIDDEN")
    else:
        assert [reason["code"] for reason in answer["data"]["slotCheck"]["reasons"]] == ["BUSY"]


async def test_a_customer_with_the_token_moves_a_booking_over_itself(shop: Shop) -> None:
    made = await shop.booked(at("10:00"), optionId=shop.anna, serviceId=shop.colouring)
    document = """query($service: ID!, $option: ID!, $start: DateTime!, $moving: ID, $token: String) {
        slotCheck(serviceId: $service, optionId: $option, start: $start, movingBookingId: $moving, manageToken: $token)
            { available } }"""
    asked = {"service": shop.colouring, "option": shop.anna, "start": at("10:15"), "moving": made["booking"]["id"]}
    variables = {**asked, "token": made["manageToken"]}
    answer = answered(await shop.served.send(document, shop.served.keys["public"], variables))
    assert answer == {"data": {"slotCheck": {"available": True}}}


async def checked(shop: Shop, service: str, option: str, starts: list[str], role: str) -> dict[str, Any]:
    """Many starts in a few requests: the answer to each."""
    answers: dict[str, Any] = {}
    for begin in range(0, len(starts), 10):
        part = starts[begin : begin + 10]
        fields = [
            f's{number}: slotCheck(serviceId: "{service}", optionId: "{option}", start: "{start}")'
            " { available reasons { code } }"
            for number, start in enumerate(part)
        ]
        answer = (await shop.served.send(f"{{ {' '.join(fields)} }}", shop.served.keys[role])).json()
        assert "errors" not in answer, answer
        answers |= {start: answer["data"][f"s{number}"] for number, start in enumerate(part)}
    return answers


async def test_what_is_offered_has_nothing_against_it_and_all_else_has(each_shop: Shop) -> None:
    shop = each_shop
    week = {"optionId": shop.anna, "openingHours": [*hours("09:00", "12:20"), *hours("13:00", "19:00", WORKDAYS[:1])]}
    await act(shop, "SetOpeningHours", **week)
    await act(shop, "Book", serviceId=shop.haircut, optionId=shop.anna, start=at("14:00"), customer={"name": "Kari"})
    await act(shop, "Hold", "public", serviceId=shop.colouring, start=at("09:30"))
    await act(shop, "CreateTimeOff", optionId=shop.anna, start=at("16:40"), end=at("16:41"))
    begin = datetime.fromisoformat(at("08:00"))
    starts = [f"{begin + timedelta(minutes=5 * count):%Y-%m-%dT%H:%M:%SZ}" for count in range(0, 11 * 12, 3)]
    starts += [at("09:05"), at("13:01"), at("23:59")]
    for role in ("staff", "public"):
        for service in (shop.haircut, shop.colouring):
            offered = await shop.starts(service, role, optionIds=[shop.anna])
            assert offered
            answers = await checked(shop, service, shop.anna, starts, role)
            available = [start for start in sorted(starts) if answers[start]["available"]]
            assert available == [start for start in offered if start in starts]
            assert all(answer["available"] is (answer["reasons"] == []) for answer in answers.values())


async def test_a_refused_booking_gives_the_same_reasons(shop: Shop) -> None:
    start, strict = await all_at_once(shop)
    await act(shop, "UpdateOption", optionId=shop.anna, active=True)
    for begin, service in ((start, strict), (at("16:40"), shop.haircut), (at("17:30"), shop.colouring)):
        told = await reasons(shop, begin, serviceId=service)
        expected = list(dict.fromkeys("SLOT_TAKEN" if code in BUSY else code for code in told))
        payload = await shop.book(begin, "staff", optionId=shop.anna, serviceId=service)
        assert (payload["booking"], codes(payload)) == (None, expected)
