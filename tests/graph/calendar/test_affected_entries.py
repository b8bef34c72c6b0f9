"""Dashboards, customers and apps that follow something hear of new names and zones of what it is shown with."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from models.actions import register_business
from tests.graph.connected_shop import ANNAS, Connected
from tests.graph.shop import Shop, at
from tests.served import Stream

RENAMES: dict[str, tuple[str, Any]] = {
    "service": ("UpdateService", lambda shop: {"serviceId": shop.haircut, "name": "Trim"}),
    "option": ("UpdateOption", lambda shop: {"optionId": shop.anna, "name": "Trim"}),
}


@asynccontextmanager
async def asking(shop: Shop, field: str, role: str, variables: dict[str, Any]) -> AsyncIterator[Stream]:
    """A subscription of this file's, begun."""
    async with shop.served.socket(shop.served.keys[role]) as connection:
        assert json.loads(await connection.recv())["type"] == "connection_ack"
        document = DOCUMENTS[field]
        given = {name: value for name, value in variables.items() if f"${name}:" in document}
        payload = {"query": document, "variables": given}
        await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        yield Stream(connection)


async def rename(shop: Shop, what: str) -> None:
    name, wanted = RENAMES[what]
    assert (await shop.served.do(name, "staff", input=wanted(shop)))["errors"] == []


@pytest.mark.parametrize("what", RENAMES)
async def test_the_calendar_tells_of_entries_with_their_new_names(shop: Shop, what: str) -> None:
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
    wanted = {"serviceId": shop.haircut, "optionId": shop.anna, "start": at("12:00")}
    hold = (await shop.served.do("Hold", "public", input=wanted))["hold"]["id"]
    async with asking(shop, "calendarChanges", "staff", {"a": await shop.cursor()}) as stream:
        await rename(shop, what)
        heard = [(await stream.next())["calendarChanges"] for _ in range(2)]
    assert {each["entryId"] for each in heard} == {booking, hold}
    for each in heard:
        assert each["action"] == "UPSERTED"
        assert "Trim" in str(each["entry"])


DOCUMENTS = {
    "calendarChanges": "subscription($a: Cursor) { calendarChanges(after: $a) "
    "{ action entryId entry { title options { name } } } }",
    "bookingChanges": "subscription($m: String!) { bookingChanges(manageToken: $m) "
    "{ title service { name } option { name } } }",
    "availabilityChanges": "subscription($s: ID!, $f: DateTime!, $t: DateTime!) "
    "{ availabilityChanges(serviceId: $s, from: $f, to: $t) { timeZone days { date slots { options { name } } } } }",
    "syncHealthChanges": "subscription { syncHealthChanges { option { name } } }",
}


@pytest.mark.parametrize(
    ("field", "role", "what"),
    [
        ("bookingChanges", "public", "service"),
        ("bookingChanges", "public", "option"),
        ("bookingChanges", "staff", "service"),
        ("availabilityChanges", "public", "option"),
        ("syncHealthChanges", "staff", "option"),
    ],
)
async def test_who_follows_something_else_is_sent_the_new_names(shop: Shop, field: str, role: str, what: str) -> None:
    token = (await shop.booked(at("10:00"), optionId=shop.anna))["manageToken"]
    variables = {"m": token, "s": shop.haircut, "f": at("09:00"), "t": at("17:00")}
    async with asking(shop, field, role, variables) as stream:
        while "Anna" not in str(await stream.next()):
            pass
        await rename(shop, what)
        while "Trim" not in str(await stream.next()):
            pass


async def test_availability_is_sent_again_in_the_businesss_new_zone(shop: Shop) -> None:
    variables = {"s": shop.haircut, "f": at("09:00"), "t": at("09:30")}
    async with asking(shop, "availabilityChanges", "public", variables) as stream:
        assert (await stream.next())["availabilityChanges"]["timeZone"] == "Europe/Oslo"
        await register_business.update(shop.served.business_id, {"time_zone": "Europe/Berlin"})
        assert (await stream.next())["availabilityChanges"]["timeZone"] == "Europe/Berlin"


DRIFT = "drift driftFoundAt driftCorrectedAt"


async def test_a_drift_is_seen_with_its_times_and_in_the_history(town: Connected) -> None:
    shop = town.shop
    await town.sign_in(shop.anna)
    await town.link(shop.anna)
    booking = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]["id"]
    document = f"query($id: ID!) {{ node(id: $id) {{ ... on Booking {{ mirror {{ state {DRIFT} }} }} }} }}"

    async def mirror() -> Any:
        answer = await shop.served.send(document, shop.served.keys["staff"], {"id": booking})
        return answer.json()["data"]["node"]["mirror"]

    async with shop.served.following("CalendarChanges", "staff", after=await shop.cursor()) as stream:
        while (await mirror())["state"] != "MIRRORED":
            await stream.next()
        assert [(await mirror())[each] for each in DRIFT.split()] == ["NONE", None, None]
        (ours,) = town.google.events(ANNAS)
        town.google.delete_event(ANNAS, ours["id"])
        while (await mirror())["driftCorrectedAt"] is None:
            await stream.next()
    found = await mirror()
    assert found["drift"] == "DELETED"
    assert found["driftFoundAt"] < found["driftCorrectedAt"]
    corrected = (await shop.history(booking))[-1]
    assert (corrected["actor"], corrected["action"]) == ("google", "DRIFT_CORRECTED")
    assert corrected["changes"] == [{"field": "mirror.drift", "before": "DELETED", "after": "NONE"}]
