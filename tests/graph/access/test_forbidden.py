"""A refusal for want of a role names the role there is and those that may."""

from typing import Any

import pytest

from tests.graph.access.neighbours import Street
from tests.graph.access.test_roles import FOR_ADMINS, FOR_STAFF, WITH_A_TOKEN
from tests.graph.input.strange_values import known, ordinary
from tests.graph.shop import Shop, at, codes, located
from tests.operations import operations


def messages(answer: Any) -> list[str]:
    """What is said of FORBIDDEN, wherever it stands."""
    found = [error["message"] for error in answer.get("errors", []) if error["extensions"]["code"] == "FORBIDDEN"]
    for payload in (answer.get("data") or {}).values():
        if isinstance(payload, dict):
            found += [error["message"] for error in payload.get("errors", []) if error["code"] == "FORBIDDEN"]
    return found


@pytest.mark.parametrize("role", ["public", "staff"])
async def test_every_refusal_names_the_role_and_those_that_may(street: Street, role: str) -> None:
    served, heard = street.shop.served, 0
    for name in operations():
        allowed = "ADMIN" if name in FOR_ADMINS else "STAFF or ADMIN"
        if (
            name in WITH_A_TOKEN
            or name not in (FOR_STAFF | FOR_ADMINS)
            or known()[name].operation.value == "subscription"
        ):
            continue
        for said in messages(await served.ask(name, role, **ordinary(name, street.usual))):
            heard += 1
            assert said == f"This key has the role {role.upper()}; only {allowed} may do that.", name
    assert heard > 5


async def test_a_public_key_that_overrides_rules_is_refused_at_that_path(shop: Shop) -> None:
    made = await shop.booked(at("10:00"), overrideRules=None)
    await shop.booked(at("11:00"), overrideRules=False)
    refused = await shop.book(at("12:00"), overrideRules=True)
    assert located(refused) == [("FORBIDDEN", "input.overrideRules")]
    move = {"bookingId": made["booking"]["id"], "manageToken": made["manageToken"], "start": at("14:00")}
    payload = await shop.served.do("RescheduleBooking", "public", input={**move, "overrideRules": True})
    assert located(payload) == [("FORBIDDEN", "input.overrideRules")]
    assert (await shop.served.do("RescheduleBooking", "public", input={**move, "overrideRules": False}))["errors"] == []
    assert (await shop.book(at("20:00"), "staff", overrideRules=True))["errors"] == []


async def test_a_hold_that_was_booked_says_so(each_shop: Shop) -> None:
    shop = each_shop
    wanted = {"serviceId": shop.haircut, "start": at("10:00"), "idempotencyKey": "k"}
    held = await shop.served.do("Hold", "public", input=wanted)
    book = {"holdId": held["hold"]["id"], "customer": {"name": "Kari"}}
    assert (await shop.served.do("Book", "public", input=book))["errors"] == []
    for again in (
        await shop.served.do("Book", "public", input=book),
        await shop.served.do("Hold", "public", input=wanted),
    ):
        assert codes(again) == ["HOLD_EXPIRED"]
        assert again["errors"][0]["message"] == "This hold was booked already."
    gone = {"serviceId": shop.haircut, "start": at("12:00")}
    other = (await shop.served.do("Hold", "public", input=gone))["hold"]["id"]
    await shop.served.do("Release", "public", input={"holdId": other})
    lapsed = await shop.served.do("Book", "public", input={**book, "holdId": other})
    assert [each["message"] for each in lapsed["errors"]] == ["The hold has expired."]


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("customer_nme", "{customer_name}"),
        ("Customer Name", "{customer_name}"),
        ("phone", "{customer_phone}"),
        ("xyzzy", None),
    ],
)
async def test_an_unknown_placeholder_comes_with_the_nearest(shop: Shop, typed: str, nearest: str | None) -> None:
    wanted = {"titleTemplate": f"{{{typed}}}"}
    payload = await shop.served.do("UpdateGoogleCalendarSettings", "admin", input=wanted)
    (error,) = payload["errors"]
    assert error["code"] == "UNKNOWN_PLACEHOLDER"
    assert (nearest in error["message"]) if nearest else ("Nearest" not in error["message"])
