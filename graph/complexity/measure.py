"""Rules that measure each operation of a document, and so are part of what is cached by document.

A refusal says what was counted, what the limit is, and how to ask for less.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
)

from graph.languages import figure

_MOST_COUNTED: Final = 1_000_000
"""Fragments in fragments can count to numbers with hundreds of digits."""


class MeasureRule(ASTValidationRule):
    """Refuses documents with an operation that measures more than `most`; `message` says so, with slots for what was
    `counted` and the `most`.
    """

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
            counted = self.measured(operation.selection_set) if isinstance(operation, OperationDefinitionNode) else 0
            if counted > self.most:
                message = self.message.format(counted=_figure(counted), most=figure(self.most))
                self.report_error(GraphQLError(message, [operation], extensions={"code": "QUERY_TOO_COMPLEX"}))

    @abstractmethod
    def measured(self, selections: SelectionSetNode | None) -> int:
        """What a selection measures."""

    def fragment(self, name: str) -> int:
        """What a fragment measures. One that spreads itself, or is missing, is another rule's matter."""
        if name not in self._known:
            self._known[name] = 0
            self._known[name] = self.measured(self._fragments[name].selection_set) if name in self._fragments else 0
        return self._known[name]


def _figure(counted: int) -> str:
    """A number for people."""
    return figure(counted) if counted <= _MOST_COUNTED else f"more than {figure(_MOST_COUNTED)}"
