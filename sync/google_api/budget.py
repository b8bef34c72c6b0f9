"""How many requests Google is sent: so many at once, so many a minute, whoever sends them. Pure.

Source: Google Calendar API, "Manage quotas": 600 requests a minute for each user of a project and 10,000 for the whole
project, counted over a sliding minute.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LONGEST_PAUSE: Final = timedelta(minutes=10)
"""A user is left alone for so long at most, whatever a row says: a clock that ran ahead may have written it. A calendar
that Google wants to be left alone for longer has a pause of its own.
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """A bucket of `burst` requests that fills up by `per_minute`: no more than both together are paid for in a minute.

    `share` are taken at once, to be spent soon and without asking anybody.
    """

    burst: int
    per_minute: int
    share: int

    @property
    def _each(self) -> timedelta:
        """How long one request takes to come back."""
        return timedelta(minutes=1) / self.per_minute

    def take(self, paid_until: datetime | None, now: datetime) -> tuple[datetime, timedelta]:
        """The new `paid_until` with a share taken, and how long to wait until it may be spent."""
        full = self.burst * self._each
        paid = min(max(paid_until or now, now), now + full + LONGEST_PAUSE) + self.share * self._each
        return paid, max(timedelta(0), paid - full - now)

    def closed(self, paid_until: datetime | None, until: datetime) -> datetime:
        """The new `paid_until` when nothing may be spent before `until`."""
        shut = until + (self.burst - self.share) * self._each
        return max(paid_until or shut, shut)


USER: Final = Budget(burst=200, per_minute=300, share=10)
PROJECT: Final = Budget(burst=4_000, per_minute=5_000, share=25)

LASTS: Final = timedelta(seconds=10)
"""A share that was taken earlier is given up: paid for in one minute, it must not be spent in another."""

LONGEST_WAIT: Final = timedelta(seconds=30)
"""Work in hand waits so long for its turn; beyond, it is given back and done later."""

TOO_MANY: Final = frozenset({"userRateLimitExceeded", "rateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
"""Google's words for a budget that is spent, whatever we thought."""

PAUSE: Final = timedelta(seconds=5)
"""How long such a user is left alone when Google does not say."""
