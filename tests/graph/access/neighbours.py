"""A shop in use beside its neighbour, and what an ordinary client would send to it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.graph.input.strange_values import UNKNOWN_IDS
from tests.graph.shop import Shop, at, furnish
from tests.served import serving
from tests.stage import Stage


@dataclass
class Street:
    """A shop in use, its neighbour, and what an ordinary client would send."""

    shop: Shop
    other: Shop
    ids: dict[str, str]
    theirs: list[str]
    token: str
    cursor: str
    _slots: Iterator[int] = field(default_factory=count)
    _turns: Iterator[int] = field(default_factory=count)

    def usual(self, name: str) -> Any:
        """What an ordinary client gives for this variable or field; each start it is asked for is a new one."""
        if name in ("start", "from", "to", "end"):
            slot = next(self._slots)
            week, hour = divmod(slot, 8)
            return at(f"{9 + hour:02}:00", week * 7) if name in ("start", "from") else at("18:00", week * 7)
        plain = {"after": self.cursor, "manageToken": self.token, "email": "ola@example.no", "color": "#1a73e8"}
        clock = {"date": at("12:00")[:10], "opens": "09:00", "closes": "17:00", "timeZone": "Europe/Oslo"}
        terms = {"amount": "450.00", "currency": "NOK", "expectedVersion": 1, "first": 10, "active": True}
        texts = {
            "returnTo": f"{self.shop.served.url}/edit",
            "title": "{customer_name}",
            "titleTemplate": "{customer_name}",
        }
        return {**self.ids, **plain, **clock, **terms, **texts}.get(
            name, 60 if name.endswith(("Minutes", "Days")) else "x"
        )

    def odd_ids(self, name: str) -> list[str]:
        """Some ids that name nothing of the kind here, each time others: made up, the neighbour's, of another kind."""
        turn = next(self._turns)
        own = sorted(set(self.ids.values()) - {self.usual(name)})
        return [each[(turn + step) % len(each)] for each in (UNKNOWN_IDS, self.theirs, own) for step in (0, 3, 5)]

    async def cursor_now(self) -> str:
        """Where the shop's log stands."""
        document = f'{{ calendar(from: "{at("00:00", 300)}", to: "{at("00:00", 301)}") {{ cursor }} }}'
        answer = await self.shop.served.send(document, self.shop.served.keys["staff"])
        return str(answer.json()["data"]["calendar"]["cursor"])


async def things(shop: Shop) -> tuple[dict[str, str], str]:
    """One of everything in a shop: the ids by the names of the fields that take them, and a manage token."""
    do = shop.served.do
    made = await shop.booked(at("09:00"), optionId=shop.anna)
    held = await do("Hold", "public", input={"serviceId": shop.haircut, "optionId": shop.ben, "start": at("09:00")})
    times = {"start": at("10:00", 30), "end": at("11:00", 30)}
    away = await do("CreateTimeOff", "staff", input={"optionId": shop.anna, **times})
    booking, option = made["booking"]["id"], shop.anna
    ids = {"optionId": option, "optionIds": option, "serviceId": shop.haircut, "serviceIds": shop.colouring}
    ids |= {
        "bookingId": booking,
        "movingBookingId": booking,
        "holdId": held["hold"]["id"],
        "id": booking,
        "ids": option,
    }
    return {**ids, "timeOffId": away["timeOff"]["id"]}, made["manageToken"]


@asynccontextmanager
async def street(stage: Stage, database_url: str) -> AsyncIterator[Street]:
    """A shop and its neighbour, without a limit on requests."""
    async with serving(stage, database_url, key_requests=0) as served:
        shop, other = await furnish(served), await furnish(await served.another("elsewhere"))
        cursor = await shop.cursor()
        ids, token = await things(shop)
        theirs, _ = await things(other)
        yield Street(shop, other, ids, sorted(set(theirs.values())), token, cursor)
