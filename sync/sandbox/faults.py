"""Trouble to order: what the sandbox does wrong on the next requests and notifications, and how often.

Owns the list of faults that are waiting. What each kind does stands in `trouble`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """`DROP_BEFORE` and `DROP_AFTER`: the connection breaks before or after the request took effect."""

    RATE_LIMITED = "rate_limited"
    USER_RATE_LIMITED = "user_rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    SERVER_ERROR = "server_error"
    HTML_BAD_GATEWAY = "html_bad_gateway"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    SLOW = "slow"
    HOLD = "hold"
    EMPTY_PAGE = "empty_page"
    LOSE_NOTIFICATION = "lose_notification"
    DOUBLE_NOTIFICATION = "double_notification"


TROUBLES = frozenset(FaultKind) - {
    FaultKind.EMPTY_PAGE,
    FaultKind.LOSE_NOTIFICATION,
    FaultKind.DOUBLE_NOTIFICATION,
}
"""The kinds that meet a request at the door."""


@dataclass(slots=True)
class Fault:
    """`times`: how many more it strikes, None until cleared. `method`, `path`: only requests with this method,
    with this piece of text in the path. `seconds`: the wait of `SLOW`, the `Retry-After` of a rate limit."""

    kind: FaultKind
    times: int | None = 1
    method: str | None = None
    path: str | None = None
    seconds: float | None = None

    def strikes(self, kinds: frozenset[FaultKind], method: str, path: str) -> bool:
        return (
            self.kind in kinds
            and self.method in (None, method)
            and (self.path is None or self.path in path)
            and self.times != 0
        )


class Faults:
    """The faults in waiting, first come first served. `held` is set while requests wait at the door."""

    def __init__(self) -> None:
        self.held = asyncio.Event()
        self._waiting: list[Fault] = []
        self._released = asyncio.Event()

    def add(
        self,
        kind: FaultKind | str,
        times: int | None = 1,
        *,
        method: str | None = None,
        path: str | None = None,
        seconds: float | None = None,
    ) -> None:
        """Strike the next `times` requests (or notifications); `ValueError` for a kind that does not exist."""
        if kind == FaultKind.HOLD:
            self._released.clear()
        self._waiting.append(Fault(FaultKind(kind), times, method, path, seconds))

    def take(self, kinds: frozenset[FaultKind], method: str = "", path: str = "") -> Fault | None:
        """The fault that strikes now, counted down."""
        fault = next((fault for fault in self._waiting if fault.strikes(kinds, method, path)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self._waiting.remove(fault)
        return fault

    @property
    def lasting(self) -> frozenset[FaultKind]:
        """The kinds that strike until cleared."""
        return frozenset(fault.kind for fault in self._waiting if fault.times is None)

    def clear(self) -> None:
        """All is well again; held requests go on."""
        self._waiting.clear()
        self.held.clear()
        self._released.set()

    async def released(self) -> None:
        """Wait until the faults are cleared."""
        self.held.set()
        await self._released.wait()
