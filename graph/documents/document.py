"""One GraphQL document: its syntax tree, its operations, and what code has computed from them."""

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

from graph import excerpt
from graph.complexity.cost import Cost, cost_of
from graph.complexity.depth import DEEPEST
from graph.documents.inspect import asks_for_the_schema_only, resume_variable
from graph.documents.validity import MOST_ERRORS, errors_of
from graph.graphql_internals import LinedSource, let_go_of_tokens
from graph.languages import format_number

MOST_TOKENS: Final = 5000
"""The most tokens of a document."""

MOST_OPERATIONS: Final = 100
"""The most operations of a document, since many rules look at all of them together."""

BYTES_PER_CHARACTER: Final = 80
"""How much memory a document needs for each of its characters, mainly for its syntax tree, when names are short."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a valid document, and its cost."""

    node: OperationDefinitionNode
    cost: Cost
    resume_variable: str | None
    """The variable with the cursor from which a subscription goes on."""

    @property
    def is_subscription(self) -> bool:
        """Whether it is a subscription."""
        return self.node.operation is OperationType.SUBSCRIPTION

    @property
    def is_query(self) -> bool:
        """Whether it is a query."""
        return self.node.operation is OperationType.QUERY


@dataclass(slots=True)
class Document:
    """A document and what we know of it. `syntax_error` is set when it could not be parsed."""

    text: str
    tree: DocumentNode | None = None
    syntax_error: GraphQLError | None = None
    nodes: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)
    errors: list[GraphQLError] | None = None
    """The errors of validation; None before `check`."""
    operations: dict[str | None, Operation] = field(default_factory=dict)
    memo: dict[Hashable, Any] = field(default_factory=dict)
    """What others have worked out from its nodes (columns, generated code): goes when the document is forgotten."""
    asks_for_the_schema_only: bool = False
    """Whether it asks for nothing but the schema itself."""
    answer: dict[str, bytes] | None = None
    """The answer to a document about the schema alone, field by field as JSON: it never changes."""
    written: int = 0
    """The bytes of `memo` and `answer`, as their writers have estimated them."""

    @property
    def size(self) -> int:
        """About how many bytes it needs in memory."""
        return 1000 + BYTES_PER_CHARACTER * len(self.text) + self.written

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it can run, as far as is known."""
        return bool(self.syntax_error or self.errors)

    def node(self, name: str | None) -> OperationDefinitionNode | None:
        """Returns the operation of that name, or the only one without a name; None when there is no such operation."""
        if name is None:
            return next(iter(self.nodes.values())) if len(self.nodes) == 1 else None
        return self.nodes.get(name) if isinstance(name, str) else None

    def operation(self, name: str | None) -> Operation | None:
        """Returns the same as `node`, with its cost; None too when the document is not valid."""
        node = self.node(name)
        return self.operations.get(node.name.value if node.name else None) if node else None

    def is_subscription(self, name: str | None) -> bool:
        """Whether the operation of that name is a subscription; False when there is no such operation."""
        node = self.node(name)
        return node is not None and node.operation is OperationType.SUBSCRIPTION

    def kind(self, name: str | None) -> OperationType | None:
        """What the operation of that name is, valid or not; without a name, the first. None where there is none."""
        node = next(iter(self.nodes.values()), None) if name is None else self.node(name)
        return node.operation if node else None

    def check(self, schema: GraphQLSchema, *, introspection: bool) -> None:
        """Validates the document and computes the cost of its operations, unless that is done already."""
        if self.errors is not None or self.tree is None:
            return
        errors = self._errors(self.tree, schema, introspection=introspection)
        if not errors:
            self.operations = {name: self._operation(self.tree, node, schema) for name, node in self.nodes.items()}
        visit(self.tree, _DropTokens())
        # Last of all: this may be a thread, and whoever sees that there are none goes on with the operations.
        self.errors = errors

    def _errors(self, tree: DocumentNode, schema: GraphQLSchema, *, introspection: bool) -> list[GraphQLError]:
        found = errors_of(tree, schema, introspection=introspection)
        # With this message graphql-core reports that it has exceeded Python's recursion limit.
        if [each.message for each in found] == ["Validation aborted."]:
            return [too_complex(NESTED)]
        return [_shortened(each) for each in found]

    def _operation(self, tree: DocumentNode, node: OperationDefinitionNode, schema: GraphQLSchema) -> Operation:
        is_subscription = node.operation is OperationType.SUBSCRIPTION
        return Operation(node, cost_of(schema, tree, node), resume_variable(tree, node) if is_subscription else None)


def _shortened(error: GraphQLError) -> GraphQLError:
    """Cuts an error to what answers have of it, once for all of them."""
    error.message = excerpt.message(error.message)
    error.locations = (error.locations or [])[:MOST_ERRORS] or None
    return error


NESTED: Final = (
    f"This document is nested too deeply to be read; fields may go {DEEPEST} levels deep. Ask for less at once: what "
    "lies deeper can be asked for by its id, in a request of its own."
)


def parse_document(text: str) -> Document:
    """Parses a text."""
    try:
        tree = parse(LinedSource(text), max_tokens=MOST_TOKENS)
    except GraphQLSyntaxError as error:
        return Document(text, syntax_error=_too_large(error) or _shortened(error))
    let_go_of_tokens(tree)
    operations = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) > MOST_OPERATIONS:
        return Document(text, syntax_error=too_complex(TOO_MANY.format(counted=format_number(len(operations)))))
    nodes = {each.name.value if each.name else None: each for each in operations}
    return Document(text, tree, nodes=nodes, asks_for_the_schema_only=asks_for_the_schema_only(tree))


TOO_MANY: Final = (
    f"This document has {{counted}} operations, and may have {MOST_OPERATIONS}. Ask for less at once: send those that "
    "are to run, or several requests."
)
TOO_LONG: Final = (
    f"This document has more than {MOST_TOKENS} tokens. Ask for less at once: fewer fields, or several requests."
)


def _too_large(error: GraphQLSyntaxError) -> GraphQLError | None:
    """Returns QUERY_TOO_COMPLEX if the document is too long or nested too deeply for the parser; else None."""
    if error.message.startswith("Syntax Error: Document contains more than"):
        return too_complex(TOO_LONG)
    return too_complex(NESTED) if "nested too deeply" in error.message else None


def too_complex(message: str) -> GraphQLError:
    """Builds the error for a document that asks for too much."""
    return GraphQLError(message, extensions={"code": "QUERY_TOO_COMPLEX"})


class _DropTokens(Visitor):
    """Drops the tokens, which need as much memory again. Places of errors are computed from offsets without them."""

    def enter(self, node: Node, *_: object) -> None:
        if node.loc:
            gone: Any = None
            node.loc.start_token = node.loc.end_token = gone
