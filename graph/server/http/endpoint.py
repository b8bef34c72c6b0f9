"""/graphql over HTTP: reads a request, has its operation run, and writes the answer.

Owns what HTTP adds to an operation: methods, media types, and who gets the explorer's page. Source: GraphQL over HTTP.
"""

from typing import Any

from graphql import GraphQLError, GraphQLSchema, OperationType
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from graph import languages
from graph.errors import with_code
from graph.excerpt import LONGEST_HEADER
from graph.limits.door import RequestLimits
from graph.metrics import DIRECT
from graph.operation.admission import admit
from graph.operation.caller import identify
from graph.operation.execution import execute, unknown_operation
from graph.request.context import AppState, Context, unauthenticated, unavailable
from graph.server import explorer
from graph.server.http.answer import Answer, answer_of, refusal
from graph.server.http.event_stream import EventStream
from graph.server.http.media_types import preferred_type, takes_events, weights
from graph.server.http.request import GraphQLRequest, NoRequestError, read_address, read_body
from graph.server.live.execution import OperationRequest
from graph.server.live.hub import Hub
from graph.server.live.open_streams import OpenStreams
from graph.server.transport.connection import EXTENSION, READY
from graph.spoken import translate_error, translate_message
from models.storage import db


class Endpoint:
    """The HTTP endpoint of one process."""

    def __init__(
        self, schema: GraphQLSchema, state: AppState, door: RequestLimits, streams: OpenStreams, live: Hub
    ) -> None:
        self._schema = schema
        self._state = state
        self._door = door
        self._streams = streams
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Of several headers of one name the first counts.
        headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        if self._state.settings.explorer and _is_a_person(scope["method"], headers):
            await explorer.page()(scope, receive, send)
            return
        language = languages.negotiate(_text(headers, b"accept-language") or "")
        media_type = preferred_type(_text(headers, b"accept") or "")
        answer: ASGIApp
        try:
            answer = await self._answer(scope, receive, headers, language, media_type)
        except NoRequestError as none:
            message = translate_message(none.reason, language)
            error = GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})
            allow = [(b"allow", none.allow.encode())] if none.status == 405 else []
            answer = refusal(none.status, error, media_type, *allow)
        except ClientDisconnect:
            # It is gone before it has said what it wants.
            answer = Response(status_code=400)
        except Exception as fault:
            if not db.is_away(fault):
                raise
            answer = refusal(503, translate_error(unavailable(), language), media_type)
        await answer(scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, headers: dict[bytes, bytes], language: str, media_type: str
    ) -> ASGIApp:
        """The answer to a request, which is counted before anything of it is read. Raises NoRequestError and
        ClientDisconnect.
        """
        method = scope["method"]
        address, last_event_id = self._door.address_of(scope), _text(headers, b"last-event-id")
        context = Context(
            self._state, language=language, address=address, last_event_id=last_event_id, ready=ready_of(scope)
        )
        early = await identify(context, self._door, _text(headers, b"authorization"))
        if early is None and context.who is not None:
            early = self._door.admit(context)
        if early is not None:
            return self._refused(early, context, media_type)
        if method not in ("GET", "POST"):
            raise NoRequestError(405, "Send GraphQL by POST, or a query by GET", allow="GET, POST")
        if method == "GET":
            asked = read_address(scope["query_string"])
        else:
            asked = await read_body(headers.get(b"content-type", b""), receive)
        is_known = self._state.documents.find(asked.query or "") is not None
        if refused := await self._refusal(context, asked):
            return self._refused(refused, context, media_type)
        accept = _text(headers, b"accept") or ""
        if method == "POST" and takes_events(accept) and _is_streamed(context, asked, accept):
            request = OperationRequest(asked.query, asked.variables, asked.operation_name, context)
            return EventStream(request, self._live, self._streams)
        _check_kind(context, asked, by_get=method == "GET")
        context.heard = receive
        try:
            result = await execute(context, self._schema, asked.operation_name, asked.variables)
        finally:
            # It leads to the connection, and a context waits for the garbage collector.
            context.heard = None
        if is_known and not isinstance(result, PreExecutionError):
            DIRECT.inc()
        return self._answered(result, context, media_type)

    async def _refusal(self, context: Context, asked: GraphQLRequest) -> GraphQLError | None:
        """Why a request may not run. Raises NoRequestError."""
        if asked.query:
            return await admit(context, self._schema, asked.query, asked.operation_name, asked.variables)
        if context.who is None:
            return unauthenticated()
        raise NoRequestError(400, "The request has no query")

    def _refused(self, error: GraphQLError, context: Context, media_type: str) -> Answer:
        return self._answered(ExecutionResult(None, [with_code(error, context.language)]), context, media_type)

    def _answered(self, result: ExecutionResult, context: Context, media_type: str) -> Answer:
        if context.document is not None:
            result.extensions = {"cost": self._state.spending.shown(context, context.cost)}
        return answer_of(result, media_type, self._state.settings.answer_bytes)


def _check_kind(context: Context, asked: GraphQLRequest, *, by_get: bool) -> None:
    """Raises NoRequestError where there is no such operation, or none that is answered once and may come this way."""
    assert context.document is not None
    kind = context.document.kind(asked.operation_name)
    if kind is None:
        raise NoRequestError(400, unknown_operation(asked.operation_name))
    if by_get and kind is not OperationType.QUERY:
        raise NoRequestError(405, "Only a query can be sent by GET")
    if kind is OperationType.SUBSCRIPTION:
        raise NoRequestError(400, "A subscription needs a socket, or `Accept: text/event-stream`")


def _is_streamed(context: Context, asked: GraphQLRequest, accept: str) -> bool:
    """Whether one who takes a stream gets one: who takes JSON as well gets it for a subscription only."""
    assert context.document is not None
    return not weights(accept) or context.document.is_subscription(asked.operation_name)


def _is_a_person(method: str, headers: dict[bytes, bytes]) -> bool:
    """Whether a browser opens the address: it takes pages, and shows no key by itself."""
    return (
        method == "GET"
        and b"text/html" in headers.get(b"accept", b"")[:LONGEST_HEADER]
        and b"authorization" not in headers
    )


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def ready_of(scope: Scope) -> Any:
    """What to wait for until the client is not behind, as a connection offers it; None under another server."""
    return scope.get("extensions", {}).get(EXTENSION, {}).get(READY)
