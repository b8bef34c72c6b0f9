"""Availability: which starts are offered, to whom, and that what is offered can be booked and nothing else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from graph.languages import DISPROVED, UNPROVEN
from tests.graph.shop import MONDAY, OSLO, WORKDAYS, Shop, at, codes, graphql_codes, hours, make_option

WEEK = (*WORKDAYS, "SATURDAY", "SUNDAY")
ON_THE_HOUR = ["09:00", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00", "16:00"]


async def test_a_day_offers_every_start_once_with_the_options_that_are_free(shop: Shop) -> None:
    before = datetime.now(UTC)
    window = {"from": at("00:00", -2), "to": at("00:00", 1)}
    answer = await shop.served.do("Availability", "public", serviceId=shop.haircut, **window)

    assert before <= datetime.fromisoformat(answer["asOf"]) <= datetime.now(UTC)
    assert answer["asOf"].endswith("Z")
    assert (answer["freshAsOf"], answer["timeZone"]) == (None, "Europe/Oslo")
    both = [{"id": shop.anna, "name": "Anna"}, {"id": shop.ben, "name": "Ben"}]
    slots = [{"start": at(clock), "end": at(f"{int(clock[:2]) + 1:02}:00"), "options": both} for clock in ON_THE_HOUR]
    assert answer["days"] == [{"date": MONDAY.isoformat(), "slots": slots}]


async def test_w1_the_window_takes_its_first_start_and_leaves_its_last(shop: Shop) -> None:
    window = {"from": at("10:00"), "to": at("12:00")}
    answer = await shop.served.do("Availability", "public", serviceId=shop.haircut, **window)
    assert [slot["start"] for slot in answer["days"][0]["slots"]] == [at("10:00"), at("11:00")]


async def test_days_are_dates_of_the_zone_that_is_asked_for(shop: Shop) -> None:
    window = {"from": at("00:00"), "to": at("00:00", 5)}
    zone = ZoneInfo("Pacific/Auckland")
    answer = await shop.served.do(
        "Availability", "public", serviceId=shop.haircut, timeZone="Pacific/Auckland", **window
    )
    assert answer["timeZone"] == "Pacific/Auckland"
    days: list[tuple[date, list[datetime]]] = [
        (date.fromisoformat(day["date"]), [datetime.fromisoformat(slot["start"]) for slot in day["slots"]])
        for day in answer["days"]
    ]
    starts = [start for _, starts in days for start in starts]
    assert len(starts) == 5 * len(ON_THE_HOUR)
    assert starts == sorted(starts)
    assert [day for day, _ in days] == sorted({start.astimezone(zone).date() for start in starts})
    assert all(start.astimezone(zone).date() == day for day, starts in days for start in starts)


async def test_busy_time_takes_away_only_the_starts_of_the_option_that_is_busy(shop: Shop) -> None:
    taken = await shop.booked(at("10:00"), optionId=shop.anna)
    assert at("10:00") in await shop.starts(shop.haircut)
    assert await shop.starts(shop.haircut, optionIds=[shop.anna]) == [
        at(clock) for clock in ON_THE_HOUR if clock != "10:00"
    ]
    overview = await shop.served.do(
        "SlotOverview", "staff", serviceId=shop.haircut, **{"from": at("10:00"), "to": at("12:00")}
    )
    told = [
        ([each["id"] for each in slot["options"]], [each["id"] for each in slot["unavailableOptions"]])
        for slot in overview["days"][0]["slots"]
    ]
    assert told == [([shop.ben], [shop.anna]), ([shop.anna, shop.ben], [])]

    await shop.booked(at("10:00"), optionId=shop.ben)
    assert at("10:00") not in await shop.starts(shop.haircut)

    cancelled = {"bookingId": taken["booking"]["id"]}
    assert (await shop.served.do("CancelBooking", "staff", input=cancelled))["errors"] == []
    assert at("10:00") in await shop.starts(shop.haircut, optionIds=[shop.anna])


async def test_every_offered_start_can_be_booked_and_every_other_is_refused(shop: Shop) -> None:
    await shop.booked(at("12:00"), serviceId=shop.colouring)
    offered = await shop.starts(shop.colouring)
    assert offered[0] == at("09:00")
    assert offered[-1] == at("15:30")

    quarters = [datetime.fromisoformat(at("08:00")) + timedelta(minutes=15 * count) for count in range(44)]
    others = {f"{start:%Y-%m-%dT%H:%M:%SZ}" for start in quarters} - set(offered)
    for start in sorted(others)[::4]:
        payload = await shop.book(start, serviceId=shop.colouring)
        assert payload["booking"] is None, start
        assert set(codes(payload)) <= {"SLOT_TAKEN", "OUTSIDE_OPENING_HOURS", "NOT_ON_SLOT_GRID"}, start
        assert codes(payload), start
    assert await shop.starts(shop.colouring) == offered

    while left := await shop.starts(shop.colouring):
        await shop.booked(left[len(left) // 2], serviceId=shop.colouring)
    assert len((await shop.calendar())["entries"]) > 1


async def test_a_booking_that_is_to_be_moved_does_not_stand_in_its_own_way(shop: Shop) -> None:
    one = await shop.booked(at("10:00"), optionId=shop.anna)
    other = await shop.booked(at("13:00"), optionId=shop.anna)
    moving: dict[str, Any] = {"movingBookingId": one["booking"]["id"], "optionIds": [shop.anna]}
    without_own = [at(clock) for clock in ON_THE_HOUR if clock != "13:00"]

    assert await shop.starts(shop.haircut, "staff", **moving) == without_own
    assert await shop.starts(shop.haircut, manageToken=one["manageToken"], **moving) == without_own

    for token in (None, "nonsense", other["manageToken"]):
        answer = await shop.served.ask(
            "Availability",
            "public",
            serviceId=shop.haircut,
            manageToken=token,
            **{"from": at("00:00"), "to": at("00:00", 1)},
            **moving,
        )
        assert graphql_codes(answer) == ["BAD_USER_INPUT"]
        # As when a booking is moved: by what was sent.
        assert answer["errors"][0]["message"] == (DISPROVED if token else UNPROVEN)


async def test_w2_and_w3_notice_and_horizon_cut_the_starts(shop: Shop) -> None:
    soon = await shop.another_service(minimumNoticeMinutes=60 * 24 * 30)
    far = await shop.another_service(bookingHorizonDays=0)
    assert await shop.starts(soon) == []
    assert len(await shop.starts(soon, day=35)) == len(ON_THE_HOUR)
    assert await shop.starts(far) == []

    await make_option(shop.served, name="Night owl", serviceIds=[far], openingHours=hours("00:00", "00:00", WEEK))
    today = datetime.now(OSLO).date()
    window = {"from": datetime.now(UTC).isoformat(), "to": (datetime.now(UTC) + timedelta(days=9)).isoformat()}
    answer = await shop.served.do("Availability", "public", serviceId=far, **window)
    # None is left in the last hour of a day; and midnight may have passed between the lines above.
    assert {day["date"] for day in answer["days"]} <= {today.isoformat(), datetime.now(OSLO).date().isoformat()}


async def test_a_window_of_62_days_is_answered_and_a_longer_one_refused(shop: Shop) -> None:
    begin = datetime.fromisoformat(at("00:00"))
    window = {"from": at("00:00"), "to": (begin + timedelta(days=62)).isoformat()}
    answer = await shop.served.ask("Availability", "public", serviceId=shop.haircut, **window)
    assert graphql_codes(answer) == []
    window["to"] = (begin + timedelta(days=62, seconds=1)).isoformat()
    answer = await shop.served.ask("Availability", "public", serviceId=shop.haircut, **window)
    assert graphql_codes(answer) == ["BAD_USER_INPUT"]


async def test_a_window_at_the_end_of_time_or_turned_round_is_answered_or_refused_never_broken(shop: Shop) -> None:
    for begin, end in (
        ("9999-12-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00Z"),
        ("2100-01-05T00:00:00Z", "2100-01-04T00:00:00Z"),
        ("2100-01-05T00:00:00Z", "2100-01-05T00:00:00Z"),
    ):
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
            window = {"from": begin, "to": end, "timeZone": zone}
            answer = await shop.served.ask("Availability", "public", serviceId=shop.haircut, **window)
            assert set(graphql_codes(answer)) <= {"BAD_USER_INPUT"}, (begin, end, zone)


async def test_what_cannot_be_asked_about_is_bad_input(shop: Shop) -> None:
    window = {"from": at("00:00"), "to": at("00:00", 1)}
    for service in ("", "nonsense", shop.anna):
        answer = await shop.served.ask("Availability", "public", serviceId=service, **window)
        assert graphql_codes(answer) == ["BAD_USER_INPUT"], service
    for option in ("", "nonsense", shop.haircut):
        answer = await shop.served.ask("Availability", "public", serviceId=shop.haircut, optionIds=[option], **window)
        assert graphql_codes(answer) == ["BAD_USER_INPUT"] or answer["data"]["availability"]["days"] == [], option
    for zone in ("Mars/Olympus", "Europe", "", "../UTC"):
        answer = await shop.served.ask("Availability", "public", serviceId=shop.haircut, timeZone=zone, **window)
        assert graphql_codes(answer) == ["BAD_USER_INPUT"], zone
