"""The slots of services that are followed: read and worked out once per change, and cut to what each follower asked.

The time is kept in weeks: followers share those that their windows have in common, and one who looks far away makes
nobody's work more. What was read is forgotten after a moment: it is for those who ask for the same at the same time.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import pairwise
from time import monotonic
from uuid import UUID

from graph.limits.turns import Turns
from graph.metrics import READINGS
from models import clock
from models.actions import load_offer as agenda
from models.catalog import option, service
from models.log import change_log
from models.scheduling.availability import Busy
from models.scheduling.intervals import DAY, MINUTE, Instant, Interval, to_instant
from models.scheduling.offer import Offer
from models.storage.db import Row

WEEK = 7 * DAY

KEPT_SECONDS = 1.0
"""What was read so long ago is read again: a hold may have lapsed, and nobody has said so yet."""

PIECE_SECONDS = 0.004
"""After so long others get their turn."""

SERVICE_COLUMNS = frozenset({*service.OFFER_COLUMNS, "business__time_zone"})
"""What slots need of a service's row."""

Slots = Sequence[tuple[Instant, Sequence[UUID]]]


@dataclass(frozen=True, slots=True)
class Picture:
    """One reading: what is true of all the weeks that were read with it."""

    revision: int
    """Every change up to this revision is in it."""
    read_at: float
    service: Row
    offer: Offer
    business_id: UUID
    _options_by_id: dict[UUID, Row] = field(default_factory=dict)

    async def options_by_id(self, columns: Collection[str]) -> Mapping[UUID, Row]:
        """The asked columns of the options' rows, which are read once for all who ask."""
        if not self._options_by_id:
            rows = await option.several(self.business_id, list(self.offer.options), columns)
            self._options_by_id.update({row["id"]: row for row in rows})
        return self._options_by_id


@dataclass(frozen=True, slots=True)
class Week:
    """The starts of a week, ascending, and who is free for each."""

    picture: Picture
    starts: Sequence[Instant]
    free: Sequence[tuple[UUID, ...]]


@dataclass(frozen=True, slots=True)
class Cut:
    """What the weeks hold for one window and some options or all, from now on."""

    picture: Picture
    now: Instant
    options: Collection[UUID]
    slots: Slots

    @property
    def eligible(self) -> list[UUID]:
        """The options that may take the service, by name."""
        return [each for each in self.picture.offer.eligible() if each in self.options]

    @property
    def offer(self) -> Offer:
        """What was read, as far as it is about these options. As of the reading."""
        offer = self.picture.offer
        pulled = {each: at for each, at in offer.pulled.items() if each in self.options}
        known = [at for at in pulled.values() if at is not None]
        return replace(
            offer,
            options={each: row for each, row in offer.options.items() if each in self.options},
            agendas={each: agenda for each, agenda in offer.agendas.items() if each in self.options},
            fresh_as_of=min(known) if known and len(known) == len(pulled) else None,
            pulled=pulled,
        )

    @property
    def due(self) -> Instant | None:
        """When time alone changes the slots next: a midnight that has passed since the reading is due at once."""
        return self.offer.next_change(self.slots[0][0] if self.slots else None)


@dataclass(slots=True)
class _Weeks:
    """What is kept of one service."""

    weeks: dict[int, Week] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Offers:
    """What was read a moment ago, by service, and the turns of those who look."""

    def __init__(self) -> None:
        self.turns = Turns()
        self._kept: dict[tuple[UUID, UUID], _Weeks] = {}

    async def cut(
        self,
        business_id: UUID,
        service_id: UUID,
        window: Interval,
        only: Collection[UUID] | None,
        *,
        revision: int,
        since: Instant = 0,
        google_days: int,
    ) -> Cut | None:
        """The slots of a service in a window, for all of its options or for some, with every change up to a revision,
        read not before an instant; None when there is no such service.
        """
        numbers = range(window.start // WEEK, (window.end - 1) // WEEK + 1)
        kept = self._kept.setdefault((business_id, service_id), _Weeks())
        async with kept.lock:
            weeks = kept.weeks
            missing = [each for each in numbers if not _serves(weeks.get(each), revision, since)]
            for run in _runs(missing):
                picture = await _read(business_id, service_id, run, google_days)
                if picture is None:
                    return None
                async for number, week in _worked_out(picture, run):
                    weeks[number] = week
            if missing:
                asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget, (business_id, service_id))
            return _cut([weeks[each] for each in numbers], window, only)

    def _forget(self, key: tuple[UUID, UUID]) -> None:
        """Lets go of what is too old."""
        kept = self._kept.get(key)
        if kept is None or kept.lock.locked():
            return
        kept.weeks = {number: week for number, week in kept.weeks.items() if _serves(week, 0, 0)}
        if not kept.weeks:
            del self._kept[key]


def _serves(week: Week | None, revision: int, since: Instant) -> bool:
    if week is None:
        return False
    picture = week.picture
    is_new = monotonic() - picture.read_at < KEPT_SECONDS
    return is_new and picture.revision >= revision and picture.offer.now >= since


def _runs(numbers: Sequence[int]) -> Iterator[range]:
    """Ascending numbers as ranges without gaps."""
    if not numbers:
        return
    breaks = [at for at, (one, two) in enumerate(pairwise(numbers), 1) if two != one + 1]
    for first, last in pairwise((0, *breaks, len(numbers))):
        yield range(numbers[first], numbers[last - 1] + 1)


async def _read(business_id: UUID, service_id: UUID, run: range, google_days: int) -> Picture | None:
    """Reads a service for some weeks."""
    READINGS.inc()
    read_at, revision = monotonic(), await change_log.newest(business_id)
    row = await service.read(business_id, service_id, SERVICE_COLUMNS)
    if row is None:
        return None
    window = Interval(run.start * WEEK, run.stop * WEEK)
    now = to_instant(clock.now())
    offer = await agenda.offer_of(row, service.rules(row), window, now=now, google_days=google_days)
    return Picture(revision, read_at, row, offer, business_id)


async def _worked_out(picture: Picture, run: range) -> AsyncIterator[tuple[int, Week]]:
    """The slots of each week, day by day: others get their turn in between."""
    same: dict[tuple[UUID, ...], tuple[UUID, ...]] = {}
    by_week = _by_week(picture.offer, run)
    began = monotonic()
    for number in run:
        offer = by_week[number]
        starts, free = array("q"), list[tuple[UUID, ...]]()
        for day in range(number * WEEK, (number + 1) * WEEK, DAY):
            for start, options in offer.slots(Interval(day, day + DAY)):
                starts.append(start)
                free.append(same.setdefault(options, options))
            if monotonic() - began > PIECE_SECONDS:
                await asyncio.sleep(0)
                began = monotonic()
        yield number, Week(picture, starts, free)


def _by_week(offer: Offer, run: range) -> Mapping[int, Offer]:
    """The offer once per week, with what keeps its options busy then."""
    busy: dict[int, dict[UUID, list[Busy]]] = {number: {} for number in run}
    for option_id, each in offer.agendas.items():
        for taken in each.busy:
            # A start before it collides as long as its duration and buffers reach into it.
            first = taken.start - (offer.rules.duration + offer.rules.buffer_after) * MINUTE
            last = taken.end + offer.rules.buffer_before * MINUTE
            for number in range(max(first // WEEK, run.start), min(last // WEEK + 1, run.stop)):
                busy[number].setdefault(option_id, []).append(taken)
    return {
        number: replace(
            offer,
            agendas={each: replace(agenda, busy=found.get(each, ())) for each, agenda in offer.agendas.items()},
        )
        for number, found in busy.items()
    }


def _cut(weeks: Sequence[Week], window: Interval, only: Collection[UUID] | None) -> Cut:
    """What the weeks hold of a window, without starts that have become too early meanwhile."""
    picture = max((week.picture for week in weeks), key=lambda each: each.revision)
    now = to_instant(clock.now())
    first = max(window.start, now + picture.offer.rules.notice * MINUTE)
    wanted: dict[tuple[UUID, ...], tuple[UUID, ...]] = {}
    slots: list[tuple[Instant, tuple[UUID, ...]]] = []
    for week in weeks:
        begin, end = bisect_left(week.starts, first), bisect_left(week.starts, window.end)
        for start, free in zip(week.starts[begin:end], week.free[begin:end], strict=True):
            if only is None:
                slots.append((start, free))
                continue
            some = wanted.get(free)
            if some is None:
                some = wanted[free] = tuple(each for each in free if each in only)
            if some:
                slots.append((start, some))
    among = picture.offer.options
    return Cut(picture, now, among.keys() if only is None else {each for each in among if each in only}, slots)


def digest(slots: Slots, *more: object) -> bytes:
    """Equal for equal slots, and whatever else is shown of them."""
    numbers: dict[Sequence[UUID], int] = {}
    free = array("q", [numbers.setdefault(each, len(numbers)) for _, each in slots])
    found = blake2b(array("q", [start for start, _ in slots]).tobytes(), digest_size=16)
    found.update(free.tobytes())
    found.update(repr((list(numbers), more)).encode())
    return found.digest()
