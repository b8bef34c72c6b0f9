"""Places in documents where objects are selected, and the functions that were made for each.

They live as long as the document is remembered, and count among its bytes.
"""

import logging
from collections.abc import Mapping
from types import CodeType, FunctionType
from typing import Any, Final, TypeAlias, cast

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    Node,
    VariableNode,
    Visitor,
    visit,
)

from graph.fields.compiler import Collect, NotPlainError, Render, render_of
from graph.graphql_internals import FieldDetails
from graph.request.context import Context

log = logging.getLogger("timebok.completer")

CASES: Final = 8
"""So many cases (types, roles, values of switches) of one place are remembered; the others do without."""


_PLACE: Final = "place"

_SIZE: Final = 500
"""About how many bytes a place takes, and each function of it besides its code."""

_Case: TypeAlias = tuple[str, bool, tuple[bool | None, ...]]


class CompiledSelection:
    """One place in a document."""

    def __init__(self, node: FieldNode, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.node = node
        self._switches = sorted(_switches(node, fragments))
        self._seen: set[_Case] = set()
        self._renders: dict[_Case, Render | None] = {}

    def render(
        self,
        kind: GraphQLObjectType,
        details: list[FieldDetails],
        collect: Collect,
        variables: Mapping[str, Any],
        context: Context,
        *,
        staff: bool,
    ) -> Render | None:
        """The function for objects of a type with these variables; None when there can be none.

        It is made when a case comes for the second time: some documents come but once.
        """
        case = kind.name, staff, tuple([variables.get(each) for each in self._switches])
        if case in self._renders:
            return self._renders[case]
        if case in self._seen:
            made = self._renders[case] = _made(kind, details, collect, staff=staff)
            for function in (made.at_once, made.in_steps) if made else ():
                context.grow(_weight(cast(FunctionType, function).__code__))
            return made
        if len(self._seen) < CASES:
            self._seen.add(case)
        return None


def place_of(node: FieldNode, fragments: Mapping[str, FragmentDefinitionNode], context: Context) -> CompiledSelection:
    """The place where a field is selected, remembered with its document."""
    name = _PLACE, id(node)
    place: CompiledSelection | None = context.memo.get(name)
    if place is None:
        place = CompiledSelection(node, fragments)
        context.remember(name, place, _SIZE)
    return place


def _weight(code: CodeType) -> int:
    """About how many bytes a function's code takes."""
    return _SIZE + 6 * len(code.co_code) + sum(_weight(each) for each in code.co_consts if isinstance(each, CodeType))


def _made(kind: GraphQLObjectType, details: list[FieldDetails], collect: Collect, *, staff: bool) -> Render | None:
    try:
        return render_of(kind, details, collect, staff=staff)
    except (NotPlainError, GraphQLError):
        # What is wrong with a switch is told where it stands.
        return None
    except Exception:
        # A fault of ours, which costs time and nothing else.
        log.exception("no code for %s", kind.name)
        return None


def _switches(node: Node, fragments: Mapping[str, FragmentDefinitionNode]) -> set[str]:
    """The variables that decide what of a selection is skipped."""
    found, opened = _Switches(), set[str]()
    visit(node, found)
    while left := found.spread - opened:
        opened |= left
        for name in left:
            visit(fragments[name], found)
    return found.variables


class _Switches(Visitor):
    """The variables in directives, and the fragments that are spread."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.spread: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.spread.add(node.name.value)

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        given = (each.value for each in node.arguments or ())
        self.variables |= {value.name.value for value in given if isinstance(value, VariableNode)}
