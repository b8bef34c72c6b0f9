"""Whether a document is valid: by our own measures first, then by GraphQL's rules.

What validating compares takes a hundred times the memory of the document, and graphql-core leaves it in circles that
only a collection of garbage undoes: it is let go of here as soon as it is not needed.
"""

from typing import Any, Final

from graphql import DocumentNode, GraphQLError, GraphQLSchema, specified_rules, validate
from graphql.validation import NoSchemaIntrospectionCustomRule, OverlappingFieldsCanBeMergedRule
from strawberry.schema.schema import validate_document

from graph.complexity.aliases import AliasRule
from graph.complexity.depth import DepthRule
from graph.complexity.repetition import RepetitionRule
from graph.texts import TextRule


def errors_of(tree: DocumentNode, schema: GraphQLSchema, *, introspection: bool) -> list[GraphQLError]:
    """What makes a document invalid; measured first: validating what repeats itself takes long."""
    measured = validate(schema, tree, [AliasRule, DepthRule, RepetitionRule, TextRule])
    return measured or validate_document(schema, tree, _RULES if introspection else (*_RULES, _CLOSED))


def let_go_of_tokens(tree: DocumentNode) -> None:
    """Unties the tokens of a document that was just read: each knows the next and the one before."""
    token: Any = tree.loc.start_token if tree.loc else None
    while token is not None:
        token.prev, token = None, token.next


class OverlapRule(OverlappingFieldsCanBeMergedRule):
    """GraphQL's rule that fields of one name can be merged, which forgets what it has compared when it is done."""

    def leave_document(self, *_: object) -> None:
        """Forgets: the rule itself stays until the next collection, since visitors keep their own methods."""
        del self.rule_context


_RULES: Final = tuple(OverlapRule if each is OverlappingFieldsCanBeMergedRule else each for each in specified_rules)
_CLOSED: Final = NoSchemaIntrospectionCustomRule
