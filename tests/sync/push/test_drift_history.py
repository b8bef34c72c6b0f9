"""When somebody changed a booking's event in Google, when it was put right, and that the booking's history says so."""

from uuid import UUID

import pytest

from models.actions import change_booking
from models.bookings.booking import BookingHistory
from models.enums import ChangeKind, Drift
from models.log import change_log
from sync.sandbox.faults import FaultKind
from sync.service import MirrorStatus
from tests.models.rows import a_caller
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import ANNA
from tests.sync.sync_stack import Floor, busy


async def shown(floor: Floor, booking_id: UUID) -> MirrorStatus:
    return (await floor.door.mirror_states(floor.business_id, [booking_id]))[booking_id]


async def history(booking_id: UUID) -> list[tuple[str, str, list[dict[str, str]]]]:
    rows = await BookingHistory.filter(booking_id=booking_id).order_by("id")
    return [(row.actor, row.action, row.changes) for row in rows]


def entry(drift: Drift) -> tuple[str, str, list[dict[str, str]]]:
    return "google", "DRIFT_CORRECTED", [{"field": "mirror.drift", "before": drift, "after": "NONE"}]


async def changed_in_google(floor: Floor, drift: Drift) -> None:
    (ours,) = floor.sandbox.events(ANNA)
    match drift:
        case Drift.DELETED:
            floor.sandbox.delete_event(ANNA, ours["id"])
        case Drift.MOVED:
            floor.sandbox.edit_event(ANNA, ours["id"], busy(tomorrow(18), tomorrow(19)))
        case _:
            floor.sandbox.edit_event(ANNA, ours["id"], {"summary": "Mine"})


@pytest.mark.parametrize("drift", [Drift.DELETED, Drift.MOVED, Drift.EDITED])
async def test_a_drift_says_when_it_was_found_and_put_right_until_the_booking_changes(
    floor: Floor, drift: Drift
) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    state = await shown(floor, booking)
    assert (state.drift, state.drift_found_at, state.drift_corrected_at) == (Drift.NONE, None, None)
    # Google takes no writes for now.
    for method in ("PUT", "POST"):
        floor.sandbox.faults.add(FaultKind.SERVER_ERROR, times=None, method=method, path="/events")
    await changed_in_google(floor, drift)
    await floor.look()
    state = await shown(floor, booking)
    assert state.drift is drift
    assert state.drift_found_at is not None
    assert state.drift_corrected_at is None
    assert await history(booking) == []
    floor.sandbox.faults.clear()
    before = await change_log.newest(floor.business_id)
    await floor.look()
    after = await shown(floor, booking)
    assert (after.drift, after.drift_found_at) == (drift, state.drift_found_at)
    assert after.drift_corrected_at is not None
    assert after.drift_corrected_at > state.drift_found_at
    assert await history(booking) == [entry(drift)]
    told = [row["entity_id"] for row in await change_log.after(floor.business_id, before)]
    assert booking in told
    await floor.look()
    assert await shown(floor, booking) == after
    await change_booking.update(await a_caller(floor.business_id), booking, {"note": "By the window"})
    await floor.settle()
    state = await shown(floor, booking)
    assert (state.drift, state.drift_found_at, state.drift_corrected_at) == (Drift.NONE, None, None)
    assert await history(booking) != []


async def test_each_drift_has_its_own_entry(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    for drift in (Drift.EDITED, Drift.DELETED):
        await changed_in_google(floor, drift)
        await floor.look()
        await floor.settle()
    assert await history(booking) == [entry(Drift.EDITED), entry(Drift.DELETED)]


async def test_a_booking_that_changes_before_its_drift_is_put_right_keeps_the_entry_only(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, times=None, method="PUT", path="/events")
    await changed_in_google(floor, Drift.EDITED)
    await floor.look()
    await change_booking.update(await a_caller(floor.business_id), booking, {"customer_name": "Ola"})
    floor.sandbox.faults.clear()
    await floor.look()
    assert (await shown(floor, booking)).drift is Drift.NONE
    assert (await history(booking))[-1] == entry(Drift.EDITED)


async def test_a_renamed_service_is_no_drift(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    assert await floor.door.save_wording(floor.business_id, {"title_template": "New"}) is None
    await floor.look()
    assert (await shown(floor, booking)).drift is Drift.NONE
    assert await history(booking) == []
    assert ChangeKind.BOOKING in {row["kind"] for row in await change_log.after(floor.business_id, 0)}
