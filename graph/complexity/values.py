"""How many values the variables of a request may have. Pure.

They are looked at before anything else is done with them: making inputs of them takes time for each.
"""

from collections.abc import Mapping
from typing import Any, Final

from graphql import GraphQLError

MOST_VALUES: Final = 5000
"""Values of all variables together, in lists and inputs at any depth: the longest lists have 200."""

TOO_MANY_VALUES: Final = (
    f"The variables have more than {MOST_VALUES} values. Send less at once: shorter lists, or several requests."
)


def too_many(variables: Mapping[str, Any]) -> GraphQLError | None:
    """The refusal where there are too many; however many there are, no more are counted."""
    waiting: list[Any] = [variables]
    count = 0
    while waiting:
        each = waiting.pop()
        inner = each.values() if isinstance(each, Mapping) else each
        count += len(inner)
        if count > MOST_VALUES:
            return GraphQLError(TOO_MANY_VALUES, extensions={"code": "BAD_USER_INPUT"})
        waiting.extend(value for value in inner if isinstance(value, dict | list))
    return None
