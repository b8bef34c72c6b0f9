"""How operations are executed: what is plain by generated code, and to their end, also when nobody waits any more.

Broken off in the middle, graphql-core leaves coroutines behind that were made and never awaited.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from inspect import isawaitable
from typing import Any, TypeGuard

from graphql import GraphQLObjectType, get_nullable_type, is_object_type
from graphql.execution.collect_fields import FieldDetails
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph.completer import Render
from graph.context import Context
from graph.spots import Spot

LONGEST_SECONDS = 30.0
"""How long one request may take, and how long it goes on at most when nobody waits for it any more."""

FINISH_SECONDS = 3.0
"""So long what is under way may take when the process is told to stop."""


_KEPT = 1024
"""So many places in documents are remembered."""

_spots: dict[int, Spot] = {}


_AT_ONCE = frozenset({str, int, bool, float, dict, list, tuple, type(None)})


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which leaves plain objects to the completer, and keeps what is under way in the house, to
    be awaited before that closes.
    """

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result, or what is to be awaited for it."""
        result: Any = super().execute_operation(serially)
        return _to_its_end(result, self.context_value.house.under_way) if isawaitable(result) else result

    def complete_list_value(self, return_type: Any, details: Any, info: Any, path: Any, result: Any, *rest: Any) -> Any:
        """A list as it is answered."""
        kind = get_nullable_type(return_type.of_type)
        if isinstance(result, list) and is_object_type(kind) and (render := self._render(kind, details)):
            with suppress(Exception):
                return render(result, self.context_value)
        return super().complete_list_value(return_type, details, info, path, result, *rest)

    def complete_object_value(
        self, return_type: Any, details: Any, info: Any, path: Any, result: Any, *rest: Any
    ) -> Any:
        """An object as it is answered."""
        if render := self._render(return_type, details):
            with suppress(Exception):
                return render([result], self.context_value)[0]
        return super().complete_object_value(return_type, details, info, path, result, *rest)

    def _render(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> Render | None:
        """The function for objects that are selected here; None when there is none."""
        context: Context = self.context_value
        if len(details) > 1 or context.who is None or not context.house.settings.completer:
            return None
        node = details[0].node
        spot = _spots.get(id(node))
        if spot is None:
            if len(_spots) >= _KEPT:
                _spots.clear()
            # It keeps the node: as long as it does, nothing else has the node's identity.
            spot = _spots[id(node)] = Spot(node, self.fragment_definitions)

        def collect(kind: GraphQLObjectType, details: list[FieldDetails]) -> dict[str, list[FieldDetails]]:
            return self.collect_subfields(kind, details).grouped_field_set

        return spot.render(kind, details, collect, self.variable_values.coerced, staff=context.who.is_staff)


def is_awaitable(value: Any) -> TypeGuard[Awaitable[Any]]:
    """Whether a value has to be waited for: what is looked at most is seen at once."""
    return type(value) not in _AT_ONCE and isawaitable(value)


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
