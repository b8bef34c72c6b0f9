"""Services: what staff make and change, and what customers see of them."""

from typing import Any

from tests.graph.shop import KARI, Shop, at, codes, graphql_codes, located
from tests.served import Served


async def home(served: Served, role: str = "staff") -> dict[str, Any]:
    """The services of the dashboard's first page, by name."""
    answer = await served.ask("Home", role)
    assert "errors" not in answer
    return {service["name"]: service for service in answer["data"]["services"]["nodes"]}


async def test_what_a_new_service_leaves_out_has_the_promised_values(studio: Served) -> None:
    payload = await studio.do("CreateService", "staff", input={"name": "Massage", "durationMinutes": 50})
    assert payload["errors"] == []
    assert payload["service"].items() >= {"name": "Massage", "durationMinutes": 50}.items()

    (service,) = (await home(studio)).values()
    assert service == {
        "id": payload["service"]["id"],
        "name": "Massage",
        "description": None,
        "durationMinutes": 50,
        "bufferBeforeMinutes": 0,
        "bufferAfterMinutes": 0,
        "slotStepMinutes": 50,
        "minimumNoticeMinutes": 0,
        "bookingHorizonDays": None,
        "price": None,
        "active": True,
        "options": [],
    }


async def test_a_change_touches_only_the_fields_it_names_and_null_clears(shop: Shop) -> None:
    full = {
        "description": "With scissors",
        "minimumNoticeMinutes": 30,
        "bookingHorizonDays": 90,
        "price": {"amount": "450.00", "currency": "NOK"},
    }
    created = await shop.another_service(name="Trim", **full)
    before = (await home(shop.served))["Trim"]
    assert before.items() >= full.items()
    assert [option["name"] for option in before["options"]] == ["Anna", "Ben"]

    payload = await shop.served.do("UpdateService", "staff", input={"serviceId": created, "name": "Shave"})
    assert payload["errors"] == []
    assert (await home(shop.served))["Shave"] == {**before, "name": "Shave"}

    cleared = {"description": None, "bookingHorizonDays": None, "price": None}
    change = {"serviceId": created, "optionIds": [shop.ben], **cleared}
    assert (await shop.served.do("UpdateService", "staff", input=change))["errors"] == []
    after = (await home(shop.served))["Shave"]
    assert after == {**before, "name": "Shave", **cleared, "options": [{"id": shop.ben, "name": "Ben"}]}


async def test_null_is_refused_where_a_service_cannot_be_empty(shop: Shop) -> None:
    before = await home(shop.served)
    for field in ("name", "durationMinutes", "slotStepMinutes", "active"):
        payload = await shop.served.do("UpdateService", "staff", input={"serviceId": shop.haircut, field: None})
        assert (payload["service"], located(payload)) == (None, [("INVALID_INPUT", f"input.{field}")])
    assert await home(shop.served) == before


WRONG: list[tuple[str, Any, str]] = [
    ("name", "", "name"),
    ("name", "   ", "name"),
    ("durationMinutes", 0, "durationMinutes"),
    ("durationMinutes", -60, "durationMinutes"),
    ("bufferBeforeMinutes", -1, "bufferBeforeMinutes"),
    ("bufferAfterMinutes", -1, "bufferAfterMinutes"),
    ("slotStepMinutes", 0, "slotStepMinutes"),
    ("minimumNoticeMinutes", -1, "minimumNoticeMinutes"),
    ("bookingHorizonDays", -1, "bookingHorizonDays"),
    ("changeNoticeMinutes", -1, "changeNoticeMinutes"),
    ("price", {"amount": "a lot", "currency": "NOK"}, "price.amount"),
    ("price", {"amount": "-1.00", "currency": "NOK"}, "price.amount"),
    ("price", {"amount": "NaN", "currency": "NOK"}, "price.amount"),
    ("price", {"amount": "1.00", "currency": "kroner"}, "price.currency"),
]


async def test_a_wrong_value_is_named_by_its_path_when_a_service_is_made_and_when_it_is_changed(shop: Shop) -> None:
    before = await home(shop.served)
    for field, value, path in WRONG:
        made = {"name": "Massage", "durationMinutes": 60, field: value}
        changed = {"serviceId": shop.haircut, field: value}
        for operation, wanted in (("CreateService", made), ("UpdateService", changed)):
            payload = await shop.served.do(operation, "staff", input=wanted)
            assert payload["service"] is None, (operation, field, value)
            assert located(payload) == [("INVALID_INPUT", f"input.{path}")], (operation, field, value)
    assert await home(shop.served) == before


async def test_no_number_that_a_service_accepts_breaks_its_availability(shop: Shop) -> None:
    numbers = (
        "durationMinutes",
        "bufferBeforeMinutes",
        "bufferAfterMinutes",
        "slotStepMinutes",
        "minimumNoticeMinutes",
        "bookingHorizonDays",
        "changeNoticeMinutes",
    )
    for field in numbers:
        wanted = {"name": "Absurd", "durationMinutes": 60, "optionIds": [shop.anna], field: 2**31 - 1}
        payload = await shop.served.do("CreateService", "staff", input=wanted)
        if payload["service"] is None:
            assert located(payload) == [("INVALID_INPUT", f"input.{field}")]
            continue
        service = payload["service"]["id"]
        await shop.starts(service)
        await shop.book(at("10:00"), serviceId=service)


async def test_an_inactive_service_is_gone_for_customers_and_keeps_its_bookings(shop: Shop) -> None:
    booking = await shop.booked(at("10:00"))
    change = {"serviceId": shop.haircut, "active": False}
    assert (await shop.served.do("UpdateService", "staff", input=change))["errors"] == []

    public = await shop.served.ask("Services", "public")
    assert [service["name"] for service in public["data"]["services"]["nodes"]] == ["Colouring"]
    assert (await home(shop.served))["Haircut"]["active"] is False

    assert await shop.starts(shop.haircut, "staff") == []
    window = {"from": at("00:00"), "to": at("00:00", 1)}
    answer = await shop.served.ask("Availability", "public", serviceId=shop.haircut, **window)
    assert graphql_codes(answer) == ["BAD_USER_INPUT"] or answer["data"]["availability"]["days"] == []
    assert codes(await shop.book(at("12:00"))) in (["INACTIVE"], ["NOT_FOUND"])
    assert codes(await shop.book(at("12:00"), "staff")) == ["INACTIVE"]
    assert codes(await shop.book(at("12:00"), "staff", overrideRules=True)) == ["INACTIVE"]

    kept = await shop.served.do("ManagedBooking", "public", manageToken=booking["manageToken"])
    assert kept == booking["booking"]

    assert (await shop.served.do("UpdateService", "staff", input={**change, "active": True}))["errors"] == []
    await shop.booked(at("12:00"))


async def test_bookings_keep_the_length_and_buffers_they_were_made_with(shop: Shop) -> None:
    start = at("12:00")
    await shop.booked(start, serviceId=shop.colouring, customer=KARI)
    change = {"serviceId": shop.colouring, "durationMinutes": 30, "bufferBeforeMinutes": 0, "bufferAfterMinutes": 0}
    assert (await shop.served.do("UpdateService", "staff", input=change))["errors"] == []

    (entry,) = (await shop.calendar())["entries"]
    assert (entry["start"], entry["end"]) == (start, at("13:30"))

    offered = await shop.starts(shop.colouring)
    assert at("11:15") in offered  # ends 11:45, before the 11:50 at which preparing begins
    assert at("11:30") not in offered
    assert at("13:45") not in offered  # clearing up ends at 13:50
    assert at("14:00") in offered


async def test_only_staff_make_and_change_services(shop: Shop) -> None:
    before = await home(shop.served)
    for operation, wanted in (
        ("CreateService", {"name": "", "durationMinutes": -1}),
        ("UpdateService", {"serviceId": "nonsense", "name": ""}),
    ):
        payload = await shop.served.do(operation, "public", input=wanted)
        assert (payload["service"], codes(payload)) == (None, ["FORBIDDEN"])
    assert await home(shop.served) == before
    assert (await shop.served.do("CreateService", "admin", input={"name": "Wash", "durationMinutes": 20}))["service"]
