"""Equal subscribers: what they follow is executed once per change, and all of them are sent the same bytes.

Knows no noun. A member that keeps up is handed each message at once; one that does not is woken when there is
something for it, and takes it at its own pace.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from graph.server.backlog import Backlog, Message
from graph.server.gauges import DELIVERIES, GROUPS, MESSAGES
from graph.server.run import Run
from models.key import Caller

log = logging.getLogger("timebok.live")

BREATH = 25
"""After so many members others of the process get their turn: some tenths of a millisecond."""

Push = Callable[[Message], bool]
"""Takes a message without waiting; False when its reader is behind, and would have to be waited for."""


class Member:
    """One subscriber."""

    __slots__ = ("_parting", "caller", "is_waiting", "position", "push", "woken")

    def __init__(self, caller: Caller | None, push: Push | None = None) -> None:
        """Without `push` it takes all its messages at its own pace."""
        self.caller = caller
        self.push = push
        self.position = -1
        """Of the last message it was sent."""
        self.is_waiting = False
        """Whether it has all there is, so that it may be handed the next message."""
        self.woken = asyncio.Event()
        self._parting: Exception | None = None

    def part(self, reason: Exception) -> None:
        """It gets no message any more."""
        self._parting = reason
        self.is_waiting = False
        self.woken.set()

    def check(self) -> None:
        """Raises what it was parted with."""
        if self._parting is not None:
            raise self._parting

    def offer(self, message: Message) -> bool:
        """Hands it a message; False when it is woken to fetch it, or has it already."""
        if self.position >= message.position:
            return False
        if self.is_waiting and self.push is not None and self.push(message):
            self.position = message.position
            return True
        self.is_waiting = False
        self.woken.set()
        return False


class Group:
    """The members that follow one run."""

    def __init__(self, run: Run) -> None:
        self.is_open = True
        """Whether one can join."""
        self.has_ended = False
        """Whether what is followed has come to its end."""
        self._course = run.course
        self._backlog = Backlog(run.course.position, has_states=run.course.has_states)
        self._members: set[Member] = set()
        self._speaks = False
        self.task = asyncio.create_task(self._speak(run.give_away()))

    def covers(self, position: int) -> bool:
        """Whether it has all that a member with everything up to a position still lacks."""
        return self._backlog.covers(position)

    async def listen(self, member: Member, revision: int) -> AsyncGenerator[Message, None]:
        """What a member is to be sent, and was not handed. Ends when all has ended, or the member fell too far behind.

        States are as of `revision` at the least. Raises what the member was parted with.
        """
        self._members.add(member)
        try:
            if self._course.has_states:
                await self._course.seen(revision)
            while self.covers(member.position):
                member.woken.clear()
                member.check()
                waiting = self._backlog.after(member.position)
                for message in waiting:
                    member.position = message.position
                    yield message
                    member.check()
                if not waiting:
                    if self.has_ended:
                        return
                    member.is_waiting = True
                    await member.woken.wait()
                    member.is_waiting = False
        finally:
            member.is_waiting = False
            self._members.discard(member)
            if not self._members:
                self.close()

    def close(self) -> None:
        """Ends what nobody follows any more."""
        self.is_open = False
        # A task that is cancelled before it has begun would leave its run open.
        if self._speaks:
            self.task.cancel()

    async def _speak(self, run: Run) -> None:
        self._speaks = True
        if not self.is_open:
            await run.close()
            return
        GROUPS.inc()
        try:
            async with aclosing(run.messages()) as messages:
                async for message in messages:
                    self._backlog.add(message)
                    await self._hand_out(message)
            self.has_ended = True
        except Exception:
            log.exception("a subscription ended by a fault")
            self.has_ended = True
        finally:
            GROUPS.dec()
            self.is_open = False
            # Whoever waits for its first message waits no longer.
            self._course.has_seen(sys.maxsize)
            for member in self._members:
                member.woken.set()
            await run.close()

    async def _hand_out(self, message: Message) -> None:
        MESSAGES.inc()
        handed = 0
        for count, member in enumerate(list(self._members), 1):
            handed += member.offer(message)
            if count % BREATH == 0:
                await asyncio.sleep(0)
        DELIVERIES.inc(handed)
