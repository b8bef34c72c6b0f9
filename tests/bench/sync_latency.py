"""How long a booking takes to Google, and an event in Google to a dashboard; what syncing costs in requests.

python -m tests.bench.sync_latency              one process on SQLite
python -m tests.bench.sync_latency --postgres   web and sync apart, on PostgreSQL
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any

from tests.bench.servers.process import pause
from tests.bench.servers.sync_processes import ANNA, Household, household

SAMPLES = 200
PACE = 0.5
"""Seconds from one sample to the next: faster, and what is measured is how long requests to Google wait their turn."""

START = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)


def main() -> None:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    options = parser.parse_args()
    asyncio.run(_measure(options.postgres, options.samples))


async def _measure(on_postgres: bool, samples: int) -> None:
    async with household(on_postgres=on_postgres) as house:
        await house.link()
        await house.in_step()
        there = await _booking_to_google(house, samples)
        here = await _google_to_dashboard(house, samples)
        sys.stdout.write(
            f"{'web and sync on PostgreSQL' if on_postgres else 'one process on SQLite'}, {samples} samples each\n"
            f"booking -> Google:    {_told(there)}\n"
            f"Google -> dashboard:  {_told(here)}\n"
            f"peak memory:          {house.memory() / 2**20:.0f} MiB\n"
        )


async def _booking_to_google(house: Household, samples: int) -> Sequence[float]:
    """Seconds from sending a booking to the first look at which Google has it."""
    taken = []
    for number in range(samples):
        start = (START + timedelta(minutes=15 * number)).isoformat()
        wish = {"serviceId": house.service, "start": start, "customer": {"name": f"Customer {number}"}}
        before = len(await _events(house))
        await pause(PACE)
        began = time.perf_counter()
        booked = await house.served.do("Book", "staff", input=wish)
        assert booked["errors"] == []
        while len(await _events(house)) == before:
            pass
        taken.append(time.perf_counter() - began)
    return taken


async def _google_to_dashboard(house: Household, samples: int) -> Sequence[float]:
    """Seconds from putting an event into Google to the message on an open subscription."""
    taken = []
    async with house.served.following("CalendarChanges", "staff") as dashboard:
        for number in range(samples):
            begin = START + timedelta(days=30, minutes=15 * number)
            times = {"start": {"dateTime": begin.isoformat()}, "end": {"dateTime": (begin + _LENGTH).isoformat()}}
            await pause(PACE)
            began = time.perf_counter()
            await house.served.http.post(_address(house), json={"summary": f"Event {number}", **times})
            entry: Any = None
            while not entry or entry.get("title") != f"Event {number}":
                entry = (await dashboard.next())["calendarChanges"]["entry"]
            taken.append(time.perf_counter() - began)
    return taken


_LENGTH = timedelta(minutes=10)


def _address(house: Household) -> str:
    return f"{house.google}/sandbox/calendars/{ANNA}/events"


async def _events(house: Household) -> list[Any]:
    answer = await house.served.http.get(_address(house))
    found: list[Any] = answer.json()["items"]
    return found


def _told(seconds: Sequence[float]) -> str:
    cuts = quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms"


if __name__ == "__main__":
    main()
