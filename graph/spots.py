"""Places in documents where objects are selected, and the functions that were made for them."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    Node,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.collect_fields import FieldDetails

from graph.completer import Collect, NotPlainError, Render, render_of

CASES = 16
"""For so many cases (types, roles, values of switches) of one place functions are made; the others do without."""


class Spot:
    """One place in a document where objects are selected, with the functions that were made for it."""

    def __init__(self, node: FieldNode, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.node = node
        self._switches = sorted(_switches(node, fragments))
        self._renders: dict[tuple[str, bool, tuple[bool, ...]], Render | None] = {}

    def render(
        self,
        kind: GraphQLObjectType,
        details: list[FieldDetails],
        collect: Collect,
        variables: Mapping[str, Any],
        *,
        staff: bool,
    ) -> Render | None:
        """The function for objects of a type with these variables; None when there can be none."""
        case = kind.name, staff, tuple([bool(variables.get(each)) for each in self._switches])
        if case not in self._renders:
            if len(self._renders) >= CASES:
                return None
            try:
                self._renders[case] = render_of(kind, details, collect, staff=staff)
            except NotPlainError:
                self._renders[case] = None
        return self._renders[case]


def _switches(node: Node, fragments: Mapping[str, FragmentDefinitionNode]) -> set[str]:
    """The variables that decide what of a selection is skipped."""
    found = _Switches()
    visit(node, found)
    for name in found.spread:
        found.variables |= _switches(fragments[name], fragments)
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
