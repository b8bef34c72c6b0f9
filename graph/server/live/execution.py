"""One operation that answers over a socket or an event stream, as messages that are ready to be sent."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from inspect import isawaitable
from itertools import count
from typing import Any

from graphql import GraphQLError, GraphQLSchema
from graphql.execution import create_source_event_stream, execute_subscription_event
from strawberry.types.execution import PreExecutionError

from graph.errors import FAULTS, with_code
from graph.operation.execution import execute
from graph.operation.executor import Executor
from graph.rendering.json_text import encode, encode_bounded
from graph.request.context import Context
from graph.server.live.message_buffer import Message
from graph.spoken import translate_error
from graph.subscriptions.source import Look, Source, SourceEvent
from models.log import change_log


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """What a client asked for, and as whom."""

    document: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    context: Context


class Execution:
    """A subscription that may run: its source, and the selection that is executed on every event of it."""

    def __init__(self, source: Source, executor: Executor) -> None:
        self.source = source
        self.context: Context = executor.context_value
        self._executor = executor
        self._positions = count()

    async def messages(self, look: Look) -> AsyncGenerator[Message, None]:
        """What there is to send after a look. With a fault of ours it ends, so that clients come back to where they
        were.
        """
        async with aclosing(self.source.events(look)) as events:
            async for event in events:
                message = await self.message(event)
                del event
                yield message
                if message.is_last:
                    return
                del message

    async def message(self, event: SourceEvent) -> Message:
        """An event with the client's selection."""
        context, executor = self.context, self._executor.build_per_event_executor(event.value)
        result: Any = execute_subscription_event(executor)
        if isawaitable(result):
            result = await result
        errors = [with_code(error, context.language) for error in result.errors or ()]
        if _is_fault(result.data, errors):
            return failed(*errors)
        payload = encode_bounded(_payload(result.data, errors), context.state.settings.answer_bytes)
        if self.source.has_states:
            return Message(payload, next(self._positions), event.topic, is_repeated=event.is_repeated)
        cursor = change_log.to_cursor(context.caller.business_id, event.revision)
        return Message(payload, event.revision, cursor=cursor)


def prepare(schema: GraphQLSchema, asked: OperationRequest) -> Execution | Message:
    """A subscription as it was asked for; or why it cannot be, where its variables or arguments are wrong."""
    # What runs may outlive who asked, and has an allowance of its own.
    context = replace(asked.context)
    assert context.document
    assert context.document.tree
    executor = Executor.build(schema, context.document.tree, None, context, asked.variables, asked.operation_name)
    source: Any = executor if isinstance(executor, list) else create_source_event_stream(executor)
    if isinstance(source, Source):
        return Execution(source, executor)
    errors = source if isinstance(source, list) else source.errors
    return failed(*(with_code(error, context.language) for error in errors), is_refusal=True)


async def answer(schema: GraphQLSchema, asked: OperationRequest) -> Message:
    """The answer to a query or a mutation."""
    context = asked.context
    result = await execute(context, schema, asked.operation_name, asked.variables)
    payload = encode_bounded(_payload(result.data, result.errors), context.state.settings.answer_bytes)
    return Message(payload, is_refusal=isinstance(result, PreExecutionError))


def failed(*errors: GraphQLError, language: str = "en", is_refusal: bool = False) -> Message:
    """A message that ends an operation; one that has not begun, where it is a refusal."""
    payload = _payload(None, [translate_error(error, language) for error in errors])
    return Message(encode(payload), is_refusal=is_refusal, is_last=True)


def _payload(data: Any, errors: Sequence[GraphQLError] | None) -> dict[str, Any]:
    return {"data": data, "errors": [error.formatted for error in errors]} if errors else {"data": data}


def _is_fault(data: Any, errors: Sequence[GraphQLError]) -> bool:
    """Whether an event could not be shown at all, or not in full for no reason of the client's."""
    codes = {(error.extensions or {}).get("code") for error in errors}
    return bool(codes) and (data is None or bool(codes & FAULTS))
