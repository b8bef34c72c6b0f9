"""The dice of a history."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice(Random):
    """Thrown with the same seed they fall the same way. Nothing here is a secret."""

    def one_of(self, found: Sequence[T]) -> T | None:
        """One of what there is, the newest (the last) as often as all others together: much happens to the same."""
        if not found:
            return None
        return found[-1] if self.random() < 0.5 else self.choice(found)
