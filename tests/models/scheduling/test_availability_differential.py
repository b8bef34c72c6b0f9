"""The slot rules twice: the models' implementation against the naive one, on generated cases."""

import pytest
from hypothesis import HealthCheck, given, settings

from models.scheduling import availability, hours
from tests.models.scheduling.slot_cases import CLOCK_DAYS, Case, ClockDay, cases, seeded_case
from tests.models.scheduling.slot_difference import difference

SEEDS = range(150)


@pytest.mark.parametrize("clock_day", CLOCK_DAYS, ids=str)
def test_both_implementations_agree_around_a_change_of_the_clocks(clock_day: ClockDay) -> None:
    for seed in SEEDS:
        found = difference(seeded_case(seed, clock_day), hours, availability)
        assert found is None, f"seed {seed}: {found}"


@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=cases())
def test_both_implementations_agree_on_what_hypothesis_finds(case: Case) -> None:
    assert difference(case, hours, availability) is None
