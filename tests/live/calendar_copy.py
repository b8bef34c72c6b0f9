"""A client that keeps a copy of a calendar: one snapshot, and every change since, applied as it comes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import websockets

from tests.graph.shop import at
from tests.served import Served, Stream
from tests.stage import PATIENCE

WINDOW = {"from": at("00:00", -21), "to": at("00:00", 35)}
"""Eight weeks, in which everything lies that is ever booked here."""


async def snapshot(served: Served, options: list[str] | None) -> Any:
    """The calendar as it is now; of some options only, if they are given."""
    return await served.do("Calendar", "staff", **WINDOW, optionIds=options)


@dataclass
class Copy:
    """A copy of the calendar of `options` (None: of all), read from `served`.

    `began` is the snapshot's cursor, `cursors` are those of the changes that came since: all of them, as they came.
    """

    served: Served
    role: str
    options: list[str] | None
    began: str
    entries: dict[str, Any]
    cursors: list[str] = field(default_factory=list)
    _line: AsyncExitStack = field(default_factory=AsyncExitStack)
    _stream: Stream | None = None
    _reading: asyncio.Task[None] | None = None
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def of(cls, served: Served, role: str = "staff", options: list[str] | None = None) -> Self:
        """A fresh copy. It follows nothing yet."""
        seen = await snapshot(served, options)
        return cls(served, role, options, seen["cursor"], {entry["id"]: entry for entry in seen["entries"]})

    @property
    def connected(self) -> bool:
        """Whether it has a socket, read from or not."""
        return self._stream is not None

    @property
    def reading(self) -> bool:
        """Whether it takes what comes."""
        return self._reading is not None

    @property
    def socket(self) -> websockets.ClientConnection:
        """The socket on which it follows."""
        assert self._stream
        return self._stream.socket

    async def follow(self) -> None:
        """Opens a socket and goes on from the last change it has; nothing is read yet."""
        assert not self._stream
        after = self.cursors[-1] if self.cursors else self.began
        following = self.served.following("CalendarChanges", self.role, after=after, optionIds=self.options)
        self._stream = await self._line.enter_async_context(following)

    def read(self) -> None:
        """Takes what comes, from now on."""
        assert self._stream
        assert not self._reading
        self._reading = asyncio.create_task(self._read(self._stream))
        self._reading.add_done_callback(lambda _: self._came.set())

    async def pause(self) -> None:
        """Leaves in the socket what comes."""
        reading, self._reading = self._reading, None
        if reading:
            reading.cancel()
            await asyncio.wait([reading])

    async def leave(self) -> None:
        """Says goodbye and closes the socket; what is on its way is still taken."""
        assert self._reading
        await self.socket.close()
        await self.cut_off()

    async def cut_off(self) -> int | None:
        """Waits for the end of the socket: the code it was closed with; None when the line was just cut."""
        assert self._reading
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([self._reading])
        end = self._reading.exception()
        if not isinstance(end, websockets.ConnectionClosed):
            raise end or AssertionError("it was not the end")
        await self._hang_up()
        return end.rcvd.code if end.rcvd else None

    async def vanish(self) -> None:
        """Is gone without a word; what was not read is lost."""
        await self.pause()
        self.socket.transport.abort()
        await self._hang_up()

    async def until(self, count: int, patience: float = PATIENCE) -> None:
        """Returns once so many changes have come. Raises what ended the reading, or TimeoutError."""
        assert self._reading
        async with asyncio.timeout(patience):
            while len(self.cursors) < count:
                if self._reading.done():
                    await self._reading
                self._came.clear()
                await self._came.wait()

    async def quiet(self) -> None:
        """Fails when more comes than was waited for: whatever was sent until now comes before the answer to a ping."""
        await self.pause()
        assert self._stream
        await self.socket.send('{"type": "ping"}')
        message = await self._stream.message()
        assert message["type"] == "pong", f"nothing more was to come: {message}"

    async def _read(self, stream: Stream) -> None:
        while True:
            # Whoever follows may have to wait long.
            message = json.loads(await stream.socket.recv())
            assert message["type"] == "next", message
            assert "errors" not in message["payload"], message
            self._apply(message["payload"]["data"]["calendarChanges"])

    def _apply(self, change: Any) -> None:
        self.cursors.append(change["cursor"])
        self._came.set()
        match change["action"]:
            case "UPSERTED":
                assert change["entry"]["id"] == change["entryId"]
                self.entries[change["entryId"]] = change["entry"]
            case "REMOVED":
                assert change["entry"] is None
                self.entries.pop(change["entryId"], None)
            case action:
                raise AssertionError(f"{action}, though its cursor is kept")

    async def _hang_up(self) -> None:
        self._stream = self._reading = None
        await self._line.aclose()


@asynccontextmanager
async def leaving(*copies: Copy) -> AsyncIterator[None]:
    """When the block ends, whoever is still connected vanishes."""
    try:
        yield
    finally:
        for copy in copies:
            if copy.connected:
                await copy.vanish()
