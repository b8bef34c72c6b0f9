"""Health: the worst that is true is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.words import HealthState
from sync import health
from sync.health import FAILING_AFTER, Direction, Fault, Queue

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
POLL = timedelta(minutes=10)
FAULT = Fault("backendError", "Backend Error", NOW)
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
    assert health.inbound(pull, account_works=True, poll=POLL, now=NOW).state is state
    assert health.inbound(pull, account_works=False, poll=POLL, now=NOW).state is HealthState.ACTION_REQUIRED


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
    assert health.outbound(push, queue, account_works=True, now=NOW).state is state
    assert health.outbound(push, queue, account_works=False, now=NOW).state is HealthState.ACTION_REQUIRED


def test_the_next_attempt_is_after_the_pause() -> None:
    assert direction(due_at=None).next_attempt_at is None
    assert direction(due_at=NOW).next_attempt_at == NOW
    assert direction(due_at=NOW, not_before=NOW + POLL).next_attempt_at == NOW + POLL
    assert direction(due_at=NOW + POLL, not_before=NOW).next_attempt_at == NOW + POLL


def test_nothing_is_planned_to_go_out_while_nothing_waits() -> None:
    assert health.outbound(WELL, Queue(), account_works=True, now=NOW).next_attempt_at is None
    assert health.outbound(WELL, Queue(pending=1), account_works=True, now=NOW).next_attempt_at == NOW + POLL


def test_a_channel_is_active_until_it_ends() -> None:
    assert health.channel([], NOW) == health.ChannelHealth(active=False, expires_at=None)
    assert not health.channel([NOW, None], NOW).active
    assert health.channel([NOW + POLL, NOW, NOW + 2 * POLL], NOW).expires_at == NOW + 2 * POLL
