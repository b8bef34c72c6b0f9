"""Date overrides and time off: hours that differ on one date, and times that are blocked."""

from datetime import datetime, timedelta
from typing import Any

from tests.graph.shop import MONDAY, Shop, at, codes, furnish, graphql_codes, hours, located

ALL_DAY = [f"{hour:02}:00" for hour in range(9, 17)]


def clocks(*names: str) -> list[dict[str, str]]:
    """Opening intervals, each written `09:00-12:00`."""
    return [dict(zip(("opens", "closes"), name.split("-"), strict=True)) for name in names]


def on(day: int) -> str:
    """The date, `day` days after MONDAY."""
    return (MONDAY + timedelta(days=day)).isoformat()


async def override(shop: Shop, day: int, intervals: Any, role: str = "staff", **more: Any) -> Any:
    """Gives one of Anna's dates other hours: the payload."""
    wanted = {"optionId": shop.anna, "date": on(day), "intervals": intervals, **more}
    return await shop.served.do("SetDateOverride", role, input=wanted)


async def overridden(shop: Shop, day: int, intervals: Any) -> None:
    """Gives one of Anna's dates other hours, and fails unless it was done."""
    assert (await override(shop, day, intervals))["errors"] == []


async def time_off(shop: Shop, start: str, end: str, role: str = "staff", **more: Any) -> Any:
    """Asks for time off for Anna unless `more` says otherwise: the payload."""
    wanted = {"optionId": shop.anna, "start": start, "end": end, **more}
    return await shop.served.do("CreateTimeOff", role, input=wanted)


async def away(shop: Shop, start: str, end: str, **more: Any) -> Any:
    """Gives Anna time off, and fails unless it was given: the time off."""
    payload = await time_off(shop, start, end, **more)
    assert payload["errors"] == []
    return payload["timeOff"]


async def lift(shop: Shop, identity: str, role: str = "staff") -> Any:
    """Lifts a time off: the payload."""
    return await shop.served.do("DeleteTimeOff", role, input={"timeOffId": identity})


async def free(shop: Shop, day: int = 0) -> list[str]:
    """The starts of a haircut with Anna that are offered on one day, in order."""
    return await shop.starts(shop.haircut, optionIds=[shop.anna], day=day)


def times(names: list[str], day: int = 0) -> list[str]:
    """These times of one day, as the API writes them."""
    return [at(name, day) for name in names]


async def overrides(shop: Shop, begin: str, end: str, role: str = "staff", option: str | None = None) -> Any:
    """The whole answer to which of an option's dates have other hours."""
    fields = "dateOverrides(from: $from, to: $to) { date intervals { opens closes } }"
    document = f"query($id: ID!, $from: Date!, $to: Date!) {{ option(id: $id) {{ {fields} }} }}"
    variables = {"id": option or shop.anna, "from": begin, "to": end}
    return (await shop.served.send(document, shop.served.keys[role], variables)).json()


async def listed(shop: Shop, role: str = "staff") -> Any:
    """Anna's overrides of four weeks."""
    return (await overrides(shop, on(0), on(28), role))["data"]["option"]["dateOverrides"]


async def test_o1_an_override_replaces_the_hours_of_its_date_and_of_no_other(each_shop: Shop) -> None:
    shop = each_shop
    await overridden(shop, 1, clocks("10:30-12:30", "18:00-20:00"))
    assert await free(shop, 1) == times(["10:30", "11:30", "18:00", "19:00"], 1)
    assert await free(shop, 0) == times(ALL_DAY)
    assert await free(shop, 8) == times(ALL_DAY, 8)
    assert await shop.starts(shop.haircut, optionIds=[shop.ben], day=1) == times(ALL_DAY, 1)
    assert await listed(shop) == [{"date": on(1), "intervals": clocks("10:30-12:30", "18:00-20:00")}]
    await shop.booked(at("19:00", 1), optionId=shop.anna)
    assert codes(await shop.book(at("09:00", 1), optionId=shop.anna)) == ["OUTSIDE_OPENING_HOURS", "NOT_ON_SLOT_GRID"]


async def test_no_hours_close_the_date_and_bookings_made_stand(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    await overridden(shop, 0, [])
    assert await free(shop) == []
    assert "OUTSIDE_OPENING_HOURS" in codes(await shop.book(at("12:00"), optionId=shop.anna))
    assert await listed(shop) == [{"date": on(0), "intervals": []}]
    assert [entry["id"] for entry in (await shop.calendar())["entries"]] == [booking["id"]]
    # A date on which it is closed can be opened, too.
    await overridden(shop, 6, clocks("09:00-11:00"))
    assert await free(shop, 6) == times(["09:00", "10:00"], 6)


async def test_null_goes_back_to_the_weekly_hours(shop: Shop) -> None:
    for intervals in ([], clocks("12:00-14:00")):
        await overridden(shop, 0, intervals)
        await overridden(shop, 1, intervals)
        await overridden(shop, 0, None)
        assert await free(shop) == times(ALL_DAY)
        assert [each["date"] for each in await listed(shop)] == [on(1)]
    await overridden(shop, 2, None)
    assert await free(shop, 2) == times(ALL_DAY, 2)
    # The weekly hours, as they are by then.
    change = {"optionId": shop.anna, "openingHours": hours("08:00", "10:00")}
    assert (await shop.served.do("SetOpeningHours", "staff", input=change))["errors"] == []
    assert await free(shop) == times(["08:00", "09:00"])
    assert await free(shop, 1) == times(["12:00", "13:00"], 1)


async def test_a_second_override_of_a_date_takes_the_place_of_the_first(each_shop: Shop) -> None:
    shop = each_shop
    await overridden(shop, 0, clocks("09:00-10:00", "15:00-16:00"))
    await overridden(shop, 0, clocks("12:00-13:00"))
    assert await free(shop) == times(["12:00"])
    assert await listed(shop) == [{"date": on(0), "intervals": clocks("12:00-13:00")}]


async def test_o3_hours_past_midnight_belong_to_the_date_on_which_they_begin(shop: Shop) -> None:
    await overridden(shop, 4, clocks("22:00-02:00"))
    await overridden(shop, 5, [])
    late = [*times(["22:00", "23:00"], 4), *times(["00:00", "01:00"], 5)]
    assert [*await free(shop, 4), *await free(shop, 5)] == late
    await overridden(shop, 4, [])
    assert [*await free(shop, 4), *await free(shop, 5)] == []
    await overridden(shop, 6, clocks("00:00-00:00"))
    assert await free(shop, 6) == times([f"{hour:02}:00" for hour in range(24)], 6)


async def test_overrides_are_listed_by_date_within_at_most_400_days(shop: Shop) -> None:
    for day in (9, 2, 5):
        await overridden(shop, day, [])
    assert [each["date"] for each in await listed(shop)] == [on(2), on(5), on(9)]
    answer = await overrides(shop, on(2), on(5))
    assert [each["date"] for each in answer["data"]["option"]["dateOverrides"]] == [on(2)]
    assert graphql_codes(await overrides(shop, on(0), on(400))) == []
    assert graphql_codes(await overrides(shop, on(0), on(401))) == ["BAD_USER_INPUT"]


async def test_an_override_that_cannot_be_is_refused_and_nothing_written(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    cursor = await shop.cursor()
    for unknown in ("", "nonsense", shop.haircut, other.anna):
        refused = await override(shop, 0, [], optionId=unknown)
        assert (refused["option"], codes(refused)) == (None, ["NOT_FOUND"]), unknown
    for wrong in (
        {"date": "2027-02-30"},
        {"date": "2027-02-01T00:00:00Z"},
        {"date": "tomorrow"},
        {"intervals": clocks("25:00-26:00")},
        {"intervals": clocks("09:00-24:00")},
        {"intervals": [{"opens": "09:00"}]},
        {"intervals": [None]},
        {"intervals": "09:00-10:00"},
    ):
        wanted = {"optionId": shop.anna, "date": on(0), "intervals": [], **wrong}
        answer = await shop.served.ask("SetDateOverride", "staff", input=wanted)
        assert set(graphql_codes(answer)) == {"BAD_USER_INPUT"}, wrong
    assert (await shop.cursor(), await listed(shop), await free(other)) == (cursor, [], times(ALL_DAY))


async def test_hours_that_are_left_out_are_asked_for(shop: Shop) -> None:
    refused = await shop.served.do("SetDateOverride", "staff", input={"optionId": shop.anna, "date": on(0)})
    assert located(refused) == [("INVALID_INPUT", "input.intervals")]
    said = refused["errors"][0]["message"]
    assert said == "`intervals` is missing: [] closes the day, null removes the override."


async def test_time_off_takes_away_the_slots_it_touches(each_shop: Shop) -> None:
    shop = each_shop
    given = await away(shop, at("11:00"), at("13:30"), reason="Dentist")
    assert await free(shop) == times(["09:00", "10:00", "14:00", "15:00", "16:00"])
    assert await shop.starts(shop.haircut, optionIds=[shop.ben]) == times(ALL_DAY)
    for start in (at("11:00"), at("13:00")):
        assert codes(await shop.book(start, optionId=shop.anna)) == ["SLOT_TAKEN"]
        refused = await shop.book(start, "staff", optionId=shop.anna, overrideRules=True)
        assert codes(refused) == ["SLOT_TAKEN"]
    assert (await shop.booked(at("11:00")))["booking"]["option"]["name"] == "Ben"

    assert await lift(shop, given["id"]) == {"deletedId": given["id"], "errors": []}
    assert await free(shop) == times(ALL_DAY)
    await shop.booked(at("11:00"), optionId=shop.anna)


async def test_i1_and_b5_time_off_collides_with_buffers_and_what_touches_it_does_not(shop: Shop) -> None:
    await away(shop, at("12:00:30"), at("12:59:30"))
    assert at("12:00") not in await free(shop)
    assert {at("11:00"), at("13:00")} <= set(await free(shop))
    # Colouring prepares for ten minutes and clears up for twenty.
    offered = await shop.starts(shop.colouring, optionIds=[shop.anna])
    around = [start for start in offered if at("09:45") <= start <= at("13:30")]
    assert around == times(["09:45", "10:00", "13:15", "13:30"])


async def test_time_off_is_an_entry_of_the_calendar(shop: Shop) -> None:
    given = await away(shop, at("11:00"), at("13:30"), reason="Dentist")
    silent = await away(shop, at("15:00"), at("16:00"), optionId=shop.ben)
    expected = {
        "__typename": "TimeOff",
        "id": given["id"],
        "start": at("11:00"),
        "end": at("13:30"),
        "allDay": False,
        "title": "Dentist",
        "blocks": True,
        "options": [{"id": shop.anna}],
        "reason": "Dentist",
    }
    assert given == expected
    assert (silent["title"], silent["reason"]) == (None, None)
    assert (await shop.calendar())["entries"] == [given, silent]
    assert (await shop.calendar(optionIds=[shop.anna]))["entries"] == [given]
    assert await shop.served.do("Refetch", "staff", id=given["id"]) == {"__typename": "TimeOff", "id": given["id"]}
    assert await shop.served.do("Refetch", "public", id=given["id"]) is None


async def test_bookings_inside_a_new_time_off_stand_and_can_be_moved_out_of_it(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    await away(shop, at("00:00"), at("00:00", 3))
    entries = (await shop.calendar())["entries"]
    assert {entry["__typename"] for entry in entries} == {"Booking", "TimeOff"}
    moves = [(at("11:00"), ["SLOT_TAKEN"]), (at("11:00", 3), [])]
    for start, expected in moves:
        wanted = {"bookingId": booking["id"], "start": start}
        assert codes(await shop.served.do("RescheduleBooking", "staff", input=wanted)) == expected


async def test_dashboards_see_time_off_come_and_go(each_shop: Shop) -> None:
    shop = each_shop
    cursor = await shop.cursor()
    follow = shop.served.following
    async with (
        follow("CalendarChanges", "staff", after=cursor) as everyones,
        follow("CalendarChanges", "staff", after=cursor, optionIds=[shop.ben]) as bens,
    ):
        annas = await away(shop, at("11:00"), at("13:30"), reason="Dentist")
        came = (await everyones.next())["calendarChanges"]
        assert (came["action"], came["entryId"], came["entry"]) == ("UPSERTED", annas["id"], annas)
        await lift(shop, annas["id"])
        went = (await everyones.next())["calendarChanges"]
        assert (went["action"], went["entryId"], went["entry"]) == ("REMOVED", annas["id"], None)
        own = await away(shop, at("11:00"), at("13:30"), optionId=shop.ben)
        assert (await bens.next())["calendarChanges"]["entryId"] == own["id"]


async def test_several_times_off_may_overlap_and_are_lifted_one_by_one(each_shop: Shop) -> None:
    shop = each_shop
    first = await away(shop, at("10:00"), at("12:00"))
    second = await away(shop, at("11:00"), at("13:00"))
    assert await free(shop) == times(["09:00", *ALL_DAY[4:]])
    await lift(shop, first["id"])
    assert await free(shop) == times(["09:00", "10:00", *ALL_DAY[4:]])
    await lift(shop, second["id"])
    assert await free(shop) == times(ALL_DAY)


async def test_time_off_that_cannot_be_is_refused_and_nothing_written(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    before = await shop.calendar()
    year_on = datetime.fromisoformat(at("10:00")) + timedelta(days=367)
    for end in (at("10:00"), at("09:59"), at("10:00", -7), year_on.isoformat()):
        refused = await time_off(shop, at("10:00"), end)
        assert (refused["timeOff"], located(refused)) == (None, [("INVALID_INPUT", "input.end")]), end
    for unknown in ("", "nonsense", shop.haircut, other.anna):
        refused = await time_off(shop, at("10:00"), at("11:00"), optionId=unknown)
        assert (refused["timeOff"], codes(refused)) == (None, ["NOT_FOUND"]), unknown
    assert (await shop.calendar(), (await other.calendar())["entries"]) == (before, [])
    await away(shop, at("10:00"), (year_on - timedelta(days=3)).isoformat())


async def test_what_is_no_time_off_here_cannot_be_lifted(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    theirs = (await away(other, at("10:00"), at("11:00")))["id"]
    booking = (await shop.booked(at("10:00")))["booking"]["id"]
    gone = (await away(shop, at("14:00"), at("15:00")))["id"]
    assert (await lift(shop, gone))["errors"] == []
    stand = await shop.calendar(), await other.calendar()
    for unknown in ("", "nonsense", shop.anna, booking, theirs, gone):
        refused = await lift(shop, unknown, "admin")
        assert (refused["deletedId"], codes(refused)) == (None, ["NOT_FOUND"]), unknown
    assert (await shop.calendar(), await other.calendar()) == stand


async def test_only_staff_close_anything(shop: Shop) -> None:
    given = (await away(shop, at("10:00"), at("11:00")))["id"]
    before = await shop.calendar()
    for refused in (
        await override(shop, 0, [], "public"),
        await override(shop, 0, [], "public", optionId="nonsense"),
        await time_off(shop, at("12:00"), at("11:00"), "public"),
        await time_off(shop, at("12:00"), at("13:00"), "public", optionId="nonsense"),
        await lift(shop, given, "public"),
        await lift(shop, "nonsense", "public"),
    ):
        assert codes(refused) == ["FORBIDDEN"]
        assert not any(refused.get(field) for field in ("option", "timeOff", "deletedId"))
    assert (await shop.calendar(), await listed(shop)) == (before, [])
    assert codes(await override(shop, 0, [], "admin")) == []
    assert codes(await time_off(shop, at("12:00"), at("13:00"), "admin")) == []
    assert codes(await lift(shop, given, "admin")) == []


async def test_the_dashboards_own_answer_lists_the_overrides_of_2027(shop: Shop) -> None:
    payload = await override(shop, 0, clocks("10:00-12:00"), date="2027-03-01")
    days = [{"date": "2027-03-01", "intervals": clocks("10:00-12:00")}]
    assert payload == {"option": {"id": shop.anna, "dateOverrides": days}, "errors": []}
