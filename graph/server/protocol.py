"""One socket: graphql-transport-ws to the letter, and messages that go out as the bytes they were made of.

Source: the graphql-ws project's PROTOCOL.md.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation

from graph.context import Context
from graph.server.frames import EXTENSION, WRITE
from graph.server.group import Member
from graph.server.limits import rate_limited
from graph.server.live import StoppingError
from graph.server.run import Asked
from graph.spoken import spoken
from models import db

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from graph.server.backlog import Message
    from graph.server.endpoint import Endpoint
    from graph.server.group import Push


TRY_AGAIN_LATER = 1013
"""Source: the IANA registry of WebSocket close codes."""


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
    """One graphql-transport-ws socket."""

    async def handle_message(self, message: Any) -> None:
        """Acts on a message; one that is none closes the socket."""
        if wrong := _wrong_with(message):
            await self.handle_invalid_message(wrong)
        else:
            await super().handle_message(message)

    async def handle_connection_init(self, message: Any) -> None:
        """Lets a socket in, unless its key has as many as it may."""
        try:
            await super().handle_connection_init(message)
        except Exception as error:
            if not db.is_away(error):
                raise
            await self.websocket.close(TRY_AGAIN_LATER, "Not available just now")
            return
        if self.connection_acknowledged and not self._endpoint.sockets.add(self.context.caller, self.websocket):
            await self.websocket.close(4429, "Too many sockets for this key")

    async def handle_subscribe(self, message: Any) -> None:
        """Begins an operation, unless the key sends too many."""
        counts = self.connection_acknowledged and message["id"] not in self.operations
        wait = self._endpoint.retry_after(self.context) if counts else None
        if wait is None:
            await super().handle_subscribe(message)
        else:
            refused = [spoken(rate_limited(wait), self.context.language).formatted]
            await self.send_message(cast(Any, {"id": message["id"], "type": "error", "payload": refused}))

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Runs an operation to its end."""
        asked = Asked(operation.query, operation.variables, operation.operation_name, self.context)
        head = b'{"id":%b,"type":"next","payload":' % orjson.dumps(operation.id)
        member = Member(self.context.who, self._push(operation, head))
        try:
            async with aclosing(self._endpoint.live.stream(asked, member)) as messages:
                async for message in messages:
                    if message.refusal is not None:
                        errors = orjson.loads(message.refusal)
                        await operation.send_operation_message({"id": operation.id, "type": "error", "payload": errors})
                        return
                    if self.operations.get(operation.id) is not operation:
                        return
                    await self._socket.send_text((head + message.payload + b"}").decode())
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except StoppingError:
            # The server closes the socket, and says why.
            return
        except Exception as error:
            if (
                not isinstance(error, WebSocketDisconnect)
                and self._socket.application_state is WebSocketState.CONNECTED
            ):
                await self.handle_task_exception(error)
                await self.websocket.close(1011, "Internal error")

    async def shutdown(self) -> None:
        """Ends what the socket had begun."""
        if self.context.who:
            self._endpoint.sockets.discard(self.context.who, self.websocket)
        await super().shutdown()

    def _push(self, operation: Operation[Context, None], head: bytes) -> Push | None:
        """How a message goes out at once, where the server can do that."""
        write = self._socket.scope.get("extensions", {}).get(EXTENSION, {}).get(WRITE)
        if write is None:
            return None

        def push(message: Message) -> bool:
            # Once the client has completed it, its id may be another's.
            is_open = self.operations.get(operation.id) is operation
            return is_open and bool(write(head, message.payload, b"}"))

        return push

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> None:
        """A document that cannot run ends its operation, not the socket."""
        del error

    @property
    def _endpoint(self) -> Endpoint:
        return cast("Endpoint", self.view)

    @property
    def _socket(self) -> WebSocket:
        return cast("WebSocket", cast(Any, self.websocket).ws)


def _wrong_with(message: Any) -> str | None:
    """What makes a socket's message none of graphql-transport-ws; None when it is one, or of an unknown type."""
    if not isinstance(message, dict):
        return "A message is a JSON object"
    if message.get("type") in ("subscribe", "complete") and not isinstance(message.get("id"), str):
        return "The id of an operation is a string"
    if message.get("type") != "subscribe":
        return None
    payload = message.get("payload")
    if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
        return "The payload of a subscribe message has a query"
    wanted = {"variables": dict, "operationName": str, "extensions": dict}
    wrong = [name for name, kind in wanted.items() if not isinstance(payload.get(name), kind | None)]
    return f"{wrong[0]} is of the wrong type" if wrong else None
