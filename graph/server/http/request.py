"""What one request by HTTP asks: the JSON of a POST's body, or the parameters of a GET's address.

Source: GraphQL over HTTP, "Request".
"""

from dataclasses import dataclass
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect
from starlette.types import Receive


class NoRequestError(Exception):
    """What came is no GraphQL request, or none that may come this way."""

    def __init__(self, status: int, reason: str, allow: str = "POST") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.allow = allow
        """The methods that are named with a 405."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What is asked. Nobody has looked yet whether `operation_name` is a text."""

    query: str | None
    variables: dict[str, Any] | None
    operation_name: Any


async def read_body(content_type: bytes, receive: Receive) -> GraphQLRequest:
    """What a POST asks. Half characters (lone surrogates) are no JSON here: no database takes them. Raises
    NoRequestError; and ClientDisconnect when the client goes before it has said all.
    """
    if b"application/json" not in content_type.partition(b";")[0].lower():
        raise NoRequestError(400, "Send JSON, with the header `Content-Type: application/json`")
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NoRequestError(400, "The request body is not JSON") from None
    if isinstance(asked, list):
        raise NoRequestError(400, "Send one request at a time: a JSON object, and no list of them")
    if not isinstance(asked, dict):
        raise NoRequestError(400, "The request body is a JSON object")
    return _request(asked)


def read_address(query_string: bytes) -> GraphQLRequest:
    """What a GET asks. Raises NoRequestError."""
    asked: dict[str, Any] = dict(QueryParams(query_string))
    for name in ("variables", "extensions"):
        try:
            asked[name] = orjson.loads(asked.get(name) or "null")
        except orjson.JSONDecodeError:
            raise NoRequestError(400, f"`{name}` is not JSON") from None
    return _request(asked)


def _request(asked: dict[str, Any]) -> GraphQLRequest:
    if not isinstance(asked.get("query"), str | None):
        raise NoRequestError(400, "The GraphQL operation's `query` must be a string or null, if provided.")
    for name in ("variables", "extensions"):
        if not isinstance(asked.get(name), dict | None):
            raise NoRequestError(400, f"The GraphQL operation's `{name}` must be an object or null, if provided.")
    return GraphQLRequest(asked.get("query"), asked.get("variables"), asked.get("operationName"))
