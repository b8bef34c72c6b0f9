"""Wake-ups after commit: "something changed in this business". Only it knows broadcaster.

A ring carries nothing but a business id. If one gets lost, listeners notice the change some seconds later, when they
look by themselves. The process has one subscription at the broker. broadcaster's listeners die silently and never
reconnect, so the bell publishes a heartbeat and listens for it; hearing none, it wakes everybody and connects anew.
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
    """The bell of one process. It wakes listeners by setting their events, so rings never pile up for a slow one."""

    def __init__(self, url: str, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        """Publishes a heartbeat every `heartbeat_seconds`; gives a connection up after three times that in silence."""
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
        """Whether rings reach only this process, since there is no broker."""
        return self._url.startswith("memory://")

    def start(self) -> None:
        """Starts listening to other processes, if there is a broker."""
        if not self.is_local:
            self._supervisor = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """Stops listening, and drops rings that it has not published: other processes look by themselves."""
        if self._supervisor:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])

    def ring(self, business_id: UUID) -> None:
        """Wakes this process's listeners of the business at once, and those of other processes soon. Never waits."""
        self._wake(business_id)
        if not self.is_local:
            self._outbox[str(business_id)] = None
            self._idle.clear()
            self._has_outgoing.set()

    async def flush(self) -> None:
        """Waits until it has published all rings, one second at most. Commands call it before they end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._idle.wait()

    @contextlib.contextmanager
    def listening(self, business_id: UUID | None = None) -> Iterator[asyncio.Event]:
        """Yields an event that every ring of the business sets; with None, every ring of any business."""
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

    def _set_health(self, *, healthy: bool) -> None:
        """Keeps whether the broker can be reached. When that changes, wakes everybody: rings may have been lost."""
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
                self._outage.goes_on(_describe(error))
            lasted = asyncio.get_running_loop().time() - started
            retry = _FIRST_RETRY_SECONDS if lasted > self._heartbeat_seconds else min(2 * retry, _LAST_RETRY_SECONDS)
            await asyncio.sleep(retry)

    async def _session(self) -> None:
        """Connects to the broker and serves the connection until it fails. Always ends by raising."""
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
                        self._set_health(healthy=False)
                        # broadcaster would wait for ever to unsubscribe from a silent broker.
                        patience.reschedule(loop.time() + _PARTING_SECONDS)
        finally:
            parting = asyncio.create_task(_tear_down(broadcast))
            try:
                await asyncio.shield(parting)
            finally:
                # `stop` may cancel us just here; the connection must be closed all the same.
                await asyncio.wait([parting])

    async def _run_connection(self, broadcast: Broadcast, subscriber: Any) -> None:
        heard = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(subscriber, heard))
            tasks.create_task(self._publish(broadcast))
            tasks.create_task(self._watch_heartbeat(heard))
            tasks.create_task(_watch_listeners(broadcast))

    async def _listen(self, subscriber: Any, heard: asyncio.Event) -> None:
        while True:
            message = str((await subscriber.get()).message)
            heard.set()
            self._set_health(healthy=True)
            if message != _HEARTBEAT:
                # A message that is no business id is not for us.
                with contextlib.suppress(ValueError):
                    self._wake(UUID(message))

    async def _publish(self, broadcast: Broadcast) -> None:
        """Publishes rings, one at a time since the PostgreSQL backend cannot do two, and heartbeats in between."""
        await broadcast.publish(_CHANNEL, _HEARTBEAT)
        while True:
            self._has_outgoing.clear()
            while self._outbox:
                await self._publish_one(broadcast, next(iter(self._outbox)))
            self._idle.set()
            try:
                async with asyncio.timeout(self._heartbeat_seconds):
                    await self._has_outgoing.wait()
            except TimeoutError:
                await broadcast.publish(_CHANNEL, _HEARTBEAT)

    async def _publish_one(self, broadcast: Broadcast, message: str) -> None:
        """Publishes one ring. Takes it from the outbox first, so that one that comes meanwhile is published again."""
        del self._outbox[message]
        try:
            await broadcast.publish(_CHANNEL, message)
        except BaseException:
            self._outbox[message] = None
            raise

    async def _watch_heartbeat(self, heard: asyncio.Event) -> None:
        """Raises ConnectionError when no message has come for too long, not even the bell's own heartbeat."""
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


async def _tear_down(broadcast: Broadcast) -> None:
    """Ends a broadcast whose tasks may be dead or stuck; whatever it says in parting is of no interest."""
    tasks = listener_tasks(broadcast)
    for task in tasks:
        task.cancel()
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_PARTING_SECONDS):
            await asyncio.gather(*tasks, return_exceptions=True)
            await disconnect_backend(broadcast)


def _describe(error: Exception) -> str:
    """Describes an error in one line; of a group, its first."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


_silent = Notifier("memory://")
_bell = _silent


@contextlib.asynccontextmanager
async def open_notifier(url: str) -> AsyncIterator[Notifier]:
    """Makes a bell the process's own while the block runs."""
    global _bell
    _bell = Notifier(url)
    _bell.start()
    try:
        yield _bell
    finally:
        await _bell.stop()
        _bell = _silent


def current() -> Notifier:
    """Returns the process's bell; before `open_notifier` has made one, a bell that reaches only this process."""
    return _bell


def ring(business_id: UUID) -> None:
    """Rings the process's bell for a business. `change_log.write` calls it after each commit."""
    _bell.ring(business_id)
