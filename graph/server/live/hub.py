"""Who follows what: puts equal subscribers into groups, and ends the streams of those whose rights have ended.

Runs subscriptions as `graph.subscriptions.source.Source` says. Knows no noun, and trusts no group with anybody's
rights: each subscriber's own source says whether it may, and from where it goes on, before it joins one.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, aclosing
from dataclasses import replace
from functools import partial
from hashlib import sha256
from uuid import UUID

import orjson
from graphql import GraphQLSchema

from graph.errors import client_error, with_code
from graph.limits.seats import SHORTER, TOO_COMPLEX, SubscriptionSeats, too_complex
from graph.metrics import LAGGING, SUBSCRIBERS
from graph.operation.admission import admit
from graph.request.context import bad_input, unauthenticated
from graph.server.live import message_buffer
from graph.server.live.change_feed import ChangeFeeds, Follower
from graph.server.live.execution import Execution, OperationRequest, answer, failed, prepare
from graph.server.live.group import Group
from graph.server.live.member import Member
from graph.server.live.message_buffer import Message, Room
from graph.subscriptions.source import Look
from models import api_key
from models.log import change_log

LONGEST = 16 * 1024
"""Bytes of a subscription's document and variables: they are kept for as long as somebody follows."""


class StoppingError(Exception):
    """The process is told to stop: whoever follows is to come back."""


class Hub:
    """The subscribers of a process."""

    def __init__(
        self,
        schema: GraphQLSchema,
        seats: SubscriptionSeats | None = None,
        keys_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Calls `keys_changed` when it sees in a log that keys were revoked, or changed otherwise."""
        self._schema = schema
        self._keys_changed = keys_changed
        self._feeds = ChangeFeeds(self._check_keys)
        self._seats = seats or SubscriptionSeats()
        self._groups: dict[bytes, Group] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._members: dict[UUID | None, set[Member]] = defaultdict(set)
        self._room = Room()
        self._is_stopping = False

    async def stream(self, asked: OperationRequest, member: Member) -> AsyncGenerator[Message, None]:
        """What a member is to be sent for what was asked, and was not handed, to its end. Raises StoppingError."""
        language, business_id = asked.context.language, member.caller.business_id if member.caller else None
        with ExitStack() as seat:
            self._members[business_id].add(member)
            try:
                if self._is_stopping:
                    raise StoppingError
                # A socket's context is shared by what runs on it; a document is one operation's.
                asked = replace(asked, context=replace(asked.context))
                text, context = asked.document or "", asked.context
                if not_admitted := await admit(context, self._schema, text, asked.operation_name, asked.variables):
                    yield failed(with_code(not_admitted, language), is_refusal=True)
                    return
                member.cost = context.cost
                operation = context.document.operation(asked.operation_name) if context.document else None
                if operation is not None and operation.is_query:
                    await member.take_turn()
                if operation is None or not operation.is_subscription:
                    yield await answer(self._schema, asked)
                    return
                async with aclosing(self._follow(asked, member, seat)) as messages:
                    async for message in messages:
                        yield message
                        # A subscription waits for days: it holds on to nothing that was said.
                        del message
            except StoppingError:
                raise
            except Exception as error:
                reason = client_error(error, language)
                is_refused = (reason.extensions or {}).get("code") == TOO_COMPLEX
                yield failed(reason, is_refusal=is_refused)
            finally:
                if member.follows:
                    SUBSCRIBERS.dec()
                self._members[business_id].discard(member)
                if not self._members[business_id]:
                    del self._members[business_id]
                await member.give_turn_back()

    def stop(self) -> None:
        """Ends everything that is followed: its followers are to come back, to whoever is here then."""
        self._is_stopping = True
        for members in self._members.values():
            for member in members:
                member.part(StoppingError())

    async def stopped(self) -> None:
        """Returns once nothing runs any more."""
        for group in list(self._groups.values()):
            group.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, asked: OperationRequest, member: Member, seat: ExitStack) -> AsyncGenerator[Message, None]:
        """What a member is sent of a subscription: `Source` says in which order things are done."""
        context, business_id, key = asked.context, asked.context.caller.business_id, b""
        while True:
            execution = prepare(self._schema, asked)
            if isinstance(execution, Message):
                yield execution
                return
            source, newest = execution.source, await change_log.newest(business_id)
            revision = await source.start(newest)
            if member.follows and not source.has_states:
                revision = member.position
            if not await change_log.is_kept(business_id, revision, newest):
                yield await execution.message(source.reset(newest))
                return
            # It is among the present already: a key that is revoked from now on is noticed.
            if not await api_key.still_valid({context.caller}):
                raise unauthenticated()
            self._feeds.expect(business_id, newest)
            if not member.follows:
                key = _sharing_key(asked)
                seat.enter_context(self._seats.taken(context.caller, context.counted_address, key, context.language))
                member.follows = True
                SUBSCRIBERS.inc()
                member.position = -1 if source.has_states else revision
            if source.has_states:
                await member.take_turn()
            group = self._group(key, execution, business_id, revision, newest)
            if group is None or not group.covers(member.position):
                following = self._feeds.following(business_id, member.position, newest)
                async with aclosing(_catch_up(execution, following, group, newest, member)) as messages:
                    async for message in messages:
                        yield message
                        if message.is_last:
                            return
            del execution, source
            if group is not None and group.is_open:
                async with aclosing(group.listen(member)) as messages:
                    async for message in messages:
                        yield message
                        del message
                if group.has_ended and group.covers(member.position):
                    return
                LAGGING.inc()

    def _group(self, key: bytes, execution: Execution, business_id: UUID, revision: int, newest: int) -> Group | None:
        """Those who follow the same. The execution of the first runs for all, after a revision; while that is far
        behind it is alone: others who come meanwhile do not have to wait for it.
        """
        group = self._groups.get(key)
        if group is None or not group.is_open:
            if newest - revision > message_buffer.KEPT:
                return None
            position = -1 if execution.source.has_states else revision
            following = self._feeds.following(business_id, revision, newest)
            group = self._groups[key] = Group(execution, following, position, self._room)
            self._tasks.add(group.task)
            group.task.add_done_callback(partial(self._forget, key, group))
        return group

    async def _check_keys(self, business_id: UUID) -> None:
        """Ends what is followed with keys of a business that were revoked."""
        self._keys_changed()
        callers = {each.caller for each in self._members.get(business_id, ()) if each.caller}
        gone = callers - await api_key.still_valid(callers)
        for member in self._members.get(business_id, ()):
            if member.caller in gone:
                member.part(unauthenticated())

    def _forget(self, key: bytes, group: Group, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._groups.get(key) is group:
            del self._groups[key]


async def _catch_up(
    execution: Execution,
    following: AbstractAsyncContextManager[Follower],
    group: Group | None,
    newest: int,
    member: Member,
) -> AsyncGenerator[Message, None]:
    """What a member is sent by an execution of its own, until it has what its group begins with, or there is no such
    group; without a group, until it is where the log was when it began.
    """

    def is_there() -> bool:
        return member.position >= newest if group is None else not group.is_open or group.covers(member.position)

    async with following as follower:
        while not is_there():
            rows = [row for row in await member.wait_for(follower.next()) if execution.source.concerns(row)]
            async with aclosing(execution.messages(Look(rows, follower.revision))) as messages:
                async for message in messages:
                    member.check()
                    if not message.is_last:
                        member.position = message.position
                    yield message
                    if message.is_last or is_there():
                        return
            # Nothing that concerns it lies in between; the group may have moved on meanwhile.
            member.position = follower.revision


def _sharing_key(asked: OperationRequest) -> bytes:
    """What two subscribers must have in common to be sent the same, wherever they begin, in few bytes. Raises
    QUERY_TOO_COMPLEX for what is too long to be kept for as long as somebody follows.
    """
    caller, language, document = asked.context.caller, asked.context.language, asked.document or ""
    operation = asked.context.document.operation(asked.operation_name) if asked.context.document else None
    resume = operation.resume_variable if operation else None
    variables = {name: value for name, value in (asked.variables or {}).items() if name != resume}
    try:
        given = orjson.dumps(variables, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise bad_input("The variables are nested too deeply.") from None
    if len(document) + len(given) > LONGEST:
        raise too_complex(SHORTER, LONGEST, language)
    parts = (caller.business_id.bytes, caller.role, language, asked.operation_name, document, given)
    return sha256(orjson.dumps([str(each) for each in parts])).digest()
