"""Subscribers who fall behind, come back and are cut off at any moment: each is told every change once and in order."""

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from uuid import UUID

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from graph.request.context import Context
from graph.server.live import change_feed, message_buffer
from graph.server.live.execution import OperationRequest
from graph.server.live.member import Member
from graph.server.live.message_buffer import Message
from models import clock
from models.enums import ChangeAction, ChangeKind
from models.log import change_log, notifier
from tests.graph.server.live.paced_subscribers import Subscriber, side
from tests.models.rows import Shop, a_shop, ahead
from tests.operations import operations
from tests.stage import PATIENCE
from tests.world.dice import Dice

STEPS = 80


async def change(shop: Shop, booking: UUID, many: int, dice: Dice) -> None:
    """So many changes in one transaction, some of what is no entry of the calendar."""

    async def body(work: change_log.LoggedTransaction) -> None:
        for _ in range(many):
            kind = dice.choice([ChangeKind.BOOKING, ChangeKind.BOOKING, ChangeKind.OPTION])
            about = booking if kind is ChangeKind.BOOKING else shop.option_id
            work.record(kind, about, ChangeAction.UPSERTED, [shop.option_id])

    await change_log.write(shop.business_id, body)


async def due(shop: Shop, after: int) -> list[int]:
    """The revisions of the calendar's changes after one."""
    rows = await change_log.after(shop.business_id, after, 10_000)
    return [row["revision"] for row in rows if row["kind"] == ChangeKind.BOOKING]


@pytest.mark.parametrize("seed", range(3))
async def test_whoever_lags_comes_back_or_is_cut_off_misses_nothing(
    database: BaseDBAsyncClient, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    del database
    dice, left = Dice(seed), list[str]()
    # So small that everybody falls behind all the time.
    monkeypatch.setattr(message_buffer, "KEPT", dice.choice([1, 2, 3, 5]))
    monkeypatch.setattr(change_feed, "BATCH", dice.choice([1, 2, 4, 200]))
    monkeypatch.setattr(sys, "unraisablehook", lambda about: left.append(str(about.exc_value)))
    before = asyncio.all_tasks()
    async with notifier.open_notifier("memory://"), side() as ours:
        shop = await a_shop()
        booking = await shop.book(ahead())
        assert isinstance(booking, UUID)
        everyone: list[Subscriber] = []

        async def newcomer() -> None:
            everyone.append(Subscriber(ours, shop.staff, await change_log.newest(shop.business_id), dice))

        for _ in range(4):
            await newcomer()
        for _ in range(STEPS):
            one, what = dice.choice(everyone), dice.random()
            if what < 0.4:
                await change(shop, booking, dice.randint(1, 6), dice)
            elif what < 0.6:
                if one.is_here:
                    await one.go()
                else:
                    one.come()
            elif what < 0.65 and len(everyone) < 9:
                await newcomer()
            for _ in range(dice.randint(0, 60)):
                await asyncio.sleep(0)
        for each in everyone:
            if not each.is_here:
                each.come()
        async with asyncio.timeout(PATIENCE):
            for each in everyone:
                expected = await due(shop, each.began)
                while each.told != expected:
                    assert each.told == expected[: len(each.told)]
                    await asyncio.sleep(0)
        for each in everyone:
            await each.go()
    gc.collect()
    assert asyncio.all_tasks() == before
    assert left == []


async def test_a_laggard_goes_on_where_it_is_though_where_it_began_is_forgotten(
    database: BaseDBAsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    del database
    monkeypatch.setattr(message_buffer, "KEPT", 1)
    async with notifier.open_notifier("memory://"), side() as ours, asyncio.timeout(PATIENCE):
        shop = await a_shop()
        after = change_log.to_cursor(shop.business_id, await change_log.newest(shop.business_id))

        def following() -> AsyncGenerator[Message, None]:
            context = Context(ours.state, shop.staff)
            asked = OperationRequest(operations()["CalendarChanges"], {"after": after}, None, context)
            return ours.live.stream(asked, Member(shop.staff))

        async with aclosing(following()) as keeps_up, aclosing(following()) as lags:
            assert await shop.book(ahead())
            first = [(await anext(each)).position for each in (keeps_up, lags)]
            assert first[0] == first[1]
            assert await change_log.prune(clock.now() + timedelta(seconds=1)) > 0
            due = []
            for days in range(1, 4):
                assert await shop.book(ahead(days))
                due.append((await anext(keeps_up)).position)
            assert [(await anext(lags)).position for _ in due] == due
