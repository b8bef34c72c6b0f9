"""One GraphQL document as it was sent: its syntax tree, its operations, and what was worked out from them."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    parse,
)
from graphql.language import Node, Visitor, visit

from graph.complexity.cost import Cost, cost_of
from graph.complexity.depth import DEEPEST
from graph.documents.inspect import asks_for_the_schema_only, resume_variable
from graph.documents.validity import errors_of
from graph.graphql_internals import let_go_of_tokens
from graph.languages import figure

MOST_TOKENS: Final = 5000
"""Tokens of a document."""

MOST_OPERATIONS: Final = 100
"""Operations of a document: many rules look at all of them together."""

BYTES_PER_CHARACTER: Final = 80
"""Memory of a document for each of its characters: of its syntax tree, where names are short."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document that is valid, and what it may cost."""

    node: OperationDefinitionNode
    cost: Cost
    resume_variable: str | None
    """The variable that says from where a subscription goes on."""

    @property
    def is_subscription(self) -> bool:
        """Whether it is answered many times."""
        return self.node.operation is OperationType.SUBSCRIPTION

    @property
    def is_query(self) -> bool:
        """Whether it changes nothing, and is answered once."""
        return self.node.operation is OperationType.QUERY


@dataclass(slots=True)
class Document:
    """A document and what is known of it. `syntax_error` stands where it could not be read."""

    text: str
    tree: DocumentNode | None = None
    syntax_error: GraphQLError | None = None
    nodes: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)
    errors: list[GraphQLError] | None = None
    """What makes it invalid; None until that was looked at."""
    operations: dict[str | None, Operation] = field(default_factory=dict)
    memo: dict[Hashable, Any] = field(default_factory=dict)
    """What others have worked out from its nodes (columns, generated code): goes when the document is forgotten."""
    asks_for_the_schema_only: bool = False
    """Whether it asks for nothing but the schema itself."""
    answer: dict[str, bytes] | None = None
    """The answer to a document about the schema alone, field by field as JSON: it never changes."""
    written: int = 0
    """Bytes that `memo` and `answer` were said to take."""

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return 1000 + BYTES_PER_CHARACTER * len(self.text) + self.written

    def node(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of that name, or the only one; None where that cannot be told."""
        if name is None:
            return next(iter(self.nodes.values())) if len(self.nodes) == 1 else None
        return self.nodes.get(name) if isinstance(name, str) else None

    def operation(self, name: str | None) -> Operation | None:
        """The valid operation of that name, or the only one; None where that cannot be told."""
        node = self.node(name)
        return self.operations.get(node.name.value if node.name else None) if node else None

    def is_subscription(self, name: str | None) -> bool:
        """Whether the operation of that name is a subscription; not, where that cannot be told."""
        node = self.node(name)
        return node is not None and node.operation is OperationType.SUBSCRIPTION

    def kind(self, name: str | None) -> OperationType | None:
        """What the operation of that name is, valid or not; without a name, the first. None where there is none."""
        node = next(iter(self.nodes.values()), None) if name is None else self.node(name)
        return node.operation if node else None

    def check(self, schema: GraphQLSchema, *, introspection: bool) -> None:
        """Finds out whether it is valid, and what its operations may cost."""
        if self.errors is not None or self.tree is None:
            return
        errors = self._errors(self.tree, schema, introspection=introspection)
        if not errors:
            self.operations = {name: self._operation(self.tree, node, schema) for name, node in self.nodes.items()}
        visit(self.tree, _Forgetting())
        # Last of all: this may be a thread, and whoever sees that there are none goes on with the operations.
        self.errors = errors

    def _errors(self, tree: DocumentNode, schema: GraphQLSchema, *, introspection: bool) -> list[GraphQLError]:
        found = errors_of(tree, schema, introspection=introspection)
        # So graphql-core says that it went too deep for Python's stack.
        return [too_complex(NESTED)] if [each.message for each in found] == ["Validation aborted."] else found

    def _operation(self, tree: DocumentNode, node: OperationDefinitionNode, schema: GraphQLSchema) -> Operation:
        is_subscription = node.operation is OperationType.SUBSCRIPTION
        return Operation(node, cost_of(schema, tree, node), resume_variable(tree, node) if is_subscription else None)


NESTED: Final = (
    f"This document is nested too deeply to be read; fields may go {DEEPEST} levels deep. Ask for less at once: what "
    "lies deeper can be asked for by its id, in a request of its own."
)


def read(text: str) -> Document:
    """The document that a text is."""
    try:
        tree = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLSyntaxError as error:
        return Document(text, syntax_error=_measured(error) or error)
    let_go_of_tokens(tree)
    operations = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) > MOST_OPERATIONS:
        return Document(text, syntax_error=too_complex(TOO_MANY.format(counted=figure(len(operations)))))
    nodes = {each.name.value if each.name else None: each for each in operations}
    return Document(text, tree, nodes=nodes, asks_for_the_schema_only=asks_for_the_schema_only(tree))


TOO_MANY: Final = (
    f"This document has {{counted}} operations, and may have {MOST_OPERATIONS}. Ask for less at once: send those that "
    "are to run, or several requests."
)
TOO_LONG: Final = (
    f"This document has more than {MOST_TOKENS} tokens. Ask for less at once: fewer fields, or several requests."
)


def _measured(error: GraphQLSyntaxError) -> GraphQLError | None:
    """The refusal where reading was given up because there is too much of it: graphql-core's messages tell."""
    if error.message.startswith("Syntax Error: Document contains more than"):
        return too_complex(TOO_LONG)
    return too_complex(NESTED) if "nested too deeply" in error.message else None


def too_complex(message: str) -> GraphQLError:
    """The answer to a document that asks for too much."""
    return GraphQLError(message, extensions={"code": "QUERY_TOO_COMPLEX"})


class _Forgetting(Visitor):
    """Forgets the tokens, which take as much memory again: error places are told from offsets."""

    def enter(self, node: Node, *_: object) -> None:
        if node.loc:
            gone: Any = None
            node.loc.start_token = node.loc.end_token = gone
