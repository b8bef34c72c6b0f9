"""/graphql: GraphQL over HTTP, over server-sent events and over sockets, with a key at the door of each."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
from cross_web import HTTPException
from graphql import GraphQLError, GraphQLSchema
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLRequestData
from strawberry.http.streaming import HTTPStreamTransport
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UnsetType

from graph import languages
from graph.errors import coded
from graph.limits.answers import no_key_shown
from graph.limits.door import Door, too_many_open
from graph.operation import introspection
from graph.operation.admission import admit
from graph.operation.executor import LONGEST_SECONDS
from graph.rendering.allowance import too_slow
from graph.rendering.json_text import bounded, encoded
from graph.request.context import AppState, Context, unauthenticated, unavailable
from graph.server import explorer
from graph.server.http.event_stream import EventStream, events
from graph.server.http.media_types import JSON, preferred_type, weights
from graph.server.http.status import retry_after, status_of
from graph.server.live.execution import OperationRequest
from graph.server.live.hub import Hub
from graph.server.live.message_buffer import Message
from graph.server.live.open_streams import OpenStreams
from graph.server.transport.connection import EXTENSION, READY
from graph.server.websocket.protocol import Socket
from graph.spoken import in_language, spoken
from models import api_key
from models.storage import db

INIT_SECONDS = 5
NOT_KEPT = {"Cache-Control": "no-store"}
"""An answer is for whoever has the key, and for now: a query by GET is no reason to keep it."""

_CLEARER = {
    "Unsupported content type": "Send JSON, with the header `Content-Type: application/json`",
    "Unable to parse request body as JSON": "The request body is not JSON",
    "Batching is not enabled": "Send one request at a time: a JSON object, and no list of them",
}
"""What Strawberry refuses requests with, as somebody can act on it."""
_BY_POST = {OperationType.QUERY, OperationType.MUTATION}


class _TooOftenError(Exception):
    """Whoever asks without a valid key has done so too often."""

    def __init__(self, refusal: GraphQLError) -> None:
        super().__init__()
        self.refusal = refusal


class Endpoint(GraphQL[Context, None]):
    """The GraphQL endpoint of one process."""

    def __init__(
        self, schema: BaseSchema, core: GraphQLSchema, state: AppState, sockets: OpenStreams, live: Hub
    ) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql" if state.settings.explorer else None,
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            # Any origin: a key has to be shown, and no browser sends one by itself.
            allowed_origins=("*",),
        )
        self._state = state
        self._core = core
        self.door = Door(state.settings)
        self.sockets = sockets
        self.live = live
        self.graphql_transport_ws_handler_class = Socket

    def decode_json(self, data: str | bytes) -> object:
        """What comes in. Half characters (lone surrogates) are no JSON here: no database takes them."""
        return orjson.loads(data)

    def parse_json(self, data: str | bytes) -> Any:
        """A request's body. Raises HTTPException when it is no JSON object or list."""
        body = super().parse_json(data)
        if not isinstance(body, dict | list):
            raise HTTPException(400, "The request body is a JSON object")
        return body

    def encode_json(self, data: object) -> str:
        """What goes out, as JSON text."""
        return encoded(data).decode()

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """A request's context; a socket shows its key later, in `connection_init`.

        Without a valid key it is counted here: before anything of it is read.
        """
        del response
        by_http = isinstance(request, Request)
        plain = bearer(request.headers.get("authorization")) if by_http else None
        context = Context(
            self._state,
            await api_key.authenticate(plain) if plain else None,
            language=_language(request),
            address=self.door.address_of(request.scope),
            last_event_id=request.headers.get("last-event-id") if by_http else None,
            ready=ready_of(request.scope) if by_http else None,
        )
        if by_http and context.who is None:
            refusal = self.door.admit_stranger(context, shows_key="authorization" in request.headers)
            if refusal is not None:
                raise _TooOftenError(spoken(refusal, context.language))
        return context

    async def run(self, request: Any, *args: Any, **named: Any) -> Any:
        """Answers what is no GraphQL request at all in GraphQL's own words."""
        if self.is_websocket_request(request):
            return await super().run(request, *args, **named)
        if self.graphql_ide and _is_a_person(request):
            return explorer.page()
        if request.method not in ("GET", "POST"):
            return self._refuse(request, 405, "Send GraphQL by POST, or a query by GET", allow="GET, POST")
        try:
            return await super().run(request, *args, **named)
        except HTTPException as error:
            return self._refuse(request, error.status_code, error.reason)
        except _TooOftenError as early:
            return self._too_often(request, early.refusal)
        except ClientDisconnect:
            # It is gone before it has said what it wants.
            return Response(status_code=400)
        except Exception as error:
            if not db.is_away(error):
                raise
            return self._answer(request, 503, {"errors": [spoken(unavailable(), _language(request)).formatted]})

    def should_render_graphql_ide(self, request: Any) -> bool:
        """Never: the explorer is ours."""
        del request
        return False

    def _refuse(self, request: Request, status: int, reason: str, allow: str = "POST") -> Response:
        reason = in_language(_CLEARER.get(reason, reason), _language(request))
        error = {"message": reason, "extensions": {"code": "BAD_USER_INPUT"}}
        return self._answer(request, status, {"errors": [error]}, {"Allow": allow} if status == 405 else None)

    def _too_often(self, request: Request, refusal: GraphQLError) -> Response:
        status = status_of(None, [refusal], preferred_type(request.headers.get("accept", "")))
        seconds = retry_after(status, [refusal])
        later = {} if seconds is None else {"Retry-After": str(seconds)}
        return self._answer(request, status, {"errors": [refusal.formatted]}, later)

    def _answer(self, request: Request, status: int, body: Any, more: Mapping[str, str] | None = None) -> Response:
        media_type = f"{preferred_type(request.headers.get('accept', ''))}; charset=utf-8"
        return Response(
            self.encode_json(body), status_code=status, headers={**NOT_KEPT, **(more or {})}, media_type=media_type
        )

    def parse_query_params(self, params: Any) -> dict[str, Any]:
        """What is asked by GET. Raises HTTPException when what should be a JSON object is none."""
        asked = dict(params)
        for name in ("variables", "extensions"):
            try:
                asked[name] = orjson.loads(asked.get(name) or "null")
            except orjson.JSONDecodeError:
                raise HTTPException(400, f"`{name}` is not JSON") from None
        return asked

    async def execute_operation(self, *args: Any, **named: Any) -> Any:
        """Refuses what comes without a key, or too often; all else goes on to the schema."""
        request, response = named["request"], named["sub_response"]
        context, data = named["context"], named["request_data"]
        refused = await self._refusal(context, data)
        streamed = self._is_streamed(request, data, context)
        media_type = preferred_type(request.headers.get("accept", ""))
        if not streamed:
            response.headers["content-type"] = media_type
        if refused is not None:
            result: Any = ExecutionResult(data=None, errors=[spoken(refused, context.language)])
        elif streamed:
            self._announce_too_many(context, response)
            return self._streamed(context, data)
        else:
            context.heard = request.receive
            named["request_data"] = replace(data, protocol="http")
            result = await super().execute_operation(*args, **named)
        response.status_code = status_of(result.data, result.errors, media_type)
        if (seconds := retry_after(response.status_code, result.errors)) is not None:
            response.headers["retry-after"] = str(seconds)
        if context.document is not None:
            result.extensions = {"cost": self._state.spending.shown(context, context.cost)}
        return result

    def _is_streamed(self, request: Request, data: GraphQLRequestData, context: Context) -> bool:
        """Who takes JSON as well as a stream of events gets a stream for a subscription only, and who asks by GET
        never.
        """
        if data.protocol == "http" or request.method == "GET":
            return False
        either = bool(weights(request.headers.get("accept", "")))
        document = context.document
        return not either or (document is not None and document.is_subscription(data.operation_name))

    def _streamed(self, context: Context, data: GraphQLRequestData) -> AsyncGenerator[Message, None]:
        asked = OperationRequest(data.query, data.variables, data.operation_name, context)
        return EventStream(asked, self.live, self.sockets).messages()

    def _announce_too_many(self, context: Context, response: Response) -> None:
        """Gives a stream that is going to be refused the status of one."""
        if context.who and not self.sockets.has_room(context.who, context.counted_address):
            response.status_code = 429
            response.headers["retry-after"] = str(retry_after(429, [too_many_open(context)]))

    def _stream_result(
        self, request: Any, result: Any, transport: HTTPStreamTransport
    ) -> Callable[[], AsyncGenerator[Any, None]]:
        """Messages as events."""
        del request, transport
        return events(result)

    async def execute_single(self, *args: Any, **named: Any) -> ExecutionResult:
        """Runs one query or mutation. A subscription needs a socket, or an event stream."""
        del args
        by_get = named["request_adapter"].method == "GET"
        data: GraphQLRequestData = named["request_data"]
        context: Context = named["context"]
        document, name = context.document, data.operation_name
        if document is not None and document.is_about_the_schema(name):
            return await introspection.answer(context, self._core, document, name, data.variables)
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await self.schema.execute(
                    data.query,
                    variable_values=data.variables,
                    context_value=named["context"],
                    operation_name=data.operation_name,
                    allowed_operation_types={OperationType.QUERY} if by_get else _BY_POST,
                )
        except TimeoutError:
            return ExecutionResult(data=None, errors=[spoken(too_slow(), named["context"].language)])
        except CannotGetOperationTypeError as error:
            raise HTTPException(400, error.as_http_error_reason()) from None
        except InvalidOperationTypeError:
            if by_get:
                raise HTTPException(405, "Only a query can be sent by GET") from None
            reason = "A subscription needs a socket, or `Accept: text/event-stream`"
            raise HTTPException(400, reason) from None

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        """The answer in the media type that was asked for. A request that was not run has no `data`.

        Source: GraphQL over HTTP, "Media Types" and "application/graphql-response+json".
        """
        media_type = f"{sub_response.headers.get('content-type', JSON)}; charset=utf-8"
        status = sub_response.status_code or 200
        if status != 200 and isinstance(response_data, dict) and response_data["data"] is None:
            response_data = {"errors": response_data["errors"]}
        later = {name: value for name, value in sub_response.headers.items() if name == "retry-after"}
        body = bounded(response_data, self._state.settings.answer_bytes)
        return Response(body, status_code=status, headers={**NOT_KEPT, **later}, media_type=media_type)

    async def _refusal(self, context: Context, data: GraphQLRequestData) -> GraphQLError | None:
        """Why a request may not run. With a key it is counted before its document is read: reading it is work."""
        if context.who is not None and (early := self.door.admit(context)) is not None:
            return early
        if context.who is None and not data.query:
            return unauthenticated()
        if not data.query:
            raise HTTPException(400, "The request has no query")
        refused = await admit(context, self._core, data.query, data.operation_name, data.variables)
        return coded(refused, context.language) if refused else None

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Lets a socket in that shows a key. Raises UNAUTHENTICATED; RATE_LIMITED after many wrong keys."""
        plain = bearer(_named("authorization", context.connection_params or {}))
        context.who = await api_key.authenticate(plain) if plain else None
        if context.who is None:
            raise self.door.admit_stranger(context, shows_key=True) or no_key_shown(context.language)
        return None


def _named(name: str, fields: Mapping[str, Any]) -> Any:
    """A field by its name in any case, as of headers."""
    return next((value for each, value in fields.items() if each.lower() == name), None)


def ready_of(scope: Mapping[str, Any]) -> Any:
    """What to wait for until the client is not behind, as a connection offers it; None under another server."""
    return scope.get("extensions", {}).get(EXTENSION, {}).get(READY)


def _language(request: Request | WebSocket) -> str:
    """The language to answer in."""
    return languages.asked_for(request.headers.get("accept-language", ""))


def _is_a_person(request: Request) -> bool:
    """Whether a browser opens the address: it takes pages, and shows no key by itself."""
    headers = request.headers
    return request.method == "GET" and "text/html" in headers.get("accept", "") and "authorization" not in headers


def bearer(value: Any) -> str | None:
    """The key in `Bearer <key>`."""
    scheme, _, plain = value.partition(" ") if isinstance(value, str) else ("", "", "")
    return plain.strip() or None if scheme.lower() == "bearer" else None
