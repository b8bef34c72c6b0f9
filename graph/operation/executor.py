"""How operations are executed: what is plain by generated code, and all that is long in slices; between them others
have their turn.

Nothing is broken off in the middle: graphql-core would leave coroutines behind that were made and never awaited. What
nobody waits for any more ends by itself, at the next slice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from functools import partial
from inspect import isawaitable, iscoroutine
from typing import Any, Final, Self

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    get_nullable_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path

from graph.documents.validity import MOST_ERRORS
from graph.fields.compiled_selections import place_of
from graph.fields.compiler import Render
from graph.metrics import FALLBACKS
from graph.operation.walk import Walk
from graph.rendering.allowance import PIECE_SECONDS, Allowance, nobody_waits, too_slow
from graph.rendering.json_text import Text, encode
from graph.rendering.pieces import Pieces, TooManyObjectsError, counted_bytes, encode_items, join_items, single_item
from graph.request.context import Context
from graph.texts import errors_in_variables

LONGEST_SECONDS = 30.0
"""How long one request may take."""

UNATTENDED_SECONDS = 30.0
"""How long it goes on at most when nobody waits for it any more: then it is broken off, whatever that leaves behind."""

FINISH_SECONDS = 3.0
"""So long what is under way may take when the process is told to stop."""

LISTEN_SECONDS = 0.1
"""After so long it is worth to listen whether the client is still there: most answers are ready before."""

ABREAST: Final = 200
"""So many items of lists are worked at side by side, those of lists within lists together: they share statements."""

FEW_WALKED: Final = 20
"""So many items of a list are walked in one piece."""

_abreast: ContextVar[int] = ContextVar("abreast", default=1)
"""How many items stand side by side where this is worked at."""


class Executor(Walk):
    """Strawberry's executor, which leaves plain objects to the completer, works in slices, and keeps what is under way
    in the state of the process, to be awaited before that closes.
    """

    @property
    def allowance(self) -> Allowance:
        """What the answer may still take."""
        context: Context = self.context_value
        return context.allowance

    @property
    def _may_end(self) -> bool:
        """Whether it may end before it is done: a mutation is finished."""
        return self.operation.operation is not OperationType.MUTATION

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
        wrong = errors_in_variables(raw_variable_values or {})
        named = {"max_coercion_errors": MOST_ERRORS, **named}
        return wrong or super().build(schema, document, root_value, context_value, raw_variable_values, *args, **named)

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result, or what is to be awaited for it."""
        self.allowance.begin()
        result: Any = super().execute_operation(serially)
        if not isawaitable(result) and not self.background_futures:
            self.allowance.done()
            return result
        return _to_its_end(self._with_the_rest(result), self.context_value, may_end=self._may_end)

    async def _with_the_rest(self, result: Any) -> ExecutionResult:
        """The result, once all that was begun for it has ended: what an error made null is not worked at any longer."""
        found: ExecutionResult = await result if isawaitable(result) else result
        reason = self.allowance.reason
        while rest := [each for each in self.background_futures if not each.done()]:
            self.allowance.end(nobody_waits())
            await asyncio.wait(rest)
        self.allowance.reason = reason
        return found

    def handle_field_error(self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Any) -> None:
        """Adds the error of a field with its first place only: to find several takes a walk through all lines."""
        super().handle_field_error(raw_error, return_type, field_details_list[:1], path)

    def settle_in_background(self, awaitables: list[Awaitable[Any]]) -> None:
        """Lets go on what nobody waits for; the house does, before it closes."""
        super().settle_in_background(awaitables)
        context: Context = self.context_value
        for each in self.background_futures - context.state.under_way:
            context.state.under_way.add(each)
            each.add_done_callback(partial(_done, context.state.under_way))

    def complete_list_value(self, return_type: Any, details: Any, info: Any, path: Any, result: Any, *rest: Any) -> Any:
        """A list as it is answered."""
        kind = get_nullable_type(return_type.of_type)
        walk = partial(super().complete_list_value, return_type, details, info, path, result, *rest)
        if isinstance(result, list) and is_object_type(kind):
            render = self._render(kind, details)
            if render is not None:
                return self._rendered(render, result, walk)
        return walk()

    def complete_object_value(
        self, return_type: Any, details: Any, info: Any, path: Any, result: Any, *rest: Any
    ) -> Any:
        """An object as it is answered."""
        walk = partial(super().complete_object_value, return_type, details, info, path, result, *rest)
        render = self._render(return_type, details)
        return walk() if render is None else self._rendered(render, [result], walk, alone=True)

    async def complete_awaitable_value(
        self, return_type: Any, details: Any, info: Any, path: Any, result: Any, *rest: Any
    ) -> Any:
        """A value that has to be waited for. Once all has ended it is null: nobody sees it."""
        allowance = self.allowance
        try:
            if allowance.is_late_by(2 * PIECE_SECONDS):
                # What begins is asked for together with what begins beside it: that may take longer than a piece.
                await allowance.give_way()
            if allowance.reason is not None and self._may_end:
                return _dropped(result)
            resolved = await result
            if allowance.has_to_wait:
                await allowance.give_way()
            completed = self.complete_value(return_type, details, info, path, resolved, *rest)
            return await completed if self.is_awaitable(completed) else completed
        except Exception as error:
            if allowance.reason is not None:
                return _dropped(result)
            self.handle_field_error(error, return_type, details, path)
            return None
        except asyncio.CancelledError:
            _dropped(result)
            raise

    def complete_iterable_value(
        self, item_type: Any, details: Any, info: Any, path: Any, items: Any, *rest: Any
    ) -> Any:
        """The items of a list, by graphql-core's walk: a few at once, many in slices."""
        taken = items if isinstance(items, list | tuple) else list(items)
        room = max(1, ABREAST // _abreast.get())
        complete = partial(self._complete_item, item_type, details, info, path, rest)
        if len(taken) <= min(room, FEW_WALKED) and not self.allowance.is_late:
            return self.few(taken, complete)
        return self._sliced(taken, room, complete)

    def _complete_item(
        self, item_type: Any, details: Any, info: Any, path: Path, rest: Any, index: int, item: Any, to: list[Any]
    ) -> bool:
        """Adds an item as it is answered; whether that has to be waited for."""
        place = path.add_key(index, None)
        if not self.is_awaitable(item):
            return self.complete_list_item_value(item, to, item_type, details, info, place, *rest)
        to.append(self.complete_awaitable_list_item_value(item, item_type, details, info, place, *rest))
        return True

    async def _sliced(self, items: Sequence[Any], room: int, complete: Callable[[int, Any, list[Any]], bool]) -> Any:
        """A list, so many items of it side by side; as text where they are not all of them. Once all has ended it is
        empty: nobody sees it.
        """
        token = _abreast.set(_abreast.get() * min(room, len(items)))
        texts: list[bytes] = []
        try:
            for start in range(0, len(items), room):
                completed = await self._slice(enumerate(items[start : start + room], start), complete)
                if len(items) <= room:
                    return completed
                texts.append(encode_items(completed))
                self.allowance.take(len(texts[-1]) + 1 - counted_bytes(completed))
            return join_items(texts)
        except Exception:
            if self.allowance.reason is None:
                raise
            return []
        finally:
            _abreast.reset(token)

    async def _slice(
        self, items: Iterable[tuple[int, Any]], complete: Callable[[int, Any, list[Any]], bool]
    ) -> list[Any]:
        """Some items, side by side."""
        completed: list[Any] = []
        places: list[int] = []
        waiting: list[Any] = []
        try:
            for at, (index, item) in enumerate(items):
                if self.allowance.has_to_wait:
                    await self.allowance.give_way()
                if complete(index, item, completed):
                    places.append(at)
            if places:
                waiting = [asyncio.ensure_future(completed[at]) for at in places]
                await asyncio.wait(waiting)
                for at, each in zip(places, waiting, strict=True):
                    completed[at] = each.result()
        except BaseException:
            self.let_go(waiting or [completed[at] for at in places])
            raise
        return completed

    def _render(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> Render | None:
        """The code for objects that are selected here; None where there can be none."""
        context: Context = self.context_value
        # What is selected twice under one name is put together by graphql-core.
        if len(details) > 1 or context.who is None or not context.state.settings.completer:
            return None
        place = place_of(details[0].node, self.fragment_definitions, context)
        variables = self.variable_values.coerced
        return place.render(kind, details, self._collected, variables, context, staff=context.who.is_staff)

    def _rendered(self, render: Render, values: list[Any], walk: Callable[[], Any], *, alone: bool = False) -> Any:
        """Objects by generated code; where something cannot be shown graphql-core knows what to say of it."""
        try:
            shown: Any = render.at_once(values, self.context_value)
        except TooManyObjectsError:
            return self._in_steps(render, values, walk, alone=alone)
        except Exception:
            FALLBACKS.inc()
            return walk()
        if alone:
            return shown[0]
        if _abreast.get() == 1:
            return shown
        # One of many lists: all of them together may be long.
        text = Text(encode(shown))
        self.allowance.take(len(text.json))
        return text

    async def _in_steps(self, render: Render, values: list[Any], walk: Callable[[], Any], *, alone: bool) -> Any:
        pieces = Pieces(self.allowance)
        try:
            shown = await self.allowance.through(render.in_steps(values, self.context_value, pieces))
        except Exception:
            pieces.forget()
            if self.allowance.reason is not None:
                return None
            FALLBACKS.inc()
            walked = walk()
            return await walked if isawaitable(walked) else walked
        return single_item(shown) if alone else shown

    def _collected(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> dict[str, list[FieldDetails]]:
        return self.collect_subfields(kind, details).grouped_field_set


def _dropped(result: Any) -> None:
    """Nobody waits for this: it does not begin, and would be left behind never awaited."""
    if iscoroutine(result):
        result.close()


async def _to_its_end(result: Awaitable[ExecutionResult], context: Context, *, may_end: bool) -> ExecutionResult:
    """The result; or why there is none: it took too long, or, where all may end before it is done, it did."""
    allowance, task = context.allowance, asyncio.ensure_future(_in_turn(result, context, may_end=may_end))
    context.state.under_way.add(task)
    task.add_done_callback(partial(_done, context.state.under_way))
    try:
        if may_end:
            async with _Watch(context) as watch:
                await watch.first_of(task)
            reason = allowance.reason
        else:
            await asyncio.wait({task}, timeout=LONGEST_SECONDS)
            reason = None if task.done() else too_slow()
    except asyncio.CancelledError:
        if may_end:
            allowance.end(nobody_waits())
        _leave(task)
        raise
    if reason is not None:
        _leave(task)
        return ExecutionResult(None, [reason])
    return task.result()


def _leave(task: asyncio.Future[Any]) -> None:
    """Nobody waits for a task any more: it has so long to end. What it made is kept no longer than it works."""
    breaking = asyncio.get_running_loop().call_later(UNATTENDED_SECONDS, task.cancel)
    task.add_done_callback(lambda _: breaking.cancel())


async def _in_turn(result: Awaitable[ExecutionResult], context: Context, *, may_end: bool) -> ExecutionResult:
    """The result of an operation, which is begun when there is room for what it may cost, each holder in turn. What is
    only read is not begun for a client that has not read what it asked for before.
    """
    has_begun = False
    try:
        if not context.is_dear:
            has_begun = True
            return await result
        while may_end and context.ready is not None and (until := context.ready()) is not None:
            await until
        async with context.turn():
            has_begun = True
            return await result
    except asyncio.CancelledError:
        # What has begun ends at its next step, what has not at its first: nothing that was made for it is left behind.
        context.allowance.end(nobody_waits())
        if not has_begun:
            await result
        raise
    finally:
        context.loaders.forget()
        context.allowance.done()


class _Watch:
    """Ends what takes too long, and what nobody waits for any more, while its block lasts."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._listening: asyncio.Task[None] | None = None
        self._over: asyncio.Future[Any] = self._loop.create_future()

    async def __aenter__(self) -> Self:
        self._timers = [
            self._loop.call_later(LONGEST_SECONDS, self._end, too_slow()),
            self._loop.call_later(LISTEN_SECONDS, self._listen),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for timer in self._timers:
            timer.cancel()
        self._over.cancel()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})

    async def first_of(self, task: asyncio.Future[Any]) -> None:
        """Returns when the task is done, or all has ended before."""
        await asyncio.wait({task, self._over}, return_when=asyncio.FIRST_COMPLETED)

    def _end(self, reason: GraphQLError) -> None:
        self._context.allowance.end(reason)
        if not self._over.done():
            self._over.set_result(None)

    def _listen(self) -> None:
        if self._context.heard is not None:
            self._listening = self._loop.create_task(self._hear(self._context.heard))

    async def _hear(self, heard: Callable[[], Awaitable[Any]]) -> None:
        while (await heard())["type"] != "http.disconnect":
            pass
        self._end(nobody_waits())


def _done(under_way: set[asyncio.Future[Any]], task: asyncio.Future[Any]) -> None:
    """Forgets a task. Its error is its caller's, if that is still there."""
    under_way.discard(task)
    if not task.cancelled():
        task.exception()


async def finish(under_way: set[asyncio.Future[Any]]) -> None:
    """Waits for what is under way, but for what hangs."""
    if under_way:
        _, hanging = await asyncio.wait(under_way, timeout=FINISH_SECONDS)
        for task in hanging:
            task.cancel()
