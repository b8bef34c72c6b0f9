"""An allowance refills evenly, is never more than full, and is forgotten when it is."""

from hypothesis import given
from hypothesis import strategies as st

from graph.limits.allowance import FULL_SECONDS, SWEPT, Allowances


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_so_much_at_once_and_then_as_much_each_minute() -> None:
    clock = Clock()
    allowances = Allowances(60, clock)
    for _ in range(60):
        assert allowances.wait("x") is None
        allowances.spend("x")
    assert allowances.wait("x") == 1
    assert allowances.wait("y") is None
    clock.now += 1
    assert allowances.wait("x") is None
    assert allowances.left("x") == (1, 59)


def test_what_is_more_than_all_of_it_can_be_spent_when_it_is_full() -> None:
    clock = Clock()
    allowances = Allowances(10, clock)
    assert allowances.wait("x", 100) is None
    allowances.spend("x", 100)
    wait = allowances.wait("x", 1)
    assert wait is not None
    assert wait > FULL_SECONDS


def test_without_a_limit_nobody_waits() -> None:
    allowances = Allowances(0, Clock())
    allowances.spend("x", 10**9)
    assert (allowances.wait("x", 10**9), allowances.is_limited) == (None, False)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 70)), max_size=60))
def test_who_waits_as_long_as_is_said_may_spend_and_nobody_spends_more_than_a_minute_and_what_is_full(
    steps: list[tuple[float, int]],
) -> None:
    clock = Clock()
    allowances, spent = Allowances(60, clock), 0.0
    for seconds, amount in steps:
        clock.now += seconds
        wait = allowances.wait("x", min(amount, 60))
        if wait is not None:
            clock.now += wait
            assert allowances.wait("x", min(amount, 60)) is None
        allowances.spend("x", min(amount, 60))
        spent += min(amount, 60)
        assert spent <= 60 + clock.now + 1e-6


def test_holders_whose_allowance_is_full_again_are_forgotten() -> None:
    clock = Clock()
    allowances = Allowances(60, clock)
    for number in range(SWEPT * 5):
        allowances.spend(number)
        clock.now += 1
    assert len(allowances) <= SWEPT
