"""What syncing asks of Google: in a day without changes, for each change, and to link a large calendar.

python -m tests.bench.google_requests                    all three
python -m tests.bench.google_requests --only quiet       a calendar's day on which nothing changes, with and without
                                                         a push channel; time is the bench's own
python -m tests.bench.google_requests --only changes     each change, the echo of our own writes included
python -m tests.bench.google_requests --only first       10,000 events, 300 of them recurring, in real processes
python -m tests.bench.google_requests --only first --postgres    the same with web and sync apart, on PostgreSQL
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sync.google_api.budget import USER
from sync.sandbox.app import sandbox_app
from sync.sandbox.state import SandboxGoogle
from tests.bench.servers.google_counter import CHANGES, PER_ACCOUNT, Meter, Metered
from tests.bench.servers.sync_processes import ANNA, household
from tests.bench.servers.virtual_day import Clockwork, clockwork
from tests.stage import listening
from tests.sync.sync_stack import busy

T = TypeVar("T")

EVENTS, SERIES = 10_000, 300
"""So many events has a large calendar, and so many of them recur every week."""

DAYS = 8
"""Long enough that a push channel is renewed, and asked for anew where it was refused."""

SAMPLES = 20
PAUSES = {"read just now": timedelta(seconds=10), "unread for 2 min": timedelta(minutes=2)}
"""A booking has a calendar read again that was not read within the last minute."""

_HALF_HOUR = timedelta(minutes=30)


def main() -> None:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("quiet", "changes", "first"))
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    options = parser.parse_args()
    if options.only in (None, "quiet"):
        asyncio.run(_quiet(options.days))
    if options.only in (None, "changes"):
        asyncio.run(_changes(options.samples))
    if options.only in (None, "first"):
        asyncio.run(_first(options.postgres))


async def _quiet(days: int) -> None:
    """A day of a calendar of 40 events and 5 series."""
    watched, polled = await _days_of(days, watchable=True), await _days_of(days, watchable=False)
    lines = [f"{'requests a day when nothing changes':36}{'push channel':>14}{'watch refused':>15}"]
    for kind in sorted({*watched, *polled}, key=lambda each: (each in PER_ACCOUNT, each)):
        shared = " (per account)" if kind in PER_ACCOUNT else ""
        lines.append(f"  {kind + shared:34}{watched[kind] / days:14.2f}{polled[kind] / days:15.2f}")
    sums = [sum(count for kind, count in each.items() if kind not in PER_ACCOUNT) / days for each in (watched, polled)]
    lines.append(f"  {'per calendar':34}{sums[0]:14.2f}{sums[1]:15.2f}")
    _say(f"{days} days on the bench's clock", *lines)


async def _days_of(days: int, *, watchable: bool) -> Counter[str]:
    async with clockwork() as works:
        works.google.calendar(ANNA).watchable = watchable
        _fill(works.google, 45, 5, works.clock.time)
        await works.state.link()
        await works.settle()
        works.meter.clear()
        await works.run(timedelta(days=days))
        return Counter(works.meter.asked)


@dataclass
class Costs:
    """What changes of each kind asked of Google, beside what the account costs by the hour."""

    works: Clockwork
    asked: dict[str, Counter[str]] = field(default_factory=dict)

    async def of(self, name: str, deed: Coroutine[Any, Any, T], pause: timedelta = PAUSES["read just now"]) -> T:
        """Does something after a pause, and notes what was asked until everything was in step again."""
        works = self.works
        works.clock.turn(pause)
        await works.settle()
        works.meter.clear()
        answer = await deed
        await works.settle()
        own = Counter({kind: count for kind, count in works.meter.asked.items() if kind not in PER_ACCOUNT})
        self.asked[name] = self.asked.get(name, Counter()) + own
        return answer


async def _changes(samples: int) -> None:
    async with clockwork() as works:
        await works.state.link()
        await works.settle()
        costs = Costs(works)
        begin = works.clock.time.replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
        for number in range(samples):
            for name, pause in PAUSES.items():
                await _of_a_booking(costs, name, pause, begin)
            await _of_an_event(costs, begin + timedelta(days=1, hours=number))
            await _of_a_series(costs, begin + timedelta(days=2, hours=number))
            await _of_a_mirror(costs, begin + timedelta(days=5, hours=number))
        lines = [f"{name:52}{_told(asked, samples)}" for name, asked in costs.asked.items()]
        _say(f"requests per change, with a push channel, {samples} of each", *lines)


async def _of_a_booking(costs: Costs, when: str, pause: timedelta, begin: datetime) -> None:
    booking = await costs.of(f"booking made, calendar {when}", _booked(costs.works, begin), pause)
    later = {"bookingId": booking, "start": (begin + _HALF_HOUR).isoformat()}
    await costs.of(f"booking moved, calendar {when}", _did(costs.works, "RescheduleBooking", later), pause)
    gone = {"bookingId": booking}
    await costs.of(f"booking cancelled, calendar {when}", _did(costs.works, "CancelBooking", gone), pause)


async def _of_an_event(costs: Costs, begin: datetime) -> None:
    event = await costs.of("event added in Google", _added(costs.works, busy(begin, begin + _HALF_HOUR)))
    await costs.of("event edited in Google", _renamed(costs.works, event))
    await costs.of("event deleted in Google", _deleted(costs.works, event))


async def _of_a_series(costs: Costs, begin: datetime) -> None:
    series = await costs.of("series added in Google", _added(costs.works, _weekly(begin)))
    one = f"{series}_{begin:%Y%m%dT%H%M%SZ}"
    await costs.of("one occurrence of a series edited in Google", _renamed(costs.works, one))
    await costs.of("series edited in Google", _renamed(costs.works, series))
    await costs.of("series deleted in Google", _deleted(costs.works, series))


async def _of_a_mirror(costs: Costs, begin: datetime) -> None:
    """What people do to our own events is put right."""
    works = costs.works
    for name, deed in (("edited", _renamed), ("deleted", _deleted)):
        booking = await _booked(works, begin)
        await works.settle()
        (mirror,) = (each["id"] for each in works.google.events(ANNA))
        await costs.of(f"event of a booking {name} in Google, put right", deed(works, mirror))
        await _did(works, "CancelBooking", {"bookingId": booking})
        await works.settle()


async def _first(on_postgres: bool) -> None:
    google, meter = SandboxGoogle(), Meter()
    google.seed_demo()
    _fill(google, EVENTS, SERIES, datetime.now(UTC))
    metered = sandbox_app(google)
    metered.add_middleware(Metered, meter=meter)
    async with listening(metered) as origin, household(on_postgres=on_postgres, google=origin) as house:
        before = house.memory()
        meter.clear()
        began = time.perf_counter()
        await house.link()
        await house.in_step()
        seconds = time.perf_counter() - began
        # Once the channel is open, what happened before it was is asked for.
        await meter.until(CHANGES)
        asked = meter.total
        waiting = "none of it waiting" if asked <= USER.burst else "some of it waiting"
        _say(
            f"first link of {EVENTS} events, {SERIES} of them weekly series, "
            f"{'web and sync on PostgreSQL' if on_postgres else 'one process on SQLite'}",
            f"seconds:      {seconds:.1f}, of which Google took {meter.seconds:.1f} to answer",
            f"requests:     {_told(meter.asked, 1)}",
            f"budget:       {USER.burst} requests at once, then {USER.per_minute} a minute: {waiting}",
            f"peak memory:  {before / 2**20:.0f} MiB before, {house.memory() / 2**20:.0f} MiB after",
        )


def _fill(google: SandboxGoogle, events: int, series: int, now: datetime) -> None:
    """Anna's calendar gets so many events, over all the time that is followed; so many of them recur every week."""
    begin = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=30)
    step = timedelta(days=400) / (events - series)
    for number in range(events - series):
        at = (begin + number * step).replace(microsecond=0)
        google.insert_event(ANNA, busy(at, at + _HALF_HOUR, summary=f"Event {number}"))
    for number in range(series):
        google.insert_event(ANNA, _weekly(begin + number * _HALF_HOUR))


def _weekly(begin: datetime) -> dict[str, Any]:
    series = busy(begin, begin + _HALF_HOUR, summary="Gym", recurrence=["RRULE:FREQ=WEEKLY"])
    for moment in ("start", "end"):
        series[moment]["timeZone"] = "Europe/Oslo"
    return series


async def _booked(works: Clockwork, start: datetime) -> str:
    wish = {"serviceId": works.state.service, "start": start.isoformat(), "customer": {"name": "Kari Nordmann"}}
    booking: str = (await _did(works, "Book", wish))["booking"]["id"]
    return booking


async def _did(works: Clockwork, operation: str, wish: dict[str, Any]) -> Any:
    answer = await works.state.served.do(operation, "staff", input=wish)
    assert answer["errors"] == [], answer["errors"]
    return answer


async def _added(works: Clockwork, event: dict[str, Any]) -> str:
    event_id: str = works.google.insert_event(ANNA, event)["id"]
    return event_id


async def _renamed(works: Clockwork, event_id: str) -> None:
    works.google.edit_event(ANNA, event_id, {"summary": "Lunch"})


async def _deleted(works: Clockwork, event_id: str) -> None:
    works.google.delete_event(ANNA, event_id)


def _told(asked: Mapping[str, int], times: int) -> str:
    """The mean of one time, in all and by kind."""
    kinds = ", ".join(f"{count / times:g} {kind.replace(',', '')}" for kind, count in asked.items())
    return f"{sum(asked.values()) / times:5.2f}: {kinds}"


def _say(title: str, *lines: str) -> None:
    sys.stdout.write("\n".join([title, *(f"  {line}" for line in lines), "", ""]))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
