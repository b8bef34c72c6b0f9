"""Equal subscribers: what they follow is executed once per change, and all of them are sent the same bytes.

Knows no noun. A member that keeps up is handed each message at once; one that does not is woken when there is
something for it, and takes it at its own pace.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing

from graph.errors import client_error
from graph.metrics import DELIVERIES, GROUPS, MEMBERS, MESSAGES
from graph.server.live.change_feed import Follower
from graph.server.live.execution import Execution, failed
from graph.server.live.member import Member
from graph.server.live.message_buffer import Message, MessageBuffer, Room
from graph.subscriptions.source import Look
from models.storage.db import Row

YIELD_EVERY = 20
"""After so many members others of the process get their turn: some tenths of a millisecond."""


class Group:
    """The members that follow one source."""

    def __init__(
        self, execution: Execution, following: AbstractAsyncContextManager[Follower], position: int, room: Room
    ) -> None:
        """Runs an execution from a position on, with the changes of the log that it is `following`."""
        self.is_open = True
        """Whether one can join."""
        self.has_ended = False
        """Whether what is followed has come to its end."""
        self._execution = execution
        self._has_states = execution.source.has_states
        self._buffer = MessageBuffer(position, room, has_states=self._has_states)
        self._follower: Follower | None = None
        self._asked: asyncio.Future[None] | None = None
        """Done after the next look, for those who wait for it."""
        self._last: Message | None = None
        self._members: set[Member] = set()
        self.task = asyncio.create_task(self._run(following))

    def covers(self, position: int) -> bool:
        """Whether it has all that a member with everything up to a position still lacks."""
        return self._buffer.covers(position)

    async def listen(self, member: Member) -> AsyncGenerator[Message, None]:
        """What a member is to be sent, and was not handed. Ends when all has ended, or the member fell too far behind.

        States are as of now or later. Raises what the member was parted with.
        """
        self._members.add(member)
        MEMBERS.inc()
        try:
            if self._has_states:
                await self._ask(member)
            while True:
                # Who does not read just now takes no message, and so keeps none.
                await member.until_ready()
                if not self.covers(member.position):
                    return
                member.woken.clear()
                member.check()
                message = self._buffer.after(member.position)
                if message is not None:
                    member.position = message.position
                    if len(self._members) <= YIELD_EVERY:
                        self._let_go()
                    yield message
                    del message
                    await member.give_turn_back()
                elif self._has_forgotten(member.position):
                    await member.take_turn()
                    await self._ask(member)
                elif self.has_ended:
                    if self._last is not None:
                        yield self._last
                    return
                else:
                    await member.give_turn_back()
                    member.is_waiting = True
                    await member.woken.wait()
                    member.is_waiting = False
        finally:
            member.is_waiting = False
            self._members.discard(member)
            MEMBERS.dec()
            if not self._members:
                self.close()

    def close(self) -> None:
        """Ends what nobody follows any more, unless it is about to end by itself."""
        if not self.is_open:
            return
        self.is_open = False
        self.task.cancel()

    def _has_forgotten(self, position: int) -> bool:
        """Whether a state that came after a position is kept no more."""
        return self._has_states and self.is_open and not self.has_ended and position < self._buffer.newest

    def _let_go(self) -> None:
        """Forgets states that nobody lacks, or that there is no room for: who lacks them does not read just now."""
        if self._has_states:
            self._buffer.forget(min((each.position for each in self._members), default=self._buffer.newest))
            if not any(each.is_asking for each in self._members):
                self._buffer.make_room()

    async def _ask(self, member: Member) -> None:
        """Waits for a look that shows everything again, for this member and all who join meanwhile: what was not worth
        a message (a name, say) may have changed since it was shown.
        """
        if not self.is_open:
            return
        if self._asked is None:
            self._asked = asyncio.get_running_loop().create_future()
            if self._follower is not None:
                self._follower.wake()
        member.is_asking = True
        try:
            await member.until_done(self._asked)
        finally:
            member.is_asking = False

    async def _run(self, following: AbstractAsyncContextManager[Follower]) -> None:
        GROUPS.inc()
        try:
            async with following as self._follower:
                await self._look((), self._follower.revision)
                while not self.has_ended:
                    rows = await self._follower.next(0 if self._asked else self._execution.source.alarm())
                    await self._look(rows, self._follower.revision)
                    del rows
        except Exception as error:
            self._last, self.has_ended = failed(client_error(error, self._execution.context.language)), True
        finally:
            GROUPS.dec()
            self.is_open = False
            self._buffer.close()
            if self._asked is not None:
                self._asked.set_result(None)
            for member in self._members:
                member.woken.set()

    async def _look(self, rows: Sequence[Row], revision: int) -> None:
        """Hands out what there is to show after some changes; without any it is time, or members wait for a look."""
        source = self._execution.source
        concerning = [row for row in rows if source.concerns(row)]
        if rows and not concerning and self._asked is None:
            return
        async with source.turn():
            # Who asks from now on may have missed what this look is about to read.
            asked, self._asked = self._asked, None
            try:
                look = Look(concerning, revision, again=asked is not None)
                async with aclosing(self._execution.messages(look)) as messages:
                    async for message in messages:
                        if message.is_last:
                            self._last, self.has_ended = message, True
                            return
                        self._buffer.add(message)
                        await self._hand_out(message)
                        self._let_go()
                        del message
            finally:
                if asked is not None:
                    asked.set_result(None)

    async def _hand_out(self, message: Message) -> None:
        MESSAGES.inc()
        handed = 0
        for count, member in enumerate(list(self._members), 1):
            handed += member.offer(message)
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)
        DELIVERIES.inc(handed)
