"""Rules that measure each operation of a document, and so are part of what is cached by document."""

from abc import abstractmethod
from typing import Any, ClassVar

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
)


class MeasureRule(ASTValidationRule):
    """Refuses documents with an operation that measures more than `most`; `message` says so."""

    most: ClassVar[int]
    message: ClassVar[str]

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        definitions = context.document.definitions
        self._fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
        self._known: dict[str, int] = {}

    def enter_document(self, node: DocumentNode, *_: Any) -> None:
        """Looks at every operation once, with fragments measured once each."""
        for operation in node.definitions:
            if isinstance(operation, OperationDefinitionNode) and self.measured(operation.selection_set) > self.most:
                self.report_error(GraphQLError(self.message, [operation], extensions={"code": "QUERY_TOO_COMPLEX"}))

    @abstractmethod
    def measured(self, selections: SelectionSetNode | None) -> int:
        """What a selection measures."""

    def fragment(self, name: str) -> int:
        """What a fragment measures. One that spreads itself, or is missing, is another rule's matter."""
        if name not in self._known:
            self._known[name] = 0
            self._known[name] = self.measured(self._fragments[name].selection_set) if name in self._fragments else 0
        return self._known[name]
