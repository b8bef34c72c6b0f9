"""Answers to documents that ask for nothing but the schema itself: the same for everybody, worked out in a thread."""

from typing import Any

from graphql import GraphQLError, GraphQLSchema, execute_sync
from orjson import Fragment
from strawberry.types import ExecutionResult

from graph.documents.document import Document
from graph.errors import coded
from graph.rendering.json_text import encoded
from graph.request.context import Context


async def answer(
    context: Context, schema: GraphQLSchema, document: Document, name: str | None, variables: dict[str, Any] | None
) -> ExecutionResult:
    """The answer to a valid document about the schema; one without variables is remembered with its document."""
    shown: Any = document.answer
    if shown is None:
        shown, errors = await context.state.documents.in_turn(
            context.holder, _executed, schema, document, name, variables
        )
        if errors or variables or len(document.nodes) > 1:
            return ExecutionResult(_ready(shown), [coded(each, context.language) for each in errors] or None)
        document.answer = shown
        context.grow(len(shown))
    return ExecutionResult(_ready(shown), None)


def _ready(data: bytes) -> Any:
    """JSON that goes into an answer as it is."""
    return Fragment(data)


def _executed(
    schema: GraphQLSchema, document: Document, name: str | None, variables: dict[str, Any] | None
) -> tuple[bytes, list[GraphQLError]]:
    assert document.tree is not None
    result = execute_sync(schema, document.tree, variable_values=variables, operation_name=name)
    return encoded(result.data), result.errors or []
