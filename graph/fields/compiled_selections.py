"""Keeps the functions that the compiler makes for each place of a document where objects are selected.

They live as long as the document is in the cache, and count among its bytes.
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

from graph.fields.compiler import Collect, NotPlainError, Render, compile_selection
from graph.graphql_internals import FieldDetails
from graph.request.context import Context

log = logging.getLogger("timebok.completer")

CASES: Final = 8
"""How many cases (types, roles, values of switches) of one place get a function; others run without."""


_PLACE: Final = "place"

_SIZE: Final = 500
"""About how many bytes a place needs, and each of its functions besides its code."""

_Case: TypeAlias = tuple[str, bool, tuple[bool | None, ...]]


class CompiledSelection:
    """One place in a document where objects are selected, with its functions."""

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
        """Returns the functions for objects of a type with these variables; None when there are none.

        Compiles them when a case comes for the second time, since some documents come only once.
        """
        case = kind.name, staff, tuple([variables.get(each) for each in self._switches])
        if case in self._renders:
            return self._renders[case]
        if case in self._seen:
            made = self._renders[case] = _compile(kind, details, collect, staff=staff)
            for function in (made.at_once, made.in_steps) if made else ():
                context.grow(_estimate_bytes(cast(FunctionType, function).__code__))
            return made
        if len(self._seen) < CASES:
            self._seen.add(case)
        return None


def place_of(node: FieldNode, fragments: Mapping[str, FragmentDefinitionNode], context: Context) -> CompiledSelection:
    """Returns the place where a field is selected; its document keeps it."""
    name = _PLACE, id(node)
    place: CompiledSelection | None = context.memo.get(name)
    if place is None:
        place = CompiledSelection(node, fragments)
        context.remember(name, place, _SIZE)
    return place


def _estimate_bytes(code: CodeType) -> int:
    """Estimates how many bytes a function's code needs."""
    return (
        _SIZE
        + 6 * len(code.co_code)
        + sum(_estimate_bytes(each) for each in code.co_consts if isinstance(each, CodeType))
    )


def _compile(kind: GraphQLObjectType, details: list[FieldDetails], collect: Collect, *, staff: bool) -> Render | None:
    try:
        return compile_selection(kind, details, collect, staff=staff)
    except (NotPlainError, GraphQLError):
        # graphql-core reports a wrong switch when it executes the field.
        return None
    except Exception:
        # A fault of ours; graphql-core executes the selection instead, only slower.
        log.exception("could not compile a selection of %s; graphql-core executes it", kind.name)
        return None


def _switches(node: Node, fragments: Mapping[str, FragmentDefinitionNode]) -> set[str]:
    """Returns the variables in the `@skip` and `@include` directives of a selection."""
    found, opened = _Switches(), set[str]()
    visit(node, found)
    while left := found.spread - opened:
        opened |= left
        for name in left:
            visit(fragments[name], found)
    return found.variables


class _Switches(Visitor):
    """Collects the variables in directives, and the names of spread fragments."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.spread: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.spread.add(node.name.value)

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        given = (each.value for each in node.arguments or ())
        self.variables |= {value.name.value for value in given if isinstance(value, VariableNode)}
