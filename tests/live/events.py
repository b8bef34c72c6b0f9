"""Server-sent events as a client without sockets reads them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.operations import operations
from tests.served import Served
from tests.stage import PATIENCE


@dataclass(frozen=True)
class Event:
    """One event: its name, the id it came with (None: without), and its data; an empty one's is None."""

    name: str
    identity: str | None
    data: Any

    @property
    def change(self) -> Any:
        """The change of the calendar that it brings. Fails on anything else."""
        assert self.name == "next", self
        assert "errors" not in self.data, self
        return self.data["data"]["calendarChanges"]

    @property
    def codes(self) -> list[str]:
        """The codes of the errors it brings."""
        return [error["extensions"]["code"] for error in (self.data or {}).get("errors") or ()]


@dataclass
class Streamed:
    """An answer that is a stream of events; `comments` are those that came so far."""

    response: httpx2.Response
    comments: int = 0

    def __post_init__(self) -> None:
        self._lines = self.response.aiter_lines()

    async def next(self) -> Event:
        """The next event. Raises StopAsyncIteration at the end of the stream, TimeoutError when nothing comes."""
        async with asyncio.timeout(PATIENCE):
            return await self._next()

    async def _next(self) -> Event:
        fields: dict[str, str] = {}
        while True:
            line = await anext(self._lines)
            if line:
                name, _, value = line.partition(":")
                self.comments += not name
                fields[name] = fields.get(name, "") + value.removeprefix(" ")
            elif fields.keys() & {"event", "data", "id"}:
                data = fields.get("data")
                return Event(fields.get("event", "message"), fields.get("id"), json.loads(data) if data else None)

    async def rest(self) -> list[Event]:
        """All that still comes, to the end of the stream."""
        events = []
        while True:
            try:
                events.append(await self.next())
            except StopAsyncIteration:
                return events


@asynccontextmanager
async def streaming(
    served: Served,
    role: str,
    document: str = operations()["CalendarChanges"],
    last_event_id: str | None = None,
    **variables: Any,
) -> AsyncIterator[Streamed]:
    """A subscription over HTTP, begun; `last_event_id` is what a client says that comes back."""
    headers = {"Authorization": f"Bearer {served.keys[role]}", "Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    body = {"query": document, "variables": variables}
    async with served.http.stream("POST", f"{served.url}/graphql", json=body, headers=headers) as response:
        yield Streamed(response)
