"""Short words for what clients do with holds."""

from typing import Any

from models import api_key
from models.enums import Role
from tests.graph.shop import KARI, Shop
from tests.served import Served


async def hold(shop: Shop, start: str, role: str = "public", **more: Any) -> Any:
    """Asks to keep an hour with Anna unless `more` says otherwise: the payload."""
    wanted = {"serviceId": shop.haircut, "optionId": shop.anna, "start": start, **more}
    return await shop.served.do("Hold", role, input=wanted)


async def held(shop: Shop, start: str, role: str = "public", **more: Any) -> Any:
    """Keeps a slot, and fails unless it was kept: the hold."""
    payload = await hold(shop, start, role, **more)
    assert (payload["errors"], payload["alternatives"]) == ([], [])
    return payload["hold"]


async def confirm(shop: Shop, kept: Any, role: str = "public", **more: Any) -> Any:
    """Makes a booking of a hold: the payload."""
    return await shop.served.do("Book", role, input={"holdId": kept["id"], "customer": KARI, **more})


async def release(shop: Shop, kept: Any, role: str = "public") -> Any:
    """Gives a hold back: the payload."""
    return await shop.served.do("Release", role, input={"holdId": kept["id"]})


async def entries(shop: Shop) -> list[tuple[str, str]]:
    """What is on the calendar: the types and starts."""
    return [(entry["__typename"], entry["start"]) for entry in (await shop.calendar())["entries"]]


async def customer_with_another_app(shop: Shop) -> Shop:
    """The same business, with a public key of its own."""
    _, plain = await api_key.create(shop.served.business_id, Role.PUBLIC, "another app")
    keys = {**shop.served.keys, "public": plain}
    served = Served(shop.served.url, shop.served.business_id, keys, shop.served.http)
    return Shop(served, shop.anna, shop.ben, shop.haircut, shop.colouring)
