"""graphql-core still has what it does not promise, as we use it."""

from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    parse,
    validate,
)

from graph.graphql_internals import FieldDetails, OverlapRule, let_go_of_tokens


def test_what_is_collected_of_a_field_has_its_node() -> None:
    (operation,) = parse("{ a }").definitions
    assert isinstance(operation, OperationDefinitionNode)
    (node,) = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    assert FieldDetails(node, None).node is node


def test_tokens_know_the_one_before_until_they_are_let_go() -> None:
    tree = parse("{ a b }")
    assert tree.loc
    start: Any = tree.loc.start_token
    brace = start.next
    assert brace.prev is start
    let_go_of_tokens(tree)
    assert [each.prev for each in (start, brace, brace.next)] == [None, None, None]


def test_the_rule_of_overlaps_forgets_what_it_has_compared() -> None:
    rules: list[OverlapRule] = []

    class Kept(OverlapRule):
        """The rule, which the test looks at before and after."""

        def __init__(self, context: Any) -> None:
            super().__init__(context)
            assert hasattr(self, "rule_context")
            rules.append(self)

    schema = GraphQLSchema(GraphQLObjectType("Query", {name: GraphQLField(GraphQLString) for name in "ab"}))
    (error,) = validate(schema, parse("{ same: a same: b }"), [Kept])
    assert error.message.startswith("Fields 'same' conflict")
    assert [hasattr(rule, "rule_context") for rule in rules] == [False]
