"""One socket: graphql-transport-ws to the letter, and messages that go out as the bytes they were made of.

Source: the graphql-ws project's PROTOCOL.md.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation

from graph.limits.answers import close_reason
from graph.limits.door import RequestLimits, too_many_open
from graph.limits.seats import FEWER, too_complex
from graph.limits.turns import Turns
from graph.request.context import Context
from graph.server.live.execution import OperationRequest
from graph.server.live.hub import Hub, StoppingError
from graph.server.live.member import COST_AT_ONCE, Member
from graph.server.live.open_streams import FORBIDDEN, OpenStreams
from graph.server.transport.connection import EXTENSION, READY
from graph.server.transport.frames import TRUST, WAIT, WRITE
from graph.spoken import translate_error
from models.storage import db

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from graph.server.live.member import Push
    from graph.server.live.message_buffer import Message


TOO_MANY = 4429


class Endpoint(Protocol):
    """What a socket needs of the endpoint that took it in."""

    sockets: OpenStreams
    door: RequestLimits
    live: Hub


Write: TypeAlias = Callable[..., bool]

LONGEST_ID = 128
"""Characters of an operation's id: it comes with every message."""

TRY_AGAIN_LATER = 1013
"""Source: the IANA registry of WebSocket close codes."""


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
    """One graphql-transport-ws socket."""

    def __init__(self, *args: Any, **named: Any) -> None:
        # How many operations it may have open is counted here, and said better.
        super().__init__(*args, **{**named, "max_subscriptions_per_connection": None})
        self._turns = Turns(COST_AT_ONCE)

    def on_request_accepted(self) -> None:
        """Begins to wait for the key."""
        super().on_request_accepted()
        self._endpoint.sockets.expect(self.websocket, self.context.address)

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
        except GraphQLError as refusal:
            has_no_key = (refusal.extensions or {}).get("code") == "UNAUTHENTICATED"
            await self.websocket.close(FORBIDDEN if has_no_key else TOO_MANY, close_reason(refusal))
            return
        except Exception as error:
            if not db.is_away(error):
                raise
            await self.websocket.close(TRY_AGAIN_LATER, "Not available just now")
            return
        if not self.connection_acknowledged:
            return
        context = self.context
        self._endpoint.door.trust_socket(context)
        if not self._endpoint.sockets.add(context.caller, self.websocket, context.counted_address):
            await self.websocket.close(TOO_MANY, close_reason(too_many_open(context)))

    async def send_message(self, message: Any) -> None:
        """Sends a message. Before a client hears that its key was taken it may send more than a stranger."""
        if message["type"] == "connection_ack" and (trust := self._ways.get(TRUST)):
            trust()
        await super().send_message(message)

    async def handle_subscribe(self, message: Any) -> None:
        """Begins an operation, unless the key sends too many."""
        counts = self.connection_acknowledged and message["id"] not in self.operations
        refused = self._refusal() if counts else None
        if refused is None:
            await super().handle_subscribe(message)
        else:
            payload = [translate_error(refused, self.context.language).formatted]
            await self.send_message(cast(Any, {"id": message["id"], "type": "error", "payload": payload}))

    def _refusal(self) -> GraphQLError | None:
        """Why one more operation is not begun; None when it may be."""
        most = self.context.state.settings.socket_subscriptions
        if most and len(self.operations) >= most:
            return too_complex(FEWER, most, self.context.language)
        return self._endpoint.door.admit(self.context)

    async def handle_task_exception(self, error: Exception) -> None:
        """Logs a fault of ours. That a client is gone is none."""
        if not isinstance(error, WebSocketDisconnect):
            await super().handle_task_exception(error)

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Runs an operation to its end."""
        asked = OperationRequest(operation.query, operation.variables, operation.operation_name, self.context)
        head = b'{"id":%b,"type":"next","payload":' % orjson.dumps(operation.id)
        push, wait = self._push(operation, head, self._ways.get(WRITE)), self._ways.get(WAIT)
        member = Member(self.context.who, push, self._ways.get(READY), self._turns)
        try:
            async with aclosing(self._endpoint.live.stream(asked, member)) as messages:
                async for message in messages:
                    if message.is_refusal:
                        errors = orjson.loads(message.payload)["errors"]
                        await operation.send_operation_message({"id": operation.id, "type": "error", "payload": errors})
                        return
                    with wait(len(message.payload)) if wait else nullcontext():
                        await member.until_ready()
                    if self.operations.get(operation.id) is not operation:
                        return
                    if member.push is None or not member.push(message):
                        await self._socket.send_text((head + message.payload + b"}").decode())
                    # It waits for days for the next one.
                    del message
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
        self._endpoint.sockets.discard(self.context.who, self.websocket)
        await super().shutdown()

    def _push(self, operation: Operation[Context, None], head: bytes, write: Write | None) -> Push | None:
        """How a message goes out at once, where the server can do that."""
        if write is None:
            return None

        def push(message: Message) -> bool:
            # Once the client has completed it, its id may be another's.
            is_open = self.operations.get(operation.id) is operation
            return is_open and write(head, message.payload, b"}")

        return push

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> None:
        """A document that cannot run ends its operation, not the socket."""
        del error

    @property
    def _ways(self) -> dict[str, Any]:
        """What the server offers beside ASGI; nothing under another one."""
        ways: dict[str, Any] = self._socket.scope.get("extensions", {}).get(EXTENSION, {})
        return ways

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
    if message.get("type") in ("subscribe", "complete"):
        identity = message.get("id")
        if not isinstance(identity, str) or len(identity) > LONGEST_ID:
            return f"The id of an operation is a string of at most {LONGEST_ID} characters"
    if message.get("type") != "subscribe":
        return None
    payload = message.get("payload")
    if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
        return "The payload of a subscribe message has a query"
    wanted = {"variables": dict, "operationName": str, "extensions": dict}
    wrong = [name for name, kind in wanted.items() if not isinstance(payload.get(name), kind | None)]
    return f"{wrong[0]} is of the wrong type" if wrong else None
