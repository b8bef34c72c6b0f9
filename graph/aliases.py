"""How many fields of a document have another name: a rule of validation, and so part of what is cached by document."""

from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
)

MOST = 50
"""How many fields of an operation may have another name, those of a fragment each time that it is spread: with other
names the same can be asked for many times over.
"""


class AliasRule(ASTValidationRule):
    """Refuses documents with too many other names."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        definitions = context.document.definitions
        self._fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
        self._known: dict[str, int] = {}

    def enter_document(self, node: DocumentNode, *_: Any) -> None:
        """Looks at every operation once, with fragments counted once each."""
        for operation in node.definitions:
            if isinstance(operation, OperationDefinitionNode) and self._in(operation.selection_set) > MOST:
                message = f"More than {MOST} fields have another name."
                self.report_error(GraphQLError(message, [operation], extensions={"code": "QUERY_TOO_COMPLEX"}))

    def _in(self, selections: SelectionSetNode | None) -> int:
        """How many a selection has."""
        found = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FragmentSpreadNode):
                found += self._fragment(node.name.value)
            else:
                found += (isinstance(node, FieldNode) and node.alias is not None) + self._in(
                    getattr(node, "selection_set", None)
                )
        return found

    def _fragment(self, name: str) -> int:
        """A fragment that spreads itself, or is missing, is another rule's matter."""
        if name not in self._known:
            self._known[name] = 0
            self._known[name] = self._in(self._fragments[name].selection_set) if name in self._fragments else 0
        return self._known[name]
