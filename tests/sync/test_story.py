"""The seed's story, without the graph: sign in, choose, link, book, see it in Google, be blocked by Google."""

from models.enums import ChangeAction, MirrorState
from models.google.event import GoogleEvent
from tests.sync import rows
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import ANNA
from tests.sync.sync_stack import Floor, busy


async def test_a_booking_is_seen_in_google_after_one_round(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna, tomorrow(9))
    assert (await floor.door.mirror_states(floor.business_id, [booking]))[booking].state is MirrorState.PENDING
    await floor.settle()
    (event,) = floor.sandbox.events(ANNA)
    assert event["summary"] == "Cut – Kari Nordmann"
    shown = (await floor.door.mirror_states(floor.business_id, [booking]))[booking]
    assert shown.state is MirrorState.MIRRORED
    assert shown.html_link == event["htmlLink"]


async def test_a_doctors_appointment_blocks_that_option_only(floor: Floor) -> None:
    anna = await floor.linked_option()
    colleague = await rows.an_option(floor.business_id, "Ben")
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9), summary="Doctor"))
    await floor.look()
    assert await floor.blocked(anna) == [(tomorrow(8), tomorrow(9))]
    assert await floor.blocked(colleague) == []
    (row,) = await GoogleEvent.all()
    assert row.title == "Doctor"
    assert await floor.changes() == [(ChangeAction.UPSERTED, row.id)]


async def test_our_own_event_blocks_nobody_and_is_no_entry(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    await floor.settle()
    await floor.look()
    assert await floor.blocked(anna) == []
    assert await GoogleEvent.all() == []


async def test_moving_and_cancelling_a_booking_moves_and_removes_its_event(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna, tomorrow(9))
    await floor.settle()
    (first,) = floor.sandbox.events(ANNA)
    await floor.move(booking, tomorrow(13), anna)
    await floor.settle()
    (moved,) = floor.sandbox.events(ANNA)
    assert moved["id"] == first["id"]
    assert moved["start"] != first["start"]
    await floor.cancel(booking, anna)
    await floor.settle()
    assert floor.sandbox.events(ANNA) == []
