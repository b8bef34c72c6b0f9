"""Holds have limits: how many, for whom, by which rules; and a retry keeps nothing twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from graph.commands.serve import Site, serving
from graph.server.app import build
from models.settings import read
from models.storage.secrets import new_secret_key
from tests.graph.bookings.hold_requests import confirm, customer_with_another_app, entries, held, hold, release
from tests.graph.shop import Shop, at, codes, furnish, located, make_option
from tests.served import Served, new_business
from tests.stage import browser, free_port

MOST = 5
"""How many slots one key may hold at once from one address."""
WORKDAYS_AHEAD = (0, 1, 2, 3, 4, 7)


async def test_a_key_holds_five_slots_at_once_and_no_more(each_shop: Shop) -> None:
    shop = each_shop
    wanting = [hold(shop, at(f"{9 + number:02}:00")) for number in range(8)]
    answers = await asyncio.gather(*wanting)
    assert Counter(map(str, map(codes, answers))) == {"[]": MOST, "['TOO_MANY_HOLDS']": 3}
    assert len(await entries(shop)) == MOST
    stands = await shop.calendar()
    refused = await hold(shop, at("10:00", 1))
    assert (refused["hold"], codes(refused)) == (None, ["TOO_MANY_HOLDS"])
    assert await shop.calendar() == stands

    first, second, *_ = [answer["hold"] for answer in answers if answer["hold"]]
    await release(shop, first)
    await held(shop, at("10:00", 1))
    assert (await confirm(shop, second))["errors"] == []
    await held(shop, at("11:00", 1))
    assert codes(await hold(shop, at("12:00", 1))) == ["TOO_MANY_HOLDS"]
    # It bounds what is held, not what is booked; and another key has slots of its own.
    await shop.booked(at("12:00", 1))
    await held(await customer_with_another_app(shop), at("13:00", 1))
    await held(shop, at("14:00", 1), "staff")


@asynccontextmanager
async def behind(database_url: str, *proxies: str) -> AsyncIterator[Shop]:
    """A furnished business on the product's own server, which believes these proxies."""
    settings = read(_env_file=None, database_url=database_url, secret_keys=(new_secret_key(),), trusted_proxies=proxies)
    port = free_port()
    async with serving([Site(build(settings, sync=False), "127.0.0.1", port, proxies)]), browser() as http:
        business_id, keys = await new_business("studio")
        yield await furnish(Served(f"http://127.0.0.1:{port}", business_id, keys, http))


async def hold_from(shop: Shop, address: str, day: int) -> Any:
    """Asks for a slot as if for a client at this address: the payload."""
    document = "mutation($input: CreateHoldInput!) { createHold(input: $input) { hold { id } errors { code } } }"
    body = {"query": document, "variables": {"input": {"serviceId": shop.haircut, "start": at("10:00", day)}}}
    headers = {"Authorization": f"Bearer {shop.served.keys['public']}", "X-Forwarded-For": address}
    answer = await shop.served.http.post(f"{shop.served.url}/graphql", json=body, headers=headers)
    return answer.json()["data"]["createHold"]


async def test_behind_a_trusted_proxy_holds_are_counted_by_the_address_it_names(sqlite_url: str) -> None:
    async with behind(sqlite_url, "127.0.0.1") as shop:
        counted = [codes(await hold_from(shop, "192.0.2.1", day)) for day in WORKDAYS_AHEAD]
        assert counted == [*[[]] * MOST, ["TOO_MANY_HOLDS"]]
        assert codes(await hold_from(shop, "192.0.2.2", 0)) == []


async def test_a_customer_of_a_trusted_proxy_who_makes_up_addresses_holds_no_more(sqlite_url: str) -> None:
    async with behind(sqlite_url, "127.0.0.1") as shop:
        made_up = [f"203.0.113.{day}, 192.0.2.1" for day in WORKDAYS_AHEAD]
        counted = [codes(await hold_from(shop, *each)) for each in zip(made_up, WORKDAYS_AHEAD, strict=True)]
        assert counted == [*[[]] * MOST, ["TOO_MANY_HOLDS"]]


async def test_behind_a_proxy_that_is_not_trusted_holds_are_counted_by_key_alone(sqlite_url: str) -> None:
    async with behind(sqlite_url) as shop:
        assert [codes(await hold_from(shop, "192.0.2.1", day)) for day in WORKDAYS_AHEAD] == [[]] * 6


async def test_an_ipv6_network_holds_as_one_address(sqlite_url: str) -> None:
    async with behind(sqlite_url, "127.0.0.1") as shop:
        counted = [codes(await hold_from(shop, f"2001:db8::{day}", day)) for day in WORKDAYS_AHEAD]
        assert counted == [*[[]] * MOST, ["TOO_MANY_HOLDS"]]
        assert codes(await hold_from(shop, "2001:db8:0:1::1", 0)) == []


async def test_staff_hold_as_many_as_they_need(shop: Shop) -> None:
    for day in WORKDAYS_AHEAD:
        await held(shop, at("10:00", day), "staff")


async def test_a_retried_hold_is_the_same_hold(each_shop: Shop) -> None:
    shop = each_shop
    answers = await asyncio.gather(*(hold(shop, at("10:00"), idempotencyKey="k") for _ in range(6)))
    assert [codes(answer) for answer in answers] == [[]] * 6
    assert len({answer["hold"]["id"] for answer in answers}) == 1
    assert await entries(shop) == [("Hold", at("10:00"))]
    stands = await shop.calendar()
    others: tuple[dict[str, Any], ...] = ({"optionId": shop.ben}, {"serviceId": shop.colouring}, {"optionId": None})
    for start, other in ((at("11:00"), {}), *((at("10:00"), other) for other in others)):
        payload = await hold(shop, start, idempotencyKey="k", **other)
        assert (payload["hold"], codes(payload)) == (None, ["IDEMPOTENCY_MISMATCH"]), other
    for wrong in ("", "k" * 129):
        payload = await hold(shop, at("11:00"), idempotencyKey=wrong)
        assert (payload["hold"], located(payload)) == (None, [("INVALID_INPUT", "input.idempotencyKey")])
    assert await shop.calendar() == stands


async def test_a_refused_hold_stays_refused_under_its_key(shop: Shop) -> None:
    taken = (await shop.booked(at("10:00"), optionId=shop.anna))["booking"]
    refused = await hold(shop, at("10:00"), idempotencyKey="k")
    assert codes(refused) == ["SLOT_TAKEN"]
    await shop.served.do("CancelBooking", "staff", input={"bookingId": taken["id"]})
    assert (await hold(shop, at("10:00"), idempotencyKey="k"))["errors"] == refused["errors"]
    await held(shop, at("10:00"), idempotencyKey="another")


async def test_a_retry_keeps_no_slot_again_once_it_was_given_back(shop: Shop) -> None:
    kept = await held(shop, at("10:00"), idempotencyKey="k")
    await release(shop, kept)
    stands = await shop.calendar()
    await hold(shop, at("10:00"), idempotencyKey="k")
    assert await shop.calendar() == stands


async def test_a_hold_is_judged_by_the_same_rules_as_a_booking(shop: Shop) -> None:
    early = await shop.another_service(minimumNoticeMinutes=60 * 24 * 60)
    near = await shop.another_service(bookingHorizonDays=1)
    resting = await make_option(shop.served, name="Cleo", serviceIds=[shop.haircut])
    await shop.served.do("UpdateOption", "staff", input={"optionId": resting, "active": False})
    before = await shop.calendar()
    cases: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("OUTSIDE_OPENING_HOURS", at("16:00"), {"serviceId": shop.colouring}),
        ("NOT_ON_SLOT_GRID", at("09:10"), {}),
        ("IN_THE_PAST", at("10:00", -21), {}),
        ("TOO_SHORT_NOTICE", at("10:00"), {"serviceId": early}),
        ("BEYOND_HORIZON", at("10:00"), {"serviceId": near}),
        ("SERVICE_NOT_OFFERED", at("10:00"), {"serviceId": shop.colouring, "optionId": shop.ben}),
        ("INACTIVE", at("10:00"), {"optionId": resting}),
        ("NOT_FOUND", at("10:00"), {"serviceId": "nonsense"}),
        ("NOT_FOUND", at("10:00"), {"optionId": "nonsense"}),
        ("NOT_FOUND", at("10:00"), {"optionId": shop.haircut}),
    )
    for code, start, more in cases:
        payload = await hold(shop, start, "staff", **more)
        assert (payload["hold"], codes(payload)) == (None, [code]), (code, more)
    assert await shop.calendar() == before


async def test_a_customer_cannot_give_back_what_somebody_else_holds_and_staff_can(shop: Shop) -> None:
    kept = await held(shop, at("10:00"))
    other = await customer_with_another_app(shop)
    stands = await shop.calendar()
    refused = await release(other, kept)
    assert refused["releasedId"] is None
    assert codes(refused) in (["NOT_FOUND"], ["FORBIDDEN"])
    assert await shop.calendar() == stands
    assert await release(shop, kept, "staff") == {"releasedId": kept["id"], "errors": []}
    assert (await shop.calendar())["entries"] == []


async def test_holds_of_another_business_are_not_there(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    theirs = await held(other, at("10:00"))
    stand = await shop.calendar(), await other.calendar()
    for role in ("public", "staff", "admin"):
        released = await release(shop, theirs, role)
        assert (released["releasedId"], codes(released)) == (None, ["NOT_FOUND"])
        confirmed = await confirm(shop, theirs, role)
        assert confirmed["booking"] is None
        # As for any id that names no hold here.
        assert confirmed["errors"] == (await confirm(shop, {"id": "nonsense"}, role))["errors"]
        assert await shop.served.do("Refetch", role, id=theirs["id"]) is None
    assert codes(await hold(shop, at("10:00"), optionId=other.anna)) == ["NOT_FOUND"]
    assert codes(await hold(shop, at("10:00"), serviceId=other.haircut)) == ["NOT_FOUND"]
    assert (await shop.calendar(), await other.calendar()) == stand
    await held(shop, at("10:00"))
    assert (await confirm(other, theirs))["errors"] == []


async def test_ids_that_name_no_hold_are_refused(shop: Shop) -> None:
    booking = (await shop.booked(at("10:00")))["booking"]["id"]
    stands = await shop.calendar()
    for unknown in ("", "nonsense", shop.anna, booking):
        released = await release(shop, {"id": unknown}, "staff")
        assert (released["releasedId"], codes(released)) == (None, ["NOT_FOUND"]), unknown
        confirmed = await confirm(shop, {"id": unknown})
        assert confirmed["booking"] is None, unknown
        assert codes(confirmed) in (["NOT_FOUND"], ["HOLD_EXPIRED"]), unknown
        # What the hold says is not said twice: the two might differ.
        confirmed = await confirm(shop, {"id": unknown}, serviceId=shop.haircut, start=at("14:00"))
        assert confirmed["booking"] is None, unknown
        assert codes(confirmed) == ["INVALID_INPUT", "INVALID_INPUT"], unknown
    assert await shop.calendar() == stands


async def test_any_option_is_chosen_for_a_hold_as_for_a_booking(shop: Shop) -> None:
    names = [(await held(shop, at("10:00"), optionId=None))["option"]["name"] for _ in range(2)]
    assert names == ["Anna", "Ben"]
    assert codes(await hold(shop, at("10:00"), optionId=None)) == ["SLOT_TAKEN"]
