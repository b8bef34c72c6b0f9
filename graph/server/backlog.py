"""What a group of equal subscriptions has said, as far as it is kept. Pure.

Of a log the newest messages are kept: who is behind them reads rows. Of states the latest of each topic is kept, and
that is all anybody needs.
"""

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

KEPT = 256
KEPT_BYTES = 1024 * 1024
"""Messages of a log, and bytes of them; the newest is kept whatever its size."""


@dataclass(frozen=True, slots=True)
class Message:
    """One answer of a subscription, ready to be sent: its payload as JSON, and where it stands among the others.

    `cursor` is what a client may come back with. `refusal` is the list of errors alone when nothing was run.
    """

    payload: bytes
    position: int = 0
    topic: Hashable = None
    cursor: str | None = None
    refusal: bytes | None = None


class Backlog:
    """The messages that are kept, in order."""

    def __init__(self, position: int, *, has_states: bool) -> None:
        """Begins with nothing, after a position."""
        self._has_states = has_states
        self._first = position
        self._log: deque[Message] = deque()
        self._bytes = 0
        self._states: dict[Hashable, Message] = {}

    def add(self, message: Message) -> None:
        """Keeps a message, and forgets what it makes old."""
        if self._has_states:
            self._states.pop(message.topic, None)
            self._states[message.topic] = message
            return
        self._log.append(message)
        self._bytes += len(message.payload)
        while len(self._log) > KEPT or (self._bytes > KEPT_BYTES and len(self._log) > 1):
            forgotten = self._log.popleft()
            self._first = forgotten.position
            self._bytes -= len(forgotten.payload)

    def covers(self, position: int) -> bool:
        """Whether it has every message after a position that still matters."""
        return self._has_states or position >= self._first

    def after(self, position: int) -> Sequence[Message]:
        """What was said after a position, in order."""
        if self._has_states:
            return [each for each in self._states.values() if each.position > position]
        newer: list[Message] = []
        for message in reversed(self._log):
            if message.position <= position:
                break
            newer.append(message)
        newer.reverse()
        return newer
