"""What a document asks for, as far as that must be known before it is run. Pure."""

from graphql import GraphQLSyntaxError, OperationDefinitionNode, OperationType, get_operation_ast, parse
from graphql.language import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, Node

from graph.server.limits import LONGEST_DOCUMENT

_OPEN_TO_ALL = {"__schema", "__type", "__typename"}


def is_subscription(document: str, operation_name: str | None) -> bool:
    """Whether what a document asks to run is a subscription; not, where that cannot be told."""
    try:
        operation = get_operation_ast(parse(document, max_tokens=LONGEST_DOCUMENT), operation_name)
    except GraphQLSyntaxError:
        return False
    return operation is not None and operation.operation is OperationType.SUBSCRIPTION


def asks_for_the_schema_only(document: str) -> bool:
    """Whether every field at the root of the document is about the schema itself: that needs no key."""
    try:
        definitions = parse(document, max_tokens=LONGEST_DOCUMENT).definitions
    except GraphQLSyntaxError:
        return False
    fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
    left: list[Node] = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
    seen: set[str] = set()
    asked: set[str] = set()
    while left:
        node = left.pop()
        if isinstance(node, FieldNode):
            asked.add(node.name.value)
        elif isinstance(node, FragmentSpreadNode):
            # Each fragment is opened once: documents can nest them without end.
            if node.name.value not in seen and node.name.value in fragments:
                left.append(fragments[node.name.value])
            seen.add(node.name.value)
        elif isinstance(node, OperationDefinitionNode | FragmentDefinitionNode | InlineFragmentNode):
            left.extend(node.selection_set.selections)
    return bool(asked) and asked <= _OPEN_TO_ALL
