"""Documents that were found valid: clients send few, again and again. Nothing is judged here."""

from collections import OrderedDict

from graphql import DocumentNode, OperationDefinitionNode

KEPT = 128
"""So many are remembered, those asked for last."""

LONGEST = 20_000
"""Characters of a document that is remembered: what programs send is shorter."""


class KnownDocuments:
    """The documents that one process found valid by its own rules, by their text."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[DocumentNode, dict[str | None, OperationDefinitionNode]]] = OrderedDict()

    def add(self, text: str, document: DocumentNode) -> None:
        """Remembers a document that is valid."""
        if len(text) > LONGEST:
            return
        operations = {
            each.name.value if each.name else None: each
            for each in document.definitions
            if isinstance(each, OperationDefinitionNode)
        }
        self._kept[text] = document, operations
        self._kept.move_to_end(text)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def find(self, text: str, operation_name: str | None) -> tuple[DocumentNode, OperationDefinitionNode] | None:
        """The document, and which of its operations is meant; None when either is not known."""
        kept = self._kept.get(text)
        if kept is None:
            return None
        self._kept.move_to_end(text)
        document, operations = kept
        if operation_name is None:
            operation = next(iter(operations.values())) if len(operations) == 1 else None
        else:
            operation = operations.get(operation_name)
        return (document, operation) if operation else None
