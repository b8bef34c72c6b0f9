"""Queries and mutations that were admitted, run to their results.

Every error in a result has a code, and is in the caller's language; a fault of ours is logged and hidden.
"""

from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError, GraphQLSchema
from strawberry.execution import optimized_is_awaitable
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from graph import excerpt
from graph.documents.document import Document
from graph.errors import client_error, with_code
from graph.operation import introspection
from graph.operation.executor import Executor
from graph.request.context import Context


async def execute(
    context: Context, schema: GraphQLSchema, name: str | None, variables: dict[str, Any] | None
) -> ExecutionResult:
    """The result of a query or a mutation of the context's document; a PreExecutionError when it cannot run."""
    document = _admitted(context)
    operation = document.operation(name)
    if operation is None:
        return PreExecutionError(None, _coded(_errors(document, name), context))
    if operation.is_query and document.asks_for_the_schema_only:
        return await introspection.answer(context, schema, document, name, variables)
    assert document.tree is not None
    try:
        executor = Executor.build(
            schema,
            document.tree,
            context_value=context,
            raw_variable_values=variables,
            operation_name=name,
            is_awaitable=optimized_is_awaitable,
        )
        result: Any = CoreResult(None, executor) if isinstance(executor, list) else executor.execute_operation()
        finished: CoreResult = await result if isawaitable(result) else result
    except Exception as error:
        return _failed(error, context)
    return ExecutionResult(finished.data, _coded(finished.errors, context))


def unknown_operation(name: object) -> str:
    """What is said where the document has no operation of that name, or none at all."""
    return (
        "Can't get GraphQL operation type" if name is None else f'Unknown operation named "{excerpt.name(str(name))}".'
    )


def _admitted(context: Context) -> Document:
    assert context.document is not None, "an operation is admitted before it runs"
    return context.document


def _errors(document: Document, name: str | None) -> list[GraphQLError]:
    """Why no operation of a document can run."""
    if document.kind(name) is None:
        return [GraphQLError(unknown_operation(name))]
    if document.errors:
        return document.errors
    # Source: GraphQL, "GetOperation".
    return [GraphQLError("Say with `operationName` which of the operations to run.")]


def _coded(errors: list[GraphQLError] | None, context: Context) -> list[GraphQLError]:
    return [with_code(error, context.language) for error in errors or ()]


def _failed(error: Exception, context: Context) -> ExecutionResult:
    """The result where something went wrong outside of any field."""
    return ExecutionResult(None, [client_error(error, context.language)])
