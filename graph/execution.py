"""How operations are executed: to their end, also when nobody waits for it any more.

Broken off in the middle, graphql-core leaves coroutines behind that were made and never awaited.
"""

import asyncio
from collections.abc import Awaitable
from inspect import isawaitable
from typing import Any

from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

LONGEST_SECONDS = 30.0
"""How long one request may take, and how long it goes on at most when nobody waits for it any more."""

FINISH_SECONDS = 3.0
"""So long what is under way may take when the process is told to stop."""


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which keeps what is under way in the house, to be awaited before that closes."""

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result, or what is to be awaited for it."""
        result: Any = super().execute_operation(serially)
        return _to_its_end(result, self.context_value.house.under_way) if isawaitable(result) else result


async def _to_its_end(result: Awaitable[Any], under_way: set[asyncio.Future[Any]]) -> Any:
    task = asyncio.ensure_future(result)
    under_way.add(task)
    task.add_done_callback(under_way.discard)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        asyncio.get_running_loop().call_later(LONGEST_SECONDS, task.cancel)
        raise


async def finish(under_way: set[asyncio.Future[Any]]) -> None:
    """Waits for what is under way, but for what hangs."""
    if under_way:
        _, hanging = await asyncio.wait(under_way, timeout=FINISH_SECONDS)
        for task in hanging:
            task.cancel()
