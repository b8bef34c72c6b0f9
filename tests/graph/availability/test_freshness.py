"""Freshness: a calendar that was not read lately is read again before an option is taken, within a moment."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from models import clock
from models.google.tables import GoogleBudget, GoogleCalendar
from models.log import notifier
from sync import leases
from sync.sandbox.faults import FaultKind
from tests.graph.connected_shop import ANNAS, Connected
from tests.graph.shop import OLA, Shop, at, codes
from tests.stage import PATIENCE, Stage

NO_LIMIT = 4.0
"""Seconds: what a confirmation that waits a second and a half for Google stays well below, however busy the machine."""


@pytest.fixture
async def quiet(town: Connected) -> Connected:
    """Anna is linked to a calendar that tells of no change; what was read of it is two minutes old."""
    town.google.calendar(ANNAS).watchable = False
    await town.sign_in(town.shop.anna)
    with notifier.current().listening(town.shop.served.business_id) as rung:
        await town.link(town.shop.anna)
        async with asyncio.timeout(PATIENCE):
            while await GoogleCalendar.filter(google_id=ANNAS, pulled_at__isnull=True).exists():
                await rung.wait()
                rung.clear()
    await grown_old()
    return town


async def grown_old() -> None:
    await GoogleCalendar.filter(google_id=ANNAS).update(pulled_at=clock.now() - timedelta(minutes=2))


async def unread(shop: Shop, booking: Any) -> list[str]:
    """What the last entry of a booking's history says of the calendar not having been read."""
    last = (await shop.history(booking["id"]))[-1]
    return [change["after"] for change in last["changes"] if change["field"] == "freshAsOf"]


@pytest.mark.parametrize("way", ["Book", "Hold", "RescheduleBooking"])
async def test_what_came_in_unnoticed_is_seen_before_a_slot_is_taken(quiet: Connected, way: str) -> None:
    shop = quiet.shop
    booking = (await shop.booked(at("14:00"), optionId=shop.anna))["booking"]
    assert await unread(shop, booking) == []
    await grown_old()
    quiet.put(at("10:00"), at("11:00"), summary="Doctor's appointment")
    wish: dict[str, Any] = {"serviceId": shop.haircut, "optionId": shop.anna, "start": at("10:00")}
    if way == "Book":
        wish["customer"] = OLA
    if way == "RescheduleBooking":
        wish = {"bookingId": booking["id"], "start": at("10:00")}
    assert codes(await shop.served.do(way, "staff", input=wish)) == ["SLOT_TAKEN"]


async def test_without_a_named_option_another_one_takes_it(quiet: Connected) -> None:
    shop = quiet.shop
    quiet.put(at("10:00"), at("11:00"), summary="Doctor's appointment")
    booked = await shop.booked(at("10:00"))
    assert booked["booking"]["option"]["name"] == "Ben"


async def test_what_was_read_within_a_minute_is_not_read_again(quiet: Connected, google_stage: Stage) -> None:
    shop = quiet.shop
    await GoogleCalendar.filter(google_id=ANNAS).update(pulled_at=clock.now())
    asked = google_stage.arrival("GET", "/events")
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    assert await unread(shop, booking) == []
    assert not asked.is_set()


async def test_what_will_not_be_booked_is_not_asked_for(quiet: Connected, google_stage: Stage) -> None:
    shop, do = quiet.shop, quiet.shop.served.do
    wish = {"serviceId": shop.haircut, "optionId": shop.anna, "start": at("10:00"), "customer": OLA}
    once = {**wish, "start": at("12:00"), "idempotencyKey": "once"}
    booking = (await do("Book", "public", input=once))["booking"]["id"]
    moved = {"bookingId": booking, "start": at("14:00")}
    holds = [{"serviceId": shop.haircut, "optionId": shop.anna, "start": at("15:00", day)} for day in range(5)]
    for each in holds:
        assert codes(await do("Hold", "public", input=each)) == []
    await grown_old()
    asked = google_stage.arrival("GET", "/events")
    assert "OUTSIDE_OPENING_HOURS" in codes(await do("Book", "public", input={**wish, "start": at("17:00")}))
    assert codes(await do("Book", "public", input={**wish, "customer": {"name": ""}})) == ["INVALID_INPUT"]
    assert (await do("Book", "public", input=once))["booking"]["id"] == booking
    assert codes(await do("Hold", "public", input=holds[0])) == ["TOO_MANY_HOLDS"]
    assert codes(await do("RescheduleBooking", "staff", input={**moved, "start": at("12:00")})) == []
    await do("CancelBooking", "staff", input={"bookingId": booking})
    assert codes(await do("RescheduleBooking", "staff", input=moved)) == ["ALREADY_CANCELLED"]
    await shop.booked(at("10:00"), optionId=shop.ben)
    assert not asked.is_set()


async def test_what_was_held_is_looked_at_again_when_it_is_booked(quiet: Connected, google_stage: Stage) -> None:
    shop = quiet.shop
    wish = {"serviceId": shop.haircut, "optionId": shop.anna, "start": at("10:00")}
    kept = (await shop.served.do("Hold", "public", input=wish))["hold"]["id"]
    await grown_old()
    asked = google_stage.arrival("GET", "/events")
    booked = await shop.served.do("Book", "public", input={"holdId": kept, "customer": OLA})
    assert asked.is_set()
    assert await unread(shop, booked["booking"]) == []


async def test_nothing_but_what_changed_is_waited_for(quiet: Connected) -> None:
    """Neither a push channel, nor the nightly listing, though both are due."""
    shop, due = quiet.shop, clock.now() - timedelta(days=3)
    kept = {"watch_due_at": due, "snapshot_at": due}
    await GoogleCalendar.filter(google_id=ANNAS).update(**kept)
    quiet.google.faults.add(FaultKind.HOLD, None, path="/watch")
    (before,) = await GoogleCalendar.filter(google_id=ANNAS).values("pull_due_at", *kept)
    began = clock.now()
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    assert (clock.now() - began).total_seconds() < 1.4
    assert await unread(shop, booking) == []
    assert await GoogleCalendar.filter(google_id=ANNAS).values("pull_due_at", *kept) == [before]


async def test_a_user_whom_google_wants_left_alone_is_not_waited_for(quiet: Connected) -> None:
    shop = quiet.shop
    shut = clock.now() + timedelta(minutes=5)
    assert await GoogleBudget.filter(scope__startswith="user").update(paid_until=shut) == 1
    began = clock.now()
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    assert (clock.now() - began).total_seconds() < 1.4
    assert len(await unread(shop, booking)) == 1
    assert await GoogleCalendar.filter(google_id=ANNAS, pull_lease__isnull=True).exists()


async def test_google_is_waited_for_a_moment_only_and_the_history_says_so(quiet: Connected) -> None:
    shop = quiet.shop
    (row,) = await GoogleCalendar.filter(google_id=ANNAS).values("pulled_at")
    quiet.google.faults.add(FaultKind.HOLD, None, method="GET", path="/events")
    began = clock.now()
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    waited = (clock.now() - began).total_seconds()
    assert 1.4 < waited < NO_LIMIT
    assert [datetime.fromisoformat(each) for each in await unread(shop, booking)] == [row["pulled_at"]]
    # Whoever comes while that reading is still under way does not wait for it.
    began = clock.now()
    moved = {"bookingId": booking["id"], "start": at("12:00")}
    assert codes(await shop.served.do("RescheduleBooking", "staff", input=moved)) == []
    assert (clock.now() - began).total_seconds() < 1.4
    assert len(await unread(shop, booking)) == 1
    # It was left to end by itself, and what it brings is applied.
    quiet.google.faults.clear()
    quiet.put(at("15:00"), at("15:30"), summary="Late")


async def test_google_away_stands_in_nobodys_way(quiet: Connected, google_stage: Stage) -> None:
    shop = quiet.shop
    quiet.google.faults.add(FaultKind.SERVER_ERROR, None)
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    assert len(await unread(shop, booking)) == 1
    # The pause after a failure is kept.
    asked = google_stage.arrival("GET", "/events")
    again = (await shop.booked(at("12:00"), optionId=shop.anna))["booking"]
    assert len(await unread(shop, again)) == 1
    assert not asked.is_set()


async def test_a_first_reading_is_not_waited_for(quiet: Connected, google_stage: Stage) -> None:
    shop = quiet.shop
    await GoogleCalendar.filter(google_id=ANNAS).update(pulled_at=None, sync_token=None)
    asked = google_stage.arrival("GET", "/events")
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    assert await unread(shop, booking) == ["never"]
    assert not asked.is_set()


async def test_a_calendar_in_other_hands_counts_as_not_read(quiet: Connected) -> None:
    shop = quiet.shop
    await GoogleCalendar.filter(google_id=ANNAS).update(pull_lease_until=clock.now() + leases.LENGTH)
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    assert len(await unread(shop, booking)) == 1
