"""What goes wrong in the middle of a stream: it ends before the change that could not be told, and whoever comes back
with its last cursor is told it then.
"""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from graph.relay.nodes import id_of
from graph.request.context import Context
from graph.server.live import change_feed
from graph.server.live.execution import OperationRequest
from graph.server.live.member import Member
from models.bookings.booking import Booking
from models.log import change_log, notifier
from models.storage import db
from tests.graph.server.live.paced_subscribers import side
from tests.graph.shop import Shop, at
from tests.live.events import streaming
from tests.models.rows import a_shop, ahead
from tests.operations import operations
from tests.served import Stream
from tests.stage import PATIENCE

POISONS = {"service_id": str(uuid4()), "starts_at": "1 secret of ours"}
"""A column, and what no program can show of it: a service that is not there, and what is no moment at all."""


async def booked(shop: Shop, clock: str) -> tuple[str, UUID]:
    """The ids of a new booking: for clients, and ours."""
    identity = (await shop.booked(at(clock), optionId=shop.anna))["booking"]["id"]
    row = id_of("Booking", identity)
    assert row
    return identity, row


async def newest(shop: Shop) -> str:
    """The cursor of now, also while the calendar cannot be shown."""
    business_id = shop.served.business_id
    return change_log.to_cursor(business_id, await change_log.newest(business_id))


@asynccontextmanager
async def poisoned(booking: UUID, column: str) -> AsyncIterator[None]:
    """A row that cannot be shown, until the block ends."""
    update = f"UPDATE booking SET {column} = ? WHERE id = ?"  # noqa: S608 - names of our own
    (was,) = await Booking.filter(id=booking).values_list(column, flat=True)
    await _write("PRAGMA foreign_keys=OFF")
    try:
        await _write(update, POISONS[column], str(booking))
        yield
    finally:
        await _write(update, str(was), str(booking))
        await _write("PRAGMA foreign_keys=ON")


async def _write(statement: str, *values: Any) -> None:
    await db.connection().execute_query(statement, list(values))


async def entry(stream: Stream) -> str:
    """The entry of the next change."""
    return str((await stream.next())["calendarChanges"]["entryId"])


async def ends(stream: Stream) -> bool:
    """Whether the stream says that something went wrong, no more than that, and then ends."""
    message = await stream.message()
    assert message["payload"]["data"] is None
    assert [error["extensions"]["code"] for error in message["payload"]["errors"]] == ["INTERNAL"]
    assert not any(secret in json.dumps(message) for secret in POISONS.values())
    return bool((await stream.message())["type"] == "complete")


@pytest.mark.parametrize("column", POISONS)
async def test_a_stream_ends_before_what_it_cannot_tell_and_its_cursor_comes_back_to_it(
    shop: Shop, column: str, caplog: pytest.LogCaptureFixture
) -> None:
    follow, cursor = shop.served.following, await newest(shop)
    _, told = await booked(shop, "09:00")
    last = await newest(shop)
    (second, poison), (third, _) = await booked(shop, "10:00"), await booked(shop, "11:00")
    async with poisoned(poison, column):
        async with follow("CalendarChanges", "staff", after=cursor) as stream:
            change = (await stream.next())["calendarChanges"]
            assert (id_of("Booking", change["entryId"]), change["cursor"]) == (told, last)
            assert await ends(stream)
        assert "fault" in caplog.text
    async with follow("CalendarChanges", "staff", after=last) as stream:
        assert [await entry(stream), await entry(stream)] == [second, third]


async def test_an_event_that_tells_of_a_fault_has_no_id(shop: Shop) -> None:
    cursor = await newest(shop)
    first, _ = await booked(shop, "09:00")
    _, poison = await booked(shop, "10:00")
    async with poisoned(poison, "service_id"), streaming(shop.served, "staff", after=cursor) as stream:
        good, bad, end = [await stream.next() for _ in range(3)]
    assert good.change["entryId"] == first
    assert good.identity == good.change["cursor"]
    assert (bad.identity, bad.codes, bad.data["data"]) == (None, ["INTERNAL"], None)
    assert end.name == "complete"


async def test_one_that_reads_for_itself_does_not_go_on_past_the_fault(shop: Shop) -> None:
    follow, cursor = shop.served.following, await newest(shop)
    _, poison = await booked(shop, "09:00")
    async with follow("CalendarChanges", "staff", after=await newest(shop)) as newer:
        second, _ = await booked(shop, "10:00")
        assert await entry(newer) == second
        async with poisoned(poison, "service_id"), follow("CalendarChanges", "staff", after=cursor) as older:
            assert await ends(older)
        third, _ = await booked(shop, "11:00")
        assert await entry(newer) == third


async def test_one_that_is_ahead_of_its_group_is_told_as_well(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_feed, "LOOK_SECONDS", 3600.0)
    follow = shop.served.following
    async with follow("CalendarChanges", "staff", after=await newest(shop)) as behind:
        first, _ = await booked(shop, "09:00")
        assert await entry(behind) == first
        async with notifier.open_notifier("memory://"):
            # Nobody hears of this one, until somebody comes who knows that there is more.
            _, poison = await booked(shop, "10:00")
        async with (
            poisoned(poison, "service_id"),
            follow("CalendarChanges", "staff", after=await newest(shop)) as ahead,
        ):
            assert await ends(behind)
            assert await ends(ahead)


async def test_a_fault_leaves_nothing_running(sqlite_url: str) -> None:
    async with db.opened(sqlite_url), notifier.open_notifier("memory://"), side() as ours:
        shop, before = await a_shop(), asyncio.all_tasks()
        began = change_log.to_cursor(shop.business_id, await change_log.newest(shop.business_id))
        booking = await shop.book(ahead())
        assert isinstance(booking, UUID)
        context = Context(ours.state, shop.staff)
        asked = OperationRequest(operations()["CalendarChanges"], {"after": began}, None, context)
        gc.disable()
        try:
            async with poisoned(booking, "service_id"):
                told = [each async for each in ours.live.stream(asked, Member(shop.staff))]
            assert [each.is_last for each in told] == [True]
            async with asyncio.timeout(PATIENCE):
                await ours.live.stopped()
            assert asyncio.all_tasks() == before
        finally:
            gc.enable()
