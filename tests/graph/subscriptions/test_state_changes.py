"""The streams that begin with the present state: availability, one booking, and how synchronisation does."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from models import api_key
from models.enums import Role
from tests.graph.connected_shop import ANNAS, Connected
from tests.graph.shop import Shop, at, furnish, graphql_codes, hours
from tests.graph.socket_client import close_code
from tests.served import Served, Stream, serving
from tests.stage import Stage


def following(shop: Shop, role: str = "public", **more: Any) -> AbstractAsyncContextManager[Stream]:
    """Follows when a haircut can be booked on MONDAY, unless `more` says otherwise."""
    window = {"from": at("00:00"), "to": at("00:00", 1)}
    return shop.served.following("AvailabilityChanges", role, **{"serviceId": shop.haircut, **window, **more})


async def answer(stream: Stream) -> Any:
    """The next answer of a stream of availability."""
    return (await stream.next())["availabilityChanges"]


async def who(stream: Stream) -> dict[str, list[str]]:
    """The next answer in brief: the names of those who are free, by start."""
    days = (await answer(stream))["days"]
    return {slot["start"]: [option["name"] for option in slot["options"]] for day in days for slot in day["slots"]}


async def act(shop: Shop, operation: str, role: str = "staff", /, **wanted: Any) -> Any:
    """Does something that must succeed: the payload."""
    payload = await shop.served.do(operation, role, input=wanted)
    assert payload["errors"] == []
    return payload


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


async def test_availability_begins_with_what_a_query_answers(each_shop: Shop) -> None:
    shop = each_shop
    await shop.booked(at("10:00"), optionId=shop.anna)
    for role, more in (
        ("public", {}),
        ("staff", {"optionIds": [shop.anna]}),
        ("admin", {"timeZone": "Pacific/Auckland", "serviceId": shop.colouring}),
    ):
        window = {"from": at("00:00"), "to": at("00:00", 1)}
        asked = await shop.served.do("Availability", role, **{"serviceId": shop.haircut, **window, **more})
        async with following(shop, role, **more) as stream:
            first = await answer(stream)
        assert first["days"] == asked["days"]
        assert (first["freshAsOf"], first["asOf"] >= asked["asOf"]) == (None, True)


async def test_a_booking_in_the_window_sends_the_new_answer(each_shop: Shop) -> None:
    shop = each_shop
    async with following(shop) as stream:
        assert (await who(stream))[at("10:00")] == ["Anna", "Ben"]
        first = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
        assert (await who(stream))[at("10:00")] == ["Ben"]
        await shop.booked(at("10:00"), optionId=shop.ben)
        assert at("10:00") not in await who(stream)
        await act(shop, "RescheduleBooking", bookingId=first, start=at("12:00"))
        now = await who(stream)
        assert (now[at("10:00")], now[at("12:00")]) == (["Anna"], ["Ben"])
        await act(shop, "CancelBooking", bookingId=first)
        assert (await who(stream))[at("12:00")] == ["Anna", "Ben"]


async def test_what_changes_nothing_in_the_answer_sends_nothing(shop: Shop) -> None:
    async with following(shop, optionIds=[shop.anna]) as stream:
        before = await who(stream)
        elsewhere = await furnish(await shop.served.another("elsewhere"))
        await elsewhere.booked(at("10:00"))
        await shop.booked(at("10:00", 1), optionId=shop.anna)
        await shop.booked(at("10:00"), optionId=shop.ben)
        inside = (await shop.booked(at("17:00"), "staff", optionId=shop.anna, overrideRules=True))["booking"]["id"]
        await act(shop, "UpdateBooking", bookingId=inside, note="Short, please")
        await act(shop, "CreateTimeOff", optionId=shop.anna, start=at("18:00"), end=at("19:00"))
        await act(shop, "SetOpeningHours", optionId=shop.ben, openingHours=[])
        await act(shop, "CreateService", name="Massage", durationMinutes=60, optionIds=[shop.anna])
        # The next message is the answer to this.
        await shop.booked(at("15:00"), optionId=shop.anna)
        after = await who(stream)
    assert before.keys() - after.keys() == {at("15:00")}


async def test_everything_that_opens_or_closes_sends_the_new_answer(each_shop: Shop) -> None:
    shop = each_shop
    async with following(shop, optionIds=[shop.anna]) as stream:
        whole = await who(stream)
        away = await act(shop, "CreateTimeOff", optionId=shop.anna, start=at("09:00"), end=at("15:00"))
        assert [*await who(stream)] == [at("15:00"), at("16:00")]
        await act(shop, "DeleteTimeOff", timeOffId=away["timeOff"]["id"])
        assert await who(stream) == whole

        date = at("12:00")[:10]
        await act(shop, "SetDateOverride", optionId=shop.anna, date=date, intervals=[])
        assert await who(stream) == {}
        await act(shop, "SetDateOverride", optionId=shop.anna, date=date, intervals=None)
        assert await who(stream) == whole

        await act(shop, "SetOpeningHours", optionId=shop.anna, openingHours=hours("09:00", "11:00"))
        assert [*await who(stream)] == [at("09:00"), at("10:00")]
        held = await act(shop, "Hold", "public", serviceId=shop.haircut, optionId=shop.anna, start=at("10:00"))
        assert [*await who(stream)] == [at("09:00")]
        await act(shop, "Release", "public", holdId=held["hold"]["id"])
        assert [*await who(stream)] == [at("09:00"), at("10:00")]

        await act(shop, "UpdateService", serviceId=shop.haircut, durationMinutes=120)
        assert [*await who(stream)] == [at("09:00")]
        await act(shop, "UpdateService", serviceId=shop.haircut, minimumNoticeMinutes=60 * 24 * 60)
        assert await who(stream) == {}


async def test_options_that_start_or_stop_to_offer_the_service_show(shop: Shop) -> None:
    async with following(shop) as stream:
        await who(stream)
        await act(shop, "UpdateOption", optionId=shop.anna, active=False)
        assert (await who(stream))[at("10:00")] == ["Ben"]
        await act(shop, "UpdateOption", optionId=shop.anna, active=True)
        assert (await who(stream))[at("10:00")] == ["Anna", "Ben"]
        await act(shop, "UpdateService", serviceId=shop.haircut, optionIds=[shop.anna])
        assert (await who(stream))[at("10:00")] == ["Anna"]


async def test_a_new_name_of_an_option_shows(each_shop: Shop) -> None:
    async with following(each_shop) as stream:
        assert (await who(stream))[at("10:00")] == ["Anna", "Ben"]
        await act(each_shop, "UpdateOption", optionId=each_shop.anna, name="Anne")
        assert (await who(stream))[at("10:00")] == ["Anne", "Ben"]


async def test_what_of_options_is_not_shown_sends_nothing(shop: Shop) -> None:
    """On a day without slots nobody sees who could have taken them."""
    async with following(shop, **{"from": at("00:00", 5), "to": at("00:00", 6)}) as stream:
        assert await who(stream) == {}
        await act(shop, "CreateOption", name="Cat", kind="PERSON", serviceIds=[shop.haircut])
        await act(shop, "UpdateOption", optionId=shop.anna, name="Anne")
        # The next message is the answer to this.
        saturday = [{"weekday": "SATURDAY", "opens": "09:00", "closes": "10:00"}]
        await act(shop, "SetOpeningHours", optionId=shop.ben, openingHours=saturday)
        assert await who(stream) == {at("09:00", 5): ["Ben"]}


async def test_time_alone_sends_the_new_answer_when_a_hold_lapses(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, hold_seconds=1) as served:
        shop = await furnish(served)
        async with following(shop, optionIds=[shop.anna]) as stream:
            whole = await who(stream)
            wanted = {"serviceId": shop.haircut, "optionId": shop.anna, "start": at("10:00")}
            held = await act(shop, "Hold", "public", **wanted)
            assert whole.keys() - (await who(stream)).keys() == {at("10:00")}
            again = await answer(stream)
            assert [slot["start"] for slot in again["days"][0]["slots"]] == [*whole]
            assert again["asOf"] >= held["hold"]["expiresAt"]


async def test_equal_followers_are_sent_the_same(shop: Shop) -> None:
    async with following(shop) as one, following(shop) as two, following(shop, "staff") as three:
        streams = (one, two, three)
        for start in (at("10:00"), at("12:00"), at("14:00")):
            told = [await answer(stream) for stream in streams]
            assert told[0]["days"] == told[1]["days"] == told[2]["days"]
            await shop.booked(start, optionId=shop.anna)


async def test_what_cannot_be_followed_is_refused(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    for wrong in (
        {"serviceId": "nonsense"},
        {"serviceId": other.haircut},
        {"serviceId": shop.anna},
        {"timeZone": "Mars/Olympus"},
        {"from": "2100-01-04T09:00:00"},
        {"from": at("00:00"), "to": at("00:00", 63)},
    ):
        async with following(shop, **wrong) as stream:
            assert await refusal(stream) == ["BAD_USER_INPUT"], wrong


async def test_a_customer_follows_one_booking_through_all_that_happens_to_it(each_shop: Shop) -> None:
    shop = each_shop
    made = await shop.booked(at("10:00"), optionId=shop.anna)
    other = (await shop.booked(at("12:00"), optionId=shop.anna))["booking"]["id"]
    booking = made["booking"]
    token = {"manageToken": made["manageToken"]}
    async with (
        shop.served.following("BookingChanges", "public", **token) as app,
        shop.served.following("BookingChanges", "staff", **token) as dashboard,
    ):

        async def seen() -> Any:
            now = (await app.next())["bookingChanges"]
            assert (await dashboard.next())["bookingChanges"] == now
            return now

        assert await seen() == booking
        # What happens to others is not told.
        await act(shop, "RescheduleBooking", bookingId=other, start=at("16:00"))
        await act(shop, "RescheduleBooking", bookingId=booking["id"], start=at("14:00"), optionId=shop.ben)
        ben = {"id": shop.ben, "name": "Ben"}
        moved = {**booking, "start": at("14:00"), "end": at("15:00"), "option": ben, "version": 2}
        assert await seen() == moved
        await act(shop, "Move", "public", bookingId=booking["id"], start=at("15:00"), **token)
        assert (await seen())["start"] == at("15:00")
        await act(shop, "Cancel", "public", bookingId=booking["id"], **token)
        last = await seen()
        assert (last["status"], last["version"]) == ("CANCELLED", 4)


async def test_a_customer_who_follows_learns_when_staff_say_how_it_went(shop: Shop) -> None:
    made = await shop.booked(at("10:00", -21), "staff", overrideRules=True)
    async with shop.served.following("BookingChanges", "public", manageToken=made["manageToken"]) as app:
        assert (await app.next())["bookingChanges"]["status"] == "CONFIRMED"
        await act(shop, "UpdateBooking", bookingId=made["booking"]["id"], status="COMPLETED")
        assert (await app.next())["bookingChanges"]["status"] == "COMPLETED"


async def test_a_token_that_opens_no_booking_here_is_refused(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    theirs = (await other.booked(at("10:00")))["manageToken"]
    mine = (await shop.booked(at("10:00")))["manageToken"]
    for role in ("public", "staff", "admin"):
        for wrong in ("", "nonsense", "ø", mine[:-2], mine.swapcase(), theirs, "x" * 5000):
            async with shop.served.following("BookingChanges", role, manageToken=wrong) as stream:
                assert await refusal(stream) in (["BAD_USER_INPUT"], ["FORBIDDEN"]), wrong


async def test_a_booking_stream_shows_nothing_that_a_customer_may_not_see(shop: Shop) -> None:
    made = await shop.booked(at("10:00"), note="Allergic to lavender")
    fields = "id customer { name } note history { actor } mirror { state } conflicts { id } option { google { id } }"
    document = f"subscription($token: String!) {{ bookingChanges(manageToken: $token) {{ {fields} }} }}"
    variables = {"token": made["manageToken"]}
    headers = {"Authorization": f"Bearer {shop.served.keys['public']}", "Accept": "text/event-stream"}
    body = {"query": document, "variables": variables}
    url = f"{shop.served.url}/graphql"
    async with shop.served.http.stream("POST", url, json=body, headers=headers) as response:
        lines = response.aiter_lines()
        told = await anext(line async for line in lines if line.startswith("data:") and "bookingChanges" in line)
    assert not any(secret in told for secret in ("Kari", "lavender", "public key"))
    assert '"customer":null' in told.replace(" ", "")


async def test_a_revoked_key_ends_what_it_follows(shop: Shop) -> None:
    key_id, plain = await api_key.create(shop.served.business_id, Role.PUBLIC, "an old app")
    old = Served(shop.served.url, shop.served.business_id, {"public": plain}, shop.served.http)
    made = await shop.booked(at("10:00"))
    window = {"from": at("00:00"), "to": at("00:00", 1)}
    async with (
        old.following("AvailabilityChanges", "public", serviceId=shop.haircut, **window) as one,
        old.following("BookingChanges", "public", manageToken=made["manageToken"]) as two,
    ):
        await one.next()
        await two.next()
        assert await api_key.revoke(key_id)
        assert [await close_code(stream.socket) for stream in (one, two)] == [4403, 4403]


async def test_health_begins_with_every_option_that_is_asked_for(shop: Shop) -> None:
    everyone = [{"id": shop.anna, "google": None}, {"id": shop.ben, "google": None}]
    for role in ("staff", "admin"):
        async with shop.served.following("SyncHealthChanges", role) as stream:
            told = [(await stream.next())["syncHealthChanges"]["option"] for _ in everyone]
        assert told == everyone
        async with shop.served.following("SyncHealthChanges", role, optionIds=[shop.ben]) as stream:
            assert (await stream.next())["syncHealthChanges"]["option"] == everyone[1]


async def test_health_is_told_whenever_it_differs(town: Connected) -> None:
    shop = town.shop
    async with shop.served.following("SyncHealthChanges", "staff", optionIds=[shop.anna]) as stream:

        async def now() -> Any:
            return (await stream.next())["syncHealthChanges"]["option"]["google"]

        assert await now() is None
        await town.sign_in(shop.anna)
        signed_in = await now()
        assert (signed_in["account"]["email"], signed_in["calendar"]) == (ANNAS, None)
        assert signed_in["health"]["inbound"]["state"] == "IDLE"
        await town.link(shop.anna)
        while not ((google := await now())["calendar"] and google["health"]["inbound"]["lastCompletedAt"]):
            pass
        assert (google["calendar"]["googleId"], google["health"]["inbound"]["state"]) == (ANNAS, "OK")
        assert (google["health"]["outbound"]["state"], google["health"]["outbound"]["pending"]) == ("OK", 0)


async def test_customers_may_not_follow_how_synchronisation_does(shop: Shop) -> None:
    for more in ({}, {"optionIds": [shop.anna]}, {"optionIds": ["nonsense"]}):
        async with shop.served.following("SyncHealthChanges", "public", **more) as stream:
            assert await refusal(stream) == ["FORBIDDEN"]


async def test_health_of_another_business_is_not_told(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    for unknown in (other.anna, shop.haircut, "nonsense"):
        wanted = {"optionIds": [unknown, shop.anna]}
        async with shop.served.following("SyncHealthChanges", "staff", **wanted) as stream:
            message = await stream.message()
            if message["type"] == "next" and message["payload"]["data"]:
                assert message["payload"]["data"]["syncHealthChanges"]["option"]["id"] == shop.anna
            else:
                assert graphql_codes({"errors": message["payload"]}) == ["BAD_USER_INPUT"]
