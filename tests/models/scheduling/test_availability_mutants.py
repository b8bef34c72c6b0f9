"""The differential test can fail: wrong versions of the models' slot rules, each made by one change of their source,
are each caught by few of its cases.
"""

import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from itertools import islice, product
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from models.scheduling import availability, hours
from tests.models.scheduling.slot_cases import CLOCK_DAYS, Case, seeded_case
from tests.models.scheduling.slot_difference import difference

SEEDS = range(40)
"""No more of each clock day's cases may be needed to catch a mutant."""


class Mutant(NamedTuple):
    """A belief about the rules that is wrong, and the one place in the source where it can be put in."""

    belief: str
    module: str
    snippet: str
    wrong: str


MUTANTS = (
    Mutant(
        "T2 a repeated label means its second time", "hours", "tzinfo=zone, fold=0).ast", "tzinfo=zone, fold=1).ast"
    ),
    Mutant(
        "T2 a label in a gap keeps its offset", "hours", "return _jump_over(wall, zone)", "return to_instant(first)"
    ),
    Mutant(
        "O1 a closed date has its weekday's hours",
        "hours",
        "self.weekly.get(day.weekday(), ()) if override is None else override",
        "override or self.weekly.get(day.weekday(), ())",
    ),
    Mutant("O2 a whole day is no time at all", "hours", "day if closes > opens else", "day if closes >= opens else"),
    Mutant(
        "O3 an override cuts the night before",
        "hours",
        "            if start < window.end and",
        "            if end_day in schedule.overrides:\n"
        "                end = min(end, instant(day + _ONE_DAY, time.min, schedule.zone))\n"
        "            if start < window.end and",
    ),
    Mutant("O3 last night is over", "hours", "schedule.zone) - 2 * _ONE_DAY", "schedule.zone)"),
    Mutant(
        "O5 a service stays within one opening",
        "availability",
        "enclosing = next(each for each in union if each.start <= opening.start < each.end)",
        "enclosing = opening",
    ),
    Mutant(
        "O5 a service ends before closing", "availability", "enclosing.end - length + 1)", "enclosing.end - length)"
    ),
    Mutant(
        "O5 buffers lie inside opening hours",
        "availability",
        "_candidates(agenda.schedule, rules.duration, ",
        "_candidates(agenda.schedule, rules.duration + rules.buffer_after, ",
    ),
    Mutant(
        "G1 elapsed minutes are counted",
        "hours",
        "offset = _offset(start, zone)",
        "offset = _offset(opening.start, zone)",
    ),
    Mutant(
        "G1 every grid begins at midnight",
        "hours",
        "to_instant(opening.label.replace(tzinfo=UTC))",
        "to_instant(datetime.combine(opening.label.date(), time.min, UTC))",
    ),
    Mutant(
        "G1 the grid begins at the opening's first instant",
        "hours",
        "to_instant(opening.label.replace(tzinfo=UTC))",
        "opening.start + _offset(opening.start, zone)",
    ),
    Mutant(
        "G1 the end of busy time is a start",
        "availability",
        "return _free(inside, ",
        "return _free(sorted({*inside, *(each.end for each in agenda.busy if cut.start <= each.end < cut.end)}), ",
    ),
    Mutant(
        "I1 touching is colliding",
        "availability",
        "rules.buffer_after) * MINUTE - 1",
        "rules.buffer_after) * MINUTE",
    ),
    Mutant(
        "I1 an empty event blocks",
        "availability",
        "in agenda.busy if busy[0] < busy[1]]",
        "in agenda.busy]",
    ),
    Mutant(
        "B3 an all-day event's last date is included",
        "hours",
        "instant(last, time.min, zone))",
        "instant(last + _ONE_DAY, time.min, zone))",
    ),
    Mutant(
        "B3 an all-day event's midnight is UTC's",
        "hours",
        "Interval(instant(first, time.min, zone), instant(last, time.min, zone))",
        "Interval(instant(first, time.min, ZoneInfo('UTC')), instant(last, time.min, ZoneInfo('UTC')))",
    ),
    Mutant(
        "B5 buffers do not count",
        "availability",
        "before = (rules.duration + rules.buffer_after) *",
        "before = rules.duration *",
    ),
    Mutant(
        "B5 before and after are exchanged",
        "availability",
        "after = rules.buffer_before * MINUTE",
        "after = rules.buffer_after * MINUTE",
    ),
    Mutant(
        "B5 the first event that ends later is the only one in the way",
        "availability",
        "for start, end in forbidden:",
        "for start, end in forbidden[:1]:",
    ),
    Mutant(
        "W1 a start at the window's end is offered",
        "availability",
        "window.end if last is None",
        "window.end + 1 if last is None",
    ),
    Mutant(
        "W1 a window lies on one date",
        "availability",
        "local_date(cut.end, zone)",
        "local_date(cut.start, zone)",
    ),
    Mutant(
        "O1 whoever lives in one zone has the same hours",
        "availability",
        "key = (schedule.zone, duration, step, day, hours)",
        "key = (schedule.zone, duration, step, day)",
    ),
    Mutant(
        "W2 a start exactly at the notice is too soon",
        "availability",
        "now + rules.notice * MINUTE), ",
        "now + rules.notice * MINUTE + 1), ",
    ),
    Mutant(
        "W2 notice is not kept",
        "availability",
        "max(window.start, now + rules.notice * MINUTE)",
        "max(window.start, now)",
    ),
    Mutant("W3 the last date is excluded", "hours", "timedelta(days=days + 1)", "timedelta(days=days)"),
    Mutant("W3 today is UTC's", "hours", "instant(local_date(now, zone) +", "instant(to_datetime(now).date() +"),
    Mutant("M1 starts come option by option", "availability", "enumerate(sorted(offered))", "enumerate(offered)"),
    Mutant(
        "a reason knows nothing of buffers",
        "availability",
        "collides(rules.occupied(start), ",
        "collides(Interval(start, start + rules.duration * MINUTE), ",
    ),
)


def some_cases() -> Iterator[Case]:
    """The first case of every clock day, then the second of every day, and so on."""
    return (seeded_case(seed, clock_day) for seed, clock_day in product(SEEDS, CLOCK_DAYS))


def loaded(folder: Path, monkeypatch: pytest.MonkeyPatch, mutant: Mutant | None) -> tuple[ModuleType, ModuleType]:
    """Fresh `hours` and `availability`, one of them with the mutant's change."""
    fresh = []
    for name, original in (("hours", hours), ("availability", availability)):
        source = Path(str(original.__file__)).read_text(encoding="utf-8")
        if mutant is not None and mutant.module == name:
            assert source.count(mutant.snippet) == 1, f"{name} holds {mutant.snippet!r} other than once"
            source = source.replace(mutant.snippet, mutant.wrong)
        path = folder / f"{name}.py"
        path.write_text(source, encoding="utf-8")
        spec = spec_from_file_location(f"models.scheduling.{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, f"models.scheduling.{name}", module)
        spec.loader.exec_module(module)
        fresh.append(module)
    return fresh[0], fresh[1]


def test_an_unchanged_copy_is_not_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = loaded(tmp_path, monkeypatch, None)
    assert [case for case in islice(some_cases(), 60) if difference(case, *copies)] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.belief.replace(" ", "-") for mutant in MUTANTS])
def test_a_wrong_version_is_caught(mutant: Mutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = loaded(tmp_path, monkeypatch, mutant)
    assert any(difference(case, *copies) for case in some_cases()), f"nothing tells {mutant.belief!r} from the truth"
