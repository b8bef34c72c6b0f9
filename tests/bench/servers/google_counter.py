"""Counts what Google is asked, at Google's own door: requests by kind, and how long answering them takes."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

CHANGES, TOKEN, CALENDARS = "events.list, changes", "token", "calendarList.list"

PER_ACCOUNT = (CALENDARS, TOKEN)
"""Asked once for an account, however many of its calendars are linked."""

_BY_END = {"/token": TOKEN, "/calendarList": CALENDARS, "/watch": "events.watch", "/stop": "channels.stop"}
_OF_CALENDAR = {"POST": "events.insert"}
_OF_EVENT = {"GET": "events.get", "PUT": "events.update", "DELETE": "events.delete"}


@dataclass
class Meter:
    """What was asked, and answered, since it was last cleared; `seconds` were spent on the answers."""

    asked: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def total(self) -> int:
        return self.asked.total()

    def count(self, kind: str, seconds: float) -> None:
        self.asked[kind] += 1
        self.seconds += seconds
        self._moved.set()

    async def until(self, kind: str) -> None:
        """Returns once that was asked."""
        while not self.asked[kind]:
            self._moved.clear()
            await self._moved.wait()

    def clear(self) -> None:
        self.asked.clear()
        self.seconds = 0.0


class Metered:
    """A middleware around the sandbox; what people and tests do there is no request of ours."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (kind := _kind(scope["method"], scope["path"], scope["query_string"])):
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._meter.count(kind, time.perf_counter() - began)


def _kind(method: str, path: str, query: bytes) -> str | None:
    """The method of the API, in Google's words; None for what is not asked by an application."""
    for end, kind in _BY_END.items():
        if path.endswith(end):
            return kind
    if not path.startswith("/calendar/"):
        return None
    if path.endswith("/instances"):
        return "events.instances"
    if not path.endswith("/events"):
        return _OF_EVENT[method]
    if method != "GET":
        return _OF_CALENDAR[method]
    if b"syncToken=" in query:
        return CHANGES
    return "events.list, window" if b"singleEvents=true" in query else "events.list, everything"
