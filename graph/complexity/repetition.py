"""How often a document asks for the same thing in the same place.

The rule of the specification that fields with one name can be merged compares every pair of them, so its time grows
with the square of the repetition (GraphQL, "Field Selection Merging"). This measure is taken before that rule runs.
"""

from collections import defaultdict
from collections.abc import Iterator

from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode

from graph.complexity.measure import MeasureRule

MOST = 3000
"""How many fields, and pairs of fields with one name, an operation may have: thirty fragments that each repeat three
names in one place have 1,395.
"""


class RepetitionRule(MeasureRule):
    """Refuses documents that ask for the same too often in one place."""

    most = MOST
    message = (
        "An operation has more than {most} fields and repetitions of fields. Ask for less at once: for "
        "each field once in one place, or in several requests."
    )

    def measured(self, selections: SelectionSetNode | None) -> int:
        """How many fields a selection has, and pairs with one name, with all that lies below; counts to `most` + 1."""
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
        """The fields of selections that are merged, those of each fragment once."""
        for node in [node for each in sets for node in each.selections]:
            if isinstance(node, FieldNode):
                yield node
            elif not isinstance(node, FragmentSpreadNode):
                yield from self._fields([getattr(node, "selection_set")], opened)  # noqa: B009  # of any such node
            elif node.name.value in self._fragments and node.name.value not in opened:
                opened.add(node.name.value)
                yield from self._fields([self._fragments[node.name.value].selection_set], opened)
