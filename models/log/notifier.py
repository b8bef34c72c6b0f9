"""Wake-ups after commit: "something changed in this business". Only it knows broadcaster.

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

from models.log.broadcaster_internals import disconnect_backend, listener_tasks
from models.storage.outage import Outage

log = logging.getLogger("timebok.bell")

_WHAT = "the broker of TIMEBOK_BELL_URL (meanwhile other processes are noticed some seconds later)"

_CHANNEL = "timebok"
_HEARTBEAT = "heartbeat"
HEARTBEAT_SECONDS = 5.0
_PATIENCE = 3
_PARTING_SECONDS = 1.0
_FIRST_RETRY_SECONDS = 0.05
_LAST_RETRY_SECONDS = 5.0


class Notifier:
    """One process's bell. Listeners are woken through events that collapse, so a slow one costs nothing."""

    def __init__(self, url: str, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        """`heartbeat_seconds` is how often it says something; three times that in silence is death."""
        self._heartbeat_seconds = heartbeat_seconds
        self._patience_seconds = _PATIENCE * heartbeat_seconds
        self._url = url.replace("valkey://", "redis://", 1).replace("postgresql://", "postgres://", 1)
        self._listeners: dict[UUID | None, set[asyncio.Event]] = defaultdict(set)
        self._outbox: dict[str, None] = {}
        self._has_outgoing = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.healthy = self.is_local
        self._supervisor: asyncio.Task[None] | None = None
        self._outage = Outage(log, _WHAT)

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
            await asyncio.wait([self._supervisor])

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

    def _become(self, *, healthy: bool) -> None:
        """Notes how it stands with the broker. When that changes, rings may have been lost: everybody looks."""
        if healthy:
            self._outage.is_over()
        if self.healthy is not healthy:
            self.healthy = healthy
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
                self._outage.goes_on(_told(error))
            lasted = asyncio.get_running_loop().time() - started
            retry = _FIRST_RETRY_SECONDS if lasted > self._heartbeat_seconds else min(2 * retry, _LAST_RETRY_SECONDS)
            await asyncio.sleep(retry)

    async def _session(self) -> None:
        """One connection to the broker, from connecting to its first sign of death. Always ends by raising."""
        broadcast, loop = Broadcast(self._url), asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._patience_seconds) as patience:
                await broadcast.connect()
                # Two coroutines subscribing at once lose one of them: this is the process's only subscription.
                async with broadcast.subscribe(_CHANNEL) as subscriber:
                    patience.reschedule(None)
                    try:
                        await self._run_connection(broadcast, subscriber)
                    finally:
                        self._become(healthy=False)
                        # A silent broker would not let go of its subscriber.
                        patience.reschedule(loop.time() + _PARTING_SECONDS)
        finally:
            parting = asyncio.create_task(_torn_down(broadcast))
            try:
                await asyncio.shield(parting)
            finally:
                # Also when the bell is stopped just then.
                await asyncio.wait([parting])

    async def _run_connection(self, broadcast: Broadcast, subscriber: Any) -> None:
        heard = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(subscriber, heard))
            tasks.create_task(self._speak(broadcast))
            tasks.create_task(self._watch_heartbeat(heard))
            tasks.create_task(_watch_listeners(broadcast))

    async def _listen(self, subscriber: Any, heard: asyncio.Event) -> None:
        while True:
            message = str((await subscriber.get()).message)
            heard.set()
            self._become(healthy=True)
            if message != _HEARTBEAT:
                # Whatever else is said on the channel is not meant for us.
                with contextlib.suppress(ValueError):
                    self._wake(UUID(message))

    async def _speak(self, broadcast: Broadcast) -> None:
        """Publishes one at a time (the PostgreSQL backend cannot do two), with a heartbeat in between."""
        await broadcast.publish(_CHANNEL, _HEARTBEAT)
        while True:
            self._has_outgoing.clear()
            while self._outbox:
                await self._pass_on(broadcast, next(iter(self._outbox)))
            self._idle.set()
            try:
                async with asyncio.timeout(self._heartbeat_seconds):
                    await self._has_outgoing.wait()
            except TimeoutError:
                await broadcast.publish(_CHANNEL, _HEARTBEAT)

    async def _pass_on(self, broadcast: Broadcast, message: str) -> None:
        """Publishes one ring. It leaves the outbox first, so that one that comes meanwhile goes out too."""
        del self._outbox[message]
        try:
            await broadcast.publish(_CHANNEL, message)
        except BaseException:
            self._outbox[message] = None
            raise

    async def _watch_heartbeat(self, heard: asyncio.Event) -> None:
        """Raises ConnectionError when the bell has not heard anything, its own heartbeat included, for too long."""
        while True:
            heard.clear()
            try:
                async with asyncio.timeout(self._patience_seconds):
                    await heard.wait()
            except TimeoutError:
                raise ConnectionError(f"heard nothing for {self._patience_seconds:g} s") from None
            await asyncio.sleep(self._heartbeat_seconds)


async def _watch_listeners(broadcast: Broadcast) -> None:
    """Raises ConnectionError as soon as one of its listeners is dead: they die in silence."""
    await asyncio.wait(listener_tasks(broadcast), return_when=asyncio.FIRST_COMPLETED)
    raise ConnectionError("a listener died")


async def _torn_down(broadcast: Broadcast) -> None:
    """Ends a broadcast whose tasks may be dead or stuck; whatever it says in parting is of no interest."""
    tasks = listener_tasks(broadcast)
    for task in tasks:
        task.cancel()
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_PARTING_SECONDS):
            await asyncio.gather(*tasks, return_exceptions=True)
            await disconnect_backend(broadcast)


def _told(error: Exception) -> str:
    """What happened, in one line: of several errors at once, the first."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


_silent = Notifier("memory://")
_bell = _silent


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Notifier]:
    """The process's bell, for as long as the block lasts."""
    global _bell
    _bell = Notifier(url)
    _bell.start()
    try:
        yield _bell
    finally:
        await _bell.stop()
        _bell = _silent


def current() -> Notifier:
    """The process's bell; before one is hung, one that nobody else hears."""
    return _bell


def ring(business_id: UUID) -> None:
    """Rings the process's bell for a business."""
    _bell.ring(business_id)
