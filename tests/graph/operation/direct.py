"""An operation that no transport brings: admitted and run as all are."""

from typing import Any

from strawberry.types import ExecutionResult

from graph.operation.admission import admit
from graph.operation.execution import execute
from graph.request.context import Context
from graph.schema import schema


async def run(context: Context, text: str, variables: dict[str, Any] | None = None) -> ExecutionResult:
    """The result of a query or mutation. Fails when it is not admitted."""
    assert await admit(context, schema.core, text, None, variables) is None
    return await execute(context, schema.core, None, variables)
