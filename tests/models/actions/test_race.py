"""Many processes want one slot: exactly one gets it, whoever decides."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from models.bookings.booking import Booking
from models.bookings.claim import Claim
from models.log import change_log
from models.storage.constraints import NO_OVERLAP
from tests.models import invariants
from tests.models.actions.racer import PROCESSES, TASKS, race
from tests.models.rows import a_booking_row, a_claim, a_shop, ahead, an_option

pytestmark = pytest.mark.usefixtures("database")

MINUTE = timedelta(minutes=1)


async def test_one_of_52_bookings_of_a_slot_from_four_processes_wins(database_url: str) -> None:
    shop = await a_shop()
    before = await change_log.newest(shop.business_id)
    ended = await race("book", database_url, shop, ahead())
    assert ended == Counter({"booked": 1, "SLOT_TAKEN": PROCESSES * TASKS - 1})
    assert await Booking.filter(business_id=shop.business_id).count() == 1
    assert await change_log.newest(shop.business_id) == before + 1, "a refusal left a revision"
    await invariants.hold_in(shop.business_id)


async def test_the_database_alone_lets_one_of_52_overlapping_claims_in(database_url: str) -> None:
    shop = await a_shop()
    ended = await race("claim", database_url, shop, ahead())
    assert ended.pop("claimed") == 1
    assert all(NO_OVERLAP in refusal for refusal in ended)
    assert ended.total() == PROCESSES * TASKS - 1
    assert await Claim.filter(option_id=shop.option_id).count() == 1
    assert await Booking.filter(option_id=shop.option_id).count() == 1, "a loser left its booking"


async def test_the_database_refuses_claims_that_overlap() -> None:
    shop, at = await a_shop(), ahead()
    await a_claim(shop, at)
    the_same, into_its_beginning, into_its_end, around_it, inside_it = (
        (0, 60),
        (-30, 31),
        (59, 60),
        (-60, 240),
        (20, 10),
    )
    for start, minutes in (the_same, into_its_beginning, into_its_end, around_it, inside_it):
        with pytest.raises(IntegrityError, match=NO_OVERLAP):
            await a_claim(shop, at + start * MINUTE, minutes)


async def test_claims_that_touch_or_are_of_another_option_are_let_in() -> None:
    shop, at = await a_shop(), ahead()
    await a_claim(shop, at)
    await a_claim(shop, at - 60 * MINUTE)
    await a_claim(shop, at + 60 * MINUTE)
    await a_claim(shop, at, option_id=await an_option(shop.business_id, "Berit"))
    assert await Claim.filter(business_id=shop.business_id).count() == 4


async def test_the_database_refuses_to_move_a_claim_onto_another() -> None:
    shop, at = await a_shop(), ahead()
    await a_claim(shop, at)
    later = await a_claim(shop, at + 60 * MINUTE)
    elsewhere = await a_claim(shop, at, option_id=await an_option(shop.business_id, "Berit"))
    await _is_refused(later, {"occupied_start": at + 59 * MINUTE})
    await _is_refused(elsewhere, {"option_id": shop.option_id})
    # Its own range does not stand in its way.
    await Claim.filter(id=later.id).update(occupied_start=at + 61 * MINUTE, occupied_end=at + 121 * MINUTE)


async def _is_refused(claim: Claim, values: Mapping[str, Any]) -> None:
    with pytest.raises(IntegrityError, match=NO_OVERLAP):
        await Claim.filter(id=claim.id).update(**values)


async def test_the_database_refuses_lengths_and_owners_that_make_no_sense() -> None:
    shop, at = await a_shop(), ahead()
    with pytest.raises(IntegrityError, match="booking_has_length"):
        await a_booking_row(shop, at, minutes=0)
    booking_id = await a_booking_row(shop, at)
    with pytest.raises(IntegrityError, match="claim_has_length"):
        await _claim_of(shop.business_id, shop.option_id, at, at, booking_id=booking_id)
    with pytest.raises(IntegrityError, match="claim_has_one_owner"):
        await _claim_of(shop.business_id, shop.option_id, at, at + MINUTE)
    claim = await _claim_of(shop.business_id, shop.option_id, at, at + MINUTE, booking_id=booking_id)
    with pytest.raises(IntegrityError, match="claim_has_length"):
        await Claim.filter(id=claim.id).update(occupied_end=at)
    with pytest.raises(IntegrityError, match="claim_has_one_owner"):
        await Claim.filter(id=claim.id).update(booking_id=None)
    with pytest.raises(IntegrityError, match="booking_has_length"):
        await Booking.filter(id=booking_id).update(ends_at=at)


async def _claim_of(business_id: Any, option_id: Any, start: datetime, end: datetime, **owner: Any) -> Claim:
    return await Claim.create(
        business_id=business_id, option_id=option_id, occupied_start=start, occupied_end=end, **owner
    )
