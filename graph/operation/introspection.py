"""Answers to documents that ask for nothing but the schema itself: the same for everybody, worked out in a thread."""

from typing import Any

from graphql import GraphQLError, GraphQLSchema, execute_sync
from orjson import Fragment
from strawberry.types import ExecutionResult

from graph.documents.document import Document
from graph.documents.validity import MOST_ERRORS
from graph.errors import with_code
from graph.rendering.json_text import encode
from graph.request.context import Context


async def answer(
    context: Context, schema: GraphQLSchema, document: Document, name: str | None, variables: dict[str, Any] | None
) -> ExecutionResult:
    """The answer to a valid document about the schema; one without variables is remembered with its document."""
    if document.answer is not None:
        return ExecutionResult(_ready(document.answer), None)
    texts, errors = await context.state.documents.in_turn(context.holder, _executed, schema, document, name, variables)
    if not errors and not variables and len(document.nodes) == 1:
        document.answer = texts
        context.grow(sum(len(text) for text in texts.values()))
    return ExecutionResult(_ready(texts), [with_code(each, context.language) for each in errors])


def _ready(texts: dict[str, bytes]) -> dict[str, Any] | None:
    """What goes into an answer as the JSON that it is."""
    return {name: Fragment(text) for name, text in texts.items()} or None


def _executed(
    schema: GraphQLSchema, document: Document, name: str | None, variables: dict[str, Any] | None
) -> tuple[dict[str, bytes], list[GraphQLError]]:
    """Each field of the answer as JSON; none where the operation could not run."""
    assert document.tree is not None
    result = execute_sync(
        schema, document.tree, variable_values=variables, operation_name=name, max_coercion_errors=MOST_ERRORS
    )
    return {name: encode(value) for name, value in (result.data or {}).items()}, result.errors or []
