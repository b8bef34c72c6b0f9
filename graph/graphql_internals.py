"""What graphql-core does not promise to keep and is used all the same, each with its reason.

What validating compares takes a hundred times the memory of the document, and graphql-core leaves it in circles that
only a collection of garbage undoes: what is here lets go of it as soon as it is not needed.
"""

from typing import Any

from graphql import DocumentNode
from graphql.execution.collect_fields import FieldDetails
from graphql.validation import OverlappingFieldsCanBeMergedRule

# What an execution has collected for one key of the answer: generated code is made of it.
__all__ = ["FieldDetails", "OverlapRule", "let_go_of_tokens"]


def let_go_of_tokens(tree: DocumentNode) -> None:
    """Unties the tokens of a document that was just read: each knows the next, and no longer the one before."""
    token: Any = tree.loc.start_token if tree.loc else None
    while token is not None:
        token.prev, token = None, token.next


class OverlapRule(OverlappingFieldsCanBeMergedRule):
    """GraphQL's rule that fields of one name can be merged, which forgets what it has compared when it is done."""

    def leave_document(self, *_: object) -> None:
        """Forgets: the rule itself stays until the next collection, since visitors keep their own methods."""
        del self.rule_context
