"""Limits how many different subscriptions a key, and an address with a public key, may have open in this process.

The process executes equal ones once for all, so they count once; how many they may be in all has a wider limit.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager

from graphql import GraphQLError

from graph.spoken import translated_error
from models.api_key import Caller

TOO_COMPLEX = "QUERY_TOO_COMPLEX"
"""The code of errors for asking for too much at once."""

SMALLER = (
    "This key may have {most} different subscriptions open. Equal ones count once: let windows begin at whole days, "
    "and close what is not looked at."
)
SMALLER_HERE = (
    "One address may have {most} different subscriptions open with this key. Equal ones count once: let windows begin "
    "at whole days, and close what is not looked at."
)
SMALLER_CROWD = "This key, or one address with it, may have {most} subscriptions open, equal ones included. Close some."
FEWER = "A socket may have {most} operations open. Complete what is not looked at, or open another socket."
SHORTER = "The document and the variables of a subscription may have {most} bytes together. Ask for less at once."


EQUAL = 20
"""For each different subscription that a key or an address may have open, it may have so many open in all."""


class SubscriptionSeats:
    """Counts the open subscriptions of each key and address."""

    def __init__(self, per_key: int = 0, share: float = 1.0) -> None:
        """`per_key`: the most of a key (0: no limit), of which an address may have a `share` with a public key."""
        self._per_key = per_key
        self._per_address = max(1, int(per_key * share)) if per_key else 0
        self._taken: defaultdict[Hashable, Counter[Hashable]] = defaultdict(Counter)

    @contextmanager
    def taken(self, caller: Caller, address: str | None, sameness: Hashable, language: str) -> Iterator[None]:
        """Counts a subscription while the block runs; equal ones have the same `sameness`. Raises QUERY_TOO_COMPLEX."""
        holders = self._holders(caller, address)
        for holder, (most, message) in holders.items():
            if sameness not in self._taken[holder] and len(self._taken[holder]) >= most:
                self._forget_empty(holder)
                raise too_complex(message, most, language)
            if holder in self._taken and self._taken[holder].total() >= EQUAL * most:
                raise too_complex(SMALLER_CROWD, EQUAL * most, language)
        for holder in holders:
            self._taken[holder][sameness] += 1
        try:
            yield
        finally:
            for holder in holders:
                self._taken[holder][sameness] -= 1
                if not self._taken[holder][sameness]:
                    del self._taken[holder][sameness]
                self._forget_empty(holder)

    def _holders(self, caller: Caller, address: str | None) -> Mapping[Hashable, tuple[int, str]]:
        """Returns the key and, for a public key, the address that count a subscription; each with limit and message."""
        if not self._per_key:
            return {}
        holders: dict[Hashable, tuple[int, str]] = {caller.key_id: (self._per_key, SMALLER)}
        if address is not None:
            holders[caller.key_id, address] = (self._per_address, SMALLER_HERE)
        return holders

    def _forget_empty(self, holder: Hashable) -> None:
        if not self._taken[holder]:
            del self._taken[holder]


def too_complex(message: str, most: int, language: str) -> GraphQLError:
    """Builds the error for asking for too much at once."""
    return translated_error(message, {"most": most}, language, {"code": TOO_COMPLEX})
