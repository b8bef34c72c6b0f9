"""The status of an answer over HTTP, by what it says.

Source: GraphQL over HTTP, "Status Codes"; RFC 9110 and 6585 for the others.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

from graphql import GraphQLError

from graph.server.http.media_types import GRAPHQL_RESPONSE

_BY_CODE: Final = {"UNAUTHENTICATED": 401, "RATE_LIMITED": 429, "UNAVAILABLE": 503}
"""Where nothing was answered since nobody may ask, or not now, whatever the media type."""


def status_of(data: Mapping[str, Any] | None, errors: Sequence[GraphQLError] | None, media_type: str) -> int:
    """The status of an answer of that media type."""
    is_empty = data is None or (isinstance(data, Mapping) and all(each is None for each in data.values()))
    for error in errors or ():
        status = _BY_CODE.get((error.extensions or {}).get("code", ""))
        if status and is_empty and (data is None or status != 401):
            return status
    return 400 if media_type == GRAPHQL_RESPONSE and _was_not_run(data, errors) else 200


def retry_after(status: int, errors: Sequence[GraphQLError] | None) -> int | None:
    """In how many whole seconds to ask again, where nothing was answered and an error says so: `Retry-After`."""
    if status not in (429, 503):
        return None
    told = [(error.extensions or {}).get("retryAfterSeconds") for error in errors or ()]
    return max((ceil(each) for each in told if each is not None), default=None)


def _was_not_run(data: Any, errors: Sequence[GraphQLError] | None) -> bool:
    """Whether the document, or its variables, did not get as far as a field."""
    return bool(errors) and data is None and all(error.path is None for error in errors or ())
