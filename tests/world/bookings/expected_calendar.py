"""What a business's calendar should hold, kept by someone who only hears what was answered. Knows no database."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from models.enums import BookingStatus

MINUTE = timedelta(minutes=1)


class Range(NamedTuple):
    """`[start, end)`."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Range") -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Lengths:
    """In minutes: how long a service takes, and how long before and after it the option is taken as well."""

    duration: int
    before: int
    after: int

    def occupied(self, start: datetime) -> Range:
        return Range(start - self.before * MINUTE, start + (self.duration + self.after) * MINUTE)


@dataclass(frozen=True)
class Taken:
    """A booking, or a hold until it lapses."""

    option_id: UUID
    service_id: UUID
    start: datetime
    lengths: Lengths
    status: BookingStatus = BookingStatus.CONFIRMED
    version: int = 1
    lapses_at: datetime | None = None

    def stands(self, now: datetime) -> bool:
        return self.status is not BookingStatus.CANCELLED and (self.lapses_at is None or now < self.lapses_at)


@dataclass
class Ledger:
    """Everything that was agreed, by id."""

    bookings: dict[UUID, Taken] = field(default_factory=dict)
    holds: dict[UUID, Taken] = field(default_factory=dict)
    time_off: dict[UUID, tuple[UUID, Range]] = field(default_factory=dict)

    def is_free(self, option_id: UUID, wanted: Range, now: datetime, leave_out: UUID | None = None) -> bool:
        """Whether nothing agreed stands in the way."""
        return not any(each.overlaps(wanted) for each in self._busy(option_id, now, leave_out))

    def _busy(self, option_id: UUID, now: datetime, leave_out: UUID | None) -> Iterator[Range]:
        for entry_id, taken in (*self.bookings.items(), *self.holds.items()):
            if entry_id != leave_out and taken.option_id == option_id and taken.stands(now):
                yield taken.lengths.occupied(taken.start)
        yield from (blocked for of, blocked in self.time_off.values() if of == option_id)

    def load(self, option_id: UUID, day: date, zone: ZoneInfo) -> int:
        """How many bookings of an option start on a date of its zone."""
        return sum(
            taken.option_id == option_id
            and taken.status is not BookingStatus.CANCELLED
            and taken.start.astimezone(zone).date() == day
            for taken in self.bookings.values()
        )

    def change(self, booking_id: UUID, **values: Any) -> None:
        """Notes what became of a booking: one version more."""
        before = self.bookings[booking_id]
        self.bookings[booking_id] = replace(before, version=before.version + 1, **values)
