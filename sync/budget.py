"""How many requests Google is sent: so many at once, so many a minute, whoever sends them. Pure.

Source: Google Calendar API, "Manage quotas": 600 requests a minute for each user of a project and 10,000 for the whole
project, counted over a sliding minute.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Budget:
    """A bucket of `burst` requests that fills up by `per_minute`. In no minute more than both together are sent."""

    burst: int
    per_minute: int
    share: int
    """So many are taken at once, and then spent without asking anybody."""

    @property
    def _each(self) -> timedelta:
        """How long one request takes to come back."""
        return timedelta(minutes=1) / self.per_minute

    def take(self, paid_until: datetime | None, now: datetime) -> tuple[datetime, timedelta]:
        """The new `paid_until` with a share taken, and how long to wait first; nothing may be taken before."""
        after = max(paid_until or now, now) + self.share * self._each
        return after, max(timedelta(0), after - self.burst * self._each - now)

    def closed(self, paid_until: datetime | None, until: datetime) -> datetime:
        """The new `paid_until` when nothing may be taken before `until`."""
        shut = until + (self.burst - self.share) * self._each
        return max(paid_until or shut, shut)


USER: Final = Budget(burst=250, per_minute=300, share=10)
PROJECT: Final = Budget(burst=4_000, per_minute=5_000, share=25)

LONGEST_WAIT: Final = timedelta(seconds=30)
"""Work in hand waits this long for its turn; beyond, it is given back and done later."""

TOO_MANY: Final = frozenset({"userRateLimitExceeded", "rateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
"""Google's words for a budget that is spent, whatever we thought."""

PAUSE: Final = timedelta(seconds=5)
"""How long such a user is left alone when Google does not say."""
