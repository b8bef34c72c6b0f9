"""Disconnecting a Google account and trying a rule, as the dashboard's admin does it over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from models import bell
from sync.sandbox.app import sandbox_app
from sync.sandbox.faults import FaultKind
from sync.sandbox.state import SandboxGoogle
from tests.graph.shop import Shop, at, codes, furnish, graphql_codes, located
from tests.served import serving
from tests.stage import PATIENCE, Stage

ANNA = "anna@example.com"
WINDOW = {"from": at("00:00"), "to": at("00:00", 2)}


@dataclass(frozen=True)
class Salon:
    """A furnished shop whose Anna signed in with Google, beside a Google where she has calendars."""

    shop: Shop
    google: SandboxGoogle

    async def connection(self) -> Any:
        """Anna's connection; None when she has none."""
        document = "query($id: ID!) { option(id: $id) { google { account { id } calendar { id } } } }"
        served = self.shop.served
        answer = await served.send(document, served.keys["admin"], {"id": self.shop.anna})
        return answer.json()["data"]["option"]["google"]

    async def preview(self, role: str = "admin", **more: Any) -> Any:
        """The whole answer to a rule tried on Anna's own calendar."""
        wanted = {"calendarId": ANNA, "optionId": self.shop.anna, "blocking": "ALL_EVENTS", **WINDOW, **more}
        return await self.shop.served.ask("GoogleRoutingPreview", role, input=wanted)

    async def disconnect(self, account: str, role: str = "admin") -> Any:
        return await self.shop.served.do("DisconnectGoogleAccount", role, input={"accountId": account})


@pytest.fixture
async def salon(our_stage: Stage, google_stage: Stage, database_url: str) -> AsyncIterator[Salon]:
    """Timebok with sync and the sandbox, each on a port of its own."""
    google = SandboxGoogle()
    google.seed_demo()
    async with AsyncExitStack() as open_things:
        settings = {
            "google_origin": await open_things.enter_async_context(google_stage.playing(sandbox_app(google))),
            "google_client_id": "timebok-demo",
            "google_client_secret": "timebok-demo-secret",
        }
        shop = await furnish(
            await open_things.enter_async_context(serving(our_stage, database_url, sync=True, **settings))
        )
        await sign_in(shop)
        yield Salon(shop, google)


async def sign_in(shop: Shop) -> None:
    """Anna consents, and comes back."""
    served = shop.served
    wanted = {"optionId": shop.anna, "returnTo": f"{served.url}/edit"}
    address = (await served.do("StartGoogleSignIn", "admin", input=wanted))["authorizationUrl"]
    scopes = parse_qs(urlsplit(address).query)["scope"][0].split()
    clicked = {"decision": "allow", "account": ANNA, "scope": scopes}
    answer = await served.http.post(address, data=clicked)
    back = await served.http.get(answer.headers["location"])
    ticket = parse_qs(urlsplit(back.headers["location"]).query)["google_ticket"][0]
    assert (await served.do("CompleteGoogleSignIn", "admin", input={"ticket": ticket}))["errors"] == []


def put(google: SandboxGoogle, title: str, start: str, end: str, **more: Any) -> None:
    """An event in Anna's calendar."""
    times = {"start": {"dateTime": at(start)}, "end": {"dateTime": at(end)}}
    google.insert_event(ANNA, {"summary": title, **times, **more})


async def test_an_account_is_disconnected_with_its_options(salon: Salon) -> None:
    shop, google = salon.shop, salon.google
    linked = {"optionId": shop.anna, "calendarId": ANNA}
    assert codes(await shop.served.do("LinkGoogleCalendar", "admin", input=linked)) == []
    put(google, "Doctor", "14:00", "15:00")
    await shop.booked(at("10:00"), optionId=shop.anna)
    account = (await salon.connection())["account"]
    answer = await salon.disconnect(account["id"])
    assert (codes(answer), answer["options"]) == ([], [{"id": shop.anna}])
    assert await salon.connection() is None
    assert codes(await salon.disconnect(account["id"])) == ["NOT_FOUND"]
    node = await shop.served.send(
        "query($id: ID!) { node(id: $id) { id } }", shop.served.keys["admin"], {"id": account["id"]}
    )
    assert node.json() == {"data": {"node": None}}
    with bell.current().listening(shop.served.business_id) as rung:
        async with asyncio.timeout(PATIENCE):
            while [event["summary"] for event in google.events(ANNA)] != ["Doctor"] or await entries(shop) != [
                "Booking"
            ]:
                await rung.wait()
                rung.clear()
    assert google.events(ANNA)[0]["summary"] == "Doctor"


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
    put(salon.google, "Anna at the doctor", "08:00", "09:00")
    put(salon.google, "Secret", "10:00", "11:00", visibility="private")
    put(salon.google, "Lunch", "12:00", "13:00")
    put(salon.google, "Free", "12:00", "13:00", transparency="transparent")
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
    wanted = {"calendarId": ANNA, "optionId": shop.anna, "blocking": "ALL_EVENTS", **WINDOW}
    assert graphql_codes(await other.served.ask("GoogleRoutingPreview", "admin", input=wanted)) == ["BAD_USER_INPUT"]


async def test_a_rule_is_not_tried_while_google_is_away(salon: Salon) -> None:
    salon.google.faults.add(FaultKind.SERVER_ERROR, None)
    answer = await salon.preview()
    assert graphql_codes(answer) == ["UNAVAILABLE"]
    assert answer["errors"][0]["extensions"]["retryAfterSeconds"] == 5
