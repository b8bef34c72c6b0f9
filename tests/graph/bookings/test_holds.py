"""Holds: a slot kept for a customer, taken from everybody else, confirmed as it was promised, and gone by itself."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from graph.server.app import build
from models.settings import read
from models.storage.secrets import new_secret_key
from tests.graph.bookings.hold_requests import confirm, customer_with_another_app, entries, held, hold, release
from tests.graph.shop import KARI, OLA, Shop, at, codes, furnish, hours, located
from tests.served import Served, Stream, serving
from tests.stage import Stage, browser


async def test_a_held_slot_is_kept_from_others_and_booked_by_whoever_holds_it(each_shop: Shop) -> None:
    shop = each_shop
    before = datetime.now(UTC)
    kept = await held(shop, at("10:00"))
    anna = {"id": shop.anna, "name": "Anna"}
    assert (kept["start"], kept["end"], kept["option"]) == (at("10:00"), at("11:00"), anna)
    lasts = datetime.fromisoformat(kept["expiresAt"]) - before
    assert timedelta(seconds=599) <= lasts <= timedelta(seconds=630)

    refused = await shop.book(at("10:00"), optionId=shop.anna)
    assert codes(refused) == ["SLOT_TAKEN"]
    assert refused["alternatives"]
    again = await hold(shop, at("10:00"))
    assert (again["hold"], codes(again)) == (None, ["SLOT_TAKEN"])
    assert again["alternatives"][0]["start"] == at("10:00")
    assert again["alternatives"][1]["start"] in (at("09:00"), at("11:00"))
    assert at("10:00") not in await shop.starts(shop.haircut, optionIds=[shop.anna])
    assert at("10:00") in await shop.starts(shop.haircut)

    payload = await confirm(shop, kept, note="Short, please")
    assert payload["errors"] == []
    booking = payload["booking"]
    assert (booking["start"], booking["end"], booking["option"]) == (at("10:00"), at("11:00"), anna)
    assert booking["service"]["id"] == shop.haircut
    assert await shop.served.do("ManagedBooking", "public", manageToken=payload["manageToken"]) == booking
    (entry,) = (await shop.calendar())["entries"]
    assert (entry["__typename"], entry["note"], entry["customer"]) == ("Booking", "Short, please", KARI)


async def test_a_hold_makes_one_booking_however_often_it_is_confirmed(each_shop: Shop) -> None:
    shop = each_shop
    kept = await held(shop, at("10:00"))
    answers = await asyncio.gather(*(confirm(shop, kept) for _ in range(6)))
    assert Counter(map(str, map(codes, answers))) == {"[]": 1, "['HOLD_EXPIRED']": 5}
    assert await entries(shop) == [("Booking", at("10:00"))]
    stands = await shop.calendar()
    late = await confirm(shop, kept)
    assert (late["booking"], late["manageToken"], codes(late)) == (None, None, ["HOLD_EXPIRED"])
    assert (await release(shop, kept))["releasedId"] is None
    assert await shop.calendar() == stands


async def test_a_retried_confirmation_gets_the_booking_that_the_first_one_made(shop: Shop) -> None:
    kept = await held(shop, at("10:00"), idempotencyKey="k")
    first = await confirm(shop, kept, idempotencyKey="k")
    assert first["errors"] == []
    assert await confirm(shop, kept, idempotencyKey="k") == first
    assert codes(await confirm(shop, kept, idempotencyKey="k", customer=OLA)) == ["IDEMPOTENCY_MISMATCH"]
    assert codes(await confirm(shop, kept)) == ["HOLD_EXPIRED"]


async def test_only_one_of_those_who_want_a_slot_at_once_gets_it(each_shop: Shop) -> None:
    shop = each_shop
    wanting = [hold(shop, at("10:00")) for _ in range(4)]
    wanting += [shop.book(at("10:00"), optionId=shop.anna) for _ in range(4)]
    answers = await asyncio.gather(*wanting)
    assert Counter(map(str, map(codes, answers))) == {"[]": 1, "['SLOT_TAKEN']": 7}
    assert [start for _, start in await entries(shop)] == [at("10:00")]


async def test_a_live_hold_is_confirmed_as_it_was_made_whatever_changed_meanwhile(shop: Shop) -> None:
    kept = await held(shop, at("10:00"), serviceId=shop.colouring)
    assert (kept["start"], kept["end"]) == (at("10:00"), at("11:30"))
    do = shop.served.do
    time_off = {"optionId": shop.anna, "start": at("08:00"), "end": at("12:00")}
    for operation, wanted in (
        ("UpdateService", {"serviceId": shop.colouring, "durationMinutes": 30, "slotStepMinutes": 7}),
        ("UpdateService", {"serviceId": shop.colouring, "minimumNoticeMinutes": 60 * 24 * 60, "bookingHorizonDays": 0}),
        ("UpdateService", {"serviceId": shop.colouring, "optionIds": []}),
        ("UpdateService", {"serviceId": shop.colouring, "active": False}),
        ("UpdateOption", {"optionId": shop.anna, "active": False}),
        ("SetOpeningHours", {"optionId": shop.anna, "openingHours": []}),
        ("CreateTimeOff", time_off),
    ):
        assert (await do(operation, "staff", input=wanted))["errors"] == [], operation

    payload = await confirm(shop, kept)
    assert payload["errors"] == []
    booking = payload["booking"]
    assert (booking["start"], booking["end"], booking["option"]["name"]) == (at("10:00"), at("11:30"), "Anna")


async def test_a_booking_keeps_the_buffers_that_its_hold_was_made_with(shop: Shop) -> None:
    kept = await held(shop, at("12:00"), serviceId=shop.colouring)
    change = {"serviceId": shop.colouring, "bufferBeforeMinutes": 0, "bufferAfterMinutes": 0}
    assert (await shop.served.do("UpdateService", "staff", input=change))["errors"] == []
    # 11:50 to 13:50 are taken: by the hold, and by the booking that it becomes.
    free = [at(clock) for clock in ("09:00", "10:00", "14:00", "15:00", "16:00")]
    assert await shop.starts(shop.haircut, optionIds=[shop.anna]) == free
    assert (await confirm(shop, kept))["errors"] == []
    assert await shop.starts(shop.haircut, optionIds=[shop.anna]) == free


async def test_a_hold_is_booked_and_what_else_is_said_of_time_or_option_does_not_count(shop: Shop) -> None:
    kept = await held(shop, at("10:00"))
    stands = await shop.calendar()
    elsewhere = {"serviceId": shop.colouring, "optionId": shop.ben, "start": at("15:00")}
    payload = await confirm(shop, kept, **elsewhere)
    if payload["booking"] is None:
        assert set(codes(payload)) == {"INVALID_INPUT"}
        assert await shop.calendar() == stands
    else:
        booking = payload["booking"]
        told = booking["start"], booking["option"]["id"], booking["service"]["id"]
        assert told == (at("10:00"), shop.anna, shop.haircut)


async def test_a_refused_confirmation_leaves_the_hold_as_it_is(shop: Shop) -> None:
    kept = await held(shop, at("10:00"))
    stands = await shop.calendar()
    for wrong, path in (({"name": " "}, "name"), ({**KARI, "email": "nonsense"}, "email")):
        refused = await confirm(shop, kept, customer=wrong)
        assert located(refused) == [("INVALID_INPUT", f"input.customer.{path}")]
    assert await shop.calendar() == stands
    assert (await confirm(shop, kept))["errors"] == []


async def test_a_hold_is_an_entry_of_the_calendar(shop: Shop) -> None:
    kept = await held(shop, at("10:00"), serviceId=shop.colouring)
    (entry,) = (await shop.calendar())["entries"]
    assert entry == {
        "__typename": "Hold",
        "id": kept["id"],
        "start": at("10:00"),
        "end": at("11:30"),
        "allDay": False,
        "title": "Held: Colouring",
        "blocks": True,
        "options": [{"id": shop.anna}],
        "expiresAt": kept["expiresAt"],
        "service": {"id": shop.colouring, "name": "Colouring"},
    }
    assert await shop.served.do("Refetch", "staff", id=kept["id"]) == {"__typename": "Hold", "id": kept["id"]}
    other = await customer_with_another_app(shop)
    assert await other.served.do("Refetch", "public", id=kept["id"]) is None
    assert (await shop.calendar(optionIds=[shop.ben]))["entries"] == []

    await release(shop, kept)
    assert await shop.served.do("Refetch", "staff", id=kept["id"]) is None


async def applied(stream: Stream, copy: dict[str, str], until: str) -> None:
    """Applies changes to a dashboard's copy, up to a cursor."""
    while True:
        change = (await stream.next())["calendarChanges"]
        if change["action"] == "REMOVED":
            copy.pop(change["entryId"], None)
        else:
            copy[change["entryId"]] = change["entry"]["__typename"]
        if change["cursor"] == until:
            return


async def test_dashboards_see_a_hold_come_become_a_booking_and_be_given_back(each_shop: Shop) -> None:
    shop = each_shop
    copy: dict[str, str] = {}
    async with shop.served.following("CalendarChanges", "staff", after=await shop.cursor()) as stream:
        first, second = await held(shop, at("10:00")), await held(shop, at("12:00"))
        await applied(stream, copy, await shop.cursor())
        assert copy == {first["id"]: "Hold", second["id"]: "Hold"}
        booking = (await confirm(shop, first))["booking"]
        await applied(stream, copy, await shop.cursor())
        assert copy == {second["id"]: "Hold", booking["id"]: "Booking"}
        assert await release(shop, second) == {"releasedId": second["id"], "errors": []}
        await applied(stream, copy, await shop.cursor())
        assert copy == {booking["id"]: "Booking"}


async def test_a_released_slot_is_free_at_once_and_the_hold_is_good_for_nothing_more(shop: Shop) -> None:
    kept = await held(shop, at("10:00"))
    assert await release(shop, kept) == {"releasedId": kept["id"], "errors": []}
    assert at("10:00") in await shop.starts(shop.haircut, optionIds=[shop.anna])
    stands = await shop.calendar()
    again = await release(shop, kept)
    assert (again["releasedId"], len(codes(again))) == (None, 1)
    assert codes(again)[0] in ("NOT_FOUND", "HOLD_EXPIRED")
    confirmed = await confirm(shop, kept)
    assert (confirmed["booking"], codes(confirmed)) == (None, ["HOLD_EXPIRED"])
    assert await shop.calendar() == stands
    await shop.booked(at("10:00"), optionId=shop.anna)


async def test_a_hold_lapses_by_itself_and_then_stands_in_nobodys_way(our_stage: Stage, database_url: str) -> None:
    async with serving(our_stage, database_url, hold_seconds=1) as served:
        shop = await furnish(served)
        window = {"from": at("10:00"), "to": at("11:00")}
        follow = served.following
        async with (
            follow("CalendarChanges", "staff", after=await shop.cursor()) as dashboard,
            follow("AvailabilityChanges", "public", serviceId=shop.colouring, **window) as app,
        ):
            offered = (await app.next())["availabilityChanges"]["days"][0]["slots"]
            kept = await held(shop, at("10:00"), serviceId=shop.colouring)
            assert (await dashboard.next())["calendarChanges"]["entryId"] == kept["id"]
            assert (await app.next())["availabilityChanges"]["days"] == []
            # Time alone changes this answer: nobody did anything.
            again = (await app.next())["availabilityChanges"]
            assert again["days"][0]["slots"] == offered
            assert again["asOf"] >= kept["expiresAt"]
            await shop.booked(at("10:00"), serviceId=shop.colouring)
            assert codes(await confirm(shop, kept)) == ["HOLD_EXPIRED"]

            change = (await dashboard.next())["calendarChanges"]
            assert (change["action"], change["entryId"], change["entry"]) == ("REMOVED", kept["id"], None)
        assert await entries(shop) == [("Booking", at("10:00"))]


async def test_a_lapse_that_nobody_asks_about_is_told_within_five_seconds(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, hold_seconds=1) as served:
        shop = await furnish(served)
        async with served.following("CalendarChanges", "staff", after=await shop.cursor()) as dashboard:
            kept = await held(shop, at("10:00"))
            await dashboard.next()
            change = (await dashboard.next())["calendarChanges"]
        assert (change["action"], change["entryId"], change["entry"]) == ("REMOVED", kept["id"], None)
        late = datetime.fromisoformat(change["at"]) - datetime.fromisoformat(kept["expiresAt"])
        assert timedelta(0) <= late < timedelta(seconds=5.5)
        assert (await shop.calendar()) == {"cursor": change["cursor"], "entries": []}
        assert codes(await confirm(shop, kept)) == ["HOLD_EXPIRED"]
        assert (await release(shop, kept))["releasedId"] is None


async def test_a_hold_lapses_though_the_process_that_gave_it_is_gone(our_stage: Stage, sqlite_url: str) -> None:
    settings: dict[str, Any] = {"hold_seconds": 1, "secret_keys": (new_secret_key(),)}
    async with serving(our_stage, sqlite_url, **settings) as served:
        shop = await furnish(served)
        kept = await held(shop, at("10:00"))
        cursor = await shop.cursor()
    app = build(read(_env_file=None, database_url=sqlite_url, **settings), sync=False)
    async with our_stage.playing(app) as url, browser() as http:
        later = Served(url, served.business_id, served.keys, http)
        async with later.following("CalendarChanges", "staff", after=cursor) as dashboard:
            change = (await dashboard.next())["calendarChanges"]
        assert (change["action"], change["entryId"]) == ("REMOVED", kept["id"])


async def test_a_booking_cannot_be_moved_over_a_hold(shop: Shop) -> None:
    await held(shop, at("10:00"))
    booking = (await shop.booked(at("14:00"), optionId=shop.anna))["booking"]
    wanted = {"bookingId": booking["id"], "start": at("10:00"), "overrideRules": True}
    refused = await shop.served.do("RescheduleBooking", "staff", input=wanted)
    assert (refused["booking"], codes(refused)) == (None, ["SLOT_TAKEN"])
    refused = await shop.book(at("10:00"), "staff", optionId=shop.anna, overrideRules=True)
    assert codes(refused) == ["SLOT_TAKEN"]


async def test_buffers_of_two_holds_add_up(shop: Shop) -> None:
    await held(shop, at("09:00"), serviceId=shop.colouring)
    assert codes(await hold(shop, at("10:45"), serviceId=shop.colouring)) == ["SLOT_TAKEN"]
    await held(shop, at("11:00"), serviceId=shop.colouring)


async def test_hours_that_close_under_a_hold_offer_nothing_new_there(shop: Shop) -> None:
    kept = await held(shop, at("16:00"))
    change = {"optionId": shop.anna, "openingHours": hours("09:00", "12:00")}
    assert (await shop.served.do("SetOpeningHours", "staff", input=change))["errors"] == []
    assert at("14:00") not in await shop.starts(shop.haircut, optionIds=[shop.anna])
    assert (await confirm(shop, kept))["booking"]["start"] == at("16:00")
