"""Where one running subscription is in the log, and who waits for it: its resolver tells, whoever shares out what it
says asks.

Knows no noun, and neither reads nor sends anything.
"""

import asyncio
import sys
from collections.abc import Hashable


class SubscriptionProgress:
    """One run of a subscription: from where it goes, and how far it has come."""

    def __init__(self, resume: int | None) -> None:
        """`resume` is the revision to go on after, whatever the arguments say."""
        self.resume = resume
        self.begun = asyncio.Event()
        self.revision = 0
        """The revision it began after."""
        self.newest = 0
        """The newest revision there was when it began."""
        self.has_states = False
        """Whether it says how things are, and not what happened: then the latest of each topic is all there is."""
        self.position = 0
        """Of the message that is being said: they rise."""
        self.topic: Hashable = None
        self.is_resumable = False
        """Whether a client can come back to where the message stands."""
        self.is_repeated = False
        """Whether the message says what was said before, for those who have joined since."""
        self.woken = asyncio.Event()
        """Set when there may be something to do: somebody has joined."""
        self.seen = -1
        """Every change up to this revision is in what was said."""
        self._may_go_on = asyncio.Event()
        self._asked = self._taken = self._answered = 0
        self._told = asyncio.Event()

    async def begin(self, revision: int, newest: int, *, has_states: bool = False) -> None:
        """All that was asked is in order: it goes on after this revision. Does not return when somebody else is saying
        the same already, whose messages are taken instead.
        """
        self.revision = self.position = revision
        self.newest = newest
        self.has_states = has_states
        if has_states:
            self.position = -1
        self.begun.set()
        await self._may_go_on.wait()
        self.take()

    def go_on(self) -> None:
        """Lets it begin."""
        self._may_go_on.set()

    def says(self, revision: int) -> None:
        """The next message is about this revision."""
        self.position = revision
        self.is_resumable = True

    def states(self, topic: Hashable = None, *, repeated: bool = False) -> None:
        """The next message is how it is now with a topic."""
        self.position += 1
        self.topic = topic
        self.is_repeated = repeated

    def has_seen(self, revision: int) -> None:
        """Every change up to this revision is in what was said, and whoever asked before it looked has the answer."""
        self.seen = max(self.seen, revision)
        self._answered = self._taken
        self._told.set()

    async def reached(self, revision: int) -> None:
        """Returns once every change up to this revision is in what was said."""
        while self.seen < revision:
            self._told.clear()
            await self._told.wait()

    def ask(self) -> int:
        """Somebody wants to know how things are now: what to wait for with `answered`."""
        self._asked += 1
        self.woken.set()
        return self._asked

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody has asked since it looked last."""
        return self._asked > self._taken

    def take(self) -> None:
        """It looks now: what it says then answers all who have asked."""
        self._taken = self._asked

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for what it finds now, though it may be nothing new."""
        return self._taken > self._answered

    async def answered(self, question: int) -> None:
        """Returns once it has looked, and said what it found, after a question."""
        while self._answered < question:
            self._told.clear()
            await self._told.wait()

    def end(self) -> None:
        """It says nothing any more: nobody waits any longer."""
        self._answered = self.seen = sys.maxsize
        self._told.set()
