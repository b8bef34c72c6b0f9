"""Answers over HTTP, as they are written: a status, the headers, and JSON in the media type that was asked for."""

from typing import Any

from graphql import GraphQLError
from starlette.types import Receive, Scope, Send
from strawberry.types import ExecutionResult

from graph.rendering.json_text import encode, encode_bounded
from graph.server.http.status import retry_after, status_of

_NOT_KEPT = (b"cache-control", b"no-store")
"""An answer is for whoever has the key, and for now: a query by GET is no reason to keep it."""


class Answer:
    """One answer, ready to be sent. An ASGI application."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, status: int, media_type: str, body: bytes, *more: tuple[bytes, bytes]) -> None:
        self._status = status
        self._body = body
        self._headers = [
            _NOT_KEPT,
            *more,
            (b"content-length", b"%d" % len(body)),
            (b"content-type", f"{media_type}; charset=utf-8".encode()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})


def answer_of(result: ExecutionResult, media_type: str, most: int) -> Answer:
    """The answer to a request whose operation was run, or refused; at most so many bytes of it.

    A request that was not run has no `data`. Source: GraphQL over HTTP, "application/graphql-response+json".
    """
    status = status_of(result.data, result.errors, media_type)
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        answer["extensions"] = result.extensions
    if status != 200 and result.data is None:
        answer = {"errors": answer["errors"]}
    seconds = retry_after(status, result.errors)
    later = () if seconds is None else ((b"retry-after", b"%d" % seconds),)
    return Answer(status, media_type, encode_bounded(answer, most), *later)


def refusal(status: int, error: GraphQLError, media_type: str, *more: tuple[bytes, bytes]) -> Answer:
    """The answer to what is no GraphQL request, or was not looked at."""
    return Answer(status, media_type, encode({"errors": [error.formatted]}), *more)
