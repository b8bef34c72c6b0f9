"""An allowance that refills evenly: so much at once, and then as much again each minute. Reads the clock itself."""

import time
from collections.abc import Callable, Hashable
from typing import Final

FULL_SECONDS: Final = 60.0
"""In so many seconds all of an allowance is there again."""

SWEPT: Final = 1000
"""When so many holders are remembered, those whose allowance is full again are forgotten."""


class Allowances:
    """The allowance of each holder: `most` a minute; 0: without limit. Remembers nobody whose allowance is full."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._spent: dict[Hashable, tuple[float, float]] = {}
        self._sweep_at = SWEPT

    def __len__(self) -> int:
        """How many holders are remembered."""
        return len(self._spent)

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return self.most > 0

    def wait(self, holder: Hashable, amount: float = 1) -> float | None:
        """In how many seconds the holder may spend so much; None: now. More than all of it may be spent when it is
        full.
        """
        if not self.is_limited:
            return None
        missing = self.spent(holder) + min(amount, self.most) - self.most
        return missing / self.most * FULL_SECONDS if missing > 1e-9 else None

    def spend(self, holder: Hashable, amount: float = 1) -> None:
        """Takes so much, whatever is left."""
        if self.is_limited:
            self._spent[holder] = (self.spent(holder) + amount, self._clock())
            self._sweep()

    def spent(self, holder: Hashable) -> float:
        """How much is missing from the holder's allowance."""
        spent, since = self._spent.get(holder, (0.0, 0.0))
        return max(0.0, spent - (self._clock() - since) * self.most / FULL_SECONDS) if spent else 0.0

    def left(self, holder: Hashable) -> tuple[int, float]:
        """How much of it is left, and in how many seconds it is full."""
        spent = self.spent(holder)
        return max(0, int(self.most - spent)), spent / self.most * FULL_SECONDS if self.is_limited else 0.0

    def _sweep(self) -> None:
        if len(self._spent) >= self._sweep_at:
            self._spent = {each: self._spent[each] for each in list(self._spent) if self.spent(each) > 0}
            self._sweep_at = max(SWEPT, 2 * len(self._spent))
