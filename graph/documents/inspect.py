"""Questions about a syntax tree that are asked before the document runs. Pure."""

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
"""The argument of a subscription that says from where to go on."""


def resume_variable(document: DocumentNode, operation: OperationDefinitionNode) -> str | None:
    """The variable that says from where a subscription goes on, if it says nothing else."""
    fields = operation.selection_set.selections
    given = [each for field in fields if isinstance(field, FieldNode) for each in field.arguments or ()]
    names = [_variable(each) for each in given if each.name.value == _RESUME]
    name = names[0] if len(names) == 1 else None
    uses = _Uses()
    visit(document, uses)
    # Once where it is declared, and once where it is used.
    return name if name and uses.found[name] == 2 else None


def asks_for_the_schema_only(document: DocumentNode) -> bool:
    """Whether every field at the root of the document is about the schema itself: that needs no key."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    left: list[Node] = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    opened: set[str] = set()
    asked: set[str] = set()
    while left:
        node = left.pop()
        if isinstance(node, FieldNode):
            asked.add(node.name.value)
        elif isinstance(node, FragmentSpreadNode):
            # Each fragment is opened once: documents can nest them without end.
            if node.name.value not in opened and node.name.value in fragments:
                left.append(fragments[node.name.value])
            opened.add(node.name.value)
        elif isinstance(node, OperationDefinitionNode | FragmentDefinitionNode | InlineFragmentNode):
            left.extend(node.selection_set.selections)
    return bool(asked) and asked <= _OPEN_TO_ALL


def _variable(argument: ArgumentNode) -> str | None:
    return argument.value.name.value if isinstance(argument.value, VariableNode) else None


class _Uses(Visitor):
    """How often each variable stands in a document."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.found[node.name.value] += 1
