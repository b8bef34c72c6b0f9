"""The base of validation rules that measure each operation of a document. The document cache keeps their results.

A refusal says how much it counted, what the limit is, and how to ask for less.
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

from graph.languages import format_number

_MOST_COUNTED: Final = 1_000_000
"""The largest count that a message shows: nested fragments can count to numbers with hundreds of digits."""


class MeasureRule(ASTValidationRule):
    """Refuses documents with an operation that measures more than `most`, as `message` says with its two slots."""

    most: ClassVar[int]
    message: ClassVar[str]

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        definitions = context.document.definitions
        self._fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
        self._known: dict[str, int] = {}

    def enter_document(self, node: DocumentNode, *_: Any) -> None:
        """Measures every operation, and each fragment once."""
        for operation in node.definitions:
            counted = self.measured(operation.selection_set) if isinstance(operation, OperationDefinitionNode) else 0
            if counted > self.most:
                message = self.message.format(counted=_figure(counted), most=format_number(self.most))
                self.report_error(GraphQLError(message, [operation], extensions={"code": "QUERY_TOO_COMPLEX"}))

    @abstractmethod
    def measured(self, selections: SelectionSetNode | None) -> int:
        """Measures a selection."""

    def fragment(self, name: str) -> int:
        """Measures a fragment. Other rules refuse one that spreads itself, or is missing."""
        if name not in self._known:
            self._known[name] = 0
            self._known[name] = self.measured(self._fragments[name].selection_set) if name in self._fragments else 0
        return self._known[name]


def _figure(counted: int) -> str:
    """Formats a count for people."""
    return format_number(counted) if counted <= _MOST_COUNTED else f"more than {format_number(_MOST_COUNTED)}"
