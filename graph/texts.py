"""Refuses documents and variables with texts that no database stores: with NUL, or with half a character."""

from collections.abc import Mapping
from typing import Any

from graphql import ArgumentNode, GraphQLError, ObjectFieldNode, StringValueNode, ValidationRule
from graphql.language.ast import Node

from graph.languages import NO_TEXT


class TextRule(ValidationRule):
    """Refuses documents with such a text; the error names the argument or the input field."""

    def enter_string_value(
        self, node: StringValueNode, _key: Any, parent: Any, _path: Any, ancestors: list[Node | tuple[Node, ...]]
    ) -> None:
        """Checks one text of the document; graphql-core calls it."""
        if _is_unstorable(node.value):
            named = [
                each.name.value for each in (*ancestors, parent) if isinstance(each, ArgumentNode | ObjectFieldNode)
            ]
            self.report_error(GraphQLError(NO_TEXT.format(name=".".join(named)), node))


def errors_in_variables(variables: Mapping[str, Any]) -> list[GraphQLError]:
    """Returns an error for each such text, with the variable and the place in it. Does not recurse, however deep."""
    found, waiting = [], [(name, value) for name, value in variables.items()]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, str):
            if _is_unstorable(value):
                found.append(GraphQLError(NO_TEXT.format(name=name)))
        elif isinstance(value, dict):
            waiting.extend((f"{name}.{key}", each) for key, each in value.items())
        elif isinstance(value, list):
            waiting.extend((f"{name}.{at}", each) for at, each in enumerate(value))
    return found[::-1][:_MOST_ERRORS]


_MOST_ERRORS = 10
"""The most errors that `errors_in_variables` returns; one is enough to refuse."""


def _is_unstorable(value: str) -> bool:
    if value.isascii():
        return "\0" in value
    return "\0" in value or any("\ud800" <= each <= "\udfff" for each in value)
