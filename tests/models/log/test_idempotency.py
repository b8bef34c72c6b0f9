"""A retry is harmless: the same key gives the same outcome, refusals included."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from models import clock
from models.actions import change_booking
from models.bookings.booking import Booking
from models.log import change_log, idempotency
from models.log.idempotency import KEPT, IdempotentRequest, Outcome
from models.refusals import ErrorCode, Refusal, Refused
from models.scheduling.intervals import to_instant
from tests.models import invariants
from tests.models.rows import Shop, a_caller, a_shop, ahead, done, told

SECOND = timedelta(seconds=1)


def once(shop: Shop, **given: Any) -> IdempotentRequest:
    return IdempotentRequest(shop.staff.key_id, "createBooking", "the key", given)


@pytest.mark.usefixtures("database")
async def test_an_answer_is_remembered_for_that_very_request() -> None:
    shop, now = await a_shop(), clock.now()
    asked = once(shop, serviceId=shop.service_id, note=None)
    assert await asked.recall(now) is None
    await asked.remember(shop.business_id, {"booking": "ab"}, now)
    assert await asked.recall(now) == {"booking": "ab"}
    mismatch = await replace(asked, given={"serviceId": shop.service_id}).recall(now)
    assert told(mismatch) == ["IDEMPOTENCY_MISMATCH"]
    other_key = (await a_caller(shop.business_id)).key_id
    for other in (
        replace(asked, idempotency_key="another"),
        replace(asked, mutation="createHold"),
        replace(asked, key_id=other_key),
    ):
        assert await other.recall(now) is None


@pytest.mark.usefixtures("database")
async def test_an_answer_is_kept_for_24_hours_and_then_replaced() -> None:
    shop, now = await a_shop(), clock.now()
    asked = once(shop)
    await asked.remember(shop.business_id, {"booking": "ab"}, now)
    assert await asked.recall(now + KEPT - SECOND) == {"booking": "ab"}
    assert await asked.recall(now + KEPT) is None
    await asked.remember(shop.business_id, {"booking": "cd"}, now + KEPT)
    assert await asked.recall(now + KEPT) == {"booking": "cd"}
    assert timedelta(hours=24) == KEPT


BOOKING = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"note": None}),
        ({"note": ""}, {"note": None}),
        ({"note": "1"}, {"note": 1}),
        ({"customer": {"name": "A", "email": "B"}}, {"customer": {"name": "B", "email": "A"}}),
        ({"ids": [1, 2]}, {"ids": [2, 1]}),
        ({"start": NOON}, {"start": NOON + SECOND}),
        ({"a": {"b": 1}}, {"a": 1, "b": 1}),
        ({"note": 'a","b":"c'}, {"note": "a", "b": "c"}),
    ],
)
def test_other_inputs_have_other_digests(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    assert IdempotentRequest(BOOKING, "m", "k", one).digest != IdempotentRequest(BOOKING, "m", "k", other).digest


def test_the_order_of_fields_does_not_count() -> None:
    one = {"note": "x", "customer": {"name": "A", "email": "B"}, "start": NOON}
    other = {"start": NOON, "customer": {"email": "B", "name": "A"}, "note": "x"}
    assert IdempotentRequest(BOOKING, "m", "k", one).digest == IdempotentRequest(BOOKING, "m", "k", other).digest


@pytest.mark.usefixtures("database")
async def test_a_refusal_comes_back_as_it_was() -> None:
    shop, now = await a_shop(), clock.now()
    refusal = Refused(
        [
            Refusal(ErrorCode.SLOT_TAKEN, "This time is taken.", ("input", "start")),
            Refusal(ErrorCode.STALE_VERSION, "It is at version {version}.", ("input",), {"version": 3}),
        ]
    )
    await once(shop).remember(shop.business_id, idempotency.to_stored(refusal), now)
    stored = await once(shop).recall(now)
    assert isinstance(stored, Mapping)
    assert idempotency.from_stored(stored) == refusal
    assert idempotency.from_stored({"booking": "ab"}) is None


@pytest.mark.parametrize("key", [None, "a", "æ" * 128, "0e8e1b8e-6d9c-4c3d-8a49-0f5d6c3f2b1a"])
def test_a_key_of_1_to_128_characters_is_taken(key: str | None) -> None:
    assert idempotency.validate(key) is None


@pytest.mark.parametrize("key", ["", "a" * 129, "a\x00b", "a\x1bb"])
def test_any_other_key_is_invalid_input_at_its_path(key: str) -> None:
    wrong = idempotency.validate(key)
    assert wrong
    assert (wrong.code, wrong.path) == (ErrorCode.INVALID_INPUT, ("input", "idempotencyKey"))


@pytest.mark.usefixtures("database")
async def test_a_booking_asked_for_many_times_at_once_is_made_once() -> None:
    shop = await a_shop()
    before = await change_log.newest(shop.business_id)
    answers = await asyncio.gather(*(shop.book(ahead(), once(shop)) for _ in range(8)))
    assert len({done(answer) for answer in answers}) == 1
    assert await Booking.filter(business_id=shop.business_id).count() == 1
    assert await change_log.newest(shop.business_id) == before + 1
    await invariants.hold_in(shop.business_id)


@pytest.mark.usefixtures("database")
async def test_a_retry_gives_the_booking_even_when_it_was_cancelled_meanwhile() -> None:
    shop = await a_shop()
    booking_id = done(await shop.book(ahead(), once(shop)))
    done(await change_booking.cancel(shop.staff, booking_id))
    assert done(await shop.book(ahead(), once(shop))) == booking_id


@pytest.mark.usefixtures("database")
async def test_a_retry_is_refused_as_before_even_when_the_slot_is_free_now() -> None:
    shop = await a_shop()
    booking_id = done(await shop.book(ahead()))
    refusal = await shop.book(ahead(), once(shop))
    assert told(refusal) == ["SLOT_TAKEN"]
    done(await change_booking.cancel(shop.staff, booking_id))
    before = await change_log.newest(shop.business_id)
    again = await shop.book(ahead(), once(shop))
    assert told(again) == ["SLOT_TAKEN"]
    assert await change_log.newest(shop.business_id) == before
    assert isinstance(again, Refused)
    assert to_instant(ahead()) in [each.start for each in again.alternatives], "advice is given anew"


@pytest.mark.usefixtures("database")
async def test_the_same_key_with_another_input_is_a_mismatch_and_books_nothing() -> None:
    shop = await a_shop()
    done(await shop.book(ahead(), once(shop, start=1)))
    assert told(await shop.book(ahead(hour=12), once(shop, start=2))) == ["IDEMPOTENCY_MISMATCH"]
    assert await Booking.filter(business_id=shop.business_id).count() == 1


@pytest.mark.usefixtures("database")
async def test_what_is_invalid_input_is_not_remembered() -> None:
    shop = await a_shop()
    assert told(await shop.book(ahead(), once(shop), note="x" * 5001)) == ["INVALID_INPUT"]
    assert await Outcome.all().count() == 0
    done(await shop.book(ahead(), once(shop)))


@pytest.mark.usefixtures("database")
async def test_a_hold_asked_for_again_is_the_same_hold() -> None:
    shop = await a_shop()
    asked = replace(once(shop), mutation="createHold")
    held = done(await shop.hold(ahead(), asked))
    assert done(await shop.hold(ahead(), asked)) == held
    assert told(await shop.hold(ahead())) == ["SLOT_TAKEN"]
    await invariants.hold_in(shop.business_id)
