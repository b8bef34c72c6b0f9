"""What overlaps what is found in one sweep: as long as there are pairs, and no longer."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from models.scheduling.intervals import overlapping_pairs


@dataclass
class Looked:
    """How often a moment was held against another."""

    times: int = 0


class Moment(int):
    """A moment that tells when it is held against another."""

    looked: Looked

    def __new__(cls, value: int, looked: Looked) -> "Moment":
        made = super().__new__(cls, value)
        made.looked = looked
        return made

    def __lt__(self, other: int) -> bool:
        self.looked.times += 1
        return int(self) < int(other)

    def __gt__(self, other: int) -> bool:
        self.looked.times += 1
        return int(self) > int(other)


Range = tuple[int, int]


def found(ones: Sequence[Range], others: Sequence[Range]) -> list[tuple[Range, Range]]:
    return list(overlapping_pairs(ones, others, lambda each: each))


def test_they_are_those_that_holding_each_against_each_finds() -> None:
    dice = Random(7)  # noqa: S311 - chance that repeats
    for _ in range(300):
        ones, others = (
            [(start, start + dice.randint(0, 5)) for start in dice.sample(range(30), dice.randint(0, 9))]
            for _ in ("ones", "others")
        )
        others.sort()
        wanted = {(one, other) for one in ones for other in others if one[0] < other[1] and other[0] < one[1]}
        pairs = found(ones, others)
        assert sorted(pairs) == sorted(wanted)
        for one in ones:
            mine = [other for each, other in pairs if each == one]
            assert mine == sorted(mine)


def test_a_calendar_full_of_both_is_swept_once() -> None:
    """2,400 bookings and 7,200 blocks: each against each would be 17 million comparisons."""
    looked = Looked()

    def ranges(count: int, length: int) -> list[Range]:
        step = 100_000 // count
        return [(Moment(at * step, looked), Moment(at * step + length, looked)) for at in range(count)]

    bookings, blocks = ranges(2_400, 20), ranges(7_200, 8)
    pairs = found(bookings, blocks)
    assert pairs
    assert looked.times < 20 * (len(bookings) + len(blocks) + len(pairs))


def test_what_lasts_long_costs_what_it_meets() -> None:
    looked = Looked()
    year = [(Moment(0, looked), Moment(1_000_000, looked))]
    days = [(Moment(day * 100, looked), Moment(day * 100 + 50, looked)) for day in range(3_000)]
    assert len(found(year, days)) == len(days)
    assert looked.times < 20 * len(days)
