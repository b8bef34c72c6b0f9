"""How long to wait, and when waiting is no use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.google_api import retry
from sync.google_api.replies import Failure, FailureKind
from sync.google_api.retry import Decision, after_failure, delay
from tests.sync.deadlines import patient

ATTEMPTS = st.integers(1, 500)
DICE = st.floats(0, 1, exclude_max=True)
HINTS = st.floats(0, 100_000)


@patient
@given(ATTEMPTS, DICE)
def test_a_wait_lies_between_its_rung_and_a_quarter_more(attempt: int, random: float) -> None:
    rung = retry.LADDER_SECONDS[min(attempt, len(retry.LADDER_SECONDS)) - 1]
    assert rung <= delay(attempt, None, random) <= rung + max(1.0, rung / 4)


@patient
@given(ATTEMPTS, DICE)
def test_with_the_same_dice_a_later_attempt_never_waits_less(attempt: int, random: float) -> None:
    assert delay(attempt, None, random) <= delay(attempt + 1, None, random)


@patient
@given(ATTEMPTS, HINTS, DICE)
def test_a_hint_is_never_undercut_and_never_strands_us(attempt: int, hint: float, random: float) -> None:
    waited = delay(attempt, hint, random)
    assert min(hint, retry.LONGEST_HINT_SECONDS) <= waited <= retry.LONGEST_HINT_SECONDS + 1


def test_the_first_attempts_follow_googles_truncated_exponential_backoff() -> None:
    assert [delay(attempt, None, 0) for attempt in range(1, 8)] == [1, 2, 4, 8, 16, 32, 64]


@patient
@given(ATTEMPTS, st.none() | HINTS, DICE)
def test_an_exhausted_quota_is_left_alone_for_an_hour_at_least(attempt: int, hint: float | None, random: float) -> None:
    decision = after_failure(_failure(FailureKind.QUOTA, hint), attempt, random)
    assert decision.wait_seconds is not None
    assert decision.wait_seconds >= max(3600, min(hint or 0, retry.LONGEST_HINT_SECONDS))
    assert decision.prescribed


@patient
@given(ATTEMPTS, DICE)
def test_only_a_pause_that_google_named_is_prescribed(attempt: int, random: float) -> None:
    assert not after_failure(_failure(FailureKind.RETRY), attempt, random).prescribed
    assert after_failure(_failure(FailureKind.RETRY, 3), attempt, random).prescribed
    assert not after_failure(_failure(FailureKind.SPENT, 3), attempt, random).prescribed


@pytest.mark.parametrize("kind", [FailureKind.UNAUTHORIZED, FailureKind.RECONNECT])
def test_a_dead_grant_waits_for_a_person(kind: FailureKind) -> None:
    assert after_failure(_failure(kind), 1, 0.5) == Decision(None, action_required=True)


def test_a_missing_calendar_is_believed_after_four_refusals_a_quarter_of_an_hour_apart() -> None:
    decisions = [after_failure(_failure(FailureKind.NOT_FOUND), attempt, 0) for attempt in range(1, 5)]
    assert [decision.action_required for decision in decisions] == [False, False, False, True]
    assert sum(decision.wait_seconds or 0 for decision in decisions[:3]) >= 600


@pytest.mark.parametrize("kind", [FailureKind.READ_ONLY, FailureKind.MISCONFIGURED, FailureKind.PERMANENT])
def test_what_a_person_must_cure_is_said_at_once_and_looked_at_rarely(kind: FailureKind) -> None:
    decision = after_failure(_failure(kind), 1, 0)
    assert decision == Decision(retry.SLOW_SECONDS, action_required=True)


@patient
@given(st.sampled_from(FailureKind), ATTEMPTS, st.none() | HINTS, DICE)
def test_every_failure_leads_to_a_wait_or_to_a_person(
    kind: FailureKind, attempt: int, hint: float | None, random: float
) -> None:
    decision = after_failure(_failure(kind, hint), attempt, random)
    if decision.wait_seconds is None:
        assert decision.action_required
    else:
        assert decision.wait_seconds >= min(hint or 0, retry.LONGEST_HINT_SECONDS)


def _failure(kind: FailureKind, hint: float | None = None) -> Failure:
    return Failure(kind, "code", "message", hint)
