"""Who follows what: puts equal subscribers into groups, and ends the streams of those whose rights have ended.

Knows no noun, and trusts no group with anybody's rights: each subscriber's own run says whether it may, and from where
it goes on, before it joins one.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from uuid import UUID

import orjson
from graphql import GraphQLError, GraphQLSchema
from strawberry.schema import BaseSchema

from graph.errors import coded
from graph.limits.seats import SHORTER, TOO_COMPLEX, SubscriptionSeats, too_complex
from graph.metrics import LAGGING, SUBSCRIBERS
from graph.operation.admission import admit
from graph.request.context import bad_input, unauthenticated, unavailable
from graph.server.live import message_buffer
from graph.server.live.execution import OperationRequest, Run, failed, next_of, refused
from graph.server.live.group import Group
from graph.server.live.member import Member
from graph.server.live.message_buffer import Message, Room
from models import api_key
from models.storage import db

log = logging.getLogger("timebok.live")


LONGEST = 16 * 1024
"""Bytes of a subscription's document and variables: they are kept for as long as somebody follows."""


class StoppingError(Exception):
    """The process is told to stop: whoever follows is to come back."""


class Hub:
    """The subscribers of a process."""

    def __init__(self, schema: BaseSchema, core: GraphQLSchema, seats: SubscriptionSeats | None = None) -> None:
        self._schema = schema
        self._core = core
        self._seats = seats or SubscriptionSeats()
        self._groups: dict[bytes, Group] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._members: dict[UUID | None, set[Member]] = defaultdict(set)
        self._room = Room()
        self._is_stopping = False

    async def stream(self, asked: OperationRequest, member: Member) -> AsyncGenerator[Message, None]:
        """What a member is to be sent for what was asked, and was not handed, to its end. Raises StoppingError."""
        language = asked.context.language
        with self._present(member), ExitStack() as seat:
            if self._is_stopping:
                raise StoppingError
            try:
                # A socket's context is shared by what runs on it; a document is one operation's.
                asked = replace(asked, context=replace(asked.context))
                text, context = asked.document or "", asked.context
                if not_admitted := await admit(context, self._core, text, asked.operation_name, asked.variables):
                    yield refused(coded(not_admitted, language), language)
                    return
                member.cost = context.cost
                operation = context.document.operation(asked.operation_name) if context.document else None
                if operation is not None and operation.is_query:
                    await member.take_turn()
                async with aclosing(self._messages(asked, member, seat)) as messages:
                    async for message in messages:
                        yield message
                        # A subscription waits for days: it holds on to nothing that was said.
                        del message
            except GraphQLError as error:
                is_refused = (error.extensions or {}).get("code") == TOO_COMPLEX
                yield refused(error, language) if is_refused else failed(error, language=language)
            except Exception as error:
                if not db.is_away(error):
                    raise
                log.warning("database away: %s", error)
                yield failed(unavailable(), language=language)
            finally:
                await member.give_turn_back()

    async def check_keys(self, business_id: UUID) -> None:
        """Ends what is followed with keys of a business that were revoked."""
        callers = {each.caller for each in self._members.get(business_id, ()) if each.caller}
        gone = callers - await api_key.standing(callers)
        for member in self._members.get(business_id, ()):
            if member.caller in gone:
                member.part(unauthenticated())

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

    async def _messages(
        self, asked: OperationRequest, member: Member, seat: ExitStack
    ) -> AsyncGenerator[Message, None]:
        context, sameness = asked.context, b""
        while True:
            async with Run(self._schema, asked, member.position if member.follows else None) as run:
                if not await run.begin():
                    async with aclosing(run.messages()) as messages:
                        async for message in messages:
                            yield message
                    return
                # It is among the present already: a key that is revoked from now on is noticed.
                if not await api_key.standing({asked.context.caller}):
                    raise unauthenticated()
                if not member.follows:
                    sameness = _sameness(asked)
                    seat.enter_context(
                        self._seats.taken(context.caller, context.counted_address, sameness, context.language)
                    )
                    member.follows = True
                    SUBSCRIBERS.inc()
                    member.position = run.course.position
                if run.course.has_states:
                    await member.take_turn()
                group = self._group(sameness, run)
                if group is None or not group.covers(member.position):
                    async with aclosing(_alone(run, group, member)) as messages:
                        async for message in messages:
                            yield message
                            if message.is_last:
                                return
                    if run.has_ended:
                        return
            del run
            if group is not None and group.is_open:
                async with aclosing(group.listen(member)) as messages:
                    async for message in messages:
                        yield message
                        del message
                if group.has_ended and group.covers(member.position):
                    return
                LAGGING.inc()

    def _group(self, sameness: bytes, run: Run) -> Group | None:
        """Those who follow the same. The first of them brings the run, and is alone while it is far behind: others who
        come meanwhile do not have to wait for it.
        """
        group = self._groups.get(sameness)
        if group is None or not group.is_open:
            if run.course.newest - run.course.revision > message_buffer.KEPT:
                return None
            group = self._groups[sameness] = Group(run, self._room)
            self._tasks.add(group.task)
            group.task.add_done_callback(partial(self._forget, sameness, group))
        return group

    def _forget(self, sameness: bytes, group: Group, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._groups.get(sameness) is group:
            del self._groups[sameness]

    @contextmanager
    def _present(self, member: Member) -> Iterator[None]:
        business_id = member.caller.business_id if member.caller else None
        self._members[business_id].add(member)
        try:
            yield
        finally:
            if member.follows:
                SUBSCRIBERS.dec()
            self._members[business_id].discard(member)
            if not self._members[business_id]:
                del self._members[business_id]


async def _alone(run: Run, group: Group | None, member: Member) -> AsyncGenerator[Message, None]:
    """What a member is sent by its own run, until it has what its group begins with, or there is no such group; without
    a group, until it is where the log was when it began.
    """

    def goal() -> int:
        if group is None:
            return run.course.newest
        return group.first if group.is_open else -1

    messages = run.messages()
    pulling = asyncio.create_task(next_of(messages))
    arriving = asyncio.create_task(run.course.reached(goal()))
    try:
        while not run.has_ended and member.position < goal():
            await member.first_of(pulling, arriving)
            if pulling.done():
                if (message := pulling.result()) is None:
                    return
                if not message.is_last:
                    member.position = message.position
                pulling = asyncio.create_task(next_of(messages))
                yield message
            else:
                # Nothing that concerns it lies in between; the group may have moved on meanwhile.
                member.position = max(member.position, run.course.seen)
                arriving = asyncio.create_task(run.course.reached(goal()))
    finally:
        for task in (pulling, arriving):
            task.cancel()
        await asyncio.gather(pulling, arriving, return_exceptions=True)
        await messages.aclose()


def _sameness(asked: OperationRequest) -> bytes:
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
