"""The product page's story, end to end over real HTTP and sockets: sign in with Google, choose a calendar, link it;
a booking appears there, a doctor's appointment blocks here, changes follow both ways, and the dashboard sees it live.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from models.log import notifier
from sync.sandbox.state import SandboxGoogle
from tests.served import Served, Stream, consent, serving_beside_google, ticket_in
from tests.stage import PATIENCE, Stage

DAY = "2027-03-01"
ANNA = "anna@example.com"


@dataclass(frozen=True)
class Town:
    """A running server with sync, and the stand-in for Google it talks to."""

    shop: Served
    google: SandboxGoogle


@pytest.fixture
async def town(our_stage: Stage, google_stage: Stage, database_url: str) -> AsyncIterator[Town]:
    """Timebok and the sandbox, each on a port of its own."""
    async with serving_beside_google(our_stage, google_stage, database_url) as (shop, google):
        yield Town(shop, google)


async def test_the_whole_loop_from_sign_in_to_cancelled(town: Town) -> None:
    shop = town.shop
    anna, ben, service = await _furnish(shop)
    await _sign_in_and_link(shop, anna)
    calendar = await shop.do("Calendar", "staff", **_day())
    assert calendar["entries"] == []
    async with shop.following("CalendarChanges", "staff", after=calendar["cursor"]) as dashboard:
        seen = Seen(dashboard)
        booking = await _a_customer_books_anna(town, seen, anna, service)
        await _she_sees_the_doctor(town, seen, (anna, ben), service)
        await _the_dashboard_moves_the_booking(town, seen, booking)
        assert (await _free(shop, service))["10:00"] == [anna, ben]
        await _it_is_cancelled(town, seen, booking)
    # Each step was seen once, in order, and what was kept of them is what a fresh query answers.
    assert len(seen.cursors) == len(set(seen.cursors))
    assert seen.story() == ["Booking", "GoogleEvent", "Booking", "gone"]
    now = await shop.do("Calendar", "staff", **_day())
    assert [each["id"] for each in now["entries"]] == list(seen.kept)


async def _a_customer_books_anna(town: Town, seen: "Seen", anna: str, service: str) -> str:
    """It is on the dashboard at once, and in her Google calendar soon."""
    wish = {"serviceId": service, "optionId": anna, "start": f"{DAY}T10:00:00+01:00", "customer": {"name": "Kari"}}
    booked = await town.shop.do("Book", "public", input=wish)
    assert booked["errors"] == []
    booking: str = booked["booking"]["id"]
    entry = await seen.until(booking, lambda entry: entry["mirror"]["state"] == "MIRRORED")
    assert entry["title"] == "Haircut: Kari"
    event = _only_mirror(town.google)
    assert _starts(event) == datetime.fromisoformat(f"{DAY}T10:00:00+01:00")
    assert "Kari" in event["summary"] + event.get("description", "")
    return booking


async def _she_sees_the_doctor(town: Town, seen: "Seen", both: tuple[str, str], service: str) -> None:
    """From eight to nine: that, and only that, is blocked, for her and for nobody else."""
    anna, ben = both
    town.google.insert_event(ANNA, {"summary": "Doctor's appointment", **_times("08:00", "09:00")})
    entry = await seen.until_typed("GoogleEvent")
    assert (entry["title"], entry["blocks"]) == ("Doctor's appointment", True)
    assert [each["id"] for each in entry["blockedOptions"]] == [anna]
    free = await _free(town.shop, service)
    assert free["08:00"] == free["08:30"] == free["10:00"] == [ben]
    assert free["09:00"] == [anna, ben]
    wish = {"serviceId": service, "optionId": anna, "start": f"{DAY}T08:30:00+01:00", "customer": {"name": "Ola"}}
    refused = await town.shop.do("Book", "public", input=wish)
    assert [each["code"] for each in refused["errors"]] == ["SLOT_TAKEN"]


async def _the_dashboard_moves_the_booking(town: Town, seen: "Seen", booking: str) -> None:
    """To the afternoon: it moves in Google too."""
    move = {"bookingId": booking, "start": f"{DAY}T14:00:00+01:00", "expectedVersion": 1}
    moved = await town.shop.do("RescheduleBooking", "staff", input=move)
    assert moved["errors"] == []
    await seen.until(booking, lambda entry: entry["version"] == 2 and entry["mirror"]["state"] == "MIRRORED")
    assert _starts(_only_mirror(town.google)) == datetime.fromisoformat(f"{DAY}T14:00:00+01:00")


async def _it_is_cancelled(town: Town, seen: "Seen", booking: str) -> None:
    """Gone from the dashboard, and gone from Google."""
    cancelled = await town.shop.do("CancelBooking", "staff", input={"bookingId": booking})
    assert cancelled["errors"] == []
    await seen.until_removed(booking)
    await _eventually(town.shop, lambda: not _mirrors(town.google))


async def test_a_person_who_cancels_the_consent_page_comes_back_with_an_error(town: Town) -> None:
    anna, *_ = await _furnish(town.shop)
    back = await _consent(town.shop, anna, {"decision": "cancel"})
    assert parse_qs(urlsplit(back).query) == {"google_error": ["access_denied"], "option": ["anna"]}


class Seen:
    """What a dashboard keeps by applying each change it is sent."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.kept: dict[str, dict[str, Any]] = {}
        self.cursors: list[str] = []
        self._steps: list[tuple[str, str, Any]] = []

    async def step(self) -> dict[str, Any]:
        """Applies the next change, and answers it."""
        change: dict[str, Any] = (await self._stream.next())["calendarChanges"]
        self.cursors.append(change["cursor"])
        if change["action"] == "UPSERTED":
            entry = change["entry"]
            self.kept[entry["id"]] = entry
            self._steps.append((entry["__typename"], entry["id"], entry["start"]))
        else:
            assert change["action"] == "REMOVED"
            self.kept.pop(change["entryId"], None)
            self._steps.append(("gone", change["entryId"], None))
        return change

    async def until(self, entry_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Goes on until the entry is as it should be."""
        while entry_id not in self.kept or not holds(self.kept[entry_id]):
            await self.step()
        return self.kept[entry_id]

    async def until_typed(self, typename: str) -> dict[str, Any]:
        """Goes on until there is an entry of this type."""
        while not (found := [entry for entry in self.kept.values() if entry["__typename"] == typename]):
            await self.step()
        return found[0]

    async def until_removed(self, entry_id: str) -> None:
        """Goes on until the entry is gone."""
        while entry_id in self.kept:
            await self.step()

    def story(self) -> list[str]:
        """The steps by name: further news of one place (the mirror's progress) is not a step of its own."""
        places = [step for at, step in enumerate(self._steps) if at == 0 or step != self._steps[at - 1]]
        return [name for name, *_ in places]


async def _furnish(shop: Served) -> tuple[str, str, str]:
    """Anna and Ben, who both cut hair on Mondays."""
    hours = [{"weekday": "MONDAY", "opens": "08:00", "closes": "16:00"}]
    ids = []
    for name in ("Anna", "Ben"):
        made = await shop.do("CreateOption", "staff", input={"name": name, "kind": "PERSON", "openingHours": hours})
        ids.append(made["option"]["id"])
    made = await shop.do("CreateService", "staff", input={"name": "Haircut", "durationMinutes": 30, "optionIds": ids})
    return ids[0], ids[1], made["service"]["id"]


async def _sign_in_and_link(shop: Served, option: str) -> None:
    """Options → Change → Google Sign In → back on the editing page → choose the calendar → save."""
    back = await _consent(shop, option, {"decision": "allow", "account": ANNA})
    assert back.startswith(f"{shop.url}/edit?option=anna&")
    ticket = ticket_in(back)
    signed_in = await shop.do("CompleteGoogleSignIn", "admin", input={"ticket": ticket})
    assert signed_in["errors"] == []
    assert signed_in["option"]["google"]["account"]["email"] == ANNA
    again = await shop.do("CompleteGoogleSignIn", "admin", input={"ticket": ticket})
    assert [each["code"] for each in again["errors"]] == ["NOT_FOUND"]
    choices = (await shop.do("GoogleCalendarChoices", "admin", optionId=option))["google"]["account"]["calendars"]
    assert choices[0]["googleId"] == ANNA
    assert choices[0]["primary"]
    linked = await shop.do(
        "LinkGoogleCalendar", "admin", input={"optionId": option, "calendarId": choices[0]["googleId"]}
    )
    assert linked["errors"] == []
    assert linked["option"]["google"]["calendar"]["googleId"] == ANNA

    async def is_read() -> bool:
        home = await shop.ask("Home", "staff")
        (google,) = [each["google"] for each in home["data"]["options"]["nodes"] if each["google"]]
        return bool(google["health"]["inbound"]["lastCompletedAt"])

    await _eventually(shop, is_read)


async def _consent(shop: Served, option: str, clicks: dict[str, str]) -> str:
    """Starts to sign in and clicks through Google's consent page: where the person lands."""
    started = await shop.do(
        "StartGoogleSignIn", "admin", input={"optionId": option, "returnTo": f"{shop.url}/edit?option=anna"}
    )
    assert started["errors"] == []
    return await consent(shop.http, started["authorizationUrl"], **clicks)


async def _free(shop: Served, service: str) -> dict[str, list[str]]:
    """Who is free at each time of the day, by Oslo's clock."""
    overview = await shop.do("SlotOverview", "staff", serviceId=service, **_day())
    return {
        datetime.fromisoformat(slot["start"])
        .astimezone(datetime.fromisoformat(f"{DAY}T00:00:00+01:00").tzinfo)
        .strftime("%H:%M"): [each["id"] for each in slot["options"]]
        for day in overview["days"]
        for slot in day["slots"]
    }


async def _eventually(shop: Served, holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Returns when it holds, looking again whenever something changed in the business."""
    with notifier.current().listening(shop.business_id) as rung:
        async with asyncio.timeout(PATIENCE):
            while True:
                rung.clear()
                answer = holds()
                if answer if isinstance(answer, bool) else await answer:
                    return
                await rung.wait()


def _mirrors(google: SandboxGoogle) -> list[dict[str, Any]]:
    """What stands in Anna's calendar that she did not put there."""
    return [event for event in google.events(ANNA) if event["status"] != "cancelled" and "extendedProperties" in event]


def _only_mirror(google: SandboxGoogle) -> dict[str, Any]:
    (event,) = _mirrors(google)
    return event


def _starts(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["start"]["dateTime"])


def _times(start: str, end: str) -> dict[str, Any]:
    return {
        name: {"dateTime": f"{DAY}T{at}:00+01:00", "timeZone": "Europe/Oslo"}
        for name, at in (("start", start), ("end", end))
    }


def _day() -> dict[str, str]:
    return {"from": f"{DAY}T00:00:00+01:00", "to": f"{DAY}T23:59:00+01:00"}
