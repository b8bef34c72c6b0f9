"""How long the world turns, and what it tells when it has."""

from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter

TALLY = "taken in the world"
"""The name under which a test reports how often each rule and each fault was taken."""


def pytest_addoption(parser: pytest.Parser) -> None:
    world = parser.getgroup("world")
    world.addoption("--long", action="store_true", help="2000 histories of 30 steps instead of a few short ones")
    world.addoption("--histories", type=int, help="so many histories")
    world.addoption("--steps", type=int, help="so many steps in each")
    world.addoption("--seed", type=int, help="the seed of the first history; the others count on from it")


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """A table of what was taken, over all tests that tell."""
    tally: Counter[str] = Counter()
    for report in (*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())):
        for name, value in getattr(report, "user_properties", ()):
            if name == TALLY:
                tally.update(value)
    if tally and terminalreporter.config.getoption("--long", default=False):
        terminalreporter.section("what happened in the world")
        for name, times in sorted(tally.items(), key=lambda each: (each[1], each[0])):
            terminalreporter.write_line(f"{times:7d}  {name}")
