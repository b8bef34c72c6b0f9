"""How deep a document goes: a rule of validation, and so part of what is cached by document."""

from collections.abc import Mapping
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

DEEPEST = 15
"""How many levels of fields a document may have."""


class DepthRule(ASTValidationRule):
    """Refuses documents that go too deep. Fields about the schema itself do not count."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        definitions = context.document.definitions
        self._fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
        self._known: dict[str, int] = {}

    def enter_document(self, node: DocumentNode, *_: Any) -> None:
        """Looks at every operation once, with fragments measured once each."""
        for operation in node.definitions:
            if isinstance(operation, OperationDefinitionNode) and self._below(operation.selection_set, {}) > DEEPEST:
                message = f"The document goes deeper than {DEEPEST} levels."
                self.report_error(GraphQLError(message, [operation], extensions={"code": "QUERY_TOO_COMPLEX"}))

    def _below(self, selections: SelectionSetNode | None, open_fragments: Mapping[str, bool]) -> int:
        """How many levels a selection has. A fragment that spreads itself, or is missing, is another rule's matter."""
        deepest = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                about_schema = node.name.value.startswith("__")
                depth = 0 if about_schema else 1 + self._below(node.selection_set, open_fragments)
            elif isinstance(node, FragmentSpreadNode):
                depth = self._fragment(node.name.value, open_fragments)
            else:
                depth = self._below(getattr(node, "selection_set", None), open_fragments)
            deepest = max(deepest, depth)
        return deepest

    def _fragment(self, name: str, open_fragments: Mapping[str, bool]) -> int:
        if name in open_fragments or name not in self._fragments:
            return 0
        if name not in self._known:
            self._known[name] = self._below(self._fragments[name].selection_set, {**open_fragments, name: True})
        return self._known[name]
