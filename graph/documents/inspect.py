"""Inspects the syntax tree of a document before it runs. Pure."""

from collections import Counter

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)

_OPEN_TO_ALL = {"__schema", "__type", "__typename"}

_RESUME = "after"
"""The argument of a subscription with the cursor from which it goes on."""


def resume_variable(document: DocumentNode, operation: OperationDefinitionNode) -> str | None:
    """Returns the variable with a subscription's cursor, if the document uses it for nothing else; None otherwise."""
    fields = operation.selection_set.selections
    given = [each for field in fields if isinstance(field, FieldNode) for each in field.arguments or ()]
    names = [_variable(each) for each in given if each.name.value == _RESUME]
    name = names[0] if len(names) == 1 else None
    uses = _Uses()
    visit(document, uses)
    # One declaration and one use.
    return name if name and uses.found[name] == 2 else None


def asks_for_the_schema_only(document: DocumentNode) -> bool:
    """Whether every field at the root of the document is about the schema itself. Such a document needs no key."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    left: list[Node] = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    opened: set[str] = set()
    field_names: set[str] = set()
    while left:
        node = left.pop()
        if isinstance(node, FieldNode):
            field_names.add(node.name.value)
        elif isinstance(node, FragmentSpreadNode):
            # Opens each fragment once, since documents can nest them without end.
            if node.name.value not in opened and node.name.value in fragments:
                left.append(fragments[node.name.value])
            opened.add(node.name.value)
        elif isinstance(node, OperationDefinitionNode | FragmentDefinitionNode | InlineFragmentNode):
            left.extend(node.selection_set.selections)
    return bool(field_names) and field_names <= _OPEN_TO_ALL


def _variable(argument: ArgumentNode) -> str | None:
    return argument.value.name.value if isinstance(argument.value, VariableNode) else None


class _Uses(Visitor):
    """Counts how often each variable occurs in a document."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.found[node.name.value] += 1
