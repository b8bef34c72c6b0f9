"""Names that look like settings and are none: which of them are misspelt, and which are only unknown. Pure."""

from collections.abc import Iterable

PREFIX = "TIMEBOK_"
_NOT_OURS = ("TIMEBOK_SERVICE_", "TIMEBOK_PORT", "TIMEBOK_TEST_")
"""What a cluster sets for a service of this name, and what tests are told."""
_LETTERS = 2
"""A name that differs from a setting's by so many letters is taken for a misspelt one."""


def strange(given: Iterable[str], known: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Of the given names of variables, in any case: the misspelt ones, each with the name that was meant, and the ones
    that are like no setting's.
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
    """How many letters have to be put in, left out or replaced to get from one to the other."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row[0] = row[0], number
        for position, other_letter in enumerate(other, 1):
            kept = before + (letter != other_letter)
            before, row[position] = row[position], min(kept, row[position] + 1, row[position - 1] + 1)
    return row[-1]
