"""How much one request, one key and one socket may ask."""

import time
from collections import defaultdict
from collections.abc import Hashable

from graphql import GraphQLError
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1024 * 1024
"""Bytes of a request's body, and of a socket's message."""


class BodyLimit:
    """Answers 413 to a body that is too large, however it is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length")
        if length is not None:
            too_large = not length.isdigit() or int(length) > LARGEST_BODY
            await (_too_large(scope, receive, send) if too_large else self._app(scope, receive, send))
            return
        body = await _read(receive)
        if body is None:
            await _too_large(scope, receive, send)
        else:
            whole = {"type": "http.request", "body": body, "more_body": False}
            await self._app(scope, replay(whole, receive), send)


async def _read(receive: Receive) -> bytes | None:
    """A body that did not say how long it is; None when it is too long."""
    read = bytearray()
    while True:
        message = await receive()
        read += message.get("body", b"")
        if len(read) > LARGEST_BODY:
            return None
        if not message.get("more_body"):
            return bytes(read)


def replay(message: Message, receive: Receive) -> Receive:
    """Hands out a message that was taken, and then whatever else comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return message

    return again


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    error = {"message": "The request is too large.", "extensions": {"code": "BAD_USER_INPUT"}}
    await JSONResponse({"errors": [error]}, status_code=413)(scope, receive, send)


def rate_limited(wait: float) -> GraphQLError:
    """The answer to a key that sends too much; in how many seconds it may send again."""
    extensions = {"code": "RATE_LIMITED", "retryAfterSeconds": round(wait, 1)}
    return GraphQLError("Too many requests with this key.", extensions=extensions)


def too_many() -> GraphQLError:
    """The answer to a key that has as many streams open as it may."""
    return GraphQLError("Too many open streams with this key.", extensions={"code": "RATE_LIMITED"})


class Rate:
    """A bucket per key that refills evenly: `per_minute` at once, and then as many each minute. 0: no limit."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._spent: dict[Hashable, tuple[float, float]] = defaultdict(lambda: (0.0, time.monotonic()))

    def retry_after(self, key: Hashable) -> float | None:
        """Takes one; None when it was there, else the seconds until it will be."""
        if not self._per_minute:
            return None
        spent, since = self._spent[key]
        now, per_second = time.monotonic(), self._per_minute / 60
        spent = max(0.0, spent - (now - since) * per_second)
        if spent + 1 > self._per_minute:
            return (spent + 1 - self._per_minute) / per_second
        self._spent[key] = (spent + 1, now)
        return None
