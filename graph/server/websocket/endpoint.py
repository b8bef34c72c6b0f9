"""/graphql over sockets: Strawberry's view, which takes a socket in and hands it to its handler."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.schema import BaseSchema
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UnsetType

from graph import languages
from graph.limits.answers import no_valid_key
from graph.limits.door import RequestLimits
from graph.operation.caller import identify
from graph.rendering.json_text import encode
from graph.request.context import AppState, Context
from graph.server.live.hub import Hub
from graph.server.live.open_streams import OpenStreams
from graph.server.websocket.protocol import Socket

INIT_SECONDS = 5
"""So long a socket may wait before it shows a key."""


class SocketEndpoint(GraphQL[Context, None]):
    """The endpoint of one process for sockets."""

    def __init__(
        self, schema: BaseSchema, state: AppState, door: RequestLimits, sockets: OpenStreams, live: Hub
    ) -> None:
        super().__init__(
            schema,
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            # Any origin: a key has to be shown, and no browser sends one by itself.
            allowed_origins=("*",),
        )
        self._state = state
        self.door = door
        self.sockets = sockets
        self.live = live
        self.graphql_transport_ws_handler_class = Socket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes a socket in; answers 429 where an address has opened too many without showing a key."""
        wait = self.door.admit_socket(scope)
        if wait is None:
            await super().__call__(scope, receive, send)
        else:
            early = Response(status_code=429, headers={"Retry-After": str(math.ceil(wait))})
            await WebSocket(scope, receive, send).send_denial_response(early)

    def decode_json(self, data: str | bytes) -> object:
        """What comes in. Half characters (lone surrogates) are no JSON here: no database takes them."""
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        """What goes out, as JSON text."""
        return encode(data).decode()

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """A socket's context. It shows its key later, in `connection_init`."""
        del response
        language = languages.negotiate(request.headers.get("accept-language", ""))
        return Context(self._state, language=language, address=self.door.address_of(request.scope))

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Lets a socket in that shows a key. Raises UNAUTHENTICATED; RATE_LIMITED after many wrong keys."""
        early = await identify(context, self.door, _authorization(context.connection_params or {}))
        if context.who is None:
            raise early or no_valid_key(context.language)
        return None


def _authorization(payload: Mapping[str, Any]) -> object:
    """What a socket shows, by the header's name in any case; a socket without it shows a wrong key."""
    return next((value for name, value in payload.items() if name.lower() == "authorization"), None) or ""
