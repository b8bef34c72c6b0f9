"""A furnished business for the API tests, and short words for what its clients do over HTTP."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.served import Served

OSLO = ZoneInfo("Europe/Oslo")
WORKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
KARI = {"name": "Kari Nordmann", "email": "kari@example.no", "phone": "+47 22 33 44 55"}
OLA = {"name": "Ola Hansen", "email": "ola@example.no", "phone": None}


def _monday() -> date:
    """A Monday one to two weeks ahead, read once: every test of a run means the same one."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=14 - today.weekday())


MONDAY = _monday()


def at(clock: str, day: int = 0) -> str:
    """That time on Oslo's clocks, `day` days after MONDAY (from -21: certainly past), as the API writes instants."""
    local = datetime.combine(MONDAY + timedelta(days=day), time.fromisoformat(clock), OSLO)
    return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def hours(opens: str, closes: str, days: Iterable[str] = WORKDAYS) -> list[dict[str, str]]:
    """The same opening hours on each of these days."""
    return [{"weekday": day, "opens": opens, "closes": closes} for day in days]


def codes(payload: Any) -> list[str]:
    """The codes of a payload's user errors, in order."""
    return [error["code"] for error in payload["errors"]]


def located(payload: Any) -> list[tuple[str, str]]:
    """The codes of a payload's user errors, each with its path."""
    return [(error["code"], ".".join(error["path"] or [])) for error in payload["errors"]]


def graphql_codes(answer: Any) -> list[str]:
    """The codes of an answer's GraphQL errors, in order."""
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


@dataclass(frozen=True)
class Shop:
    """Anna (haircuts and colouring) and Ben (haircuts), both open 09:00 to 17:00 on workdays, Oslo time.

    A haircut takes an hour. Colouring takes 90 minutes with 10 before and 20 after, and begins every quarter.
    """

    served: Served
    anna: str
    ben: str
    haircut: str
    colouring: str

    async def book(self, start: str, role: str = "public", **more: Any) -> Any:
        """Books a haircut for Kari unless `more` says otherwise: the payload."""
        wanted = {"serviceId": self.haircut, "start": start, "customer": KARI, **more}
        return await self.served.do("Book", role, input=wanted)

    async def booked(self, start: str, role: str = "public", **more: Any) -> Any:
        """Books, and fails unless it was booked: the payload."""
        payload = await self.book(start, role, **more)
        assert payload["errors"] == []
        return payload

    async def starts(self, service: str, role: str = "public", day: int = 0, **more: Any) -> list[str]:
        """The starts that are offered on one day, in order."""
        window = {"from": at("00:00", day), "to": at("00:00", day + 1)}
        answer = await self.served.do("Availability", role, serviceId=service, **window, **more)
        return [slot["start"] for each in answer["days"] for slot in each["slots"]]

    async def calendar(self, **more: Any) -> Any:
        """What staff see of eight weeks, the past three among them."""
        window = {"from": at("00:00", -21), "to": at("00:00", 35)}
        return await self.served.do("Calendar", "staff", **window, **more)

    async def cursor(self) -> str:
        """Where the business's log stands: equal as long as nothing was written."""
        return str((await self.calendar())["cursor"])

    async def history(self, booking_id: str) -> Any:
        """What was done to a booking."""
        history = "history { at actor action changes { field before after } }"
        document = f"query($id: ID!) {{ node(id: $id) {{ ... on Booking {{ {history} }} }} }}"
        answer = await self.served.send(document, self.served.keys["staff"], {"id": booking_id})
        return answer.json()["data"]["node"]["history"]

    async def another_service(self, **more: Any) -> str:
        """One more service, an hour long and offered by both unless `more` says otherwise: its id."""
        return await make_service(self.served, **{"optionIds": [self.anna, self.ben], **more})


async def make_service(served: Served, **more: Any) -> str:
    """A service, an hour long unless `more` says otherwise: its id."""
    payload = await served.do("CreateService", "staff", input={"name": "Service", "durationMinutes": 60, **more})
    assert payload["errors"] == []
    return str(payload["service"]["id"])


async def make_option(served: Served, **more: Any) -> str:
    """A person who is open 09:00 to 17:00 on workdays, unless `more` says otherwise: the id."""
    wanted = {"name": "Option", "kind": "PERSON", "openingHours": hours("09:00", "17:00"), **more}
    payload = await served.do("CreateOption", "staff", input=wanted)
    assert payload["errors"] == []
    return str(payload["option"]["id"])


async def furnish(served: Served) -> Shop:
    """Fills an empty business."""
    haircut = await make_service(served, name="Haircut")
    colouring = await make_service(
        served,
        name="Colouring",
        durationMinutes=90,
        bufferBeforeMinutes=10,
        bufferAfterMinutes=20,
        slotStepMinutes=15,
    )
    anna = await make_option(served, name="Anna", serviceIds=[haircut, colouring])
    ben = await make_option(served, name="Ben", serviceIds=[haircut])
    return Shop(served, anna, ben, haircut, colouring)
