"""Limits how many values the variables of a request have. Pure.

It runs before the variables are converted to inputs, which takes time for each value.
"""

from collections.abc import Mapping
from typing import Any, Final

from graphql import GraphQLError

MOST_VALUES: Final = 5000
"""The most values of all variables together, in lists and inputs at any depth. The longest lists have 200."""

TOO_MANY_VALUES: Final = (
    f"The variables have more than {MOST_VALUES} values. Send less at once: shorter lists, or several requests."
)


def too_many_values(variables: Mapping[str, Any]) -> GraphQLError | None:
    """Returns the refusal when there are too many values; stops counting there."""
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
