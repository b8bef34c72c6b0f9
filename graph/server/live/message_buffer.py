"""What a group of equal subscriptions has said, as far as it is kept. Pure.

Of a log the newest messages are kept: who is behind them reads rows. Of states the latest of each topic is kept for as
long as somebody lacks it, and that is all anybody needs; where there is no room for it, who lacks it asks anew.
"""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

KEPT = 256
KEPT_BYTES = 1024 * 1024
KEPT_IN_ALL = 32 * 1024 * 1024
"""Messages of one log, bytes of them, and bytes of all logs of a process; the newest is kept whatever its size."""


@dataclass(frozen=True, slots=True)
class Message:
    """One answer of a subscription, ready to be sent: its payload as JSON, and where it stands among the others.

    `cursor` is what a client may come back with. It is a refusal when nothing was run. One that is repeated is for
    those who have joined since; after the last one nothing comes, and it changes no position.
    """

    payload: bytes
    position: int = 0
    topic: Hashable = None
    cursor: str | None = None
    is_refusal: bool = False
    is_repeated: bool = False
    is_last: bool = False


class Room:
    """The bytes that all logs of a process have together."""

    def __init__(self, most: int = KEPT_IN_ALL) -> None:
        self._most = most
        self.used = 0

    @property
    def is_full(self) -> bool:
        """Whether something has to go."""
        return self.used > self._most


class MessageBuffer:
    """The messages that are kept, in order."""

    def __init__(self, position: int, room: Room, *, has_states: bool) -> None:
        """Begins with nothing, after a position."""
        self.first = position
        """It has every message after this position."""
        self._has_states = has_states
        self._room = room
        self._log: deque[Message] = deque()
        self._states: dict[Hashable, Message] = {}
        self._bytes = 0
        self.newest = position
        """Of the newest message, kept or not."""

    def add(self, message: Message) -> None:
        """Keeps a message, and forgets what it makes old."""
        self.newest = message.position
        if self._has_states:
            self._forget_state(message.topic)
            self._states[message.topic] = message
            self._take(len(message.payload))
            return
        self._log.append(message)
        self._take(len(message.payload))
        while len(self._log) > 1 and (len(self._log) > KEPT or self._bytes > KEPT_BYTES or self._room.is_full):
            forgotten = self._log.popleft()
            self.first = forgotten.position
            self._take(-len(forgotten.payload))

    def covers(self, position: int) -> bool:
        """Whether it has every message after a position that still matters."""
        return self._has_states or position >= self.first

    def after(self, position: int) -> Message | None:
        """The first message after a position; None when there is none yet."""
        if self._has_states:
            return next((each for each in self._states.values() if each.position > position), None)
        found = None
        for message in reversed(self._log):
            if message.position <= position:
                break
            found = message
        return found

    def forget(self, position: int) -> None:
        """Nobody lacks the states up to a position any more."""
        for topic in [topic for topic, each in self._states.items() if each.position <= position]:
            self._forget_state(topic)

    def make_room(self) -> None:
        """Forgets the one state there is, if there is no room for it; several are small."""
        if self._room.is_full:
            self._forget_state(None)

    def close(self) -> None:
        """Gives its room back: who is not done with it has it for a little while."""
        self._take(-self._bytes)
        self._room = Room()

    def _forget_state(self, topic: Hashable) -> None:
        forgotten = self._states.pop(topic, None)
        if forgotten is not None:
            self._take(-len(forgotten.payload))

    def _take(self, size: int) -> None:
        self._bytes += size
        self._room.used += size
