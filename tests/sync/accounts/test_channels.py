"""Push channels: Google's word that something changed is checked, taken, and never relied on."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from models import clock
from models.google.tables import GoogleCalendar, GoogleChannel
from sync import leases
from sync.accounts import channels
from sync.sandbox.faults import FaultKind
from sync.worker import Worker
from tests.sync.rows import tomorrow
from tests.sync.sandbox.sandbox_client import ANNA
from tests.sync.sync_stack import Floor, busy

LATER = timedelta(minutes=5)


async def not_due() -> None:
    await GoogleCalendar.filter(google_id=ANNA).update(pull_due_at=clock.now() + LATER)


async def is_due() -> bool:
    calendar = await GoogleCalendar.get(google_id=ANNA)
    return calendar.pull_due_at is not None and calendar.pull_due_at <= clock.now()


async def a_channel() -> tuple[GoogleChannel, dict[str, str]]:
    """An open channel whose secret we know, and the headers of its notifications."""
    calendar = await GoogleCalendar.get(google_id=ANNA)
    channel_id, token = await channels.open_row(calendar, clock.now())
    await GoogleChannel.filter(id=channel_id).update(resource_id="resource", expires_at=clock.now() + LATER)
    headers = {
        "X-Goog-Channel-ID": str(channel_id),
        "X-Goog-Channel-Token": token,
        "X-Goog-Resource-ID": "resource",
        "X-Goog-Resource-State": "exists",
    }
    await not_due()
    return await GoogleChannel.get(id=channel_id), headers


async def test_a_link_opens_one_channel_and_is_told_of_changes(floor: Floor) -> None:
    anna = await floor.linked_option()
    health = (await floor.door.connections(floor.business_id, [anna]))[anna].health
    assert health.push_channel.active
    assert health.push_channel.expires_at is not None
    assert health.push_channel.expires_at > clock.now() + timedelta(days=6)
    await floor.settle()
    stop = asyncio.Event()
    working = asyncio.create_task(floor.worker.run(stop))
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))

    async def is_blocked() -> bool:
        return bool(await floor.blocked(anna))

    await floor.until(is_blocked)
    stop.set()
    await working


async def test_a_notification_makes_the_calendar_due(floor: Floor) -> None:
    await floor.linked_option()
    _, headers = await a_channel()
    await floor.door.notification({name.lower(): value for name, value in headers.items()})
    assert await is_due()


@pytest.mark.parametrize(
    "forged",
    [
        {"X-Goog-Channel-Token": "guessed"},
        {"X-Goog-Channel-Token": ""},
        {"X-Goog-Resource-ID": "another"},
        {"X-Goog-Resource-ID": ""},
        {"X-Goog-Channel-ID": str(uuid4())},
        {"X-Goog-Channel-ID": "not an id"},
    ],
)
async def test_a_forged_notification_does_nothing(floor: Floor, forged: dict[str, str]) -> None:
    await floor.linked_option()
    _, headers = await a_channel()
    await floor.door.notification(headers | forged)
    await floor.door.notification({})
    assert not await is_due()


async def test_the_first_notification_may_come_before_googles_answer(floor: Floor) -> None:
    await floor.linked_option()
    channel, headers = await a_channel()
    await GoogleChannel.filter(id=channel.id).update(resource_id=None, expires_at=None)
    await floor.door.notification(headers | {"X-Goog-Resource-State": "sync"})
    assert await is_due()


async def test_a_calendar_nobody_follows_any_more_is_not_made_due(floor: Floor) -> None:
    anna = await floor.linked_option()
    _, headers = await a_channel()
    await floor.door.unlink(floor.business_id, anna)
    await floor.settle()
    await floor.door.notification(headers)
    assert (await GoogleCalendar.get(google_id=ANNA)).pull_due_at is None


async def test_a_channel_that_google_did_not_let_us_stop_is_stopped_later(floor: Floor) -> None:
    anna = await floor.linked_option()
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, method="POST", path="/channels/stop")
    await floor.door.unlink(floor.business_id, anna)
    await floor.settle()
    assert len(floor.sandbox.channels.open(ANNA)) == 1
    await floor.look()
    assert floor.sandbox.channels.open(ANNA) == []
    assert await GoogleChannel.all() == []
    assert (await GoogleCalendar.get(google_id=ANNA)).pull_due_at is None


async def test_a_channel_is_stopped_by_the_next_worker_when_one_dies_over_it(floor: Floor) -> None:
    anna = await floor.linked_option()
    came = floor.held("POST", "/channels/stop")
    await floor.door.unlink(floor.business_id, anna)
    (lease,) = await leases.claim(leases.Direction.PULL, 1, clock.now())
    dying = asyncio.create_task(floor.engine.pull(lease))
    await came.wait()
    dying.cancel()
    await asyncio.wait({dying})
    floor.sandbox.faults.clear()
    await GoogleCalendar.filter(google_id=ANNA).update(pull_lease_until=clock.now())
    await floor.look()
    assert await GoogleChannel.all() == []
    assert (await GoogleCalendar.get(google_id=ANNA)).pull_due_at is None


async def test_a_notification_while_the_calendar_is_pulled_leads_to_another_pull(floor: Floor) -> None:
    anna = await floor.linked_option()
    _, headers = await a_channel()
    await GoogleCalendar.filter(google_id=ANNA).update(pull_due_at=clock.now())
    came = floor.held("GET", "/events")
    await floor.worker.start_due()
    await came.wait()
    await floor.door.notification(headers)
    floor.sandbox.insert_event(ANNA, busy(tomorrow(8), tomorrow(9)))
    floor.sandbox.faults.clear()
    await floor.worker.finish()
    assert await is_due()
    await floor.settle()
    assert len(await floor.blocked(anna)) == 1


async def test_a_channel_is_renewed_before_it_ends_and_the_old_one_stopped(floor: Floor) -> None:
    await floor.linked_option()
    (first,) = await GoogleChannel.all()
    await floor.look()
    assert [channel.id for channel in await GoogleChannel.all()] == [first.id]
    await GoogleCalendar.filter(google_id=ANNA).update(watch_due_at=clock.now())
    await floor.look()
    (second,) = await GoogleChannel.all()
    assert second.id != first.id
    watch_due_at = (await GoogleCalendar.get(google_id=ANNA)).watch_due_at
    assert watch_due_at is not None
    assert second.expires_at is not None
    assert watch_due_at < second.expires_at - timedelta(days=1)


async def test_a_channel_whose_answer_comes_too_late_ends_no_other(floor: Floor) -> None:
    await floor.linked_option()
    now = clock.now()
    await GoogleCalendar.filter(google_id=ANNA).update(watch_due_at=now, pull_due_at=now)
    came = floor.held("POST", "/watch")
    await floor.worker.start_due()
    await came.wait()
    # Time passes: the lease ends, and the other worker asks for a channel too.
    over = {"watch_due_at": now, "pull_due_at": now, "pull_lease_until": now}
    await GoogleCalendar.filter(google_id=ANNA).update(**over)
    colleague = Worker(floor.engine, 30)
    await colleague.start_due()
    await colleague.finish()
    (live,) = await GoogleChannel.all()
    floor.sandbox.faults.clear()
    await floor.worker.finish()
    assert [channel.id for channel in floor.sandbox.channels.open(ANNA)] == [str(live.id)]
    assert await GoogleChannel.filter(stopping=False).values_list("id", flat=True) == [live.id]


async def test_a_calendar_without_channels_is_polled_and_asked_again_much_later(floor: Floor) -> None:
    floor.sandbox.calendar(ANNA).watchable = False
    anna = await floor.linked_option()
    assert await GoogleChannel.all() == []
    calendar = await GoogleCalendar.get(google_id=ANNA)
    assert calendar.watch_refused_until is not None
    assert calendar.watch_refused_until > clock.now() + timedelta(days=6)
    assert calendar.pull_due_at is not None
    assert calendar.pull_due_at < clock.now() + timedelta(seconds=floor.settings.pull_seconds / 3 * 1.25)
    health = (await floor.door.connections(floor.business_id, [anna]))[anna].health
    assert not health.push_channel.active


async def test_a_channel_that_could_not_be_opened_for_now_is_asked_for_soon(floor: Floor) -> None:
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, path="/watch")
    await floor.linked_option()
    assert await GoogleChannel.all() == []
    await GoogleCalendar.filter(google_id=ANNA).update(watch_due_at=clock.now())
    await floor.look()
    assert await GoogleChannel.all().count() == 1
