"""How deep a document goes."""

from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode

from graph.complexity.measure import MeasureRule

DEEPEST = 15
"""How many levels of fields a document may have."""


class DepthRule(MeasureRule):
    """Refuses documents that go too deep. Fields about the schema itself do not count."""

    most = DEEPEST
    message = (
        "An operation goes {counted} levels deep, and may go {most}. Ask for less at once: what lies "
        "deeper can be asked for by its id, in a request of its own."
    )

    def measured(self, selections: SelectionSetNode | None) -> int:
        """How many levels a selection has."""
        deepest = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                about_schema = node.name.value.startswith("__")
                depth = 0 if about_schema else 1 + self.measured(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                depth = self.fragment(node.name.value)
            else:
                depth = self.measured(getattr(node, "selection_set", None))
            deepest = max(deepest, depth)
        return deepest
