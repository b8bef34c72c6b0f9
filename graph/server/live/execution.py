"""One run of an operation: from what was asked to messages that are ready to be sent."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

from graphql import GraphQLError
from strawberry.schema import BaseSchema
from strawberry.types.execution import PreExecutionError

from graph.errors import FAULTS
from graph.feeds.progress import SubscriptionProgress
from graph.rendering.json_text import bounded, encoded
from graph.request.context import Context
from graph.server.live.message_buffer import Message
from graph.spoken import spoken
from models.log import change_log

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """What a client asked for, and as whom."""

    document: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    context: Context


class Run:
    """One run of what was asked. Ends with its block, unless it was given away."""

    def __init__(self, schema: BaseSchema, asked: OperationRequest, resume: int | None) -> None:
        """`resume` is the revision to go on after, whatever was asked."""
        self.course = SubscriptionProgress(resume)
        self._schema = schema
        self._asked = asked
        self._results: AsyncGenerator[Any, None] | None = None
        self._first: asyncio.Task[Any] | None = None
        self._is_given_away = False
        self.has_ended = False
        """Whether it has come to its end by itself."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self._is_given_away:
            await self.close()

    def give_away(self) -> Self:
        """Whoever takes it closes it."""
        self._is_given_away = True
        return self

    async def begin(self) -> bool:
        """Whether it is a subscription that can be shared. If not, it has something to say for itself: an answer, a
        refusal, the end.
        """
        asked = self._asked
        stream: Any = await self._schema.stream(
            asked.document,
            variable_values=asked.variables,
            context_value=replace(asked.context, following=self.course),
            operation_name=asked.operation_name,
        )
        self._results = stream
        self._first = asyncio.create_task(next_of(stream))
        begun = asyncio.create_task(self.course.begun.wait())
        try:
            await asyncio.wait({self._first, begun}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()
        return self.course.begun.is_set()

    async def messages(self) -> AsyncGenerator[Message, None]:
        """What it says, to its end. The positions of a subscription's messages rise; with a fault of ours it ends, so
        that its clients come back to where they were.
        """
        assert self._results is not None
        assert self._first is not None
        self.course.go_on()
        result = await self._first
        while result is not None:
            if self.course.begun.is_set() and _is_fault(result):
                yield failed(*result.errors)
                break
            message = self._message(result)
            # Whoever maps the stream holds on to the last result.
            if result.data:
                result.data.clear()
            yield message
            del message
            result = await next_of(self._results)
        self.has_ended = True

    async def close(self) -> None:
        """Breaks it off."""
        if self._first is not None:
            self._first.cancel()
            await asyncio.gather(self._first, return_exceptions=True)
        if self._results is not None:
            await self._results.aclose()

    def _message(self, result: Any) -> Message:
        payload = {"data": result.data}
        errors = [error.formatted for error in result.errors or ()]
        if errors:
            payload["errors"] = errors
        if result.extensions:
            payload["extensions"] = result.extensions
        course, cursor = self.course, None
        if course.is_resumable:
            cursor = change_log.to_cursor(self._asked.context.caller.business_id, course.position)
        return Message(
            bounded(payload, self._asked.context.state.settings.answer_bytes),
            course.position,
            course.topic,
            cursor,
            refusal=encoded(errors) if isinstance(result, PreExecutionError) else None,
            is_repeated=course.is_repeated,
        )


def failed(*errors: GraphQLError, language: str = "en") -> Message:
    """A message that ends what was begun."""
    return Message(encoded({"data": None, "errors": _told(errors, language)}), is_last=True)


def refused(error: GraphQLError, language: str) -> Message:
    """The answer to what is not begun."""
    told = _told([error], language)
    return Message(encoded({"data": None, "errors": told}), refusal=encoded(told), is_last=True)


def _told(errors: Sequence[GraphQLError], language: str) -> list[Any]:
    return [spoken(error, language).formatted for error in errors]


def _is_fault(result: Any) -> bool:
    """Whether a change could not be told at all, or not in full for no reason of the client's."""
    codes = {(error.extensions or {}).get("code") for error in result.errors or ()}
    return bool(codes) and (result.data is None or bool(codes & FAULTS))


async def next_of(each: AsyncGenerator[T, None]) -> T | None:
    """The next one, as what a task can be made of; None at the end."""
    return await anext(each, None)
