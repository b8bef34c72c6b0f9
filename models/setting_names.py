"""Finds environment variables that look like settings and are none: misspelt ones and unknown ones. Pure."""

from collections.abc import Iterable

PREFIX = "TIMEBOK_"
_NOT_OURS = ("TIMEBOK_SERVICE_", "TIMEBOK_PORT", "TIMEBOK_TEST_")
"""Prefixes that Kubernetes sets for a service called timebok, and the one that our tests read."""
_LETTERS = 2
"""A name that differs from a setting's by at most so many letters counts as misspelt."""


def sort_unknown_names(given: Iterable[str], known: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Sorts out names of variables, in any case, that begin like a setting and are none. Returns the misspelt ones with
    the setting that each resembles, and the ones that resemble no setting.
    """
    settings = sorted(known)
    names = {name.upper() for name in given if name.upper().startswith(PREFIX)} - set(settings)
    misspelt, unknown = {}, []
    for name in sorted(each for each in names if not each.startswith(_NOT_OURS)):
        nearest = min(settings, key=lambda each: _distance(name, each))
        if _distance(name, nearest) <= _LETTERS:
            misspelt[name] = nearest
        else:
            unknown.append(name)
    return misspelt, unknown


def _distance(one: str, other: str) -> int:
    """Counts the letters to insert, delete or replace to turn one into the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row[0] = row[0], number
        for position, other_letter in enumerate(other, 1):
            kept = before + (letter != other_letter)
            before, row[position] = row[position], min(kept, row[position] + 1, row[position - 1] + 1)
    return row[-1]
