"""What goes wrong on the way to Google: the sandbox's faults, answers held back, notifications that come late.

Counts what really struck.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync.sandbox.calendars.calendars import Calendar
from sync.sandbox.faults import Fault, FaultKind, Faults
from tests.world.dice import Dice

REQUESTS = (
    ("POST", "/events"),
    ("PUT", "/events/"),
    ("DELETE", "/events/"),
    ("GET", "/events"),
    ("GET", "/instances"),
    ("POST", "/watch"),
    ("POST", "/token"),
    ("GET", "/calendarList"),
    *3 * ((None, None),),
)
"""Where a fault may strike."""

AT_THE_DOOR = (
    FaultKind.RATE_LIMITED,
    FaultKind.USER_RATE_LIMITED,
    FaultKind.QUOTA_EXCEEDED,
    FaultKind.SERVER_ERROR,
    FaultKind.HTML_BAD_GATEWAY,
    FaultKind.DROP_BEFORE,
    FaultKind.DROP_AFTER,
    FaultKind.SLOW,
)
ABOUT_A_CALENDAR = (FaultKind.EMPTY_PAGE, FaultKind.LOSE_NOTIFICATION, FaultKind.DOUBLE_NOTIFICATION)


class Counted(Faults):
    """Faults that say when they strike."""

    def __init__(self, tally: Counter[str]) -> None:
        super().__init__()
        self._tally = tally

    def take(self, kinds: frozenset[FaultKind], method: str = "", path: str = "") -> Fault | None:
        fault = super().take(kinds, method, path)
        if fault is not None:
            self._tally[f"struck: {fault.kind}"] += 1
        return fault


class Gate:
    """Holds one request back, before or after it took effect, until it is opened."""

    def __init__(self, app: ASGIApp, weather: "NetworkFaults") -> None:
        self._app = app
        self._weather = weather

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = self._weather.held
        if held is None or scope["type"] != "http" or not held.is_for(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return

        async def sent_late(message: Message) -> None:
            await held.pause()
            await send(message)

        if held.before:
            await held.pause()
        await self._app(scope, receive, send if held.before else sent_late)


class Held:
    """A request that is to wait. `arrived` is set when it does; the first that fits is the only one."""

    def __init__(self, method: str | None, path: str | None, before: bool) -> None:
        self.arrived = asyncio.Event()
        self.before = before
        self._method, self._path = method, path
        self._open = asyncio.Event()
        self._taken = False

    def is_for(self, method: str, path: str) -> bool:
        fits = self._method in (None, method) and (self._path or "/calendar/") in path
        chosen = fits and not self._taken and not self._open.is_set()
        self._taken = self._taken or chosen
        return chosen

    async def pause(self) -> None:
        self.arrived.set()
        await self._open.wait()

    def open(self) -> None:
        self._open.set()


class NetworkFaults:
    """Fair until told otherwise."""

    def __init__(self, tally: Counter[str], take: Callable[[Mapping[str, str]], Awaitable[None]]) -> None:
        """`take` is where notifications go in the end."""
        self.faults = Counted(tally)
        self.held: Held | None = None
        self._tally = tally
        self._take = take
        self._late: list[Mapping[str, str]] | None = None

    def strike(self, dice: Dice, kind: FaultKind, calendar: Calendar) -> str:
        """Something is going to go wrong once or more, with some kind of request or all of them."""
        times = dice.choice([1, 1, 2, 4])
        if kind in ABOUT_A_CALENDAR:
            self.faults.add(kind, times, path=calendar.id)
            return f"{kind} x{times} on {calendar.id}"
        method, path = dice.choice(REQUESTS)
        seconds = 0.01 if kind is FaultKind.SLOW else None
        self.faults.add(kind, times, method=method, path=path, seconds=seconds)
        return f"{kind} x{times} on {method} {path}"

    def hold(self, dice: Dice) -> Held:
        """The next request of some kind waits, or its answer does."""
        method, path = dice.choice([*REQUESTS, *2 * (("GET", "/events"), ("POST", "/events"))])
        self.held = Held(method, path, before=dice.random() < 0.4)
        return self.held

    async def hear(self, headers: Mapping[str, str]) -> None:
        """A notification of Google's arrives here."""
        if self._late is None:
            await self._take(headers)
        else:
            self._tally["struck: late_notification"] += 1
            self._late.append(headers)

    def delay_notifications(self) -> None:
        """From now on they come when `deliver` says."""
        self._late = self._late or []

    async def deliver(self) -> int:
        """What is late arrives, the last first; how many these were."""
        late, self._late = self._late or [], None if self._late is None else []
        for headers in reversed(late):
            await self._take(headers)
        return len(late)

    async def clear(self) -> None:
        """All is well again."""
        self.faults.clear()
        if self.held is not None:
            self.held.open()
            self.held = None
        await self.deliver()
        self._late = None
