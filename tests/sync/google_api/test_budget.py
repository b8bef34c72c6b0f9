"""How many requests Google is sent."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from sync.google_api.budget import LONGEST_PAUSE, PROJECT, USER, Budget

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

small = st.builds(Budget, burst=st.integers(5, 30), per_minute=st.integers(5, 60), share=st.integers(1, 5))


def spent(budget: Budget, pauses: list[float]) -> list[datetime]:
    """When shares are spent that somebody asks for after each of these seconds, whoever else is still waiting.

    Nobody takes one that would have to wait for longer than `LONGEST_PAUSE`.
    """
    paid, now, taken = None, NOW, []
    for pause in pauses:
        now += timedelta(seconds=pause)
        then, wait = budget.take(paid, now)
        if wait <= LONGEST_PAUSE:
            paid = then
            taken.append(now + wait)
    return taken


@given(budget=small, pauses=st.lists(st.floats(0, 20), max_size=60))
@example(budget=Budget(burst=5, per_minute=5, share=5), pauses=[0.0] * 14)
def test_in_no_minute_more_is_sent_than_google_allows(budget: Budget, pauses: list[float]) -> None:
    taken = spent(budget, pauses)
    for end in taken:
        within = sum(end - MINUTE < each <= end for each in taken) * budget.share
        assert within <= budget.burst + budget.per_minute


def test_what_google_allows_is_kept_to() -> None:
    """With room for what several processes have in hand."""
    assert USER.burst + USER.per_minute + 10 * USER.share <= 600
    assert PROJECT.burst + PROJECT.per_minute + 40 * PROJECT.share <= 10_000


@given(budget=small)
def test_whoever_goes_on_for_an_hour_gets_what_flows_back(budget: Budget) -> None:
    taken = [each for each in spent(budget, [0.0] * (budget.per_minute * 10)) if each < NOW + 10 * MINUTE]
    assert len(taken) * budget.share >= 9 * budget.per_minute or len(taken) == budget.per_minute * 10


@given(budget=small, takers=st.integers(1, 40))
def test_everybodys_turn_comes_in_the_order_they_came(budget: Budget, takers: int) -> None:
    turns = spent(budget, [0.0] * takers)
    assert turns == sorted(turns)
    ahead = max(0, takers * budget.share - budget.burst)
    assert turns[-1] - NOW <= ahead * MINUTE / budget.per_minute + timedelta(milliseconds=1)


@given(budget=small, ahead=st.floats(0, 10**6))
def test_a_clock_that_ran_ahead_stops_nobody_for_long(budget: Budget, ahead: float) -> None:
    _, wait = budget.take(NOW + timedelta(seconds=ahead), NOW)
    assert wait <= LONGEST_PAUSE + budget.share * MINUTE / budget.per_minute + timedelta(milliseconds=1)


@given(budget=small, ahead=st.floats(0, 300), pause=st.floats(0, 300))
def test_nothing_is_taken_before_a_pause_is_over(budget: Budget, ahead: float, pause: float) -> None:
    until = NOW + timedelta(seconds=pause)
    paid = budget.closed(NOW + timedelta(seconds=ahead), until)
    _, wait = budget.take(paid, NOW)
    assert NOW + wait >= until - timedelta(milliseconds=1)
    _, wait = budget.take(budget.closed(None, until), until)
    assert wait < timedelta(milliseconds=1)
