"""How many fields of a document have another name."""

from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode

from graph.complexity.measure import MeasureRule

MOST = 50
"""How many fields of an operation may have another name, those of a fragment each time that it is spread: with other
names the same can be asked for many times over.
"""


class AliasRule(MeasureRule):
    """Refuses documents with too many other names."""

    most = MOST
    message = (
        "An operation has {counted} aliases, and may have {most}. Ask for less at once: use fewer, or "
        "send several requests."
    )

    def measured(self, selections: SelectionSetNode | None) -> int:
        """How many a selection has."""
        found = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FragmentSpreadNode):
                found += self.fragment(node.name.value)
            else:
                found += isinstance(node, FieldNode) and node.alias is not None
                found += self.measured(getattr(node, "selection_set", None))
        return found
