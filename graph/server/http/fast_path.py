"""The short way to an answer: a query or mutation whose document is known, by POST and in JSON.

What it answers is what the endpoint would. Whatever is out of the ordinary (no valid key, too many requests, a document
that is new, a stream, a database that is away) goes on to the endpoint, before anything was done.
"""

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from inspect import isawaitable
from typing import Any

import orjson
from graphql import DocumentNode, ExecutionResult, GraphQLSchema, OperationDefinitionNode
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.execution import optimized_is_awaitable

from graph import languages
from graph.errors import coded, internal
from graph.metrics import DIRECT
from graph.operation.executor import LONGEST_SECONDS, Executor
from graph.rendering.allowance import too_slow
from graph.rendering.json_text import bounded
from graph.request.context import AppState, Context
from graph.server.http.body_limit import replay
from graph.server.http.endpoint import NOT_KEPT, Endpoint, bearer, ready_of
from graph.server.http.media_types import preferred_type
from graph.server.http.status import retry_after, status_of
from graph.spoken import spoken
from models import api_key
from models.storage import db

_is_awaitable: Any = optimized_is_awaitable
"""As on the long way."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be run, and for whom."""

    document: DocumentNode
    operation: OperationDefinitionNode
    variables: dict[str, Any]
    context: Context


class ShortWay:
    """Answers known documents itself, and hands everything else to the application."""

    def __init__(self, app: ASGIApp, endpoint: Endpoint, state: AppState, schema: GraphQLSchema) -> None:
        self._app = app
        self._endpoint = endpoint
        self._state = state
        self._schema = schema

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == "/graphql":
            # Of several of one name the first counts, as for the endpoint.
            headers = dict(reversed(scope["headers"]))
            media_type = _media_type(headers.get(b"accept", b""), headers.get(b"content-type", b""))
            if media_type:
                message = await receive()
                if not message.get("more_body"):
                    asked = await self._asked(scope, headers, message.get("body", b""))
                    if asked:
                        DIRECT.inc()
                        asked.context.heard, asked.context.ready = receive, ready_of(scope)
                        await _send(send, await self._run(asked), media_type, asked.context)
                        return
                receive = replay(message, receive)
        await self._app(scope, receive, send)

    async def _asked(self, scope: Scope, headers: dict[bytes, bytes], body: bytes) -> _Asked | None:
        """What is to be run; None when the endpoint has to look at it. Without a key nothing is read."""
        plain = bearer(headers.get(b"authorization", b"").decode("latin-1"))
        if plain is None:
            return None
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(data, dict):
            return None
        text, variables, name = data.get("query"), data.get("variables"), data.get("operationName")
        if not isinstance(text, str) or not isinstance(name, str | None):
            return None
        if not isinstance(variables, dict | None) or not isinstance(data.get("extensions"), dict | None):
            return None
        document = self._state.documents.find(text)
        operation = document.operation(name) if document else None
        if document is None or operation is None or operation.is_subscription:
            return None
        try:
            who = await api_key.authenticate(plain)
        except Exception as error:
            if db.is_away(error):
                return None
            raise
        context = Context(
            self._state,
            who,
            language=languages.asked_for(headers.get(b"accept-language", b"").decode("latin-1")),
            address=self._endpoint.door.address_of(scope),
        )
        if who is None or self._endpoint.door.admit(context) is not None:
            return None
        context.document = document
        if document.tree is None or context.admit(operation, variables) is not None:
            return None
        return _Asked(document.tree, operation.node, variables or {}, context)

    async def _run(self, asked: _Asked) -> ExecutionResult:
        """The result, with errors as clients may see them."""
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                result = await self._executed(asked)
        except TimeoutError:
            return ExecutionResult(None, [spoken(too_slow(), asked.context.language)])
        except Exception as error:
            return ExecutionResult(None, [spoken(internal(error), asked.context.language)])
        return ExecutionResult(result.data, [coded(error, asked.context.language) for error in result.errors or ()])

    async def _executed(self, asked: _Asked) -> ExecutionResult:
        executor = Executor.build(
            self._schema,
            asked.document,
            context_value=asked.context,
            raw_variable_values=asked.variables,
            operation_name=asked.operation.name.value if asked.operation.name else None,
            is_awaitable=_is_awaitable,
        )
        if isinstance(executor, list):
            return ExecutionResult(None, executor)
        result: Any = executor.execute_operation()
        finished: ExecutionResult = await result if isawaitable(result) else result
        return finished


async def _send(send: Send, result: ExecutionResult, media_type: str, context: Context) -> None:
    """Answers in the media type that was asked for (see `Endpoint.create_response`)."""
    errors = [error.formatted for error in result.errors or ()]
    answer: dict[str, Any] = {"data": result.data, "errors": errors} if errors else {"data": result.data}
    answer["extensions"] = {"cost": context.state.spending.shown(context, context.cost)}
    status = status_of(result.data, result.errors, media_type)
    if status != 200 and result.data is None:
        answer = {"errors": errors}
    body = bounded(answer, context.state.settings.answer_bytes)
    headers = [
        *_KEPT_BY_NOBODY,
        (b"content-length", b"%d" % len(body)),
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
    ]
    if (seconds := retry_after(status, result.errors)) is not None:
        headers.append((b"retry-after", b"%d" % seconds))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_KEPT_BY_NOBODY = [(name.lower().encode(), value.encode()) for name, value in NOT_KEPT.items()]


@lru_cache(maxsize=256)
def _media_type(accept: bytes, content_type: bytes) -> str | None:
    """The media type to answer in; None where something else than JSON is sent or may be wanted."""
    if content_type.partition(b";")[0].strip().lower() != b"application/json" or b"text/event-stream" in accept.lower():
        return None
    return preferred_type(accept.decode("latin-1"))
