"""Options: what staff make and change, their opening hours, and what customers see of them."""

from typing import Any

from tests.graph.shop import Shop, at, codes, graphql_codes, hours, located
from tests.served import Served

NO_ZONES = ("localtime", "posixrules", "Factory", "America", "europe/oslo", "posix/Europe/Oslo", "right/Europe/Oslo")
"""Files and folders of a machine's zones, and spellings, that are no IANA names."""


async def options(served: Served, role: str = "staff") -> dict[str, Any]:
    """The options of the dashboard's first page, by name."""
    answer = await served.ask("Home", role)
    assert "errors" not in answer
    found = {option["name"]: option for option in answer["data"]["options"]["nodes"]}
    assert answer["data"]["options"]["totalCount"] == len(found)
    return found


async def test_what_a_new_option_leaves_out_has_the_promised_values(studio: Served) -> None:
    payload = await studio.do("CreateOption", "staff", input={"name": "Room 1", "kind": "ROOM"})
    assert payload["errors"] == []
    option = payload["option"]
    assert option == {
        "id": option["id"],
        "name": "Room 1",
        "kind": "ROOM",
        "description": None,
        "color": None,
        "active": True,
        "timeZone": "Europe/Oslo",
        "services": [],
        "openingHours": [],
        "google": None,
    }
    assert await options(studio) == {"Room 1": option}


async def test_a_change_touches_only_the_fields_it_names_and_null_clears(shop: Shop) -> None:
    wanted = {
        "name": "Van",
        "kind": "VEHICLE",
        "description": "Blue, seven seats",
        "color": "#1e90ff",
        "timeZone": "America/New_York",
        "serviceIds": [shop.haircut],
        "openingHours": hours("22:00", "02:00", ["FRIDAY"]),
    }
    van = (await shop.served.do("CreateOption", "staff", input=wanted))["option"]
    assert {**van, "serviceIds": [shop.haircut]}.items() >= wanted.items()
    assert van["services"] == [{"id": shop.haircut, "name": "Haircut"}]

    change: dict[str, Any] = {"optionId": van["id"], "name": "Bus", "color": None, "description": None}
    payload = await shop.served.do("UpdateOption", "staff", input=change)
    assert payload == {"option": {**van, "name": "Bus", "color": None, "description": None}, "errors": []}

    change = {"optionId": van["id"], "kind": "OTHER", "timeZone": "Europe/Oslo", "serviceIds": [shop.colouring]}
    payload = await shop.served.do("UpdateOption", "staff", input=change)
    assert payload["option"] == (await options(shop.served))["Bus"]
    assert payload["option"]["services"] == [{"id": shop.colouring, "name": "Colouring"}]
    assert (payload["option"]["kind"], payload["option"]["timeZone"]) == ("OTHER", "Europe/Oslo")


async def test_new_opening_hours_replace_all_the_old_ones(shop: Shop) -> None:
    wanted = [
        *hours("20:00", "00:00", ["SUNDAY"]),
        *hours("13:00", "15:00", ["TUESDAY"]),
        *hours("08:30", "12:00", ["TUESDAY"]),
    ]
    change = {"optionId": shop.ben, "openingHours": wanted}
    payload = await shop.served.do("SetOpeningHours", "staff", input=change)
    assert payload["errors"] == []
    assert payload["option"]["openingHours"] == [wanted[2], wanted[1], wanted[0]]

    offered = await shop.starts(shop.haircut, day=1, optionIds=[shop.ben])
    assert offered == [at(clock, 1) for clock in ("08:30", "09:30", "10:30", "13:00", "14:00")]
    assert await shop.starts(shop.haircut, day=0, optionIds=[shop.ben]) == []
    assert await shop.starts(shop.haircut, day=6) == [at(clock, 6) for clock in ("20:00", "21:00", "22:00", "23:00")]

    payload = await shop.served.do("SetOpeningHours", "staff", input={"optionId": shop.ben, "openingHours": []})
    assert payload["option"]["openingHours"] == []
    assert await shop.starts(shop.haircut, day=1, optionIds=[shop.ben]) == []


async def test_hours_past_midnight_and_around_the_clock_are_offered_across_it(shop: Shop) -> None:
    late = {"optionId": shop.ben, "openingHours": hours("22:00", "02:00", ["MONDAY"])}
    await shop.served.do("SetOpeningHours", "staff", input=late)
    assert await shop.starts(shop.haircut, day=1, optionIds=[shop.ben]) == [at("00:00", 1), at("01:00", 1)]

    always = {"optionId": shop.ben, "openingHours": hours("00:00", "00:00", ["MONDAY", "TUESDAY"])}
    await shop.served.do("SetOpeningHours", "staff", input=always)
    half_past = await shop.another_service(durationMinutes=90, slotStepMinutes=30, optionIds=[shop.ben])
    assert at("23:30") in await shop.starts(half_past)
    await shop.booked(at("23:30"), serviceId=half_past)


async def test_a_wrong_value_is_named_by_its_path(shop: Shop) -> None:
    before = await options(shop.served)
    for field, value in (("name", ""), ("name", " \t"), ("color", "red"), ("color", "#12345g"), ("color", "#123")):
        made = {"name": "Room", "kind": "ROOM", field: value}
        changed = {"optionId": shop.anna, field: value}
        for operation, wanted in (("CreateOption", made), ("UpdateOption", changed)):
            payload = await shop.served.do(operation, "staff", input=wanted)
            assert payload["option"] is None, (operation, field, value)
            assert located(payload) == [("INVALID_INPUT", f"input.{field}")], (operation, field, value)
    for field in ("name", "kind", "timeZone", "active"):
        payload = await shop.served.do("UpdateOption", "staff", input={"optionId": shop.anna, field: None})
        assert located(payload) == [("INVALID_INPUT", f"input.{field}")]
    assert await options(shop.served) == before


async def test_what_is_no_time_zone_or_clock_time_is_refused_before_anything_else(shop: Shop) -> None:
    before = await options(shop.served)
    for zone in (
        "Mars/Olympus",
        "",
        "Europe",
        "../../etc/passwd",
        "/etc/localtime",
        "Europe/Oslo\0",
        "+01:00",
        *NO_ZONES,
    ):
        answer = await shop.served.ask("UpdateOption", "staff", input={"optionId": shop.anna, "timeZone": zone})
        assert graphql_codes(answer) == ["BAD_USER_INPUT"], zone
    for clock in ("24:00", "25:00", "12:60", "noon", "", "09:00:30", "09:00Z", 9):
        wanted = {"optionId": shop.anna, "openingHours": [{"weekday": "MONDAY", "opens": clock, "closes": "18:00"}]}
        answer = await shop.served.ask("SetOpeningHours", "staff", input=wanted)
        assert graphql_codes(answer) == ["BAD_USER_INPUT"], clock
    wanted = {"optionId": shop.anna, "openingHours": hours("09:00", "17:00", ["FUNDAY"])}
    assert graphql_codes(await shop.served.ask("SetOpeningHours", "staff", input=wanted)) == ["BAD_USER_INPUT"]
    wanted = {"name": "Smaug", "kind": "DRAGON"}
    assert graphql_codes(await shop.served.ask("CreateOption", "staff", input=wanted)) == ["BAD_USER_INPUT"]
    assert await options(shop.served) == before


async def test_an_inactive_option_is_gone_for_customers_and_keeps_its_bookings(shop: Shop) -> None:
    booking = await shop.booked(at("10:00"), optionId=shop.ben)
    change = {"optionId": shop.ben, "active": False}
    assert (await shop.served.do("UpdateOption", "staff", input=change))["option"]["active"] is False

    assert list(await options(shop.served, "public")) == ["Anna"]
    services = (await shop.served.ask("Services", "public"))["data"]["services"]["nodes"]
    offering = {service["name"]: [option["name"] for option in service["options"]] for service in services}
    assert offering == {"Colouring": ["Anna"], "Haircut": ["Anna"]}
    assert await shop.starts(shop.haircut, "staff", optionIds=[shop.ben]) == []
    assert codes(await shop.book(at("12:00"), "staff", optionId=shop.ben)) == ["INACTIVE"]
    assert codes(await shop.book(at("12:00"), "staff", optionId=shop.ben, overrideRules=True)) == ["INACTIVE"]
    assert (await shop.booked(at("12:00")))["booking"]["option"]["name"] == "Anna"

    kept = await shop.served.do("ManagedBooking", "public", manageToken=booking["manageToken"])
    assert kept == booking["booking"]
    assert {entry["id"] for entry in (await shop.calendar(optionIds=[shop.ben]))["entries"]} == {kept["id"]}


async def test_a_key_that_may_not_change_options_hears_only_that(shop: Shop) -> None:
    before = await options(shop.served)
    for operation, wanted in (
        ("CreateOption", {"name": "", "kind": "ROOM"}),
        ("UpdateOption", {"optionId": "nonsense", "name": ""}),
        ("SetOpeningHours", {"optionId": "nonsense", "openingHours": []}),
    ):
        payload = await shop.served.do(operation, "public", input=wanted)
        assert (payload["option"], codes(payload)) == (None, ["FORBIDDEN"]), operation
    assert await options(shop.served) == before
    public = await options(shop.served, "public")
    assert [option["google"] for option in public.values()] == [None, None]
