"""Who works on which calendar: shared without overlap, taken over when a worker dies."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from models import clock
from models.enums import GoogleAccountState
from models.google.tables import GoogleAccount, GoogleCalendar
from sync import leases
from sync.leases import Direction
from tests.sync import rows

pytestmark = pytest.mark.usefixtures("database")


async def _due_calendars(count: int, **more: object) -> tuple[UUID, list[UUID]]:
    business_id = await rows.a_business()
    account_id = await rows.an_account(business_id)
    now = clock.now()
    made = [
        await rows.a_calendar(
            business_id, account_id, f"{number}@example.com", pull_due_at=now - timedelta(seconds=number), **more
        )
        for number in range(count)
    ]
    return account_id, made


async def test_a_due_calendar_goes_to_one_worker_only() -> None:
    _, made = await _due_calendars(12)
    taken = await asyncio.gather(*(leases.claim(Direction.PULL, 5, clock.now()) for _ in range(4)))
    ids = [lease.calendar_id for each in taken for lease in each]
    assert len(ids) == len(set(ids)) <= 12
    rest = await leases.claim(Direction.PULL, 12, clock.now())
    assert {*ids, *(lease.calendar_id for lease in rest)} == set(made)


async def test_the_longest_due_goes_first() -> None:
    _, made = await _due_calendars(3)
    (lease,) = await leases.claim(Direction.PULL, 1, clock.now())
    assert lease.calendar_id == made[-1]


async def test_an_expired_lease_is_taken_over_and_its_first_holder_can_store_nothing() -> None:
    await _due_calendars(1)
    (first,) = await leases.claim(Direction.PULL, 1, clock.now())
    later = clock.now() + leases.LENGTH + timedelta(seconds=1)
    assert await leases.claim(Direction.PULL, 1, clock.now()) == []
    (second,) = await leases.claim(Direction.PULL, 1, later)
    assert second.calendar_id == first.calendar_id
    assert not await leases.extend(first, later)
    assert not await leases.give_back(first, None, pull_attempts=7)
    assert await leases.extend(second, later)
    assert (await GoogleCalendar.get(id=first.calendar_id)).pull_attempts == 0


async def test_what_becomes_due_during_the_work_stays_due_after_it() -> None:
    await _due_calendars(1)
    (lease,) = await leases.claim(Direction.PULL, 1, clock.now())
    noticed = clock.now()
    await GoogleCalendar.filter(id=lease.calendar_id).update(pull_due_at=noticed)
    assert await leases.give_back(lease, clock.now() + timedelta(hours=1))
    assert (await GoogleCalendar.get(id=lease.calendar_id)).pull_due_at == noticed
    assert len(await leases.claim(Direction.PULL, 1, clock.now())) == 1


async def test_a_finished_calendar_is_due_when_it_was_said_to_be() -> None:
    await _due_calendars(1)
    (lease,) = await leases.claim(Direction.PULL, 1, clock.now())
    assert await leases.give_back(lease, clock.now() + timedelta(hours=1))
    assert await leases.claim(Direction.PULL, 1, clock.now()) == []
    assert len(await leases.claim(Direction.PULL, 1, clock.now() + timedelta(hours=2))) == 1


async def test_a_dead_account_keeps_its_work_waiting() -> None:
    account_id, _ = await _due_calendars(1)
    await GoogleAccount.filter(id=account_id).update(state=GoogleAccountState.RECONNECT_REQUIRED)
    assert await leases.claim(Direction.PULL, 1, clock.now()) == []
    await GoogleAccount.filter(id=account_id).update(state=GoogleAccountState.CONNECTED)
    assert len(await leases.claim(Direction.PULL, 1, clock.now())) == 1


async def test_rules_are_applied_anew_without_google() -> None:
    account_id, _ = await _due_calendars(1, reroute=[])
    await GoogleAccount.filter(id=account_id).update(state=GoogleAccountState.RECONNECT_REQUIRED)
    assert len(await leases.claim(Direction.PULL, 1, clock.now())) == 1


async def test_a_pause_lasts_unless_it_is_cut_short() -> None:
    pause = clock.now() + timedelta(hours=1)
    await _due_calendars(1, pull_not_before=pause, pull_prescribed=True)
    await leases.hasten(GoogleCalendar.all(), clock.now(), over_prescribed=False)
    assert await leases.claim(Direction.PULL, 1, clock.now()) == []
    await leases.hasten(GoogleCalendar.all(), clock.now(), over_prescribed=True)
    assert len(await leases.claim(Direction.PULL, 1, clock.now())) == 1


async def test_pulling_and_pushing_do_not_wait_for_each_other() -> None:
    await _due_calendars(1, push_due_at=clock.now())
    assert len(await leases.claim(Direction.PULL, 1, clock.now())) == 1
    assert len(await leases.claim(Direction.PUSH, 1, clock.now())) == 1
