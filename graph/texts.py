"""Refuses documents and variables with texts that no database stores: with NUL, or with half a character."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from graphql import ArgumentNode, GraphQLError, ObjectFieldNode, StringValueNode, ValidationRule
from graphql.language.ast import Node

from graph import excerpt
from graph.languages import NO_TEXT


class TextRule(ValidationRule):
    """Refuses documents with such a text; the error names the argument or the input field."""

    def enter_string_value(
        self, node: StringValueNode, _key: Any, parent: Any, _path: Any, ancestors: list[Node | tuple[Node, ...]]
    ) -> None:
        """Checks one text of the document; graphql-core calls it."""
        if _UNSTORABLE.search(node.value):
            named = [
                excerpt.name(each.name.value)
                for each in (*ancestors, parent)
                if isinstance(each, ArgumentNode | ObjectFieldNode)
            ]
            self.report_error(GraphQLError(NO_TEXT.format(name=".".join(named)), node))


def errors_in_variables(variables: Mapping[str, Any]) -> list[GraphQLError]:
    """Returns an error for each such text, with the variable and the place in it. Does not recurse, however deep."""
    found: list[_Place] = []
    waiting: list[tuple[_Place, Any]] = [((name, None), value) for name, value in variables.items()]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            if _UNSTORABLE.search(value):
                found.append(place)
        elif isinstance(value, dict):
            waiting.extend(((key, place), each) for key, each in value.items())
        elif isinstance(value, list):
            waiting.extend(((at, place), each) for at, each in enumerate(value))
    return [GraphQLError(NO_TEXT.format(name=_named(place))) for place in found[: -_MOST_ERRORS - 1 : -1]]


_Place: TypeAlias = "tuple[str | int, _Place | None]"
"""A name or a position, and the place in which it is. Names are joined for errors only: they may be long."""

_MOST_ERRORS: Final = 10
"""The most errors that `errors_in_variables` returns; one is enough to refuse."""

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def _named(place: _Place) -> str:
    steps: list[str] = []
    rest: _Place | None = place
    while rest is not None:
        step, rest = rest
        steps.append(excerpt.name(str(step)))
    return ".".join(reversed(steps))
