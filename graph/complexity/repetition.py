"""Limits how often an operation repeats a field in one place.

The specification's rule that fields with one name can be merged compares every pair of them, so its time grows with the
square of the repetition (GraphQL, "Field Selection Merging"). This rule runs before that one.
"""

from collections import defaultdict
from collections.abc import Iterator

from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode

from graph.complexity.measure import MeasureRule

MOST = 3000
"""The most fields and pairs of fields with one name. Thirty fragments that repeat three names have 1,395."""


class RepetitionRule(MeasureRule):
    """Refuses documents that repeat fields too often in one place."""

    most = MOST
    message = (
        "An operation has more than {most} fields and repetitions of fields. Ask for less at once: for "
        "each field once in one place, or in several requests."
    )

    def measured(self, selections: SelectionSetNode | None) -> int:
        """Counts the fields of a selection and below it, and their pairs with one name; stops above `most`."""
        found, left = 0, [[selections] if selections else []]
        while left and found <= self.most:
            by_name: dict[str, list[FieldNode]] = defaultdict(list)
            for field in self._fields(left.pop(), set()):
                by_name[field.alias.value if field.alias else field.name.value].append(field)
            for fields in by_name.values():
                found += len(fields) + len(fields) * (len(fields) - 1) // 2
                left.append([each.selection_set for each in fields if each.selection_set])
        return found

    def _fields(self, sets: list[SelectionSetNode], opened: set[str]) -> Iterator[FieldNode]:
        """Yields the fields of merged selections, those of each fragment once."""
        for node in [node for each in sets for node in each.selections]:
            if isinstance(node, FieldNode):
                yield node
            elif not isinstance(node, FragmentSpreadNode):
                yield from self._fields([getattr(node, "selection_set")], opened)  # noqa: B009  # of any such node
            elif node.name.value in self._fragments and node.name.value not in opened:
                opened.add(node.name.value)
                yield from self._fields([self._fragments[node.name.value].selection_set], opened)
