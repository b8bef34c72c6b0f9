"""How many different subscriptions a key may have open in this process, and one address of a public key's.

Equal ones count once: they are executed once, whoever follows them.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager

from graphql import GraphQLError

from graph.spoken import said
from models.api_key import Caller

TOO_COMPLEX = "QUERY_TOO_COMPLEX"
"""The code of whatever asks for more at once than is taken."""

SMALLER = (
    "This key may have {most} different subscriptions open. Equal ones count once: let windows begin at whole days, "
    "and close what is not looked at."
)
SMALLER_HERE = (
    "One address may have {most} different subscriptions open with this key. Equal ones count once: let windows begin "
    "at whole days, and close what is not looked at."
)
FEWER = "A socket may have {most} operations open. Complete what is not looked at, or open another socket."
SHORTER = "The document and the variables of a subscription may have {most} bytes together. Ask for less at once."


class SubscriptionSeats:
    """Who follows what."""

    def __init__(self, per_key: int = 0, share: float = 1.0) -> None:
        """`per_key` different ones of a key; 0: no limit. An address has its `share` of those of a public key."""
        self._per_key = per_key
        self._per_address = max(1, int(per_key * share)) if per_key else 0
        self._taken: defaultdict[Hashable, Counter[Hashable]] = defaultdict(Counter)

    @contextmanager
    def taken(self, caller: Caller, address: str | None, sameness: Hashable, language: str) -> Iterator[None]:
        """Counts in somebody who follows this, for as long as the block lasts. Raises QUERY_TOO_COMPLEX."""
        holders = self._holders(caller, address)
        for holder, (most, message) in holders.items():
            if sameness not in self._taken[holder] and len(self._taken[holder]) >= most:
                self._forget_empty(holder)
                raise too_complex(message, most, language)
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
        """Whose bounds hold for a caller: each with how many it may have, and what is said beyond."""
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
    """The answer to what is more than is taken at once."""
    return said(message, {"most": most}, language, {"code": TOO_COMPLEX})
