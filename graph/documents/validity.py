"""Whether a document is valid: by our own measures first, then by GraphQL's rules."""

from typing import Final

from graphql import DocumentNode, GraphQLError, GraphQLSchema, specified_rules, validate
from graphql.validation import NoSchemaIntrospectionCustomRule, OverlappingFieldsCanBeMergedRule

from graph.complexity.aliases import AliasRule
from graph.complexity.depth import DepthRule
from graph.complexity.repetition import RepetitionRule
from graph.graphql_internals import OverlapRule
from graph.strawberry_internals import broken_rules
from graph.texts import TextRule

MOST_ERRORS: Final = 10
"""The most errors that an answer has of one document; one more says that there are others."""


def errors_of(tree: DocumentNode, schema: GraphQLSchema, *, introspection: bool) -> list[GraphQLError]:
    """Returns the errors of a document. Measures it first, since GraphQL's rules take long for one with repetitions."""
    measured = validate(schema, tree, [AliasRule, DepthRule, RepetitionRule, TextRule], MOST_ERRORS)
    rules = _RULES if introspection else (*_RULES, _NO_INTROSPECTION)
    return measured or broken_rules(schema, tree, rules, MOST_ERRORS)


_RULES: Final = tuple(OverlapRule if each is OverlappingFieldsCanBeMergedRule else each for each in specified_rules)
_NO_INTROSPECTION: Final = NoSchemaIntrospectionCustomRule
