"""Wake-ups after commit: "something changed in this business". The one importer of broadcaster.

A ring carries no truth, only a business id; a lost one costs the seconds until readers look by themselves. One
backend subscription serves the whole process and is supervised: broadcaster's listeners die silently and never
reconnect, so the bell listens for its own heartbeat, and when it hears nothing it wakes everybody and starts anew.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

from broadcaster import Broadcast

log = logging.getLogger("timebok.bell")

_CHANNEL = "timebok"
_HEARTBEAT = "heartbeat"
HEARTBEAT_SECONDS = 5.0
_PATIENCE = 3
_FIRST_RETRY_SECONDS = 0.05
_LAST_RETRY_SECONDS = 5.0


class Bell:
    """One process's bell. Listeners are woken through events that collapse, so a slow one costs nothing."""

    def __init__(self, url: str, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._url = url.replace("valkey://", "redis://", 1).replace("postgresql://", "postgres://", 1)
        self._listeners: dict[UUID | None, set[asyncio.Event]] = defaultdict(set)
        self._outbox: dict[str, None] = {}
        self._has_outgoing = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.healthy = self.is_local
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def is_local(self) -> bool:
        """Whether rings stay inside this process."""
        return self._url.startswith("memory://")

    def start(self) -> None:
        """Begins to listen to other processes, if there is a broker."""
        if not self.is_local:
            self._supervisor = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """Stops listening; what waits to be rung elsewhere is dropped, since readers look by themselves."""
        if self._supervisor:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor

    def ring(self, business_id: UUID) -> None:
        """Wakes this process's listeners of the business at once, and other processes' soon. Never waits."""
        self._wake(business_id)
        if not self.is_local:
            self._outbox[str(business_id)] = None
            self._idle.clear()
            self._has_outgoing.set()

    async def flushed(self) -> None:
        """Returns when what was rung has been passed on, or cannot be soon: for processes that end now."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._idle.wait()

    @contextlib.contextmanager
    def listening(self, business_id: UUID | None = None) -> Iterator[asyncio.Event]:
        """An event set by every ring of the business (None: of any business), until the block ends."""
        event = asyncio.Event()
        self._listeners[business_id].add(event)
        try:
            yield event
        finally:
            self._listeners[business_id].discard(event)
            if not self._listeners[business_id]:
                del self._listeners[business_id]

    def _wake(self, business_id: UUID) -> None:
        for event in (*self._listeners.get(business_id, ()), *self._listeners.get(None, ())):
            event.set()

    def _wake_everybody(self) -> None:
        for events in self._listeners.values():
            for event in events:
                event.set()

    async def _supervise(self) -> None:
        retry = _FIRST_RETRY_SECONDS
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await self._session()
            except Exception as error:
                log.warning("bell lost: %s: %s", type(error).__name__, error)
            self.healthy = False
            self._wake_everybody()
            lasted = asyncio.get_running_loop().time() - started
            retry = _FIRST_RETRY_SECONDS if lasted > self._heartbeat_seconds else min(2 * retry, _LAST_RETRY_SECONDS)
            await asyncio.sleep(retry)

    async def _session(self) -> None:
        """One connection to the broker, from connecting to its first sign of death. Always ends by raising."""
        broadcast = Broadcast(self._url)
        try:
            async with asyncio.timeout(self._heartbeat_seconds):
                await broadcast.connect()
            # Two coroutines subscribing at once lose one of them: this is the process's only subscription.
            async with broadcast.subscribe(_CHANNEL) as subscriber, asyncio.TaskGroup() as tasks:
                heard = asyncio.Event()
                tasks.create_task(self._listen(subscriber, heard))
                tasks.create_task(self._speak(broadcast))
                tasks.create_task(self._doubt(heard))
        finally:
            await _torn_down(broadcast)

    async def _listen(self, subscriber: Any, heard: asyncio.Event) -> None:
        while True:
            message = str((await subscriber.get()).message)
            heard.set()
            if not self.healthy:
                self.healthy = True
                self._wake_everybody()
            if message != _HEARTBEAT:
                self._wake(UUID(message))

    async def _speak(self, broadcast: Broadcast) -> None:
        """Publishes one at a time (the PostgreSQL backend cannot do two), with a heartbeat in between."""
        await broadcast.publish(_CHANNEL, _HEARTBEAT)
        while True:
            try:
                async with asyncio.timeout(self._heartbeat_seconds):
                    await self._has_outgoing.wait()
            except TimeoutError:
                await broadcast.publish(_CHANNEL, _HEARTBEAT)
            self._has_outgoing.clear()
            while self._outbox:
                message = next(iter(self._outbox))
                await broadcast.publish(_CHANNEL, message)
                self._outbox.pop(message, None)
            self._idle.set()

    async def _doubt(self, heard: asyncio.Event) -> None:
        while True:
            heard.clear()
            async with asyncio.timeout(_PATIENCE * self._heartbeat_seconds):
                await heard.wait()
            await asyncio.sleep(self._heartbeat_seconds)


async def _torn_down(broadcast: Broadcast) -> None:
    """Ends a broadcast whose tasks may be dead or stuck; whatever it says in parting is of no interest."""
    backend = broadcast._backend
    tasks = [getattr(broadcast, "_listener_task", None), getattr(backend, "_listener", None)]
    for task in tasks:
        if isinstance(task, asyncio.Task):
            task.cancel()
    with contextlib.suppress(Exception, asyncio.CancelledError):
        async with asyncio.timeout(1):
            await broadcast.disconnect()


_silent = Bell("memory://")
_bell = _silent


@contextlib.asynccontextmanager
async def hung(url: str) -> AsyncIterator[Bell]:
    """The process's bell, for as long as the block lasts."""
    global _bell
    _bell = Bell(url)
    _bell.start()
    try:
        yield _bell
    finally:
        await _bell.stop()
        _bell = _silent


def current() -> Bell:
    """The process's bell; before one is hung, one that nobody else hears."""
    return _bell


def ring(business_id: UUID) -> None:
    """Rings the process's bell for a business."""
    _bell.ring(business_id)
