"""The status of an answer over HTTP that went no further than the database."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

UNAVAILABLE = 503


def is_unavailable(data: Mapping[str, Any] | None, errors: Sequence[GraphQLError] | None) -> bool:
    """Whether nothing was answered since the database cannot be reached, or takes no writes."""
    codes = {(error.extensions or {}).get("code") for error in errors or ()}
    return "UNAVAILABLE" in codes and all(each is None for each in (data or {}).values())
