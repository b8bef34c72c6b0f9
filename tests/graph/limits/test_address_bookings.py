"""How many bookings and holds one address may have with public keys: counted in the database, by every process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from graph.server.app import build
from models import clock
from models.bookings import address_booking
from models.bookings.address_booking import KEPT, AddressBooking
from models.bookings.hold import Hold
from models.settings import read
from models.storage import db
from models.storage.secrets import new_secret_key
from tests.graph.bookings.hold_requests import customer_with_another_app
from tests.graph.limits.elsewhere import Elsewhere, ask, told
from tests.graph.shop import KARI, Shop, at, codes, furnish
from tests.operations import operations
from tests.served import serving
from tests.stage import Stage, browser

MOST = 3
HERE, THERE = "192.0.2.1", "192.0.2.2"
STARTS = [at(f"{hour:02}:00", day) for day in (0, 1, 2, 3, 4, 7, 8) for hour in range(9, 17)]


@pytest.fixture
async def shop(our_stage: Stage, database_url: str) -> AsyncIterator[Shop]:
    """A shop where an address may make three bookings an hour, on a database of each kind."""
    async with serving(our_stage, database_url, around=Elsewhere, address_bookings=MOST) as served:
        yield await furnish(served)


async def book(shop: Shop, start: str, role: str = "public", address: str = HERE, **more: Any) -> Any:
    """Asks for a haircut with Anna from an address: the answer as it is."""
    wanted = {"serviceId": shop.haircut, "optionId": shop.anna, "start": start, "customer": KARI, **more}
    return await ask(shop.served, shop.served.keys[role], operations()["Book"], {"input": wanted}, address)


async def booked(shop: Shop, *starts: str, **more: Any) -> list[str]:
    """Books each of the starts, and fails unless all were booked: the ids."""
    payloads = [(await book(shop, start, **more)).json()["data"]["createBooking"] for start in starts]
    assert [codes(each) for each in payloads] == [[]] * len(starts)
    return [each["booking"]["id"] for each in payloads]


async def test_an_address_makes_so_many_bookings_an_hour_and_no_more(shop: Shop) -> None:
    await booked(shop, *STARTS[:MOST])
    stands = await shop.cursor()
    answer = await book(shop, STARTS[MOST])
    assert 3500 < told(answer) <= 3600
    assert answer.json()["data"] == {"createBooking": None}
    assert answer.json()["errors"][0]["path"] == ["createBooking"]
    assert await shop.cursor() == stands
    # Another key of the business makes no difference; another address has its own, staff have no limit at all.
    told(await book(await customer_with_another_app(shop), STARTS[MOST]))
    await booked(shop, *STARTS[MOST : 2 * MOST], address=THERE)
    await booked(shop, *STARTS[2 * MOST : 4 * MOST], role="staff")
    told(await book(shop, STARTS[-1], address=THERE))


async def test_another_business_counts_for_itself(shop: Shop) -> None:
    await booked(shop, *STARTS[:MOST])
    await booked(await furnish(await shop.served.another("elsewhere")), *STARTS[:MOST])


async def test_an_ipv6_network_is_one_address(shop: Shop) -> None:
    for number in range(MOST):
        await booked(shop, STARTS[number], address=f"2001:db8::{number}")
    told(await book(shop, STARTS[MOST], address="2001:db8::ffff:1"))
    await booked(shop, STARTS[MOST], address="2001:db8:0:1::1")


async def test_neither_replays_nor_refusals_are_counted(shop: Shop) -> None:
    (first,) = await booked(shop, STARTS[0], idempotencyKey="k")
    for _ in range(MOST):
        assert (await booked(shop, STARTS[0], idempotencyKey="k")) == [first]
        assert codes((await book(shop, STARTS[0])).json()["data"]["createBooking"]) == ["SLOT_TAKEN"]
        wrong = await book(shop, STARTS[1], customer={"name": ""})
        assert codes(wrong.json()["data"]["createBooking"]) == ["INVALID_INPUT"]
    await booked(shop, *STARTS[1:MOST])
    told(await book(shop, STARTS[MOST]))
    # What was answered once is answered again.
    assert (await booked(shop, STARTS[0], idempotencyKey="k")) == [first]


async def test_what_came_too_early_is_not_remembered(shop: Shop) -> None:
    await booked(shop, *STARTS[:MOST])
    told(await book(shop, STARTS[MOST], idempotencyKey="k"))
    await AddressBooking.all().update(made_at=clock.now() - KEPT)
    await booked(shop, STARTS[MOST], idempotencyKey="k")


async def test_a_cancelled_booking_was_made_all_the_same(shop: Shop) -> None:
    for booking in await booked(shop, *STARTS[:MOST]):
        await shop.served.do("CancelBooking", "staff", input={"bookingId": booking})
    told(await book(shop, STARTS[0]))


async def test_a_hold_is_not_used_up_by_a_booking_that_comes_too_early(shop: Shop) -> None:
    await booked(shop, *STARTS[:MOST])
    wanted = {"serviceId": shop.haircut, "optionId": shop.anna, "start": STARTS[MOST]}
    public = shop.served.keys["public"]
    answer = await ask(shop.served, public, operations()["Hold"], {"input": wanted}, HERE)
    held = answer.json()["data"]["createHold"]["hold"]["id"]
    document = operations()["Book"]
    told(await ask(shop.served, public, document, {"input": {"holdId": held, "customer": KARI}}, HERE))
    answer = await ask(shop.served, public, document, {"input": {"holdId": held, "customer": KARI}}, THERE)
    assert codes(answer.json()["data"]["createBooking"]) == []


async def test_of_many_at_once_no_more_are_made(shop: Shop) -> None:
    answers = await asyncio.gather(*(book(shop, start) for start in STARTS[:12]))
    assert Counter(each.status_code for each in answers) == {200: MOST, 429: 12 - MOST}


async def test_a_document_of_which_a_part_was_done_is_answered_with_it(shop: Shop) -> None:
    document = """mutation($one: CreateBookingInput!, $two: CreateBookingInput!) {
        one: createBooking(input: $one) { manageToken errors { code } }
        two: createBooking(input: $two) { manageToken errors { code } }
    }"""
    await booked(shop, *STARTS[: MOST - 1])
    wanted = {"serviceId": shop.haircut, "optionId": shop.anna, "customer": KARI}
    variables = {"one": {**wanted, "start": STARTS[MOST]}, "two": {**wanted, "start": STARTS[MOST + 1]}}
    for _ in range(2):
        answer = await ask(shop.served, shop.served.keys["public"], document, variables, HERE)
        if answer.status_code == 429:
            break
        assert answer.json()["data"]["one"]["manageToken"]
        assert (answer.json()["data"]["two"], "retry-after" in answer.headers) == (None, False)
    assert answer.json()["data"] == {"one": None, "two": None}


async def test_thirty_are_made_unless_a_setting_says_otherwise(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, around=Elsewhere) as served:
        shop = await furnish(served)
        await booked(shop, *STARTS[:30])
        told(await book(shop, STARTS[30]))


async def test_without_a_limit_nothing_is_counted(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, around=Elsewhere, address_bookings=0) as served:
        await booked(await furnish(served), *STARTS[:40])
        assert await AddressBooking.all().count() == 0


async def test_what_one_process_has_counted_another_knows(our_stage: Stage, database_url: str) -> None:
    common: dict[str, Any] = {"secret_keys": (new_secret_key(),), "address_bookings": MOST, "around": Elsewhere}
    async with serving(our_stage, database_url, **common) as served:
        shop = await furnish(served)
        await booked(shop, *STARTS[:MOST])
    # Whichever process comes next keeps nothing in mind: it has the database and the secret key.
    app = build(read(_env_file=None, database_url=database_url, secret_keys=common["secret_keys"]), sync=False)
    app.add_middleware(Elsewhere)
    async with our_stage.playing(app), browser() as http:
        shop = replace(shop, served=replace(shop.served, http=http))
        await booked(shop, *STARTS[MOST:30])
        told(await book(shop, STARTS[30]))
        await booked(shop, STARTS[30], address=THERE)


async def test_no_address_is_stored(shop: Shop) -> None:
    address = "203.0.113.77"
    await booked(shop, STARTS[0], address=address)
    wanted = {"serviceId": shop.haircut, "optionId": shop.anna, "start": STARTS[1]}
    await ask(shop.served, shop.served.keys["public"], operations()["Hold"], {"input": wanted}, address)
    rows = [*await db.select(AddressBooking.all(), ("address",)), *await db.select(Hold.all(), ("address",))]
    stored = [row["address"] for row in rows]
    assert len(stored) == 2
    assert all(each and address not in each and "203" not in each.split(".") for each in stored)


async def test_what_counts_no_more_is_forgotten_a_little_at_a_time(shop: Shop) -> None:
    long_ago = clock.now() - KEPT
    rows = [
        AddressBooking(business_id=shop.served.business_id, address="somebody", made_at=long_ago) for _ in range(120)
    ]
    await AddressBooking.bulk_create(rows)
    left = []
    for start in STARTS[:MOST]:
        await booked(shop, start)
        left.append(await AddressBooking.filter(made_at__lte=long_ago).count())
    assert left == [70, 20, 0]
    await AddressBooking.all().update(made_at=clock.now() - KEPT + timedelta(minutes=1))
    await address_booking.prune(clock.now())
    assert await AddressBooking.all().count() == MOST
    await address_booking.prune(clock.now() + timedelta(minutes=1))
    assert await AddressBooking.all().count() == 0
