"""calendarChanges: nothing is missed, nothing comes twice, and only what the filter and the walls let through."""

import asyncio
import json
from datetime import datetime
from typing import Any

from models import clock
from models.log import change_log
from tests.graph.shop import Shop, at, furnish, make_option
from tests.operations import operations
from tests.served import Stream
from tests.stage import PATIENCE


async def next_change(stream: Stream) -> Any:
    """The next change of the calendar."""
    return (await stream.next())["calendarChanges"]


async def next_changes(stream: Stream, count: int) -> list[Any]:
    """The next changes of the calendar."""
    return [await next_change(stream) for _ in range(count)]


async def reschedule(shop: Shop, booking: Any, start: str, **more: Any) -> None:
    """Moves a booking, by staff."""
    wanted = {"bookingId": booking["id"], "start": start, **more}
    assert (await shop.served.do("RescheduleBooking", "staff", input=wanted))["errors"] == []


async def cancel(shop: Shop, booking: Any) -> None:
    """Calls a booking off, by staff."""
    assert (await shop.served.do("CancelBooking", "staff", input={"bookingId": booking["id"]}))["errors"] == []


def brief(change: Any) -> tuple[str, str, str | None]:
    """What a change says, without the state it carries."""
    return change["action"], change["entryId"], change["entry"] and change["entry"]["start"]


async def refusal(stream: Stream) -> list[str]:
    """The codes with which a subscription is refused, and that it ends with that."""
    message = await stream.message()
    errors = message["payload"]
    if message["type"] == "next":
        errors = message["payload"]["errors"]
        assert message["payload"]["data"] is None
        message = await stream.message()
        assert message["type"] == "complete"
    return [error["extensions"]["code"] for error in errors]


async def test_each_step_arrives_once_in_order_and_any_cursor_resumes_after_it(each_shop: Shop) -> None:
    shop = each_shop
    cursor = await shop.cursor()
    async with shop.served.following("CalendarChanges", "staff", after=cursor) as stream:
        booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
        booked = await next_change(stream)
        await reschedule(shop, booking, at("14:00"))
        moved = await next_change(stream)
        await shop.book(at("14:00"), optionId=shop.anna)
        await cancel(shop, booking)
        removed = await next_change(stream)

    name = booking["id"]
    assert brief(booked) == ("UPSERTED", name, at("10:00"))
    assert brief(moved) == ("UPSERTED", name, at("14:00"))
    assert brief(removed) == ("REMOVED", name, None)
    assert (booked["entry"]["version"], moved["entry"]["version"]) == (1, 2)
    cursors = [cursor, booked["cursor"], moved["cursor"], removed["cursor"]]
    assert len(set(cursors)) == 4
    moments = [datetime.fromisoformat(change["at"]) for change in (booked, moved, removed)]
    assert moments == sorted(moments)
    assert await shop.cursor() == removed["cursor"]

    # Whoever comes later gets the same changes; their entries are in their present state: gone.
    for index, resumed in enumerate(cursors[:3]):
        async with shop.served.following("CalendarChanges", "staff", after=resumed) as stream:
            again = await next_changes(stream, 3 - index)
        assert [change["cursor"] for change in again] == cursors[index + 1 :]
        assert {change["entryId"] for change in again} == {name}
        assert again[-1] == removed

    async with shop.served.following("CalendarChanges", "staff", after=cursors[3]) as stream:
        other = (await shop.booked(at("16:00")))["booking"]
        assert brief(await next_change(stream)) == ("UPSERTED", other["id"], at("16:00"))


async def test_changes_applied_to_a_snapshot_give_the_next_snapshot(each_shop: Shop) -> None:
    shop = each_shop
    first = (await shop.booked(at("09:00"), optionId=shop.anna))["booking"]
    before = await shop.calendar()
    async with shop.served.following("CalendarChanges", "staff", after=before["cursor"]) as stream:
        made = await asyncio.gather(*(shop.booked(at(f"{hour}:00")) for hour in range(10, 16)))
        bookings = [payload["booking"] for payload in made]
        await asyncio.gather(
            reschedule(shop, bookings[0], at("10:00", 1)),
            reschedule(shop, first, at("09:00", 2), optionId=shop.ben),
            cancel(shop, bookings[1]),
            cancel(shop, bookings[2]),
        )
        after = await shop.calendar()
        copy = {entry["id"]: entry for entry in before["entries"]}
        while True:
            change = await next_change(stream)
            if change["action"] == "REMOVED":
                copy.pop(change["entryId"], None)
            else:
                copy[change["entryId"]] = change["entry"]
            if change["cursor"] == after["cursor"]:
                break
    assert copy == {entry["id"]: entry for entry in after["entries"]}


async def test_without_a_cursor_the_stream_begins_with_the_next_change(shop: Shop) -> None:
    earlier = (await shop.booked(at("09:00")))["booking"]
    async with shop.served.following("CalendarChanges", "staff") as stream:
        # Nothing tells when the server has begun to listen: book until it is heard.
        heard = asyncio.create_task(next_change(stream))
        hours = iter(range(10, 17))
        while not heard.done():
            await shop.booked(at(f"{next(hours)}:00"))
        change = await heard
    assert change["action"] == "UPSERTED"
    assert change["entryId"] != earlier["id"]


async def test_what_leaves_the_filter_is_removed_and_what_comes_into_it_appears(each_shop: Shop) -> None:
    shop = each_shop
    cursor = await shop.cursor()
    follow = shop.served.following
    async with (
        follow("CalendarChanges", "staff", after=cursor, optionIds=[shop.anna]) as annas,
        follow("CalendarChanges", "staff", after=cursor, optionIds=[shop.ben]) as bens,
        follow("CalendarChanges", "staff", after=cursor, optionIds=[shop.anna, shop.ben]) as everyones,
    ):
        booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
        assert brief(await next_change(annas)) == ("UPSERTED", booking["id"], at("10:00"))
        await reschedule(shop, booking, at("10:00"), optionId=shop.ben)
        assert brief(await next_change(annas)) == ("REMOVED", booking["id"], None)
        arrived = await next_change(bens)
        assert brief(arrived) == ("UPSERTED", booking["id"], at("10:00"))
        assert arrived["entry"]["options"] == [{"id": shop.ben}]

        # What Ben does from here on is not Anna's; her next message is her own next booking.
        await reschedule(shop, booking, at("12:00"))
        await cancel(shop, booking)
        own = (await shop.booked(at("15:00"), optionId=shop.anna))["booking"]
        assert brief(await next_change(annas)) == ("UPSERTED", own["id"], at("15:00"))
        assert [change["action"] for change in await next_changes(bens, 2)] == ["UPSERTED", "REMOVED"]
        assert [change["entryId"] for change in await next_changes(everyones, 5)] == [booking["id"]] * 4 + [own["id"]]


async def test_a_filter_catches_up_on_what_left_it_while_nobody_listened(each_shop: Shop) -> None:
    shop = each_shop
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    cursor = await shop.cursor()
    await reschedule(shop, booking, at("12:00"), optionId=shop.ben)
    async with shop.served.following("CalendarChanges", "staff", after=cursor, optionIds=[shop.anna]) as stream:
        assert brief(await next_change(stream)) == ("REMOVED", booking["id"], None)


async def test_a_cursor_older_than_what_is_kept_gets_reset_and_the_end(each_shop: Shop) -> None:
    shop = each_shop
    old = await shop.cursor()
    await shop.booked(at("10:00"))
    assert await change_log.prune(clock.now()) > 0

    async with shop.served.following("CalendarChanges", "staff", after=old) as stream:
        reset = await next_change(stream)
        assert (reset["action"], reset["entryId"], reset["entry"]) == ("RESET", None, None)
        assert (await stream.message())["type"] == "complete"

    async with shop.served.following("CalendarChanges", "staff", after=reset["cursor"]) as stream:
        booking = (await shop.booked(at("12:00")))["booking"]
        assert brief(await next_change(stream)) == ("UPSERTED", booking["id"], at("12:00"))


async def test_the_newest_cursor_is_good_though_all_changes_were_forgotten(shop: Shop) -> None:
    await shop.booked(at("10:00"))
    newest = await shop.cursor()
    await change_log.prune(clock.now())
    async with shop.served.following("CalendarChanges", "staff", after=newest) as stream:
        booking = (await shop.booked(at("12:00")))["booking"]
        assert brief(await next_change(stream)) == ("UPSERTED", booking["id"], at("12:00"))


async def test_a_cursor_that_is_none_of_this_business_is_bad_input(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    await other.booked(at("10:00"))
    own = await shop.cursor()
    ahead = [change_log.to_cursor(shop.served.business_id, revision) for revision in (10**6, 2**64 - 1)]
    for cursor in (await other.cursor(), "nonsense", "", own[:-1], own + "x", "ø", "9" * 500, *ahead):
        async with shop.served.following("CalendarChanges", "staff", after=cursor) as stream:
            assert await refusal(stream) == ["BAD_USER_INPUT"], cursor


async def test_customers_may_not_follow_the_calendar(shop: Shop) -> None:
    cursor = await shop.cursor()
    for more in ({}, {"after": cursor}, {"after": "nonsense"}, {"optionIds": ["nonsense"]}):
        async with shop.served.following("CalendarChanges", "public", **more) as stream:
            assert await refusal(stream) == ["FORBIDDEN"]


async def test_followers_of_two_businesses_hear_only_their_own(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    mine = shop.served.following("CalendarChanges", "staff", after=await shop.cursor())
    theirs = other.served.following("CalendarChanges", "staff", after=await other.cursor())
    async with mine as here, theirs as there:
        made = [(await each.booked(at("10:00")))["booking"]["id"] for each in (other, shop, other)]
        assert (await next_change(here))["entryId"] == made[1]
        assert [change["entryId"] for change in await next_changes(there, 2)] == [made[0], made[2]]


async def test_a_filter_that_names_no_option_of_this_business_hears_nothing(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    cursor = await shop.cursor()
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    await other.booked(at("10:00"), optionId=other.anna)
    for unknown in (other.anna, shop.haircut, "nonsense"):
        both = shop.served.following("CalendarChanges", "staff", after=cursor, optionIds=[unknown, shop.anna])
        async with both as stream:
            message = await stream.message()
            if message["type"] == "next" and message["payload"]["data"]:
                assert message["payload"]["data"]["calendarChanges"]["entryId"] == booking["id"]
            else:
                assert "BAD_USER_INPUT" in str(message)


async def test_equal_followers_get_the_same_changes(shop: Shop) -> None:
    cursor = await shop.cursor()
    follow = shop.served.following
    async with (
        follow("CalendarChanges", "staff", after=cursor) as one,
        follow("CalendarChanges", "staff", after=cursor) as two,
        follow("CalendarChanges", "admin", after=cursor) as three,
    ):
        for hour in range(9, 14):
            await shop.booked(at(f"{hour:02}:00"))
        heard = [await next_changes(stream, 5) for stream in (one, two, three)]
    assert heard[0] == heard[1] == heard[2]


async def test_what_is_no_entry_of_the_calendar_makes_no_noise(shop: Shop) -> None:
    cursor = await shop.cursor()
    async with shop.served.following("CalendarChanges", "staff", after=cursor) as stream:
        await shop.another_service(name="Quiet")
        await make_option(shop.served, name="Dora")
        booking = (await shop.booked(at("10:00")))["booking"]
        assert brief(await next_change(stream)) == ("UPSERTED", booking["id"], at("10:00"))


async def test_a_client_without_sockets_follows_by_server_sent_events(shop: Shop) -> None:
    body = {"query": operations()["CalendarChanges"], "variables": {"after": await shop.cursor()}}
    headers = {"Authorization": f"Bearer {shop.served.keys['staff']}", "Accept": "text/event-stream"}
    async with asyncio.timeout(PATIENCE):
        url = f"{shop.served.url}/graphql"
        async with shop.served.http.stream("POST", url, json=body, headers=headers) as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            booking = (await shop.booked(at("10:00")))["booking"]
            event = ""
            async for line in response.aiter_lines():
                if line.startswith("event:"):
                    event = line.removeprefix("event:").strip()
                if line.startswith("data:") and event == "next":
                    change = json.loads(line.removeprefix("data:"))["data"]["calendarChanges"]
                    assert brief(change) == ("UPSERTED", booking["id"], at("10:00"))
                    break
