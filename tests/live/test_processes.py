"""Real processes on PostgreSQL, with Valkey as the bell: killed, ended, and without a broker. Nothing is missed.

One of the houses is the test's own process, the other one is started. They share a database, a bell and the secrets.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest
import websockets

from models import api_key
from models.enums import Role
from models.storage.secrets import new_secret_key
from tests import postgres
from tests.graph.shop import Shop, at, furnish
from tests.graph.socket_client import acknowledged, close_code
from tests.live.calendar_copy import Copy, leaving
from tests.live.events import streaming
from tests.live.history import drawn, play
from tests.live.live_model import DEEDS, Deed, Scene
from tests.live.processes import Processes, Web
from tests.models.log.brokers import Valkey
from tests.served import Served, serving
from tests.stage import Stage
from tests.world.dice import Dice

AT_ONCE = 1.0
"""Seconds in which another process hears of something by the bell."""

QUICKLY = 5.0
"""Seconds in which a process ends that is told to, and in which one that cannot hear the others sees what they did."""

BACK_AFTER = 8.0
"""Seconds in which processes have found the broker again."""

SEED = 9
"""In its history the broker dies and comes back, twice."""

_numbers = count(1)


@dataclass
class Street:
    """The house in this process, the others, and the broker between them."""

    here: Served
    others: Processes
    broker: Valkey

    async def shop(self) -> Shop:
        """A furnished business of one's own."""
        return await furnish(await self.here.another(f"shop-{next(_numbers)}"))


@pytest.fixture(scope="module")
async def street(our_stage: Stage, postgres_database: str) -> AsyncIterator[Street]:
    """Opened once: a process takes seconds to start."""
    await postgres.empty(postgres_database)
    broker, secret = Valkey(), new_secret_key()
    await broker.restart()
    others = Processes(
        {
            "TIMEBOK_DATABASE_URL": postgres_database,
            "TIMEBOK_BELL_URL": broker.url,
            "TIMEBOK_SECRET_KEYS": secret,
            "TIMEBOK_PUBLIC_URL": our_stage.origin,
            # The customers of this play are one machine, and book all day.
            "TIMEBOK_ADDRESS_BOOKINGS": "0",
        }
    )
    try:
        settings: dict[str, Any] = {"bell_url": broker.url, "secret_keys": (secret,), "address_bookings": 0}
        async with serving(our_stage, postgres_database, **settings) as here:
            yield Street(here, others, broker)
    finally:
        await others.stop()
        await broker.stop()


def through(served: Served, web: Web) -> Served:
    """The same business as it is served by another process."""
    return replace(served, url=web.url)


async def book(shop: Shop, clock: str, day: int = 0) -> None:
    """Books an hour with Anna."""
    await shop.booked(at(clock, day), optionId=shop.anna)


async def test_a_client_of_a_killed_process_goes_on_in_another_and_misses_nothing(street: Street) -> None:
    shop, web = await street.shop(), await street.others.web()
    reader, paused = [await Copy.of(through(shop.served, web)) for _ in range(2)]
    scene = Scene(shop, [shop.served])
    bookings = [(f"{hour:02}:00", day) for day in range(4) for hour in range(9, 17)]

    async def business_goes_on() -> None:
        for clock, day in bookings:
            await book(shop, clock, day)

    async with leaving(reader, paused):
        for copy in (reader, paused):
            await copy.follow()
        reader.read()
        going_on = asyncio.create_task(business_goes_on())
        await reader.until(5)
        web.process.kill()
        assert await reader.cut_off() is None
        await paused.vanish()
        assert len(reader.cursors) < len(bookings)
        for copy in (reader, paused):
            copy.served = shop.served
            await copy.follow()
            copy.read()
        await going_on
        for copy in (reader, paused):
            assert await scene.differences(copy, patience=QUICKLY) == []
            assert len(copy.cursors) == len(copy.entries) == len(bookings)
    assert await web.process.wait() == -signal.SIGKILL


async def test_a_key_revoked_in_another_process_ends_what_it_opened_within_a_second(street: Street) -> None:
    shop, web = await street.shop(), await street.others.web()
    key_id, plain = await api_key.create(shop.served.business_id, Role.STAFF, "a lost laptop")
    lost = replace(shop.served, keys={"staff": plain})
    after = await shop.cursor()
    async with AsyncExitStack() as stack:
        follows, idles, streams = [], [], []
        for house in (lost, through(lost, web)):
            follows.append(await stack.enter_async_context(house.following("CalendarChanges", "staff", after=after)))
            idles.append(await stack.enter_async_context(house.socket(plain)))
            await acknowledged(idles[-1])
            streams.append(await stack.enter_async_context(streaming(house, "staff", after=after)))
        kept = await stack.enter_async_context(
            through(shop.served, web).following("CalendarChanges", "staff", after=after)
        )
        await book(shop, "10:00")
        for following in (*follows, kept):
            await following.next()
        for stream in streams:
            await stream.next()
        await street.others.run("key", "revoke", str(key_id))
        async with asyncio.timeout(AT_ONCE):
            sockets = [*(stream.socket for stream in follows), *idles]
            assert await asyncio.gather(*map(close_code, sockets)) == [4403] * 4
            for stream in streams:
                assert [code for event in await stream.rest() for code in event.codes] == ["UNAUTHENTICATED"]
        await book(shop, "12:00")
        assert (await kept.next())["calendarChanges"]["entry"]["start"] == at("12:00")


async def test_changes_arrive_without_a_broker_and_at_once_when_it_is_back(street: Street) -> None:
    shop, web = await street.shop(), await street.others.web()
    loop = asyncio.get_running_loop()
    reader = await Copy.of(through(shop.served, web))
    hours = iter([(f"{hour:02}:00", day) for day in range(5) for hour in range(9, 17)])

    async def heard_after() -> float:
        """Books, and waits until the reader in the other process knows: the seconds that took."""
        count = len(reader.cursors)
        began = loop.time()
        await book(shop, *next(hours))
        await reader.until(count + 1, patience=2 * QUICKLY)
        return loop.time() - began

    async with leaving(reader):
        await reader.follow()
        reader.read()
        await heard_after()
        assert await heard_after() < AT_ONCE
        await street.broker.stop()
        assert await heard_after() < QUICKLY
        await street.broker.restart()
        back = loop.time()
        # Who looks by itself may come just in time once; not twice, one after the other.
        while max([await heard_after(), await heard_after()]) >= AT_ONCE:
            assert loop.time() - back < BACK_AFTER, "the bell is not heard again"
        assert await Scene(shop, [shop.served]).differences(reader, QUICKLY) == []


async def test_whatever_happens_while_the_broker_comes_and_goes_copies_stay_right(street: Street) -> None:
    shop, web = await street.shop(), await street.others.web()
    broken: list[bool] = []

    async def stop_or_restart(_: Scene, __: Dice) -> str | None:
        """The broker dies, or is back."""
        await (street.broker.restart() if broken else street.broker.stop())
        if broken:
            broken.clear()
            return "is back"
        broken.append(True)
        return "dies"

    deeds: Mapping[str, Deed] = {**DEEDS, "broker": stop_or_restart}
    steps = drawn(SEED, 50, deeds)
    try:
        played = await play(Scene(shop, [shop.served, through(shop.served, web)]), steps, deeds)
    finally:
        if broken:
            await street.broker.restart()
    assert played.wrong == [], played.told


async def test_a_process_that_is_told_to_end_says_so_to_its_clients_and_they_go_on_elsewhere(street: Street) -> None:
    shop, web = await street.shop(), await street.others.web()
    there = through(shop.served, web)
    reader, paused = await Copy.of(there), await Copy.of(there, options=[shop.anna])
    after = await shop.cursor()
    async with there.socket(there.keys["staff"]) as idle, streaming(there, "staff", after=after) as stream:
        await acknowledged(idle)
        async with leaving(reader, paused):
            for copy in (reader, paused):
                await copy.follow()
            reader.read()
            await book(shop, "09:00")
            await reader.until(1)
            last = (await stream.next()).change["cursor"]
            web.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(QUICKLY):
                # Nobody is told that there is nothing more to come.
                assert "complete" not in [event.name for event in await stream.rest()]
                assert await reader.cut_off() == websockets.CloseCode.SERVICE_RESTART
                assert await close_code(idle) == websockets.CloseCode.SERVICE_RESTART
                assert idle.close_reason
                assert await web.process.wait() == 0
            await paused.vanish()
            await book(shop, "10:00")
            for copy in (reader, paused):
                copy.served = shop.served
                assert await Scene(shop, [shop.served]).differences(copy, QUICKLY) == []
                assert len(copy.cursors) == 2
    async with streaming(shop.served, "staff", after=last) as stream:
        assert (await stream.next()).change["entry"]["start"] == at("10:00")
