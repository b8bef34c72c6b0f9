"""The bell wakes who listens, in this process and in others, and gets over the death of its broker."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import uuid4

import pytest

from models.log.notifier import Notifier
from tests.models.log.brokers import Broker, Postgres, Valkey, Wire

T = TypeVar("T")

HEARTBEAT_SECONDS = 0.3
PATIENCE = 20.0
FAST = 1.0
"""Seconds in which another process hears a ring, on a busy machine."""


@pytest.fixture(scope="module")
async def valkey() -> AsyncIterator[Valkey]:
    server = Valkey()
    await server.restart()
    yield server
    await server.stop()


@pytest.fixture
def postgres(postgres_url: str, postgres_server: str) -> Postgres:
    return Postgres(postgres_url, postgres_server)


@pytest.fixture(params=["valkey", "postgres"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """A broker that is there, once of each kind."""
    found: Broker = request.getfixturevalue(request.param)
    return found


@pytest.fixture(autouse=True)
def nothing_dies_unnoticed(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No task of a dead connection is forgotten with its error, which would be told in the log."""
    yield
    gc.collect()
    assert [record.getMessage() for record in caplog.get_records("call") if record.name == "asyncio"] == []


@asynccontextmanager
async def hanging(broker: Broker | Wire) -> AsyncIterator[Notifier]:
    """A bell that listens, as a process has one."""
    bell = Notifier(broker.url, HEARTBEAT_SECONDS)
    bell.start()
    try:
        await within(becoming(bell, healthy=True))
        yield bell
    finally:
        await within(bell.stop())


async def becoming(bell: Notifier, *, healthy: bool) -> None:
    """Returns when the bell is healthy or not; that it changes, everybody is woken for."""
    with bell.listening(uuid4()) as woken:
        while bell.healthy is not healthy:
            await woken.wait()
            woken.clear()


async def within(awaited: Awaitable[T], seconds: float = PATIENCE) -> T:
    async with asyncio.timeout(seconds):
        return await awaited


async def test_a_ring_wakes_who_listens_to_the_business_and_who_listens_to_all() -> None:
    bell, business_id = Notifier("memory://"), uuid4()
    bell.start()
    assert bell.healthy
    with bell.listening(business_id) as mine, bell.listening() as any_of_them, bell.listening(uuid4()) as another:
        bell.ring(business_id)
        assert mine.is_set()
        assert any_of_them.is_set()
        assert not another.is_set()
    mine.clear()
    bell.ring(business_id)
    assert not mine.is_set(), "it rings on after the block"
    assert not bell._listeners
    await bell.flush()
    await bell.stop()


async def test_a_ring_in_one_process_wakes_another_fast(broker: Broker) -> None:
    business_id = uuid4()
    async with hanging(broker) as here, hanging(broker) as there:
        with there.listening(business_id) as heard, there.listening(uuid4()) as another:
            here.ring(business_id)
            await within(heard.wait(), FAST)
            assert not another.is_set()
        with here.listening(business_id) as heard:
            there.ring(business_id)
            await within(heard.wait(), FAST)


async def test_coroutines_that_begin_to_listen_at_once_all_hear(broker: Broker) -> None:
    business_id = uuid4()
    begun = asyncio.Barrier(3)

    async def listen(bell: Notifier) -> None:
        with bell.listening(business_id) as heard:
            await begun.wait()
            await heard.wait()

    async with hanging(broker) as here, hanging(broker) as there:
        listening = asyncio.gather(listen(there), listen(there))
        await within(begun.wait())
        here.ring(business_id)
        await within(listening, FAST)


async def test_many_rings_collapse(broker: Broker) -> None:
    business_id, last = uuid4(), uuid4()
    woken = 0
    async with hanging(broker) as here, hanging(broker) as there:
        with there.listening() as heard, there.listening(last) as heard_last:
            for _ in range(10_000):
                here.ring(business_id)
            here.ring(last)
            while not heard_last.is_set():
                await within(heard.wait())
                heard.clear()
                woken += 1
    assert woken < 10


async def test_a_ring_is_heard_that_comes_while_an_earlier_one_is_on_its_way(broker: Broker) -> None:
    business_id = uuid4()
    listening, *heard = (threading.Event() for _ in range(3))

    async def listen_as_another_process() -> None:
        async with hanging(broker) as there:
            with there.listening(business_id) as rung:
                listening.set()
                for each in heard:
                    await within(rung.wait(), FAST)
                    rung.clear()
                    each.set()

    async with hanging(broker) as here:
        elsewhere = asyncio.get_running_loop().run_in_executor(None, asyncio.run, listen_as_another_process())
        await asyncio.to_thread(listening.wait, PATIENCE)
        here.ring(business_id)
        # Heard there, while this side was not told yet that it was passed on.
        for _ in range(100):
            if heard[0].wait(0.05):
                break
            await asyncio.sleep(0)
        here.ring(business_id)
        await within(elsewhere)


async def test_what_others_say_on_the_channel_does_no_harm(broker: Broker) -> None:
    business_id = uuid4()
    async with hanging(broker) as here:
        with here.listening(business_id) as heard:
            for nonsense in ("", "nonsense", str(uuid4()), "ÆØÅ"):
                await broker.say("timebok", nonsense)
            await broker.say("timebok", str(business_id))
            await within(heard.wait(), FAST)
            assert here.healthy


async def test_when_the_broker_stops_everybody_is_woken_and_again_when_it_is_back(broker: Broker) -> None:
    business_id, other_id = uuid4(), uuid4()
    async with hanging(broker) as here, hanging(broker) as there:
        with here.listening(business_id) as one, there.listening(business_id) as other, there.listening() as third:
            await broker.stop()
            await within(asyncio.gather(becoming(here, healthy=False), becoming(there, healthy=False)))
            await within(asyncio.gather(one.wait(), other.wait(), third.wait()))
            one.clear()
            other.clear()
            here.ring(business_id)
            assert one.is_set(), "this process needs no broker"
            one.clear()
            third.clear()
            await broker.restart()
            await within(asyncio.gather(becoming(here, healthy=True), becoming(there, healthy=True)))
            await within(asyncio.gather(one.wait(), other.wait(), third.wait()))
        with there.listening(other_id) as heard:
            here.ring(other_id)
            await within(heard.wait(), FAST)


async def test_a_listener_whose_connection_dies_is_replaced(broker: Broker) -> None:
    business_id = uuid4()
    async with hanging(broker) as here, hanging(broker) as there:
        with here.listening(business_id) as one, there.listening(business_id) as other:
            await broker.cut()
            await within(asyncio.gather(one.wait(), other.wait()))
        await within(asyncio.gather(becoming(here, healthy=True), becoming(there, healthy=True)))
        with there.listening(business_id) as heard:
            here.ring(business_id)
            await within(heard.wait(), FAST)


async def test_a_broker_that_falls_silent_is_noticed(broker: Broker) -> None:
    business_id = uuid4()
    async with Wire().laid_to(broker) as wire, hanging(wire) as here, hanging(broker) as there:
        with here.listening(business_id) as heard:
            wire.silence()
            await within(becoming(here, healthy=False))
            await within(heard.wait(), FAST)
        here.ring(business_id)
        with there.listening(business_id) as heard:
            wire.speak()
            await within(becoming(here, healthy=True))
            await within(heard.wait(), FAST)
        wire.silence()
        await within(becoming(here, healthy=False))
        await within(here.stop(), 3)


async def test_ringing_never_waits_and_stopping_is_quick_while_there_is_no_broker(broker: Broker) -> None:
    await broker.stop()
    bell, tasks = Notifier(broker.url, HEARTBEAT_SECONDS), asyncio.all_tasks()
    bell.start()
    with bell.listening(business_id := uuid4()) as heard:
        for _ in range(10_000):
            bell.ring(business_id)
        assert heard.is_set()
    assert not bell.healthy
    await within(bell.flush(), 3)
    await broker.restart()
    await within(becoming(bell, healthy=True))
    await within(bell.flush(), 0.5)
    await broker.stop()
    await within(becoming(bell, healthy=False))
    await within(bell.stop(), 3)
    await broker.restart()
    assert asyncio.all_tasks() == tasks
