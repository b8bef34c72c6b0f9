"""UpdateBooking: whom a booking is for, its note, and how it went; by staff, and only what its state allows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.graph.shop import KARI, Shop, at, codes, furnish, located


async def update(shop: Shop, booking: Any, role: str = "staff", **changes: Any) -> Any:
    """Asks for changes to a booking: the payload."""
    return await shop.served.do("UpdateBooking", role, input={"bookingId": booking["id"], **changes})


async def updated(shop: Shop, booking: Any, **changes: Any) -> Any:
    """Changes a booking, and fails unless it was changed: the booking."""
    payload = await update(shop, booking, **changes)
    assert payload["errors"] == []
    return payload["booking"]


async def begun(shop: Shop, minutes_ago: int = 5) -> Any:
    """A booking of an hour that began some minutes ago."""
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
    payload = await shop.booked(f"{start:%Y-%m-%dT%H:%M:%SZ}", "staff", optionId=shop.anna, overrideRules=True)
    return payload["booking"]


async def cancel(shop: Shop, booking: Any) -> Any:
    """Calls a booking off, by staff: the payload."""
    return await shop.served.do("CancelBooking", "staff", input={"bookingId": booking["id"]})


async def move(shop: Shop, booking: Any, start: str) -> Any:
    """Moves a booking, by staff, whatever the hours: the payload."""
    wanted = {"bookingId": booking["id"], "start": start, "overrideRules": True}
    return await shop.served.do("RescheduleBooking", "staff", input=wanted)


async def test_staff_change_whom_it_is_for_and_the_note_and_nothing_else(each_shop: Shop) -> None:
    shop = each_shop
    made = await shop.booked(at("10:00"), optionId=shop.anna, note="Short, please")
    (before,) = (await shop.calendar())["entries"]
    changed = {"name": "Åse Berg", "email": "ase@example.no", "phone": "+47 99 88 77 66"}
    booking = await updated(shop, made["booking"], customer=changed, note="Long, please")
    title = before["title"].replace("Kari Nordmann", "Åse Berg")
    assert booking == {**before, "customer": changed, "note": "Long, please", "version": 2, "title": title}
    assert (await shop.calendar())["entries"] == [booking]
    mine = await shop.served.do("ManagedBooking", "public", manageToken=made["manageToken"])
    assert mine == {**made["booking"], "version": 2}


async def test_a_part_that_is_left_out_stays_and_null_clears_it(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00"), note="Short, please"))["booking"]
    assert (await updated(shop, booking, customer={"name": "Åse"}))["customer"] == {**KARI, "name": "Åse"}
    assert (await updated(shop, booking, note="Long"))["customer"] == {**KARI, "name": "Åse"}
    now = await updated(shop, booking, customer={"name": "Åse", "phone": None})
    assert now["customer"] == {**KARI, "name": "Åse", "phone": None}
    now = await updated(shop, booking, customer={"name": "Åse", "email": None, "phone": "123 45 678"})
    assert (now["customer"], now["note"]) == ({"name": "Åse", "email": None, "phone": "123 45 678"}, "Long")
    now = await updated(shop, booking, note=None)
    assert (now["note"], now["customer"]["name"]) == (None, "Åse")
    assert now["version"] == 6


async def test_null_is_refused_where_a_booking_cannot_be_empty(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00"), note="Short"))["booking"]
    before = await shop.calendar()
    nothing: tuple[dict[str, Any], ...] = ({"customer": None}, {"status": None})
    for changes in nothing:
        (field,) = changes
        refused = await update(shop, booking, **changes)
        assert (refused["booking"], located(refused)) == (None, [("INVALID_INPUT", f"input.{field}")])
    assert await shop.calendar() == before


async def test_a_wrong_value_is_named_by_its_path_and_nothing_is_written(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00")))["booking"]
    before = await shop.calendar()
    for customer, path in (
        ({"name": ""}, "name"),
        ({"name": " \t"}, "name"),
        ({**KARI, "email": "kari"}, "email"),
        ({**KARI, "email": "kari@example.no\nBcc: all@example.no"}, "email"),
    ):
        refused = await update(shop, booking, customer=customer, note="Kept out")
        assert (refused["booking"], located(refused)) == (None, [("INVALID_INPUT", f"input.customer.{path}")])
    assert await shop.calendar() == before


@pytest.mark.parametrize("outcome", ["COMPLETED", "NO_SHOW"])
async def test_how_it_went_can_be_said_once_it_has_begun_and_taken_back(each_shop: Shop, outcome: str) -> None:
    shop = each_shop
    booking = await begun(shop)
    now = await updated(shop, booking, status=outcome)
    assert (now["status"], now["version"], now["blocks"]) == (outcome, 2, True)
    assert (await shop.calendar())["entries"] == [now]
    now = await updated(shop, booking, status="CONFIRMED")
    assert (now["status"], now["version"]) == ("CONFIRMED", 3)
    assert (await updated(shop, booking, status=outcome, note="Late"))["note"] == "Late"


async def test_a_booking_that_has_not_begun_did_not_go_any_way_yet(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00")))["booking"]
    before = await shop.calendar()
    for status in ("COMPLETED", "NO_SHOW"):
        refused = await update(shop, booking, status=status, note="Kept out")
        assert (refused["booking"], codes(refused)) == (None, ["NOT_CHANGEABLE"])
        assert refused["errors"][0]["message"].startswith("The booking has not taken place yet")
    assert await shop.calendar() == before


async def test_what_went_one_way_went_no_other_and_is_neither_moved_nor_called_off(shop: Shop) -> None:
    for start, outcome, other in ((5, "COMPLETED", "NO_SHOW"), (60 * 24 * 9, "NO_SHOW", "COMPLETED")):
        booking = await begun(shop, start)
        await updated(shop, booking, status=outcome)
        before = await shop.calendar()
        for refused in (
            await update(shop, booking, status=other),
            await move(shop, booking, at("10:00")),
            await cancel(shop, booking),
        ):
            assert (refused["booking"], codes(refused)) == (None, ["NOT_CHANGEABLE"]), outcome
        status = await update(shop, booking, status=other)
        assert status["errors"][0]["message"] == f"The booking is {outcome}: make it CONFIRMED first."
        assert await shop.calendar() == before
        # What was noted is not how it went.
        assert (await updated(shop, booking, note="Paid"))["note"] == "Paid"
        await updated(shop, booking, status="CONFIRMED")
        assert (await cancel(shop, booking))["errors"] == []


async def test_calling_off_is_no_status_to_set(shop: Shop) -> None:
    for booking in ((await shop.booked(at("10:00")))["booking"], await begun(shop)):
        before = await shop.calendar()
        refused = await update(shop, booking, status="CANCELLED", note="Kept out")
        assert (refused["booking"], located(refused)) == (None, [("INVALID_INPUT", "input.status")])
        assert await shop.calendar() == before


async def test_a_cancelled_booking_is_not_edited(shop: Shop) -> None:
    for booking in ((await shop.booked(at("10:00")))["booking"], await begun(shop)):
        assert (await cancel(shop, booking))["errors"] == []
        cursor = await shop.cursor()
        for changes in (
            {"note": "Kept out"},
            {"customer": {"name": "Åse"}},
            {"status": "COMPLETED"},
            {"status": "CONFIRMED"},
        ):
            refused = await update(shop, booking, **changes)
            assert (refused["booking"], codes(refused)) == (None, ["ALREADY_CANCELLED"]), changes
        assert await shop.cursor() == cursor


async def test_an_expected_version_refuses_to_overwrite_what_a_colleague_changed(each_shop: Shop) -> None:
    shop = each_shop
    booking = (await shop.booked(at("10:00")))["booking"]
    assert (await updated(shop, booking, note="Mine", expectedVersion=1))["version"] == 2
    before = await shop.calendar()
    for version in (1, 3, 0, -1):
        refused = await update(shop, booking, note="Yours", expectedVersion=version)
        assert (refused["booking"], codes(refused)) == (None, ["STALE_VERSION"]), version
    assert await shop.calendar() == before
    assert (await move(shop, booking, at("12:00")))["booking"]["version"] == 3
    assert (await updated(shop, booking, note="Yours", expectedVersion=3))["version"] == 4
    assert codes(await update(shop, booking, note="Ours", expectedVersion=3)) == ["STALE_VERSION"]


async def test_customers_edit_nothing_and_hear_only_that(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00")))["booking"]
    before = await shop.calendar()
    for named in (booking, {"id": "nonsense"}):
        for changes in ({"note": "Mine"}, {"customer": {"name": ""}}, {"status": "CANCELLED"}, {"expectedVersion": 9}):
            refused = await update(shop, named, "public", **changes)
            assert (refused["booking"], codes(refused)) == (None, ["FORBIDDEN"]), changes
    assert await shop.calendar() == before
    assert (await update(shop, booking, "admin", note="Ours"))["errors"] == []


async def test_ids_that_name_no_booking_here_are_not_found(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    theirs = (await other.booked(at("10:00")))["booking"]["id"]
    stand = await shop.calendar(), await other.calendar()
    for unknown in ("", "nonsense", shop.anna, shop.haircut, theirs):
        refused = await update(shop, {"id": unknown}, "admin", note="Mine", expectedVersion=1)
        assert (refused["booking"], codes(refused)) == (None, ["NOT_FOUND"]), unknown
    assert (await shop.calendar(), await other.calendar()) == stand


async def test_the_history_tells_what_was_edited_and_by_whom(each_shop: Shop) -> None:
    shop = each_shop
    booking = await begun(shop)
    await updated(shop, booking, note="Short")
    await updated(shop, booking, customer={"name": "Åse", "email": "ase@example.no"}, note=None)
    assert (await update(shop, booking, "admin", status="NO_SHOW"))["errors"] == []

    created, noted, renamed, missed = await shop.history(booking["id"])
    assert created["action"] == "CREATED"
    assert len({entry["action"] for entry in (noted, renamed, missed)} - {"CREATED", "RESCHEDULED", "CANCELLED"}) >= 1
    assert "the staff key" in noted["actor"]
    assert "the admin key" in missed["actor"]
    assert noted["changes"] == [{"field": "note", "before": None, "after": "Short"}]
    assert missed["changes"] == [{"field": "status", "before": "CONFIRMED", "after": "NO_SHOW"}]
    replaced = {(change["before"], change["after"]) for change in renamed["changes"]}
    assert replaced == {("Kari Nordmann", "Åse"), ("kari@example.no", "ase@example.no"), ("Short", None)}
    # In the client's words: the fields that `Booking` and `Customer` have.
    told = {change["field"].split(".")[-1] for change in renamed["changes"]}
    assert told == {"name", "email", "note"}


async def test_dashboards_and_the_customers_app_are_told(shop: Shop) -> None:
    made = await shop.booked(at("10:00"), optionId=shop.anna)
    token = {"manageToken": made["manageToken"]}
    follow = shop.served.following
    async with (
        follow("CalendarChanges", "staff", after=await shop.cursor()) as dashboard,
        follow("BookingChanges", "public", **token) as app,
    ):
        await app.next()
        booking = await updated(shop, made["booking"], note="Short, please")
        change = (await dashboard.next())["calendarChanges"]
        assert (change["action"], change["entry"]) == ("UPSERTED", booking)
        assert (await app.next())["bookingChanges"] == {**made["booking"], "version": 2}


async def test_each_change_of_the_booking_shows_in_when_it_was_last_changed(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00")))["booking"]

    async def moments() -> tuple[str, str]:
        (edge,) = (await shop.served.do("Bookings", "staff", first=1))["edges"]
        return edge["node"]["createdAt"], edge["node"]["updatedAt"]

    made, first = await moments()
    await updated(shop, booking, note="Short")
    still, second = await moments()
    assert made == still <= first < second
