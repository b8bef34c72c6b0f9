"""What broadcaster does not promise to keep and is used all the same, each with its reason."""

import asyncio
from typing import Any

from broadcaster import Broadcast


def listener_tasks(broadcast: Broadcast) -> list[asyncio.Task[Any]]:
    """The tasks with which a broadcast listens: its own, and its backend's where that has one (Redis).

    They die in silence: neither subscribers nor publishers hear of it.
    """
    found = getattr(broadcast, "_listener_task", None), getattr(broadcast._backend, "_listener", None)
    return [task for task in found if isinstance(task, asyncio.Task)]


async def disconnect_backend(broadcast: Broadcast) -> None:
    """Closes the connections of a broadcast whose tasks have ended: its own `disconnect` would raise what ended them,
    and leave the connections open.
    """
    await broadcast._backend.disconnect()
