"""How many bytes one request and one message may have, and how much its address may ask."""

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.languages import format_number, negotiate
from graph.spoken import translate_message

LARGEST_BODY = 1024 * 1024
"""Bytes of a request's body, and of a socket's message."""

LONGEST_QUERY_STRING, MOST_PARAMETERS = 8 * 1024, 16
"""Bytes and parameters behind the `?` of an address: what is longer is sent by POST."""


class BodyLimit:
    """Answers 413 to a body that is too large, however it is sent, and 414 and 400 to an address that asks too much."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked: bytes = scope.get("query_string", b"")
        if len(asked) > LONGEST_QUERY_STRING:
            reason = f"What is behind the `?` is longer than {LONGEST_QUERY_STRING} bytes: send GraphQL by POST."
            await _refuse(scope, 414, reason)(scope, receive, send)
            return
        if asked.count(b"&") >= MOST_PARAMETERS:
            reason = f"What is behind the `?` has more than {MOST_PARAMETERS} parameters: send GraphQL by POST."
            await _refuse(scope, 400, reason)(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length")
        if length is not None:
            too_large = not length.isdigit() or int(length) > LARGEST_BODY
            await (_too_large(scope, receive, send) if too_large else self._app(scope, receive, send))
            return
        try:
            body = await _read(receive)
        except ClientDisconnect:
            # What came so far is no request, even if it could be read as one.
            return
        if body is None:
            await _too_large(scope, receive, send)
        else:
            whole = {"type": "http.request", "body": body, "more_body": False}
            await self._app(scope, replay(whole, receive), send)


async def _read(receive: Receive) -> bytes | None:
    """A body that did not say how long it is; None when it is too long. Raises ClientDisconnect."""
    read = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
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
    reason = f"The request is larger than {format_number(LARGEST_BODY)} bytes. Send less at once."
    await _refuse(scope, 413, reason)(scope, receive, send)


def _refuse(scope: Scope, status: int, reason: str) -> ASGIApp:
    language = negotiate(Headers(scope=scope).get("accept-language", ""))
    error = {"message": translate_message(reason, language), "extensions": {"code": "BAD_USER_INPUT"}}
    return JSONResponse({"errors": [error]}, status_code=status)
