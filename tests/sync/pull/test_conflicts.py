"""A Google event over a booking is a conflict, and the booking's change says so, once."""

from models.enums import ChangeAction, ChangeKind
from models.log.change_log import Change
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import ANNA, BEN
from tests.sync.sync_stack import Floor, busy


async def noted(floor: Floor) -> list[tuple[str, object]]:
    """The bookings noted since it was last asked."""
    found = await floor.changes(ChangeKind.BOOKING)
    await Change.filter(business_id=floor.business_id, kind=ChangeKind.BOOKING).delete()
    return list(found)


async def test_an_event_that_comes_moves_or_goes_over_a_booking_is_noted_with_it(floor: Floor) -> None:
    anna = await floor.linked_option()
    ben = await floor.linked_option("Ben", BEN, BEN)
    early, late = await floor.book(anna, tomorrow(9)), await floor.book(anna, tomorrow(13))
    await floor.book(ben, tomorrow(9))
    await floor.cancel(await floor.book(anna, tomorrow(10)), anna)
    await floor.look()
    await noted(floor)
    event = floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(11)))
    await floor.look()
    assert await noted(floor) == [(ChangeAction.UPSERTED, early)]
    floor.sandbox.edit_event(ANNA, event["id"], {"summary": "Lunch"})
    await floor.look()
    # The booking is shown with it, by its title.
    assert await noted(floor) == [(ChangeAction.UPSERTED, early)]
    floor.sandbox.edit_event(ANNA, event["id"], busy(tomorrow(12), tomorrow(14)))
    await floor.look()
    assert sorted(await noted(floor), key=str) == sorted(
        [(ChangeAction.UPSERTED, each) for each in (early, late)], key=str
    )
    floor.sandbox.edit_event(ANNA, event["id"], {"transparency": "transparent"})
    await floor.look()
    assert await noted(floor) == [(ChangeAction.UPSERTED, late)]
    floor.sandbox.edit_event(ANNA, event["id"], {"transparency": "opaque"})
    await floor.look()
    await noted(floor)
    floor.sandbox.delete_event(ANNA, event["id"])
    await floor.look()
    assert await noted(floor) == [(ChangeAction.UPSERTED, late)]


async def test_two_events_over_one_booking_are_one_change_of_it(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna, tomorrow(9))
    await floor.look()
    await noted(floor)
    for _ in range(2):
        floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(11)))
    await floor.look()
    assert await noted(floor) == [(ChangeAction.UPSERTED, booking)]


async def test_unlinking_notes_each_booking_once_at_once(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna, tomorrow(9))
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(11)))
    await floor.look()
    await noted(floor)
    await floor.door.unlink(floor.business_id, anna, keep_events=True)
    assert await noted(floor) == [(ChangeAction.UPSERTED, booking)]
    await floor.settle()
    assert await noted(floor) == []
