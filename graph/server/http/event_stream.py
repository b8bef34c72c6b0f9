"""Subscriptions for clients without sockets: GraphQL over server-sent events, distinct connections mode.

Source: the graphql-sse project's PROTOCOL.md; the ids are those of the HTML standard's event streams.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from strawberry.http.streaming import SSETransport

from graph.limits.door import too_many_open
from graph.request.context import unauthenticated
from graph.server.http.status import retry_after
from graph.server.live.execution import OperationRequest, failed
from graph.server.live.hub import Hub, StoppingError
from graph.server.live.member import Member
from graph.server.live.message_buffer import Message
from graph.server.live.open_streams import OpenStreams

COME_BACK = b": the server restarts\r\nretry: 1000\r\n\r\n"
"""The last of a stream that was broken off: no `complete`, so clients come back, with the id of the last event."""


HEARTBEAT_SECONDS = 15.0
"""How often something is said on a stream: proxies close what is silent for a minute."""

STILL_HERE = b": ping\r\n\r\n"


class EventStream:
    """One open stream, an ASGI application. It counts among the sockets of its key."""

    def __init__(self, asked: OperationRequest, live: Hub, sockets: OpenStreams) -> None:
        self._asked = asked
        self._live = live
        self._sockets = sockets
        self._member = Member(asked.context.who, ready=asked.context.ready)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends all of it. One that is going to be refused has the status of that."""
        context, status, headers = self._asked.context, 200, dict(SSETransport.headers)
        if context.who and not self._sockets.has_room(context.who, context.counted_address):
            status = 429
            headers["retry-after"] = str(retry_after(status, [too_many_open(context)]))
        await StreamingResponse(events(self.messages())(), status, headers)(scope, receive, send)

    async def close(self, code: int, reason: str) -> None:
        """Ends it because its key is gone: a stream has no close codes."""
        del code, reason
        self._member.part(unauthenticated())

    async def messages(self) -> AsyncGenerator[Message, None]:
        """What is to be sent. Raises StoppingError."""
        context = self._asked.context
        caller = context.who
        if caller and not self._sockets.add(caller, self, context.counted_address):
            yield failed(too_many_open(context))
            return
        try:
            async with aclosing(self._live.stream(self._asked, self._member)) as messages:
                async for message in messages:
                    yield message
                    del message
        finally:
            if caller:
                self._sockets.discard(caller, self)


def events(messages: AsyncGenerator[Message, None]) -> Callable[[], AsyncGenerator[bytes, None]]:
    """Messages as events, with a comment now and then."""
    return lambda: _with_pings(_events(messages))


async def _next(texts: AsyncGenerator[bytes, None]) -> bytes | None:
    """The next text, as what a task can be made of; None at the end."""
    return await anext(texts, None)


async def _with_pings(texts: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The texts, and a sign of life where there is none for long. The next is asked for when one was taken, and none is
    kept.
    """
    pulling = asyncio.create_task(_next(texts))
    try:
        while True:
            await asyncio.wait({pulling}, timeout=HEARTBEAT_SECONDS)
            if not pulling.done():
                yield STILL_HERE
            elif pulling.result() is None:
                return
            else:
                yield pulling.result() or b""
                pulling = asyncio.create_task(_next(texts))
                # Whoever sends it holds on to what it was given last.
                yield b""
    finally:
        pulling.cancel()
        await asyncio.gather(pulling, return_exceptions=True)
        await texts.aclose()


async def _events(messages: AsyncGenerator[Message, None]) -> AsyncGenerator[bytes, None]:
    """One that can be resumed from has its cursor as id: it comes back as `Last-Event-ID`."""
    try:
        async for message in messages:
            name = f"id: {message.cursor}\r\n" if message.cursor else ""
            event = b"%bevent: next\r\ndata: %b\r\n\r\n" % (name.encode(), message.payload)
            del message
            yield event
            del event
        yield b"event: complete\r\ndata: \r\n\r\n"
    except StoppingError:
        yield COME_BACK
    finally:
        await messages.aclose()
