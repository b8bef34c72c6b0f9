"""Moving and cancelling a booking: by staff, by the customer who holds its token, and by nobody else."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import uuid4

from graph.languages import DISPROVED, UNPROVEN
from graph.relay.nodes import to_id
from tests.graph.shop import Shop, at, codes, located


async def move(shop: Shop, booking: Any, start: str, role: str = "staff", **more: Any) -> Any:
    """Asks for another start: the payload."""
    operation = "Move" if role == "public" else "RescheduleBooking"
    return await shop.served.do(operation, role, input={"bookingId": booking["id"], "start": start, **more})


async def cancel(shop: Shop, booking: Any, role: str = "staff", **more: Any) -> Any:
    """Asks for a booking to be called off: the payload."""
    operation = "Cancel" if role == "public" else "CancelBooking"
    return await shop.served.do(operation, role, input={"bookingId": booking["id"], **more})


async def test_a_customer_moves_and_cancels_with_the_token_and_it_stays_the_same_booking(each_shop: Shop) -> None:
    shop = each_shop
    made = await shop.booked(at("10:00"), optionId=shop.anna)
    token = {"manageToken": made["manageToken"]}

    moved = await move(shop, made["booking"], at("14:00"), "public", **token)
    assert moved == {
        "booking": {**made["booking"], "start": at("14:00"), "end": at("15:00"), "version": 2},
        "alternatives": [],
        "errors": [],
    }
    assert await shop.served.do("ManagedBooking", "public", **token) == moved["booking"]
    assert at("10:00") in await shop.starts(shop.haircut, optionIds=[shop.anna])
    assert at("14:00") not in await shop.starts(shop.haircut, optionIds=[shop.anna])

    moved = await move(shop, made["booking"], at("14:00"), "public", optionId=shop.ben, **token)
    assert moved["booking"]["option"] == {"id": shop.ben, "name": "Ben"}
    assert moved["booking"]["version"] == 3

    cancelled = await cancel(shop, made["booking"], "public", **token)
    assert cancelled == {"booking": {**moved["booking"], "status": "CANCELLED", "version": 4}, "errors": []}
    assert await shop.served.do("ManagedBooking", "public", **token) == cancelled["booking"]
    assert (await shop.calendar())["entries"] == []
    await shop.booked(at("14:00"), optionId=shop.ben)


async def test_without_the_token_of_this_very_booking_a_customer_changes_nothing(shop: Shop) -> None:
    mine = await shop.booked(at("10:00"), optionId=shop.anna)
    other = await shop.booked(at("12:00"), optionId=shop.anna)
    before = await shop.calendar()
    bookings = (mine["booking"], {"id": to_id("Booking", uuid4())}, {"id": "nonsense"})
    none_sent: tuple[Any, ...] = ({}, {"manageToken": None}, {"manageToken": ""})
    wrong = ({"manageToken": "nonsense"}, {"manageToken": other["manageToken"]})
    said: dict[str, set[str]] = {UNPROVEN: set(), DISPROVED: set()}
    for message, tokens in ((UNPROVEN, none_sent), (DISPROVED, (*wrong, {"manageToken": mine["manageToken"][:-2]}))):
        for token in tokens:
            for booking in bookings:
                for answer in (
                    await move(shop, booking, at("15:00"), "public", **token),
                    await cancel(shop, booking, "public", **token),
                ):
                    assert (answer["booking"], answer.get("alternatives", [])) == (None, [])
                    assert codes(answer) == ["NOT_FOUND"]
                    said[message].add(answer["errors"][0]["message"])
    # What is said depends on what was sent: a booking that one may not touch cannot be told from one that is not there.
    assert said == {UNPROVEN: {UNPROVEN}, DISPROVED: {DISPROVED}}
    assert UNPROVEN != DISPROVED
    refused = await move(shop, {"id": "nonsense"}, at("15:00"), "public", manageToken=mine["manageToken"])
    assert (refused["booking"], codes(refused)) == (None, ["NOT_FOUND"])
    assert refused["errors"][0]["message"] == DISPROVED
    assert await shop.calendar() == before


async def test_a_booking_may_move_over_its_own_time_and_over_no_other(shop: Shop) -> None:
    made = await shop.booked(at("12:00"), serviceId=shop.colouring)
    for start in (at("12:15"), at("12:00"), at("11:15")):
        moved = await move(shop, made["booking"], start)
        assert (moved["errors"], moved["booking"]["start"]) == ([], start)

    await shop.booked(at("15:00"), serviceId=shop.colouring)
    before = await shop.calendar()
    refused = await move(shop, made["booking"], at("13:30"))
    assert (refused["booking"], codes(refused)) == (None, ["SLOT_TAKEN"])
    assert refused["alternatives"][0]["start"] == at("13:00")
    assert await shop.calendar() == before


async def test_simultaneous_moves_to_one_slot_leave_exactly_one_there(each_shop: Shop) -> None:
    shop = each_shop
    made = [(await shop.booked(at(f"{hour:02}:00"), optionId=shop.anna))["booking"] for hour in range(9, 14)]
    answers = await asyncio.gather(*(move(shop, booking, at("15:00")) for booking in made))
    assert sorted(map(codes, answers)) == [[], *[["SLOT_TAKEN"]] * 4]
    starts = [entry["start"] for entry in (await shop.calendar())["entries"]]
    stayed = [booking["start"] for booking, answer in zip(made, answers, strict=True) if codes(answer)]
    assert starts == [*stayed, at("15:00")]


async def test_a_move_is_judged_by_the_same_rules_as_a_booking(shop: Shop) -> None:
    made = (await shop.booked(at("10:00"), optionId=shop.anna, serviceId=shop.colouring))["booking"]
    before = await shop.calendar()
    for code, start, more in (
        ("OUTSIDE_OPENING_HOURS", at("16:00"), {}),
        ("NOT_ON_SLOT_GRID", at("10:07"), {}),
        ("IN_THE_PAST", at("10:00", -21), {}),
        ("SERVICE_NOT_OFFERED", at("10:00"), {"optionId": shop.ben}),
        ("NOT_FOUND", at("10:00"), {"optionId": "nonsense"}),
        ("NOT_FOUND", at("10:00"), {"optionId": shop.haircut}),
    ):
        refused = await move(shop, made, start, **more)
        assert (refused["booking"], codes(refused)) == (None, [code]), code
    assert await shop.calendar() == before

    moved = await move(shop, made, at("20:07", 6), overrideRules=True)
    assert (moved["errors"], moved["booking"]["start"]) == ([], at("20:07", 6))
    await shop.booked(at("12:00"), optionId=shop.anna)
    assert codes(await move(shop, made, at("12:00"), overrideRules=True)) == ["SLOT_TAKEN"]


async def test_a_customer_may_lift_no_rule_by_moving(shop: Shop) -> None:
    made = await shop.booked(at("10:00"), optionId=shop.anna)
    before = await shop.calendar()
    wanted = {"manageToken": made["manageToken"], "overrideRules": True}
    refused = await move(shop, made["booking"], at("03:07", 6), "public", **wanted)
    assert refused["booking"] is None
    assert codes(refused)
    assert await shop.calendar() == before


async def test_a_moved_booking_keeps_its_length_and_buffers(shop: Shop) -> None:
    made = (await shop.booked(at("10:00"), serviceId=shop.colouring))["booking"]
    change = {"serviceId": shop.colouring, "durationMinutes": 30, "bufferBeforeMinutes": 0, "bufferAfterMinutes": 0}
    await shop.served.do("UpdateService", "staff", input=change)
    moved = (await move(shop, made, at("12:00")))["booking"]
    assert (moved["start"], moved["end"]) == (at("12:00"), at("13:30"))
    offered = await shop.starts(shop.colouring)
    assert at("11:45") not in offered
    assert at("13:45") not in offered
    assert {at("11:15"), at("14:00")} <= set(offered)


async def test_an_expected_version_refuses_to_overwrite_what_changed_meanwhile(each_shop: Shop) -> None:
    shop = each_shop
    made = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    moved = await move(shop, made, at("12:00"), expectedVersion=1)
    assert (moved["errors"], moved["booking"]["version"]) == ([], 2)
    before = await shop.calendar()
    for version in (1, 3, -1):
        for stale in (
            await move(shop, made, at("14:00"), expectedVersion=version),
            await cancel(shop, made, expectedVersion=version),
        ):
            assert (stale["booking"], codes(stale)) == (None, ["STALE_VERSION"]), version
    assert await shop.calendar() == before
    assert (await cancel(shop, made, expectedVersion=2))["booking"]["version"] == 3


async def test_a_cancelled_booking_cannot_be_changed_any_more(shop: Shop) -> None:
    payload = await shop.booked(at("10:00"), optionId=shop.anna)
    made, token = payload["booking"], {"manageToken": payload["manageToken"]}
    assert (await cancel(shop, made))["booking"]["status"] == "CANCELLED"
    before = await shop.calendar()
    for refused in (
        await cancel(shop, made),
        await cancel(shop, made, "public", **token),
        await move(shop, made, at("12:00")),
        await move(shop, made, at("12:00"), overrideRules=True),
        await move(shop, made, at("12:00"), "public", **token),
    ):
        assert (refused["booking"], codes(refused)) == (None, ["ALREADY_CANCELLED"])
    assert await shop.calendar() == before


async def test_customers_may_change_until_the_notice_and_staff_after_it(shop: Shop) -> None:
    early = await shop.another_service(changeNoticeMinutes=60 * 24 * 60)
    late = await shop.booked(at("10:00"), serviceId=early)
    past = await shop.booked(at("10:00", -21), "staff", overrideRules=True)
    before = await shop.calendar()
    for payload in (late, past):
        token = {"manageToken": payload["manageToken"]}
        for refused in (
            await move(shop, payload["booking"], at("15:00"), "public", **token),
            await cancel(shop, payload["booking"], "public", **token),
        ):
            assert (refused["booking"], codes(refused)) == (None, ["NOT_CHANGEABLE"])
    assert await shop.calendar() == before
    assert (await move(shop, late["booking"], at("15:00")))["errors"] == []
    assert (await cancel(shop, past["booking"]))["errors"] == []


async def test_the_history_tells_who_did_what_and_what_it_replaced(each_shop: Shop) -> None:
    shop = each_shop
    payload = await shop.booked(at("10:00"), optionId=shop.anna)
    made = payload["booking"]
    await move(shop, made, at("12:00"), optionId=shop.ben)
    await move(shop, made, at("12:07"))
    await move(shop, made, at("14:00"), "public", manageToken=payload["manageToken"])
    await cancel(shop, made, "admin", reason="Flu in the house")

    history = await shop.history(made["id"])
    assert [entry["action"] for entry in history] == ["CREATED", "RESCHEDULED", "RESCHEDULED", "CANCELLED"]
    created, by_staff, by_customer, cancelled = history
    assert "the staff key" in by_staff["actor"]
    assert by_customer["actor"] == "customer" or "the public key" in by_customer["actor"]
    assert "the admin key" in cancelled["actor"]
    moments = [datetime.fromisoformat(entry["at"]) for entry in history]
    assert moments == sorted(moments)

    # In the client's words: the fields that `Booking` has, not the columns that are behind them.
    changed = {change["field"]: (change["before"], change["after"]) for change in by_staff["changes"]}
    assert changed["start"] == (at("10:00"), at("12:00"))
    assert changed["option"] in ((shop.anna, shop.ben), ("Anna", "Ben"))
    changed = {change["field"]: (change["before"], change["after"]) for change in by_customer["changes"]}
    assert changed == {"start": (at("12:00"), at("14:00")), "end": (at("13:00"), at("15:00"))}
    assert "Flu in the house" in str(cancelled)
    assert created["actor"]


async def test_ids_that_name_no_booking_are_not_found(shop: Shop) -> None:
    before = await shop.calendar()
    for unknown in ("", "nonsense", shop.anna, shop.haircut):
        for refused in (await move(shop, {"id": unknown}, at("12:00")), await cancel(shop, {"id": unknown})):
            assert refused["booking"] is None
            assert located(refused)[0][0] == "NOT_FOUND"
    assert await shop.calendar() == before
