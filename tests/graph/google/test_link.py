"""Disconnecting a Google account and trying a rule, as the dashboard's admin does it over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from models.log import notifier
from sync.sandbox.faults import FaultKind
from tests.graph.connected_shop import ANNAS, Connected
from tests.graph.shop import Shop, at, codes, furnish, graphql_codes, located
from tests.served import answered, serving_beside_google
from tests.stage import PATIENCE, Stage

WINDOW = {"from": at("00:00"), "to": at("00:00", 2)}


@dataclass(frozen=True)
class Salon(Connected):
    """A furnished shop whose Anna signed in with Google, and what its admin does."""

    async def connection(self) -> Any:
        """Anna's connection; None when she has none."""
        document = "query($id: ID!) { option(id: $id) { google { account { id } calendar { id } } } }"
        served = self.shop.served
        answer = await served.send(document, served.keys["admin"], {"id": self.shop.anna})
        return answer.json()["data"]["option"]["google"]

    async def preview(self, role: str = "admin", **more: Any) -> Any:
        """The whole answer to a rule tried on Anna's own calendar."""
        wanted = {"calendarId": ANNAS, "optionId": self.shop.anna, "blocking": "ALL_EVENTS", **WINDOW, **more}
        return await self.shop.served.ask("GoogleRoutingPreview", role, input=wanted)

    async def disconnect(self, account: str, role: str = "admin") -> Any:
        return await self.shop.served.do("DisconnectGoogleAccount", role, input={"accountId": account})


@pytest.fixture
async def salon(our_stage: Stage, google_stage: Stage, database_url: str) -> AsyncIterator[Salon]:
    """On a database of each kind."""
    async with serving_beside_google(our_stage, google_stage, database_url) as (served, google):
        salon = Salon(await furnish(served), google)
        await salon.sign_in(salon.shop.anna)
        yield salon


async def test_an_account_is_disconnected_with_its_options(salon: Salon) -> None:
    shop, google = salon.shop, salon.google
    linked = {"optionId": shop.anna, "calendarId": ANNAS}
    assert codes(await shop.served.do("LinkGoogleCalendar", "admin", input=linked)) == []
    salon.put(at("14:00"), at("15:00"), summary="Doctor")
    await shop.booked(at("10:00"), optionId=shop.anna)
    account = (await salon.connection())["account"]
    answer = await salon.disconnect(account["id"])
    assert (codes(answer), answer["options"]) == ([], [{"id": shop.anna}])
    assert await salon.connection() is None
    assert codes(await salon.disconnect(account["id"])) == ["NOT_FOUND"]
    node = await shop.served.send(
        "query($id: ID!) { node(id: $id) { id } }", shop.served.keys["admin"], {"id": account["id"]}
    )
    assert answered(node) == {"data": {"node": None}}
    with notifier.current().listening(shop.served.business_id) as rung:
        async with asyncio.timeout(PATIENCE):
            while [event["summary"] for event in google.events(ANNAS)] != ["Doctor"] or await entries(shop) != [
                "Booking"
            ]:
                await rung.wait()
                rung.clear()
    assert google.events(ANNAS)[0]["summary"] == "Doctor"


async def entries(shop: Shop) -> list[str]:
    """What kinds of entries staff see."""
    return [each["__typename"] for each in (await shop.calendar())["entries"]]


async def test_only_an_admin_disconnects_and_only_what_is_there(salon: Salon) -> None:
    account = (await salon.connection())["account"]["id"]
    for role in ("staff", "public"):
        assert codes(await salon.disconnect(account, role)) == ["FORBIDDEN"]
    for unknown in ("nonsense", salon.shop.anna):
        answer = await salon.disconnect(unknown)
        assert located(answer) == [("NOT_FOUND", "input.accountId")]
        assert answer["options"] == []
    other = await furnish(await salon.shop.served.another("elsewhere"))
    elsewhere = await other.served.do("DisconnectGoogleAccount", "admin", input={"accountId": account})
    assert located(elsewhere) == [("NOT_FOUND", "input.accountId")]
    assert (await salon.connection())["account"]["id"] == account


async def test_a_rule_is_tried_before_it_is_saved(salon: Salon) -> None:
    salon.put(at("08:00"), at("09:00"), summary="Anna at the doctor")
    salon.put(at("10:00"), at("11:00"), summary="Secret", visibility="private")
    salon.put(at("12:00"), at("13:00"), summary="Lunch")
    salon.put(at("12:00"), at("13:00"), summary="Free", transparency="transparent")
    rule: dict[str, Any] = {
        "blocking": "MATCHED_EVENTS",
        "matchers": [{"field": "TITLE", "value": "anna"}],
        "unroutedEvents": "BLOCK_NONE",
    }
    found = (await salon.preview(**rule))["data"]["googleRoutingPreview"]
    assert (found["total"], found["unrouted"]) == (3, 2)
    anna = {"id": salon.shop.anna, "name": "Anna"}
    assert [(each["title"], each["start"], each["blocks"]) for each in found["events"]] == [
        ("Anna at the doctor", at("08:00"), [anna]),
        ("Busy", at("10:00"), []),
        ("Lunch", at("12:00"), []),
    ]
    assert [each["end"] for each in found["events"]] == [at("09:00"), at("11:00"), at("13:00")]
    assert (await salon.connection())["calendar"] is None


async def test_a_rule_that_cannot_be_tried_says_why(salon: Salon) -> None:
    shop = salon.shop
    for role in ("staff", "public"):
        assert graphql_codes(await salon.preview(role, optionId="nonsense")) == ["FORBIDDEN"]
    wrong: tuple[dict[str, Any], ...] = (
        {"optionId": "nonsense"},
        {"optionId": shop.haircut},
        {"optionId": shop.ben},
        {"calendarId": "nobody@example.com"},
        {"matchers": [{"field": "TITLE", "value": ""}]},
        {"to": WINDOW["from"]},
        {"to": at("00:00", 63)},
        {"blocking": None},
    )
    for each in wrong:
        answer = await salon.preview(**each)
        assert graphql_codes(answer) == ["BAD_USER_INPUT"], each
        assert answer.get("data") is None, each
    assert graphql_codes(await salon.preview(to=at("00:00", 62))) == []
    other = await furnish(await shop.served.another("elsewhere"))
    wanted = {"calendarId": ANNAS, "optionId": shop.anna, "blocking": "ALL_EVENTS", **WINDOW}
    assert graphql_codes(await other.served.ask("GoogleRoutingPreview", "admin", input=wanted)) == ["BAD_USER_INPUT"]


async def test_a_rule_is_not_tried_while_google_is_away(salon: Salon) -> None:
    salon.google.faults.add(FaultKind.SERVER_ERROR, None)
    answer = await salon.preview()
    assert graphql_codes(answer) == ["UNAVAILABLE"]
    assert answer["errors"][0]["extensions"]["retryAfterSeconds"] == 5
