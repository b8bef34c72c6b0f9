"""The faults that meet a request at the door: wrong answers, slow answers, broken connections.

Pure ASGI, around the routes. Strikes only what applications use (the API and the token endpoints), never the
pages for people nor the controls.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync.sandbox import errors
from sync.sandbox.errors import GoogleError
from sync.sandbox.faults import TROUBLES, Fault, FaultKind, Faults

STRUCK = ("/calendar/v3/", "/token", "/revoke", "/userinfo")
RETRY_AFTER_SECONDS = 1

_ANSWERS = {
    FaultKind.RATE_LIMITED: errors.rate_limit_exceeded,
    FaultKind.USER_RATE_LIMITED: errors.user_rate_limit_exceeded,
    FaultKind.QUOTA_EXCEEDED: errors.quota_exceeded,
    FaultKind.SERVER_ERROR: errors.backend_error,
}
_BAD_GATEWAY = b"<!DOCTYPE html><html><title>Error 502 (Server Error)!!1</title><p>502. That's an error.</html>"


class Wire(Protocol):
    """The connection beneath the server."""

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class Trouble:
    """Middleware that lets the waiting faults strike."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(STRUCK):
            await self.app(scope, receive, send)
            return
        fault = self.faults.take(TROUBLES, scope["method"], scope["path"])
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.kind in _ANSWERS:
            await _refusal(fault, _ANSWERS[fault.kind]())(scope, receive, send)
        elif fault.kind is FaultKind.HTML_BAD_GATEWAY:
            await _answer_bad_gateway(scope, receive, send)
        elif fault.kind is FaultKind.DROP_BEFORE:
            await _hang_up(receive)
        elif fault.kind is FaultKind.DROP_AFTER:
            await self.app(scope, receive, _swallow)
            await _hang_up(receive)
        else:
            await (self.faults.released() if fault.kind is FaultKind.HOLD else asyncio.sleep(fault.seconds or 1.0))
            await self.app(scope, receive, send)


def _refusal(fault: Fault, error: GoogleError) -> Response:
    if fault.kind is not FaultKind.RATE_LIMITED and fault.seconds is None:
        return error.response()
    seconds = RETRY_AFTER_SECONDS if fault.seconds is None else fault.seconds
    return error.response({"Retry-After": f"{seconds:.0f}"})


async def _answer_bad_gateway(scope: Scope, receive: Receive, send: Send) -> None:
    """A front end's error page, with the empty reason phrase that clients trip over (§6.5)."""
    wire = _wire_under(receive)
    if wire is None:
        await Response(_BAD_GATEWAY, 502, media_type="text/html")(scope, receive, send)
        return
    length = str(len(_BAD_GATEWAY)).encode()
    head = b"HTTP/1.1 502 \r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: " + length
    wire.write(head + b"\r\n\r\n" + _BAD_GATEWAY)
    wire.close()
    await _until_disconnected(receive)


async def _hang_up(receive: Receive) -> None:
    """Break the connection without a byte; `ConnectionResetError` where there is none to break."""
    wire = _wire_under(receive)
    if wire is None:
        raise ConnectionResetError("the sandbox dropped the connection")
    wire.abort()
    await _until_disconnected(receive)


def _wire_under(receive: Receive) -> Wire | None:
    """ASGI has no word for hanging up, so this reaches for what uvicorn's `receive` belongs to."""
    wire: Wire | None = getattr(getattr(receive, "__self__", None), "transport", None)
    return wire


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _swallow(_message: Message) -> None:
    """Where an answer goes that nobody is to get."""
