"""Equal subscribers: what they follow is executed once per change, and all of them are sent the same bytes.

Knows no noun. A member that keeps up is handed each message at once; one that does not is woken when there is
something for it, and takes it at its own pace.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from graph.errors import internal
from graph.metrics import DELIVERIES, GROUPS, MEMBERS, MESSAGES
from graph.server.live.execution import Run, failed
from graph.server.live.member import Member
from graph.server.live.message_buffer import Message, MessageBuffer, Room

YIELD_EVERY = 20
"""After so many members others of the process get their turn: some tenths of a millisecond."""


class Group:
    """The members that follow one run."""

    def __init__(self, run: Run, room: Room) -> None:
        self.is_open = True
        """Whether one can join."""
        self.has_ended = False
        """Whether what is followed has come to its end."""
        self._course = run.course
        self._backlog = MessageBuffer(run.course.position, room, has_states=run.course.has_states)
        self._last: Message | None = None
        self._members: set[Member] = set()
        self._speaks = False
        self.task = asyncio.create_task(self._speak(run.give_away()))

    @property
    def first(self) -> int:
        """It has all that was said after this position."""
        return self._backlog.first

    def covers(self, position: int) -> bool:
        """Whether it has all that a member with everything up to a position still lacks."""
        return self._backlog.covers(position)

    async def listen(self, member: Member) -> AsyncGenerator[Message, None]:
        """What a member is to be sent, and was not handed. Ends when all has ended, or the member fell too far behind.

        States are as of now or later. Raises what the member was parted with.
        """
        self._members.add(member)
        MEMBERS.inc()
        try:
            if self._course.has_states:
                await self._present(member)
            while await self._has_all_for(member):
                member.woken.clear()
                member.check()
                message = self._backlog.after(member.position)
                if message is not None:
                    member.position = message.position
                    if len(self._members) <= YIELD_EVERY:
                        self._let_go()
                    yield message
                    del message
                    await member.give_turn_back()
                elif self._has_forgotten(member.position):
                    await member.take_turn()
                    await self._present(member)
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
        # A task that is cancelled before it has begun would leave its run open.
        if self._speaks:
            self.task.cancel()

    async def _has_all_for(self, member: Member) -> bool:
        """Whether it covers a member, once that reads: who does not just now takes no message, and so keeps none."""
        await member.until_ready()
        return self.covers(member.position)

    def _has_forgotten(self, position: int) -> bool:
        """Whether a state that came after a position is kept no more."""
        return self._course.has_states and not self.has_ended and position < self._backlog.newest

    def _let_go(self) -> None:
        """Forgets states that nobody lacks, or that there is no room for: who lacks them does not read just now."""
        if self._course.has_states:
            self._backlog.forget(min((each.position for each in self._members), default=self._backlog.newest))
            if not any(each.is_asking for each in self._members):
                self._backlog.make_room()

    async def _present(self, member: Member) -> None:
        """Has everything said anew for who joins, and for all who join meanwhile: whatever was not worth a message
        (a name, say) may have changed since it was said.
        """
        member.is_asking = True
        answer = asyncio.create_task(self._course.answered(self._course.ask()))
        try:
            await member.first_of(answer)
        finally:
            answer.cancel()
            member.is_asking = False

    async def _speak(self, run: Run) -> None:
        self._speaks = True
        if not self.is_open:
            await run.close()
            return
        GROUPS.inc()
        try:
            async with aclosing(run.messages()) as messages:
                async for message in messages:
                    if message.is_last:
                        self._last = message
                        break
                    self._backlog.add(message)
                    await self._hand_out(message)
                    self._let_go()
                    del message
            self.has_ended = True
        except Exception as error:
            self._last = failed(internal(error))
            self.has_ended = True
        finally:
            GROUPS.dec()
            self.is_open = False
            self._backlog.close()
            self._course.end()
            for member in self._members:
                member.woken.set()
            await run.close()

    async def _hand_out(self, message: Message) -> None:
        MESSAGES.inc()
        handed = 0
        for count, member in enumerate(list(self._members), 1):
            handed += member.offer(message)
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)
        DELIVERIES.inc(handed)
