"""How operations are executed: what is plain by generated code, and to their end, also when nobody waits any more.

Broken off in the middle, graphql-core leaves coroutines behind that were made and never awaited.
"""

import asyncio
from collections.abc import Awaitable
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, GraphQLObjectType, GraphQLSchema, get_nullable_type, is_object_type
from graphql.execution.collect_fields import FieldDetails
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph.context import Context
from graph.server.gauges import FALLBACKS
from graph.server.places import place_of
from graph.texts import in_variables

LONGEST_SECONDS = 30.0
"""How long one request may take, and how long it goes on at most when nobody waits for it any more."""

FINISH_SECONDS = 3.0
"""So long what is under way may take when the process is told to stop."""


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which leaves plain objects to the completer, and keeps what is under way in the house, to
    be awaited before that closes.
    """

    @classmethod
    def build(
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Any = None,
        context_value: Any = None,
        raw_variable_values: dict[str, Any] | None = None,
        *args: Any,
        **named: Any,
    ) -> Any:
        """An executor, or what is wrong with the request. Texts are looked at here, whichever way a request takes."""
        wrong = in_variables(raw_variable_values or {})
        return wrong or super().build(schema, document, root_value, context_value, raw_variable_values, *args, **named)

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result, or what is to be awaited for it."""
        result: Any = super().execute_operation(serially)
        return _to_its_end(result, self.context_value.house.under_way) if isawaitable(result) else result

    def complete_list_value(self, return_type: Any, details: Any, info: Any, path: Any, result: Any, *rest: Any) -> Any:
        """A list as it is answered."""
        kind = get_nullable_type(return_type.of_type)
        if isinstance(result, list) and is_object_type(kind):
            rendered = self._rendered(kind, details, result)
            if rendered is not None:
                return rendered
        return super().complete_list_value(return_type, details, info, path, result, *rest)

    def complete_object_value(
        self, return_type: Any, details: Any, info: Any, path: Any, result: Any, *rest: Any
    ) -> Any:
        """An object as it is answered."""
        rendered = self._rendered(return_type, details, [result])
        if rendered is not None:
            return rendered[0]
        return super().complete_object_value(return_type, details, info, path, result, *rest)

    def _rendered(
        self, kind: GraphQLObjectType, details: list[FieldDetails], values: list[Any]
    ) -> list[dict[str, Any]] | None:
        """Objects that are selected here, by generated code; None where that is not for them."""
        context: Context = self.context_value
        # What is selected twice under one name is put together by graphql-core.
        if len(details) > 1 or context.who is None or not context.house.settings.completer:
            return None
        place = place_of(details[0].node, self.fragment_definitions)
        variables = self.variable_values.coerced
        render = place.render(kind, details, self._collected, variables, staff=context.who.is_staff)
        if render is None:
            return None
        try:
            return render(values, context)
        except Exception:
            # Something cannot be shown: graphql-core knows what to say of it.
            FALLBACKS.inc()
            return None

    def _collected(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> dict[str, list[FieldDetails]]:
        return self.collect_subfields(kind, details).grouped_field_set


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
