"""Texts that no database takes: NUL, and halves of characters. A document or its variables with one is not run."""

from collections.abc import Mapping
from typing import Any

from graphql import ArgumentNode, GraphQLError, ObjectFieldNode, StringValueNode, ValidationRule
from graphql.language.ast import Node

from graph.languages import NO_TEXT


class TextRule(ValidationRule):
    """Refuses documents with such a text, naming the argument or the input field."""

    def enter_string_value(
        self, node: StringValueNode, _key: Any, parent: Any, _path: Any, ancestors: list[Node | tuple[Node, ...]]
    ) -> None:
        """Looks at one text."""
        if _is_no_text(node.value):
            named = [
                each.name.value for each in (*ancestors, parent) if isinstance(each, ArgumentNode | ObjectFieldNode)
            ]
            self.report_error(GraphQLError(NO_TEXT.format(name=".".join(named)), node))


def in_variables(variables: Mapping[str, Any]) -> list[GraphQLError]:
    """An error for each such text, naming the variable and the place in it. However deep, nothing recurses."""
    found, waiting = [], [(name, value) for name, value in variables.items()]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, str):
            if _is_no_text(value):
                found.append(GraphQLError(NO_TEXT.format(name=name)))
        elif isinstance(value, dict):
            waiting.extend((f"{name}.{key}", each) for key, each in value.items())
        elif isinstance(value, list):
            waiting.extend((f"{name}.{at}", each) for at, each in enumerate(value))
    return found[::-1][:_TOLD]


_TOLD = 10
"""So many are told; one is enough to refuse."""


def _is_no_text(value: str) -> bool:
    if value.isascii():
        return "\0" in value
    return "\0" in value or any("\ud800" <= each <= "\udfff" for each in value)
