"""Where one running subscription is in the log: its resolver tells, whoever shares out what it says asks.

Knows no noun, and neither reads nor sends anything.
"""

import asyncio
from collections.abc import Hashable


class Course:
    """One run of a subscription: from where it goes, and how far it has come."""

    def __init__(self, resume: int | None) -> None:
        """`resume` is the revision to go on after, whatever the arguments say."""
        self.resume = resume
        self.begun = asyncio.Event()
        self.revision = 0
        """The revision it began after."""
        self.has_states = False
        """Whether it says how things are, and not what happened: then the latest of each topic is all there is."""
        self.position = 0
        """Of the message that is being said: they rise."""
        self.topic: Hashable = None
        self.is_resumable = False
        """Whether a client can come back to where the message stands."""
        self._seen = -1
        self._told = asyncio.Event()
        self._may_go_on = asyncio.Event()

    async def begin(self, revision: int, *, has_states: bool = False) -> None:
        """All that was asked is in order: it goes on after this revision. Does not return when somebody else is saying
        the same already, whose messages are taken instead.
        """
        self.revision = self.position = revision
        self.has_states = has_states
        if has_states:
            self.position = -1
        self.begun.set()
        await self._may_go_on.wait()

    def go_on(self) -> None:
        """Lets it begin."""
        self._may_go_on.set()

    def says(self, revision: int) -> None:
        """The next message is about this revision."""
        self.position = revision
        self.is_resumable = True

    def states(self, topic: Hashable = None) -> None:
        """The next message is how it is now with a topic."""
        self.position += 1
        self.topic = topic

    def has_seen(self, revision: int) -> None:
        """Every change up to this revision is in what was said."""
        self._seen = max(self._seen, revision)
        self._told.set()

    async def seen(self, revision: int) -> None:
        """Returns once every change up to this revision is in what was said."""
        while self._seen < revision:
            self._told.clear()
            await self._told.wait()
