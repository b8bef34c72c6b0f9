"""A running server that is measured, and the one event that all of them are measured by."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

FOLLOW = """
subscription {
  calendarChanges {
    cursor
    action
    entry {
      id
      start
      end
      ... on Booking { status note customer { name } option { id name } service { id name } }
    }
  }
}
"""
"""Twelve leaf fields of an event."""

BOOK = "mutation ($input: CreateBookingInput!) { createBooking(input: $input) { booking { id } errors { code } } }"
"""Makes an event."""

LOOK = "{ viewer { role } }"
"""A small question, of Timebok alone."""

_START = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)


@dataclass(frozen=True)
class Contestant:
    """A server on loopback, in one process. `key`: what it wants to see before it answers; None: nothing. `database`:
    the PostgreSQL in which it commits its bookings; None: it has another.

    The option is open around the clock and offers the service, which takes 15 minutes.
    """

    name: str
    port: int
    pid: int
    option: str
    service: str
    key: str | None = None
    database: str | None = None
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def greeting(self) -> dict[str, str]:
        """The payload of `connection_init`."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def wish(self, number: int, note: str = "") -> dict[str, Any]:
        """The variables of the booking of that number, each 15 minutes after the last; its note begins with it."""
        return {
            "input": {
                "optionId": self.option,
                "serviceId": self.service,
                "start": (_START + timedelta(minutes=15 * number)).isoformat(),
                "note": f"{number} {note}",
                "customer": {"name": f"Customer {number}"},
            }
        }


def number_in(payload: dict[str, Any]) -> int:
    """The number of the booking that the payload of a `next` tells of. Fails when anything of it is missing."""
    assert "errors" not in payload, payload
    change = payload["data"]["calendarChanges"]
    entry = change["entry"]
    assert change["cursor"]
    assert change["action"] == "UPSERTED"
    assert entry["id"]
    assert entry["start"] < entry["end"]
    assert entry["status"] == "CONFIRMED"
    assert all(entry[owner][name] for owner in ("option", "service") for name in ("id", "name"))
    number = int(entry["note"].split()[0])
    assert entry["customer"] == {"name": f"Customer {number}"}
    return number
