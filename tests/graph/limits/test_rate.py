"""Counting: what is used comes back evenly, an address has its share, and who is idle is forgotten."""

import pytest

from graph.limits import rate
from graph.limits.rate import Rate, SharedRate, share_of


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_so_much_can_be_taken_at_once_and_then_as_it_comes_back(clock: Clock) -> None:
    bucket = Rate(60, clock)
    assert [bucket.take("a") for _ in range(60)] == [None] * 60
    assert bucket.take("a") == pytest.approx(1)
    assert bucket.take("a", 5) == pytest.approx(5)
    assert [bucket.left("a"), bucket.full_in("a")] == pytest.approx([0, 60])
    clock.now += 4
    assert [bucket.left("a"), bucket.full_in("a")] == pytest.approx([4, 56])
    assert bucket.take("a", 5) == pytest.approx(1)
    assert bucket.take("a", 4) is None
    assert bucket.take("b", 60) is None
    clock.now += 3600
    assert (bucket.left("a"), bucket.full_in("a")) == (60, 0)


def test_whoever_waits_as_long_as_told_is_served(clock: Clock) -> None:
    bucket = Rate(7, clock)
    for amount in (1, 3, 0.1, 6.9, 7):
        while (wait := bucket.take("a", amount)) is None:
            pass
        clock.now += wait
        assert bucket.take("a", amount) is None


def test_more_than_a_bucket_holds_waits_for_a_full_one_and_is_paid_back(clock: Clock) -> None:
    bucket = Rate(60, clock)
    assert bucket.take("a", 180) is None
    assert bucket.take("a", 1) == pytest.approx(121)
    clock.now += 120
    assert bucket.take("a", 180) == pytest.approx(60)
    clock.now += 60
    assert bucket.take("a", 180) is None


def test_without_a_limit_nothing_is_counted(clock: Clock) -> None:
    bucket, shared = Rate(0, clock), SharedRate(0, 0.2, clock)
    assert [bucket.take("a", 1e9) for _ in range(3)] == [None] * 3
    assert [shared.take("a", "here", 1e9) for _ in range(3)] == [None] * 3
    assert (bucket.left("a"), bucket.full_in("a"), len(bucket)) == (None, 0, 0)
    assert (shared.left("a", "here"), shared.full_in("a", "here")) == (None, 0)


def test_an_address_has_its_share_of_a_key(clock: Clock) -> None:
    shared = SharedRate(100, 0.2, clock)
    assert [shared.take("key", "here") for _ in range(20)] == [None] * 20
    assert shared.left("key", "here") == 0
    assert shared.take("key", "here") == pytest.approx(3)
    assert shared.left("key", "there") == 20
    assert [shared.take("key", f"there {number % 4}") for number in range(80)] == [None] * 80
    # The key is used up: nobody has more, with an address or without.
    assert shared.take("key", "elsewhere") == pytest.approx(0.6)
    assert shared.take("key", None) == pytest.approx(0.6)
    # Who has to wait for both waits for the later.
    assert shared.take("key", "here") == pytest.approx(3)
    assert shared.full_in("key", "elsewhere") == pytest.approx(60)
    assert shared.take("another", "here") is None
    assert shared.full_in("key", "here") == pytest.approx(60)


def test_what_is_refused_takes_nothing_of_either(clock: Clock) -> None:
    shared = SharedRate(100, 0.2, clock)
    assert shared.take("key", "here", 20) is None
    before = shared.left("key", None)
    assert all(shared.take("key", "here") for _ in range(50))
    assert shared.left("key", None) == before


def test_a_share_is_at_least_one_and_all_of_no_limit() -> None:
    assert [share_of(*each) for each in ((3000, 0.2), (2, 0.2), (10, 1), (0, 0.2))] == [600, 1, 10, 0]


def test_who_is_full_again_is_forgotten(clock: Clock) -> None:
    bucket = Rate(60, clock)
    for number in range(1000):
        bucket.take(number)
    assert len(bucket) == 1000
    clock.now += 2
    bucket.take("late")
    assert len(bucket) == 1


def test_no_more_than_so_many_are_remembered(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "MOST_KEPT", 100)
    bucket = Rate(60, clock)
    for number in range(1000):
        bucket.take(number)
    assert len(bucket) == 100
    assert bucket.left(999) == 59
