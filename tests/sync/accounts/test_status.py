"""What clients see of Google is read in a few statements, however much of it there is."""

import logging

import pytest

from models import clock
from models.enums import HealthState, MirrorState
from models.google.mirror import Mirror
from models.google.tables import GoogleCalendar, GoogleChannel
from tests.sync import rows
from tests.sync.sandbox.sandbox_client import ANNA, WORKSHOP
from tests.sync.sync_stack import Floor


def statements(caplog: pytest.LogCaptureFixture) -> int:
    return len([record for record in caplog.records if record.name == "tortoise.db_client"])


async def test_ties_are_read_in_at_most_four_statements(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    linked = [await floor.linked_option(f"Room {number}", WORKSHOP) for number in range(4)]
    linked.append(await floor.linked_option("Anna", ANNA))
    unlinked = await rows.an_option(floor.business_id, "Zoe")
    for option_id in linked:
        await floor.book(option_id)
    caplog.set_level(logging.DEBUG, "tortoise.db_client")
    caplog.clear()
    found = await floor.door.connections(floor.business_id, [*linked, unlinked])
    assert statements(caplog) <= 4
    assert set(found) == set(linked)
    workshop = found[linked[0]]
    assert workshop.calendar is not None
    assert set(workshop.calendar.shared_with) == set(linked[:4])
    assert (workshop.health.outbound.pending, found[linked[4]].health.outbound.pending) == (4, 1)
    assert workshop.health.outbound.oldest_pending_at is not None
    assert workshop.health.outbound.oldest_pending_at <= clock.now()


async def test_another_businesss_ties_are_not_seen(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    other = await rows.a_business()
    assert await floor.door.connections(other, [anna]) == {}
    account = (await floor.door.connections(floor.business_id, [anna]))[anna].account
    assert await floor.door.calendar_choices(other, [account.id]) == {}
    assert (await floor.door.mirror_states(other, [booking]))[booking].state is MirrorState.NOT_LINKED


async def test_how_far_bookings_are_is_read_in_one_statement(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    anna = await floor.linked_option()
    free = await rows.an_option(floor.business_id, "Zoe")
    seen = await floor.book(anna)
    await floor.settle()
    waiting, failed = await floor.book(anna), await floor.book(anna)
    await Mirror.filter(booking_id=failed).update(failed_version=1, error_code="GOOGLE_REFUSED", error_at=clock.now())
    nowhere = await floor.book(free)
    caplog.set_level(logging.DEBUG, "tortoise.db_client")
    caplog.clear()
    shown = await floor.door.mirror_states(floor.business_id, [seen, waiting, failed, nowhere])
    assert statements(caplog) == 1
    assert {each: shown[each].state for each in shown} == {
        seen: MirrorState.MIRRORED,
        waiting: MirrorState.PENDING,
        failed: MirrorState.FAILED,
        nowhere: MirrorState.NOT_LINKED,
    }
    error = shown[failed].error
    assert error is not None
    assert error.code == "GOOGLE_REFUSED"


async def test_an_option_that_is_only_signed_in_is_idle(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    await floor.signed_in(anna)
    health = (await floor.door.connections(floor.business_id, [anna]))[anna].health
    assert (health.inbound.state, health.outbound.state) == (HealthState.IDLE, HealthState.IDLE)


async def test_a_channel_that_google_never_confirmed_is_not_active(floor: Floor) -> None:
    anna = await floor.linked_option()
    await GoogleChannel.all().update(resource_id=None)
    health = (await floor.door.connections(floor.business_id, [anna]))[anna].health
    assert not health.push_channel.active
    assert await GoogleCalendar.filter(google_id=ANNA).exists()
