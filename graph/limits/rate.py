"""Counts what users use of an amount for each minute (token buckets). Knows neither keys nor addresses."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

MOST_KEPT = 50_000
"""The most buckets in memory. With more, it drops the one that was used longest ago, as a rule the fullest."""


class Rate:
    """A bucket for each user. It holds `per_minute` and refills evenly; 0 means no limit.

    It drops buckets that are full again, so that memory grows with active users only.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute
        self._per_second = per_minute / 60
        self._clock = clock
        self._spent: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._spent)

    def wait(self, user: Hashable, amount: float = 1) -> float | None:
        """Returns in how many seconds the amount can be taken; None for now. Takes nothing.

        An amount larger than the bucket can be taken when the bucket is full.
        """
        if not self._most:
            return None
        missing = self._used(user) + min(amount, self._most) - self._most
        return missing / self._per_second if missing > 1e-9 else None

    def take(self, user: Hashable, amount: float = 1) -> float | None:
        """Takes the amount and returns None; or takes nothing, and returns in how many seconds it can."""
        wait = self.wait(user, amount)
        if wait is None and self._most:
            self._spent[user] = (self._used(user) + amount, self._clock())
            self._spent.move_to_end(user)
            self._forget()
        return wait

    def give_back(self, user: Hashable, amount: float = 1) -> None:
        """Gives back what was taken and does not count after all."""
        if user in self._spent:
            self._spent[user] = (max(0.0, self._used(user) - amount), self._clock())

    def left(self, user: Hashable) -> float | None:
        """Returns how much can be taken now; None without a limit."""
        return max(0.0, self._most - self._used(user)) if self._most else None

    def full_in(self, user: Hashable) -> float:
        """Returns in how many seconds the bucket is full again."""
        return self._used(user) / self._per_second if self._most else 0.0

    def _used(self, user: Hashable) -> float:
        spent, since = self._spent.get(user, (0.0, 0.0))
        return max(0.0, spent - (self._clock() - since) * self._per_second) if spent else 0.0

    def _forget(self) -> None:
        """Drops the buckets that were used longest ago, as long as they are full again or too many."""
        while len(self._spent) > 1:
            oldest = next(iter(self._spent))
            if self._used(oldest) > 0 and len(self._spent) <= MOST_KEPT:
                return
            del self._spent[oldest]


class SharedRate:
    """A bucket for each key, of which each address may use a share. None for an address counts by key alone."""

    def __init__(self, per_minute: float, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = Rate(per_minute, clock)
        self._addresses = Rate(share_of(per_minute, share), clock)

    def take(self, key: Hashable, address: str | None, amount: float = 1) -> float | None:
        """Takes the amount from both and returns None; or takes nothing, and returns in how many seconds it can."""
        waits = [self._keys.wait(key, amount)]
        if address is not None:
            waits.append(self._addresses.wait((key, address), amount))
        longest = max((wait for wait in waits if wait is not None), default=None)
        if longest is None:
            self._keys.take(key, amount)
            if address is not None:
                self._addresses.take((key, address), amount)
        return longest

    def left(self, key: Hashable, address: str | None) -> float | None:
        """Returns how much this address can take with this key now; None without a limit."""
        both = [self._keys.left(key), None if address is None else self._addresses.left((key, address))]
        return min((each for each in both if each is not None), default=None)

    def full_in(self, key: Hashable, address: str | None) -> float:
        """Returns in how many seconds both buckets are full again."""
        mine = 0.0 if address is None else self._addresses.full_in((key, address))
        return max(self._keys.full_in(key), mine)


def share_of(limit: float, share: float) -> float:
    """Returns what one address may use of a limit: at least 1; 0, for no limit, of no limit."""
    return max(1.0, limit * share) if limit else 0.0
