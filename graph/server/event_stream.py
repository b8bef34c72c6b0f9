"""Subscriptions for clients without sockets: GraphQL over server-sent events, distinct connections mode.

Source: the graphql-sse project's PROTOCOL.md; the ids are those of the HTML standard's event streams.
"""

from collections.abc import AsyncGenerator

from graph.server.backlog import Message
from graph.server.live import StoppingError

COME_BACK = ": the server restarts\r\nretry: 1000\r\n\r\n"
"""The last of a stream that was broken off: no `complete`, so clients come back, with the id of the last event."""


async def events(messages: AsyncGenerator[Message, None]) -> AsyncGenerator[str, None]:
    """Messages as events. One that can be resumed from has its cursor as id: it comes back as `Last-Event-ID`."""
    try:
        async for message in messages:
            name = f"id: {message.cursor}\r\n" if message.cursor else ""
            yield f"{name}event: next\r\ndata: {message.payload.decode()}\r\n\r\n"
    except StoppingError:
        yield COME_BACK
    else:
        yield "event: complete\r\ndata: \r\n\r\n"
    finally:
        await messages.aclose()
