"""How a subscription runs: what its field declares, and what the hub does with that."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Hashable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import ClassVar, NoReturn

from graph.request.context import Info
from models.storage.db import Row


@dataclass(frozen=True, slots=True)
class Look:
    """One look of the hub: at changes that concern the source; without any, because time has passed or members have
    joined.
    """

    rows: Sequence[Row]
    revision: int
    """Of the log. What the source shows has every change up to this one."""
    again: bool = False
    """Whether to show what is as it was, too: new members wait for it."""


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """One thing to show: the value of the subscription's field, on which the client's selection is executed."""

    value: object
    revision: int = 0
    """Of the change that it tells of. A state has none."""
    topic: Hashable = None
    """What a state is about: of each topic only the latest is kept for members that are behind."""
    is_repeated: bool = False
    """Whether it is for new members alone: the others know it."""


@dataclass(eq=False)
class Source(ABC):
    """What a subscription follows: made by its field from the arguments of one client, run by the hub.

    The hub (`graph.server.live.hub`) uses a source in this order:

    1. **Begin.** The resolver of the field makes the source and does nothing else. For every subscriber the hub calls
       `start`, which raises a GraphQLError where the caller may not follow, and else returns the revision of the
       business's log to go on after. Where the log does not go back so far, the hub shows `reset` and ends.
    2. **Share.** Subscribers of one business with the same role, language, document and variables form a group; the
       variable of the argument `after` may differ, since it only says where one begins. The source of the group's first
       member runs for all of them; the hub drops the sources of the others.
    3. **Look.** The hub reads the log for the group and calls `concerns` with every change after the start. When one
       concerns the source, when `alarm` seconds have passed without any, and once at the beginning, the hub calls
       `events` within the block of `turn`.
    4. **Show.** For each event the hub executes the client's selection once and sends the same bytes to every member.
       An exception in `events`, or a fault of ours in the selection, ends the group with an error; its clients come
       back to where they were. A member that falls far behind its group begins anew, after the last revision it got.

    There are two kinds. A source of changes (`has_states` false) shows each change with its revision: members get every
    one in order, and its revision is the cursor to resume from. A source of states (`has_states` true) shows how things
    are now, whenever that differs from what it showed last: a member that is behind gets only the latest of each topic.
    When a member joins, the hub looks `again`: the source then shows what is as it was, too, marked `is_repeated`, and
    the hub sends that only to those who joined.

    A group waits for days between two looks: a source remembers little of what it has shown.
    """

    has_states: ClassVar[bool] = True
    info: Info

    @abstractmethod
    async def start(self, newest: int) -> int:
        """Authorises the caller, and returns the revision to go on after, at most the `newest`, which a source of
        states begins with. Raises GraphQLErrors.
        """

    @abstractmethod
    def concerns(self, row: Row) -> bool:
        """Whether a change of the log may alter what the source shows."""

    @abstractmethod
    def events(self, look: Look) -> AsyncGenerator[SourceEvent, None]:
        """What there is to show now. Raises a GraphQLError where the caller may not follow any more."""

    def reset(self, newest: int) -> SourceEvent:
        """Tells that changes were missed, and that one goes on after the newest. States miss nothing."""
        raise NotImplementedError

    def alarm(self) -> float | None:
        """In how many seconds to look though nothing changed; None: not before something does."""
        return None

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Lasts from a look until what it found is handed out; waits while too many others look."""
        return nullcontext()

    def __aiter__(self) -> NoReturn:
        """graphql-core takes nothing else for the source of a subscription. The hub runs it."""
        raise TypeError("the hub runs subscriptions")
