"""/graphql: GraphQL over HTTP, over server-sent events and over sockets, with a key at the door of each."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
from cross_web import HTTPException
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLRequestData
from strawberry.http.streaming import HTTPStreamTransport
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UnsetType

from graph import languages
from graph.context import Context, House, unauthenticated, unavailable
from graph.server import explorer
from graph.server.accept import GRAPHQL_RESPONSE, JSON, preferred_type, weights
from graph.server.backlog import Message
from graph.server.documents import asks_for_the_schema_only, is_subscription
from graph.server.event_stream import EventStream, events
from graph.server.execution import LONGEST_SECONDS
from graph.server.limits import Rate, rate_limited
from graph.server.live import Live
from graph.server.protocol import Socket
from graph.server.run import Asked
from graph.server.sockets import Sockets
from graph.server.wire import encoded
from graph.spoken import in_language, spoken
from models import db, key

INIT_SECONDS = 5
NOT_KEPT = {"Cache-Control": "no-store"}
"""An answer is for whoever has the key, and for now: a query by GET is no reason to keep it."""
_BY_POST = {OperationType.QUERY, OperationType.MUTATION}


class Endpoint(GraphQL[Context, None]):
    """The GraphQL endpoint of one process."""

    def __init__(self, schema: BaseSchema, house: House, sockets: Sockets, live: Live) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql" if house.settings.explorer else None,
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            # Any origin: a key has to be shown, and no browser sends one by itself.
            allowed_origins=("*",),
        )
        self._house = house
        self._rate = Rate(house.settings.key_requests)
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
        """A request's context; a socket shows its key later, in `connection_init`."""
        del response
        by_http = isinstance(request, Request)
        plain = bearer(request.headers.get("authorization")) if by_http else None
        return Context(
            self._house,
            await key.authenticate(plain) if plain else None,
            language=_language(request),
            address=request.client.host if request.client else "",
            last_event_id=request.headers.get("last-event-id") if by_http else None,
        )

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
        reason = in_language(reason, _language(request))
        error = {"message": reason, "extensions": {"code": "BAD_USER_INPUT"}}
        return self._answer(request, status, {"errors": [error]}, {"Allow": allow} if status == 405 else None)

    def _answer(self, request: Request, status: int, body: Any, more: Mapping[str, str] | None = None) -> Response:
        media_type = f"{preferred_type(request.headers.get('accept', ''))}; charset=utf-8"
        return Response(
            self.encode_json(body), status_code=status, headers={**NOT_KEPT, **(more or {})}, media_type=media_type
        )

    async def parse_http_body(self, request: Any) -> GraphQLRequestData | list[GraphQLRequestData]:
        """What is asked. Who takes JSON as well as a stream of events gets a stream for a subscription only, and who
        asks by GET never.
        """
        data = await super().parse_http_body(request)
        if isinstance(data, list) or data.protocol == "http":
            return data
        either = bool(weights(request.headers.get("accept", "")))
        if request.method == "GET" or (either and not is_subscription(data.query or "", data.operation_name)):
            return replace(data, protocol="http")
        return data

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
        streamed = getattr(named["request_data"], "protocol", "http") != "http"
        media_type = preferred_type(request.headers.get("accept", ""))
        if not streamed:
            response.headers["content-type"] = media_type
        refused = self._refusal(named["context"], named["request_data"])
        if refused is not None:
            code = (refused.extensions or {}).get("code")
            response.status_code = 429 if code == "RATE_LIMITED" else 401
            return ExecutionResult(data=None, errors=[spoken(refused, named["context"].language)])
        if streamed:
            return self._streamed(named["context"], named["request_data"])
        result = await super().execute_operation(*args, **named)
        if media_type == GRAPHQL_RESPONSE and was_not_run(result):
            response.status_code = 400
        return result

    def _streamed(self, context: Context, data: GraphQLRequestData) -> AsyncGenerator[Message, None]:
        asked = Asked(data.query, data.variables, data.operation_name, context)
        return EventStream(asked, self.live, self.sockets).messages()

    def _stream_result(
        self, request: Any, result: Any, transport: HTTPStreamTransport
    ) -> Callable[[], AsyncGenerator[str, None]]:
        """Messages as events."""
        del request, transport
        return events(result)

    async def execute_single(self, *args: Any, **named: Any) -> ExecutionResult:
        """Runs one query or mutation. A subscription needs a socket, or an event stream."""
        del args
        by_get = named["request_adapter"].method == "GET"
        data: GraphQLRequestData = named["request_data"]
        if not data.query:
            raise HTTPException(400, "The request has no query")
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
        if status != 200 and isinstance(response_data, dict):
            response_data = {"errors": response_data["errors"]}
        return Response(self.encode_json(response_data), status_code=status, headers=NOT_KEPT, media_type=media_type)

    def _refusal(self, context: Context, data: GraphQLRequestData | list[GraphQLRequestData]) -> GraphQLError | None:
        if context.who is None:
            documents = [each.query or "" for each in (data if isinstance(data, list) else [data])]
            return None if all(asks_for_the_schema_only(each) for each in documents) else unauthenticated()
        wait = self.retry_after(context)
        return None if wait is None else rate_limited(wait)

    def retry_after(self, context: Context) -> float | None:
        """Counts a request of the key; how many seconds it is early, if it is."""
        return self._rate.retry_after(context.caller.key_id)

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Lets a socket in that shows a key."""
        plain = bearer((context.connection_params or {}).get("Authorization"))
        context.who = await key.authenticate(plain) if plain else None
        if context.who is None:
            raise ConnectionRejectionError
        return None


def too_slow() -> GraphQLError:
    """The answer to a request that was given up."""
    return GraphQLError("This took too long. What it began may still be done.", extensions={"code": "TIMEOUT"})


def _language(request: Request | WebSocket) -> str:
    """The language to answer in."""
    return languages.asked_for(request.headers.get("accept-language", ""))


def _is_a_person(request: Request) -> bool:
    """Whether a browser opens the address: it takes pages, and shows no key by itself."""
    headers = request.headers
    return request.method == "GET" and "text/html" in headers.get("accept", "") and "authorization" not in headers


def was_not_run(result: Any) -> bool:
    """Whether the document, or its variables, did not get as far as a field."""
    if isinstance(result, PreExecutionError):
        return True
    errors: list[GraphQLError] = getattr(result, "errors", None) or []
    return bool(errors) and getattr(result, "data", None) is None and all(error.path is None for error in errors)


def bearer(value: Any) -> str | None:
    """The key in `Bearer <key>`."""
    scheme, _, plain = value.partition(" ") if isinstance(value, str) else ("", "", "")
    return plain.strip() or None if scheme.lower() == "bearer" else None
