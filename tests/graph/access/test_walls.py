"""The walls: what each role may do, and that no business can be reached with another one's key."""

import json
from typing import Any

from tests.graph.shop import KARI, Shop, at, codes, furnish, graphql_codes, hours
from tests.served import Served, answered

SECRETS = ("Kari", "kari@example.no", "+47 22 33 44 55", "Allergic to lavender")


def mutations(shop: Shop, booking: str) -> dict[str, dict[str, Any]]:
    """Every mutation of the clients that names something, naming what belongs to this shop."""
    return {
        "UpdateOption": {"optionId": shop.anna, "name": "Mine now"},
        "SetOpeningHours": {"optionId": shop.anna, "openingHours": []},
        "UpdateService": {"serviceId": shop.haircut, "name": "Mine now"},
        "Book": {"serviceId": shop.haircut, "start": at("12:00"), "customer": KARI},
        "RescheduleBooking": {"bookingId": booking, "start": at("14:00")},
        "CancelBooking": {"bookingId": booking},
        "StartGoogleSignIn": {"optionId": shop.anna, "returnTo": shop.served.url},
        "LinkGoogleCalendar": {"optionId": shop.anna, "calendarId": "primary"},
        "UnlinkGoogleCalendar": {"optionId": shop.anna},
        "SyncGoogleCalendar": {"optionId": shop.anna},
    }


async def test_a_mutation_that_a_role_may_not_use_says_so_before_it_judges_anything(shop: Shop) -> None:
    nonsense = "nonsense"
    staff_only: dict[str, dict[str, Any]] = {
        "CreateOption": {"name": "", "kind": "ROOM"},
        "UpdateOption": {"optionId": nonsense},
        "SetOpeningHours": {"optionId": nonsense, "openingHours": hours("09:00", "17:00")},
        "CreateService": {"name": "", "durationMinutes": 0},
        "UpdateService": {"serviceId": nonsense},
        "SyncGoogleCalendar": {"optionId": nonsense},
    }
    admin_only: dict[str, dict[str, Any]] = {
        "StartGoogleSignIn": {"optionId": nonsense, "returnTo": nonsense},
        "CompleteGoogleSignIn": {"ticket": nonsense},
        "LinkGoogleCalendar": {"optionId": nonsense, "calendarId": nonsense},
        "UnlinkGoogleCalendar": {"optionId": nonsense},
        "UseGoogleAccount": {"optionId": nonsense, "accountId": nonsense},
    }
    before = await shop.calendar()
    for name, wanted in {**staff_only, **admin_only}.items():
        for role in ("public", "staff", "admin"):
            allowed = role == "admin" or (role == "staff" and name in staff_only)
            refused = codes(await shop.served.do(name, role, input=wanted))
            assert refused, (name, role)
            assert (refused == ["FORBIDDEN"]) is not allowed, (name, role)
    assert await shop.calendar() == before


async def test_a_query_that_a_role_may_not_use_is_refused_as_a_whole(shop: Shop) -> None:
    window = {"from": at("00:00"), "to": at("00:00", 1)}
    for role, expected in (("public", ["FORBIDDEN"]), ("staff", []), ("admin", [])):
        assert graphql_codes(await shop.served.ask("Calendar", role, **window)) == expected
        for name in ("Home", "Services"):
            assert graphql_codes(await shop.served.ask(name, role)) == []
        assert graphql_codes(await shop.served.ask("GoogleCalendarChoices", role, optionId=shop.anna)) == []


async def test_ids_of_another_business_are_not_found_by_any_mutation(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    booking = (await other.booked(at("10:00"), optionId=other.anna))["booking"]["id"]
    theirs, ours = await other.calendar(), await shop.calendar()
    for name, wanted in mutations(other, booking).items():
        payload = await shop.served.do(name, "admin", input=wanted)
        assert codes(payload) == ["NOT_FOUND"], name
        assert not any(payload.get(field) for field in ("option", "service", "booking", "authorizationUrl")), name

    mixed: tuple[tuple[str, dict[str, Any]], ...] = (
        ("Book", {"serviceId": shop.haircut, "optionId": other.anna, "start": at("12:00"), "customer": KARI}),
        ("CreateOption", {"name": "Spy", "kind": "PERSON", "serviceIds": [shop.haircut, other.haircut]}),
        ("UpdateOption", {"optionId": shop.anna, "serviceIds": [other.haircut]}),
        ("CreateService", {"name": "Spy", "durationMinutes": 60, "optionIds": [other.anna]}),
        ("UpdateService", {"serviceId": shop.haircut, "optionIds": [shop.anna, other.anna]}),
    )
    for name, wanted in mixed:
        assert codes(await shop.served.do(name, "admin", input=wanted)) == ["NOT_FOUND"], name
    assert await other.calendar() == theirs
    assert await shop.calendar() == ours
    assert sorted(option["name"] for option in await _options(other.served)) == ["Anna", "Ben"]
    assert [len(option["openingHours"]) for option in await _options(other.served)] == [5, 5]


async def test_ids_of_another_business_show_nothing_to_any_query(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    made = await other.booked(at("10:00"), optionId=other.anna)
    booking = made["booking"]["id"]
    business = (await other.served.ask("Home", "staff"))["data"]["viewer"]["business"]["id"]
    window = {"from": at("00:00"), "to": at("00:00", 1)}
    everything = [other.anna, other.haircut, booking, business]

    assert await shop.served.do("RefetchMany", "admin", ids=everything) == []
    for each in everything:
        assert await shop.served.do("Refetch", "admin", id=each) is None
    for field in ("option", "service"):
        document = f"query($id: ID!) {{ {field}(id: $id) {{ id name }} }}"
        for each in everything:
            answer = answered(await shop.served.send(document, shop.served.keys["admin"], {"id": each}))
            assert answer == {"data": {field: None}}
    assert await shop.served.do("GoogleCalendarChoices", "admin", optionId=other.anna) is None
    assert await shop.served.do("ManagedBooking", "public", manageToken=made["manageToken"]) is None

    for name, variables in (
        ("Availability", {"serviceId": other.haircut}),
        ("Availability", {"serviceId": shop.haircut, "optionIds": [other.anna]}),
        ("Availability", {"serviceId": shop.haircut, "movingBookingId": booking}),
        ("Calendar", {"optionIds": [other.anna]}),
    ):
        answer = await shop.served.ask(name, "admin", **window, **variables)
        told = json.dumps(answer)
        assert graphql_codes(answer) in ([], ["BAD_USER_INPUT"]), name
        assert not any(each in told for each in everything), name
        assert not any(secret in told for secret in SECRETS), name


async def test_a_token_of_another_business_opens_nothing(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    theirs = await other.booked(at("10:00"), optionId=other.anna)
    ours = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
    stand = await shop.calendar(), await other.calendar()
    for booking in (ours, theirs["booking"]["id"]):
        token = {"bookingId": booking, "manageToken": theirs["manageToken"]}
        moved = await shop.served.do("Move", "public", input={**token, "start": at("12:00")})
        cancelled = await shop.served.do("Cancel", "public", input=token)
        assert (moved["booking"], cancelled["booking"]) == (None, None)
        assert {*codes(moved), *codes(cancelled)} <= {"NOT_FOUND", "FORBIDDEN"}
    assert (await shop.calendar(), await other.calendar()) == stand


async def test_public_keys_see_nothing_of_customers_notes_history_or_google(shop: Shop) -> None:
    wanted: dict[str, Any] = {"serviceId": shop.haircut, "start": at("10:00"), "customer": KARI, "note": SECRETS[-1]}
    fields = """
        id title start end blocks conflicts { id } option { name google { id } } options { id google { id } }
        customer { name email phone } note history { actor } mirror { state htmlLink }
    """
    answered = f"{{ manageToken booking {{ {fields} }} }}"
    document = f"mutation($input: CreateBookingInput!) {{ createBooking(input: $input) {answered} }}"
    made = (await shop.served.send(document, shop.served.keys["public"], {"input": wanted})).json()
    assert "errors" not in made
    token = made["data"]["createBooking"]["manageToken"]
    document = f"query($token: String!) {{ managedBooking(manageToken: $token) {{ {fields} }} }}"
    managed = (await shop.served.send(document, shop.served.keys["public"], {"token": token})).json()
    assert "errors" not in managed

    for booking in (made["data"]["createBooking"]["booking"], managed["data"]["managedBooking"]):
        hidden = {field: booking[field] for field in ("customer", "note", "history", "mirror")}
        assert hidden == {"customer": None, "note": None, "history": None, "mirror": None}
        assert (booking["conflicts"], booking["option"]["google"]) == ([], None)
        told = json.dumps(booking)
        assert not any(secret in told for secret in SECRETS), told
    assert await shop.served.do("Refetch", "public", id=managed["data"]["managedBooking"]["id"]) is None


async def test_public_keys_learn_of_busy_time_only_that_it_is_busy(shop: Shop) -> None:
    await shop.booked(at("10:00"), optionId=shop.anna, note=SECRETS[-1])
    window = {"from": at("00:00"), "to": at("00:00", 1)}
    answers = [
        await shop.served.ask("Availability", "public", serviceId=shop.haircut, **window),
        await shop.book(at("10:00"), optionId=shop.anna),
        await shop.served.ask("Home", "public"),
    ]
    assert not any(secret in json.dumps(answer) for answer in answers for secret in SECRETS)


async def _options(served: Served) -> Any:
    return (await served.ask("Home", "staff"))["data"]["options"]["nodes"]
