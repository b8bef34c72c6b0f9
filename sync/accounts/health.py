"""Computes how well a link works, in both directions, from values of its rows. Pure.

It reports the worst that is true: what only a person can cure, then what keeps failing, then what is late.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.enums import HealthState
from sync.google_api.trouble import Trouble

LAGGING_AFTER = timedelta(minutes=2)
"""A push is late when a booking has waited longer than this; a pull, this long after three missed polls."""

FAILING_AFTER = 3
"""How many attempts in a row must fail before a direction counts as FAILING."""

_POLLS_MISSED = 3


@dataclass(frozen=True, slots=True)
class InboundHealth:
    """The health of pulling. `last_completed_at` is when the last complete pull ended."""

    state: HealthState
    last_completed_at: datetime | None = None
    next_attempt_at: datetime | None = None
    error: Trouble | None = None


@dataclass(frozen=True, slots=True)
class OutboundHealth:
    """The health of pushing. `pending` is how many bookings are not in Google yet as they should be."""

    state: HealthState
    pending: int = 0
    oldest_pending_at: datetime | None = None
    last_completed_at: datetime | None = None
    next_attempt_at: datetime | None = None
    error: Trouble | None = None


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """Whether a push channel is open; polling goes on either way."""

    active: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """The health of one link."""

    inbound: InboundHealth
    outbound: OutboundHealth
    push_channel: ChannelHealth


IDLE = Health(InboundHealth(HealthState.IDLE), OutboundHealth(HealthState.IDLE), ChannelHealth())


@dataclass(frozen=True, slots=True)
class Direction:
    """The columns of one direction of a calendar; `completed_at` is the last success."""

    completed_at: datetime | None
    due_at: datetime | None
    not_before: datetime | None
    attempts: int
    action_required: bool
    error: Trouble | None

    @property
    def next_attempt_at(self) -> datetime | None:
        """When a worker tries again; None when nothing is due."""
        if self.due_at is None:
            return None
        return max(self.due_at, self.not_before) if self.not_before else self.due_at


@dataclass(frozen=True, slots=True)
class Queue:
    """The mirrors of a calendar that wait, and those that we gave up."""

    pending: int = 0
    oldest_pending_at: datetime | None = None
    failed: int = 0
    error: Trouble | None = None


def inbound(pull: Direction, grant: Trouble | None, poll: timedelta, now: datetime) -> InboundHealth:
    """Computes the health of pulling. `grant` is the account's trouble, `poll` the longest time between two pulls."""
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
    """Computes the health of pushing. `read_only` is set when we may not write to the calendar."""
    if grant or push.action_required or queue.failed:
        # A mirror that we gave up waits until a person asks for a sync.
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
    """Computes the health of push channels from their ends; None for one that Google has not confirmed."""
    alive = [expiry for expiry in expiries if expiry and expiry > now]
    return ChannelHealth(bool(alive), max(alive, default=None))
