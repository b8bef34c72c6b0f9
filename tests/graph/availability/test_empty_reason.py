"""`emptyReason`: why no date has a slot, where one reason holds for all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.graph.shop import Shop, at

DOCUMENT = """
    query($serviceId: ID!, $from: DateTime!, $to: DateTime!, $optionIds: [ID!]) {
        availability(serviceId: $serviceId, from: $from, to: $to, optionIds: $optionIds) {
            emptyReason days { date }
        }
    }
"""


async def reason(shop: Shop, role: str = "staff", **more: Any) -> str | None:
    """Why a Monday is empty; fails when it is not."""
    variables = {"serviceId": shop.haircut, "from": at("00:00"), "to": at("00:00", 1), **more}
    answer = (await shop.served.send(DOCUMENT, shop.served.keys[role], variables)).json()
    assert "errors" not in answer, answer
    found = answer["data"]["availability"]
    assert found["days"] == []
    why: str | None = found["emptyReason"]
    return why


async def test_an_answer_with_slots_has_none(shop: Shop) -> None:
    variables = {"serviceId": shop.haircut, "from": at("00:00"), "to": at("00:00", 1)}
    answer = (await shop.served.send(DOCUMENT, shop.served.keys["public"], variables)).json()
    assert answer["data"]["availability"]["days"]
    assert answer["data"]["availability"]["emptyReason"] is None


@pytest.mark.parametrize("role", ["staff", "public"])
async def test_rules_that_hold_for_all_are_named(shop: Shop, role: str) -> None:
    assert await reason(shop, role, **{"from": at("00:00", -14), "to": at("00:00", -13)}) == "IN_THE_PAST"
    assert await reason(shop, role, **{"from": at("00:00", 5), "to": at("00:00", 7)}) == "OUTSIDE_OPENING_HOURS"
    near = await shop.another_service(bookingHorizonDays=1)
    assert await reason(shop, role, serviceId=near) == "BEYOND_HORIZON"
    slow = await shop.another_service(minimumNoticeMinutes=60 * 24 * 30)
    assert await reason(shop, role, serviceId=slow) == "TOO_SHORT_NOTICE"
    nobody = await shop.another_service(optionIds=[])
    assert await reason(shop, role, serviceId=nobody) == "SERVICE_NOT_OFFERED"
    assert await reason(shop, role, serviceId=shop.colouring, optionIds=[shop.ben]) == "SERVICE_NOT_OFFERED"


async def test_what_is_inactive_says_so_to_staff(shop: Shop) -> None:
    off = {"serviceId": shop.haircut, "active": False}
    assert (await shop.served.do("UpdateService", "staff", input=off))["errors"] == []
    assert await reason(shop) == "INACTIVE"


async def test_busy_time_is_named_to_staff_and_only_busy_to_the_public(shop: Shop) -> None:
    for option in (shop.anna, shop.ben):
        wanted = {"optionId": option, "start": at("00:00"), "end": at("00:00", 1)}
        assert (await shop.served.do("CreateTimeOff", "staff", input=wanted))["errors"] == []
    assert await reason(shop, "staff") == "BUSY_TIME_OFF"
    assert await reason(shop, "public") == "BUSY"


async def test_a_past_day_and_a_service_longer_than_any_day_say_so(shop: Shop) -> None:
    now = datetime.now(UTC)
    window = {"from": (now - timedelta(days=1)).isoformat(), "to": (now - timedelta(hours=1)).isoformat()}
    assert await reason(shop, **window) == "IN_THE_PAST"
    long = await shop.another_service(durationMinutes=60 * 12)
    assert await reason(shop, serviceId=long) == "OUTSIDE_OPENING_HOURS"
