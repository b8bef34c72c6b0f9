"""Keeps the possible starts of dates that were asked for lately, within a limit of bytes. Pure but for that memory."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

MOST_BYTES = 4 * 1024 * 1024
"""The most bytes that are kept: about three thousand dates with a start every five minutes for twelve hours."""

_START_BYTES, _KEY_BYTES = 8, 400


class RecentStarts:
    """The starts of dates, by what they follow from: arrays of 8 bytes each. Drops those that were used longest ago."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, tuple[Sequence[int], int]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Hashable, key_parts: int, compute: Callable[[], Sequence[int]]) -> Sequence[int]:
        """Returns the starts under a key of so many parts; computes them if they are not kept."""
        if known := self._kept.get(key):
            self._kept.move_to_end(key)
            return known[0]
        starts = compute()
        size = _KEY_BYTES * (1 + key_parts) + _START_BYTES * len(starts)
        self._kept[key] = starts, size
        self.bytes += size
        while self.bytes > self._most_bytes:
            _, (_, dropped) = self._kept.popitem(last=False)
            self.bytes -= dropped
        return starts
