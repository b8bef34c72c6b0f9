"""What graphql-core does not promise to keep and is used all the same, each with its reason.

What validating compares takes a hundred times the memory of the document, and graphql-core leaves it in circles that
only a collection of garbage undoes: what is here lets go of it as soon as it is not needed.
"""

from array import array
from bisect import bisect_left
from typing import Any

from graphql import DocumentNode, Source, SourceLocation
from graphql.execution.collect_fields import FieldDetails
from graphql.language.location import _re_newline
from graphql.validation import OverlappingFieldsCanBeMergedRule

# What an execution has collected for one key of the answer: generated code is made of it.
__all__ = ["FieldDetails", "LinedSource", "OverlapRule", "let_go_of_tokens"]


def let_go_of_tokens(tree: DocumentNode) -> None:
    """Unties the tokens of a document that was just read: each knows the next, and no longer the one before."""
    token: Any = tree.loc.start_token if tree.loc else None
    while token is not None:
        token.prev, token = None, token.next


class LinedSource(Source):
    """The text of a document, which finds its lines once. graphql-core finds them again for each error."""

    def __init__(self, body: str) -> None:
        super().__init__(body)
        breaks = [(each.start(), each.end()) for each in _re_newline.finditer(body)]
        self._breaks = array("L", [start for start, _ in breaks])
        self._starts = array("L", [0, *(end for _, end in breaks)])

    def get_location(self, position: int) -> SourceLocation:
        """Returns the line and the column of a position."""
        line = bisect_left(self._breaks, position)
        return SourceLocation(line + 1, position + 1 - self._starts[line])


class OverlapRule(OverlappingFieldsCanBeMergedRule):
    """GraphQL's rule that fields of one name can be merged, which forgets what it has compared when it is done."""

    def leave_document(self, *_: object) -> None:
        """Forgets: the rule itself stays until the next collection, since visitors keep their own methods."""
        del self.rule_context
