"""Limits how deep an operation goes."""

from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode

from graph.complexity.measure import MeasureRule

DEEPEST = 15
"""The most levels of fields of an operation."""


class DepthRule(MeasureRule):
    """Refuses documents that go too deep. Does not count fields about the schema itself."""

    most = DEEPEST
    message = (
        "An operation goes {counted} levels deep, and may go {most}. Ask for less at once: what lies "
        "deeper can be asked for by its id, in a request of its own."
    )

    def measured(self, selections: SelectionSetNode | None) -> int:
        """Counts the levels of a selection."""
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
