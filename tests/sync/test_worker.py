"""The worker: sees what is due, survives what goes wrong, ends cleanly, leaves the rest to others."""

import asyncio
from datetime import timedelta

import pytest

from models import clock
from models.enums import ChangeAction, ChangeKind
from models.google.event import GoogleEvent
from models.google.tables import GoogleCalendar, GoogleSignIn
from models.log.change_log import Change
from sync import leases, worker
from sync.leases import Lease
from sync.worker import Worker
from tests.sync import rows
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import ANNA
from tests.sync.sync_stack import Floor, busy


async def test_a_running_worker_hears_of_a_booking_and_ends_when_told(floor: Floor) -> None:
    anna = await floor.linked_option()
    stop = asyncio.Event()
    working = asyncio.create_task(floor.worker.run(stop))
    await floor.until_mirrored(await floor.book(anna))
    stop.set()
    async with asyncio.timeout(5):
        await working
    assert await GoogleCalendar.filter(push_lease__isnull=False).count() == 0


async def test_two_workers_share_the_work_and_do_nothing_twice(floor: Floor) -> None:
    anna = await floor.linked_option()
    other = Worker(floor.engine, 30)
    stop = asyncio.Event()
    both = [asyncio.create_task(each.run(stop)) for each in (floor.worker, other)]
    for hour in range(12):
        await floor.book(anna, tomorrow(8) + hour * rows.HOUR)
    booking = await floor.book(anna, tomorrow(8) + 24 * rows.HOUR)
    await floor.until_mirrored(booking)
    stop.set()
    await asyncio.gather(*both)
    await floor.look()
    events = floor.sandbox.events(ANNA)
    assert len(events) == 13
    assert {event["sequence"] for event in events} == {0}


async def test_work_in_hand_that_does_not_end_is_broken_off_and_left(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await floor.linked_option()
    monkeypatch.setattr(worker, "SHUTDOWN_SECONDS", 0.05)
    came = floor.held("POST", "/events")
    booking = await floor.book(anna)
    stop = asyncio.Event()
    working = asyncio.create_task(floor.worker.run(stop))
    await came.wait()
    stop.set()
    async with asyncio.timeout(5):
        await working
    floor.sandbox.faults.clear()
    await Worker(floor.engine, 30).start_due()
    await floor.until_mirrored(booking)
    assert len(floor.sandbox.events(ANNA)) == 1


async def test_one_jobs_fault_neither_ends_the_worker_nor_is_forgotten(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    anna = await floor.linked_option()

    async def broken(_: Lease) -> None:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(floor.engine, "pull", broken)
        await floor.look()
    assert "a bug" in caplog.text
    inbound = (await floor.door.connections(floor.business_id, [anna]))[anna].health.inbound
    assert inbound.error is not None
    assert inbound.error.code == "SYNC_FAULT"
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))
    await floor.look()
    assert len(await floor.blocked(anna)) == 1


async def test_a_run_whose_lease_was_taken_stores_nothing_more(floor: Floor) -> None:
    await floor.linked_option()
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))
    await GoogleCalendar.filter(google_id=ANNA).update(pull_due_at=clock.now())
    came = floor.held("GET", "/events")
    await floor.worker.start_due()
    await came.wait()
    later = clock.now() + leases.LENGTH + timedelta(seconds=1)
    await GoogleCalendar.filter(google_id=ANNA).update(pull_due_at=later)
    (taken,) = await leases.claim(leases.Direction.PULL, 1, later)
    floor.sandbox.faults.clear()
    await floor.worker.finish()
    assert await GoogleEvent.all() == []
    assert (await GoogleCalendar.get(google_id=ANNA)).pull_lease == taken.token


async def test_a_push_whose_lease_was_taken_calls_nobody(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    (late,) = await leases.claim(leases.Direction.PUSH, 1, clock.now())
    (taken,) = await leases.claim(leases.Direction.PUSH, 1, clock.now() + leases.LENGTH + timedelta(seconds=1))
    await floor.engine.push(late)
    assert floor.sandbox.events(ANNA) == []
    await floor.engine.push(taken)
    assert len(floor.sandbox.events(ANNA)) == 1


async def test_what_nobody_can_ask_for_any_more_is_forgotten(floor: Floor) -> None:
    option_id = await rows.an_option(floor.business_id)
    now = clock.now()
    for revision, age in ((1001, 31), (1002, 29)):
        await Change.create(
            business_id=floor.business_id,
            revision=revision,
            at=now - timedelta(days=age),
            kind=ChangeKind.OPTION,
            action=ChangeAction.UPSERTED,
            entity_id=option_id,
        )
    for age in (3, 0):
        await GoogleSignIn.create(
            business_id=floor.business_id,
            option_id=option_id,
            state_digest=str(age),
            verifier="v",
            return_to="r",
            expires_at=now - timedelta(days=age),
        )
    await worker.delete_old_rows(now, timedelta(days=30))
    assert [change.revision for change in await Change.filter(revision__gt=1000)] == [1002]
    assert [sign_in.state_digest for sign_in in await GoogleSignIn.all()] == ["0"]
