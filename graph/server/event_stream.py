"""Subscriptions for clients without sockets: GraphQL over server-sent events, distinct connections mode.

Source: the graphql-sse project's PROTOCOL.md; the ids are those of the HTML standard's event streams.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from strawberry.http.streaming import merge_stream_with_heartbeat

from graph.context import unauthenticated
from graph.limits.door import too_many_open
from graph.server.backlog import Message
from graph.server.live import Live, StoppingError
from graph.server.member import Member
from graph.server.run import Asked, failed
from graph.server.sockets import Sockets

COME_BACK = ": the server restarts\r\nretry: 1000\r\n\r\n"
"""The last of a stream that was broken off: no `complete`, so clients come back, with the id of the last event."""


HEARTBEAT_SECONDS = 15.0
"""How often something is said on a stream: proxies close what is silent for a minute."""

STILL_HERE = ": ping\r\n\r\n"


class EventStream:
    """One open stream. It counts among the sockets of its key."""

    def __init__(self, asked: Asked, live: Live, sockets: Sockets) -> None:
        self._asked = asked
        self._live = live
        self._sockets = sockets
        self._member = Member(asked.context.who)

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


def events(messages: AsyncGenerator[Message, None]) -> Callable[[], AsyncGenerator[str, None]]:
    """Messages as events, with a comment now and then."""
    return merge_stream_with_heartbeat(
        lambda: _events(messages), lambda: STILL_HERE, HEARTBEAT_SECONDS, send_initial_heartbeat=False
    )


async def _events(messages: AsyncGenerator[Message, None]) -> AsyncGenerator[str, None]:
    """One that can be resumed from has its cursor as id: it comes back as `Last-Event-ID`."""
    try:
        async for message in messages:
            name = f"id: {message.cursor}\r\n" if message.cursor else ""
            yield f"{name}event: next\r\ndata: {message.payload.decode()}\r\n\r\n"
            del message
        yield "event: complete\r\ndata: \r\n\r\n"
    except StoppingError:
        yield COME_BACK
    finally:
        await messages.aclose()
