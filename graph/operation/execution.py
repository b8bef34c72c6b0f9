"""Operations that were admitted, run to their results: one for a query or a mutation, many for a subscription.

Every error in a result has a code, and is in the caller's language; a fault of ours is logged and hidden.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError, GraphQLSchema, subscribe
from strawberry.execution import optimized_is_awaitable
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from graph.documents.document import Document
from graph.errors import coded
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


async def stream(
    context: Context, schema: GraphQLSchema, name: str | None, variables: dict[str, Any] | None
) -> AsyncGenerator[ExecutionResult, None]:
    """The results of any operation of the context's document, one by one, to its end."""
    document = _admitted(context)
    operation = document.operation(name)
    if operation is None or not operation.is_subscription:
        yield await execute(context, schema, name, variables)
        return
    assert document.tree is not None
    try:
        begun: Any = subscribe(
            schema,
            document.tree,
            context_value=context,
            variable_values=variables,
            operation_name=name,
            executor_class=Executor,
        )
        results: Any = await begun if isawaitable(begun) else begun
        if isinstance(results, CoreResult):
            yield PreExecutionError(None, _coded(results.errors, context))
            return
        async with aclosing(results):
            async for each in results:
                yield ExecutionResult(each.data, _coded(each.errors, context, has_begun=True))
    except Exception as error:
        yield _failed(error, context)


def unknown_operation(name: object) -> str:
    """What is said where the document has no operation of that name, or none at all."""
    return "Can't get GraphQL operation type" if name is None else f'Unknown operation named "{name}".'


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


def _coded(errors: list[GraphQLError] | None, context: Context, *, has_begun: bool = False) -> list[GraphQLError]:
    return [coded(error, context.language, has_begun=has_begun) for error in errors or ()]


def _failed(error: Exception, context: Context) -> ExecutionResult:
    """The result where something went wrong outside of any field."""
    return ExecutionResult(None, _coded([GraphQLError(str(error), original_error=error)], context, has_begun=True))
