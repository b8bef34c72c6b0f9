"""Limits how many aliases an operation has."""

from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode

from graph.complexity.measure import MeasureRule

MOST = 50
"""The most aliases of an operation: with them it can ask for a field many times. Counts fragments at each spread."""


class AliasRule(MeasureRule):
    """Refuses documents with too many aliases."""

    most = MOST
    message = (
        "An operation has {counted} aliases, and may have {most}. Ask for less at once: use fewer, or "
        "send several requests."
    )

    def measured(self, selections: SelectionSetNode | None) -> int:
        """Counts the aliases in a selection."""
        found = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FragmentSpreadNode):
                found += self.fragment(node.name.value)
            else:
                found += isinstance(node, FieldNode) and node.alias is not None
                found += self.measured(getattr(node, "selection_set", None))
        return found
