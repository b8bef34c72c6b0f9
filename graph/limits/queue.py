"""Those who wait, by address: when they are too many, one of the address that has most makes room."""

from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Who waits, and since when; of each address in the order in which they began."""

    def __init__(self) -> None:
        self._by_address: dict[str | None, dict[T, float]] = {}
        self._addresses: dict[T, str | None] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def add(self, who: T, address: str | None, now: float) -> None:
        """Notes that somebody waits from now on, also if they waited before."""
        self.discard(who)
        self._addresses[who] = address
        self._by_address.setdefault(address, {})[who] = now

    def discard(self, who: T) -> None:
        """Notes that somebody waits no more, if they did."""
        if who in self._addresses:
            address = self._addresses.pop(who)
            del self._by_address[address][who]
            if not self._by_address[address]:
                del self._by_address[address]

    def first_to_go(self) -> tuple[T, float]:
        """Returns who waits longest of those at the address that has most, and since when. There has to be one."""
        return next(iter(max(self._by_address.values(), key=len).items()))
