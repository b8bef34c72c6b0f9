"""What a document asks for, as far as that must be known before it is run. Pure."""

from collections import Counter
from functools import lru_cache

from graphql import GraphQLSyntaxError, OperationDefinitionNode, OperationType, get_operation_ast, parse, visit
from graphql.language import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    VariableNode,
    Visitor,
)

from graph.server.limits import LONGEST_DOCUMENT

_OPEN_TO_ALL = {"__schema", "__type", "__typename"}

_RESUME = "after"
"""The argument of a subscription that says from where to go on."""

_KNOWN = 128
"""So many documents are remembered: clients send few, again and again."""


def is_subscription(document: str, operation_name: str | None) -> bool:
    """Whether what a document asks to run is a subscription; not, where that cannot be told."""
    operation = _operation(document, operation_name)
    return operation is not None and operation.operation is OperationType.SUBSCRIPTION


@lru_cache(maxsize=_KNOWN)
def resume_variable(document: str, operation_name: str | None) -> str | None:
    """The variable that says from where a subscription goes on, if it says nothing else."""
    parsed, operation = _parsed(document), _operation(document, operation_name)
    if parsed is None or operation is None:
        return None
    fields = operation.selection_set.selections
    given = [each for field in fields if isinstance(field, FieldNode) for each in field.arguments or ()]
    names = [_variable(each) for each in given if each.name.value == _RESUME]
    name = names[0] if len(names) == 1 else None
    uses = _Uses()
    visit(parsed, uses)
    # Once where it is declared, and once where it is used.
    return name if name and uses.found[name] == 2 else None


def _variable(argument: ArgumentNode) -> str | None:
    return argument.value.name.value if isinstance(argument.value, VariableNode) else None


class _Uses(Visitor):
    """How often each variable stands in a document."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.found[node.name.value] += 1


def _operation(document: str, operation_name: str | None) -> OperationDefinitionNode | None:
    """What a document asks to run; None where that cannot be told."""
    parsed = _parsed(document)
    return get_operation_ast(parsed, operation_name) if parsed else None


@lru_cache(maxsize=_KNOWN)
def _parsed(document: str) -> DocumentNode | None:
    try:
        return parse(document, max_tokens=LONGEST_DOCUMENT)
    except GraphQLSyntaxError:
        return None


def asks_for_the_schema_only(document: str) -> bool:
    """Whether every field at the root of the document is about the schema itself: that needs no key."""
    parsed = _parsed(document)
    definitions = parsed.definitions if parsed else ()
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
