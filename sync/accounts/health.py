"""How well a link works, in both directions, told from plain rows. Pure.

The worst that is true is said: what only a person can cure, then what keeps failing, then what is late.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.enums import HealthState
from sync.google_api.trouble import Trouble

LAGGING_AFTER = timedelta(minutes=2)
"""A booking that waits longer than this for Google is late; an unhurried pull is late after three poll intervals."""

FAILING_AFTER = 3
"""So many attempts in a row must fail before a hiccup is called a failure."""

_POLLS_MISSED = 3


@dataclass(frozen=True, slots=True)
class InboundHealth:
    """From Google to here. `last_completed_at` is the last pull that saw the whole calendar."""

    state: HealthState
    last_completed_at: datetime | None = None
    next_attempt_at: datetime | None = None
    error: Trouble | None = None


@dataclass(frozen=True, slots=True)
class OutboundHealth:
    """From here to Google. `pending` bookings are not in Google as they should be yet."""

    state: HealthState
    pending: int = 0
    oldest_pending_at: datetime | None = None
    last_completed_at: datetime | None = None
    next_attempt_at: datetime | None = None
    error: Trouble | None = None


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """Whether Google tells us of changes by itself; polling goes on either way."""

    active: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """All three of one link."""

    inbound: InboundHealth
    outbound: OutboundHealth
    push_channel: ChannelHealth


IDLE = Health(InboundHealth(HealthState.IDLE), OutboundHealth(HealthState.IDLE), ChannelHealth())


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a calendar as its row has it; `completed_at` is the last success."""

    completed_at: datetime | None
    due_at: datetime | None
    not_before: datetime | None
    attempts: int
    action_required: bool
    error: Trouble | None

    @property
    def next_attempt_at(self) -> datetime | None:
        """When it is tried again; None when nothing is planned."""
        if self.due_at is None:
            return None
        return max(self.due_at, self.not_before) if self.not_before else self.due_at


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits to go out, and what was given up."""

    pending: int = 0
    oldest_pending_at: datetime | None = None
    failed: int = 0
    error: Trouble | None = None


def inbound(pull: Direction, grant: Trouble | None, poll: timedelta, now: datetime) -> InboundHealth:
    """From Google to here. `grant` is what is wrong with the account, if anything is; `poll` the longest time between
    two looks at the calendar.
    """
    if grant or pull.action_required:
        state = HealthState.ACTION_REQUIRED
    elif pull.attempts >= FAILING_AFTER:
        state = HealthState.FAILING
    elif pull.completed_at is None or pull.error or now - pull.completed_at > _POLLS_MISSED * poll + LAGGING_AFTER:
        state = HealthState.LAGGING
    else:
        state = HealthState.OK
    return InboundHealth(state, pull.completed_at, pull.next_attempt_at, grant or pull.error)


def outbound(
    push: Direction, queue: Queue, grant: Trouble | None, read_only: Trouble | None, now: datetime
) -> OutboundHealth:
    """From here to Google: only true to its word when nothing waits. `read_only`: bookings are not put there at all."""
    if grant or push.action_required or queue.failed:
        # What was given up waits for somebody who looks.
        state = HealthState.ACTION_REQUIRED
    elif push.attempts >= FAILING_AFTER:
        state = HealthState.FAILING
    elif queue.oldest_pending_at and now - queue.oldest_pending_at > LAGGING_AFTER:
        state = HealthState.LAGGING
    elif read_only and not queue.pending:
        state = HealthState.IDLE
    else:
        state = HealthState.OK
    waiting = push.next_attempt_at if queue.pending else None
    error = grant or push.error or queue.error or read_only
    return OutboundHealth(state, queue.pending, queue.oldest_pending_at, push.completed_at, waiting, error)


def channel(expiries: Iterable[datetime | None], now: datetime) -> ChannelHealth:
    """The push channels of a calendar, by when they end; None: not confirmed by Google yet."""
    alive = [expiry for expiry in expiries if expiry and expiry > now]
    return ChannelHealth(bool(alive), max(alive, default=None))
