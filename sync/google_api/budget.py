"""The budget of requests to Google that all processes share: how many at once and how many a minute. Pure.

Source: Google Calendar API, "Manage quotas": 600 requests a minute for each user of a project and 10,000 for the whole
project, counted over a sliding minute.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LONGEST_PAUSE: Final = timedelta(minutes=10)
"""The longest pause of a user's requests, whatever a row says, since a process with a wrong clock may have written it.
A longer pause that Google demands for a calendar is in the calendar's row.
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """A bucket of `burst` requests that refills by `per_minute`: no minute sees more than both together.

    A process takes `share` requests at once, and then sends them without asking the database.
    """

    burst: int
    per_minute: int
    share: int

    @property
    def _each(self) -> timedelta:
        """The time in which the bucket refills by one request."""
        return timedelta(minutes=1) / self.per_minute

    def take(self, paid_until: datetime | None, now: datetime) -> tuple[datetime, timedelta]:
        """Takes a share. Returns the new `paid_until`, and how long to wait before sending the first request."""
        full = self.burst * self._each
        paid = min(max(paid_until or now, now), now + full + LONGEST_PAUSE) + self.share * self._each
        return paid, max(timedelta(0), paid - full - now)

    def closed(self, paid_until: datetime | None, until: datetime) -> datetime:
        """Returns the `paid_until` with which `take` lets nobody send before `until`."""
        shut = until + (self.burst - self.share) * self._each
        return max(paid_until or shut, shut)


USER: Final = Budget(burst=200, per_minute=300, share=10)
PROJECT: Final = Budget(burst=4_000, per_minute=5_000, share=25)

LASTS: Final = timedelta(seconds=10)
"""How long a share may be used; later its requests would count in another minute than the one that they are from."""

LONGEST_WAIT: Final = timedelta(seconds=30)
"""The longest wait for a share; a job that would have to wait longer is put off."""

TOO_MANY: Final = frozenset({"userRateLimitExceeded", "rateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
"""Google's reasons for a refusal that mean that a user has sent too much, whatever our budget says."""

PAUSE: Final = timedelta(seconds=5)
"""How long we then send nothing for that user, unless Google names a time."""
