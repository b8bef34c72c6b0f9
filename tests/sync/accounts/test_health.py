"""Health: the worst that is true is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.enums import HealthState
from sync.accounts import health
from sync.accounts.health import FAILING_AFTER, Direction, Queue
from sync.google_api.trouble import Trouble, TroubleCode

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
POLL = timedelta(minutes=10)
FAULT = Trouble(TroubleCode.GOOGLE_UNAVAILABLE, NOW)
DEAD = Trouble(TroubleCode.GOOGLE_RECONNECT_REQUIRED, NOW)
READ_ONLY = Trouble(TroubleCode.GOOGLE_CALENDAR_READ_ONLY, NOW)
WELL = Direction(completed_at=NOW, due_at=NOW + POLL, not_before=None, attempts=0, action_required=False, error=None)


def direction(**changed: Any) -> Direction:
    return replace(WELL, **changed)


@pytest.mark.parametrize(
    ("pull", "state"),
    [
        (WELL, HealthState.OK),
        (direction(completed_at=None), HealthState.LAGGING),
        (direction(completed_at=NOW - 3 * POLL), HealthState.OK),
        (direction(completed_at=NOW - 4 * POLL), HealthState.LAGGING),
        (direction(attempts=1, error=FAULT), HealthState.LAGGING),
        (direction(attempts=FAILING_AFTER, error=FAULT), HealthState.FAILING),
        (direction(attempts=FAILING_AFTER, error=FAULT, action_required=True), HealthState.ACTION_REQUIRED),
    ],
)
def test_the_way_in_says_how_it_does(pull: Direction, state: HealthState) -> None:
    well = health.inbound(pull, None, POLL, NOW)
    assert (well.state, well.error) == (state, pull.error)
    dead = health.inbound(pull, DEAD, POLL, NOW)
    assert (dead.state, dead.error) == (HealthState.ACTION_REQUIRED, DEAD)


@pytest.mark.parametrize(
    ("push", "queue", "state"),
    [
        (WELL, Queue(), HealthState.OK),
        (WELL, Queue(pending=1, oldest_pending_at=NOW), HealthState.OK),
        (WELL, Queue(pending=1, oldest_pending_at=NOW - timedelta(minutes=3)), HealthState.LAGGING),
        (WELL, Queue(failed=1, error=FAULT), HealthState.ACTION_REQUIRED),
        (direction(attempts=FAILING_AFTER), Queue(pending=1), HealthState.FAILING),
        (direction(action_required=True), Queue(), HealthState.ACTION_REQUIRED),
    ],
)
def test_the_way_out_says_how_it_does(push: Direction, queue: Queue, state: HealthState) -> None:
    assert health.outbound(push, queue, None, None, NOW).state is state
    dead = health.outbound(push, queue, DEAD, READ_ONLY, NOW)
    assert (dead.state, dead.error) == (HealthState.ACTION_REQUIRED, DEAD)


@pytest.mark.parametrize(
    ("push", "queue", "state", "error"),
    [
        (WELL, Queue(), HealthState.IDLE, READ_ONLY),
        (WELL, Queue(pending=1, oldest_pending_at=NOW), HealthState.OK, READ_ONLY),
        (direction(attempts=1, error=FAULT), Queue(pending=1, oldest_pending_at=NOW), HealthState.OK, FAULT),
        (direction(action_required=True, error=READ_ONLY), Queue(pending=1), HealthState.ACTION_REQUIRED, READ_ONLY),
        (WELL, Queue(failed=1, error=FAULT), HealthState.ACTION_REQUIRED, FAULT),
    ],
)
def test_nothing_goes_out_to_a_calendar_that_may_only_be_read(
    push: Direction, queue: Queue, state: HealthState, error: Trouble
) -> None:
    said = health.outbound(push, queue, None, READ_ONLY, NOW)
    assert (said.state, said.error) == (state, error)


def test_the_next_attempt_is_after_the_pause() -> None:
    assert direction(due_at=None).next_attempt_at is None
    assert direction(due_at=NOW).next_attempt_at == NOW
    assert direction(due_at=NOW, not_before=NOW + POLL).next_attempt_at == NOW + POLL
    assert direction(due_at=NOW + POLL, not_before=NOW).next_attempt_at == NOW + POLL


def test_nothing_is_planned_to_go_out_while_nothing_waits() -> None:
    assert health.outbound(WELL, Queue(), None, None, NOW).next_attempt_at is None
    assert health.outbound(WELL, Queue(pending=1), None, None, NOW).next_attempt_at == NOW + POLL


def test_a_channel_is_active_until_it_ends() -> None:
    assert health.channel([], NOW) == health.ChannelHealth(active=False, expires_at=None)
    assert not health.channel([NOW, None], NOW).active
    assert health.channel([NOW + POLL, NOW, NOW + 2 * POLL], NOW).expires_at == NOW + 2 * POLL
