"""A business in which anything may happen in any order: whatever was answered, the invariants hold after each step."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from models import clock
from models.actions.create_booking import BookingRequest
from models.enums import BookingStatus, Role
from models.log.idempotency import KEPT, IdempotentRequest
from models.refusals import Refused
from models.storage import db
from tests.models.rows import told
from tests.world.bookings.booking_model import Trade
from tests.world.bookings.expected_calendar import Lengths

T = TypeVar("T")

BEGIN = datetime(2030, 3, 30, 5, tzinfo=UTC)
"""A Saturday morning; in the night after, the clocks in Oslo go forward."""

NOON = BEGIN.replace(hour=12)
"""Around which all options are open and most wishes fall, so that they meet."""

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

options = st.integers(0, 2)
maybe_options = st.none() | options
services = st.integers(0, 1)
starts = st.builds(
    lambda day, quarter: NOON + day * DAY + 15 * quarter * MINUTE, st.sampled_from([0, 0, 0, 1]), st.integers(-4, 8)
)
quarters = st.integers(-3, 3)
roles = st.sampled_from([Role.STAFF, Role.STAFF, Role.PUBLIC])
seldom = st.sampled_from([False, False, False, True])
mostly = seldom.map(lambda chosen: not chosen)


@dataclass
class Stage:
    """One event loop, one database, and a clock that stands still until it is moved."""

    runner: asyncio.Runner
    now: datetime = BEGIN

    def run(self, deed: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(deed)


@dataclass(frozen=True)
class Request:
    """What was asked under a key of its own, when, and what was answered."""

    once: IdempotentRequest
    wish: BookingRequest
    at: datetime
    answer: UUID | Refused


class BookingWorld(RuleBasedStateMachine):
    """Steps in any order. A rule does one thing; the trade checks the answer."""

    bookings = Bundle("bookings")
    holds = Bundle("holds")
    requests = Bundle("requests")
    absences = Bundle("absences")

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.keys = count(1)

    @initialize()
    def begin(self) -> None:
        self.stage.now = BEGIN
        self.trade = self.stage.run(Trade.begun())

    @rule(target=bookings, service=services, option=maybe_options, start=starts, override=seldom)
    def book(self, service: int, option: int | None, start: datetime, override: bool) -> MultipleResults[UUID]:
        deed = self.trade.book(self.trade.services[service], self._option(option), start, override)
        return _made(self.stage.run(deed)[1])

    @rule(target=bookings, service=services, booking=bookings, quarters=quarters)
    def book_beside(self, service: int, booking: UUID, quarters: int) -> MultipleResults[UUID]:
        other = self.trade.ledger.bookings[booking]
        start = other.start + 15 * quarters * MINUTE
        deed = self.trade.book(self.trade.services[service], other.option_id, start, override=True)
        return _made(self.stage.run(deed)[1])

    @rule(target=bookings, service=services, which=st.integers(0, 500))
    def book_what_is_offered(self, service: int, which: int) -> MultipleResults[UUID]:
        found = self._offered(service, which)
        return _made(self.stage.run(self.trade.book(*found, override=False))[1]) if found else multiple()

    @rule(target=requests, service=services, option=maybe_options, start=starts)
    def ask_with_a_key(self, service: int, option: int | None, start: datetime) -> Request:
        key_id = self.trade.callers[Role.STAFF].key_id
        once = IdempotentRequest(key_id, "createBooking", str(next(self.keys)), {"start": start, "option": option})
        deed = self.trade.book(self.trade.services[service], self._option(option), start, False, once)
        wish, answer = self.stage.run(deed)
        return Request(once, wish, self.stage.now, answer)

    @rule(request=requests)
    def ask_again(self, request: Request) -> None:
        if self.stage.now - request.at < KEPT:
            again = self.stage.run(self.trade.unchanged(self.trade.ask(request.wish, request.once)))
            assert _outcome(again) == _outcome(request.answer)

    @rule(request=requests, start=starts)
    def ask_for_something_else_with_that_key(self, request: Request, start: datetime) -> None:
        if self.stage.now - request.at < KEPT and start != request.wish.start:
            once = replace(request.once, given={**request.once.given, "start": start})
            wish = replace(request.wish, start=start)
            answer = self.stage.run(self.trade.unchanged(self.trade.ask(wish, once)))
            assert told(answer) == ["IDEMPOTENCY_MISMATCH"]

    @rule(target=holds, service=services, option=maybe_options, start=starts)
    def hold(self, service: int, option: int | None, start: datetime) -> MultipleResults[UUID]:
        held = self.stage.run(self.trade.keep(self.trade.services[service], self._option(option), start))
        return multiple(held) if held else multiple()

    @rule(target=holds, service=services, which=st.integers(0, 500))
    def hold_what_is_offered(self, service: int, which: int) -> MultipleResults[UUID]:
        found = self._offered(service, which)
        held = self.stage.run(self.trade.keep(*found)) if found else None
        return multiple(held) if held else multiple()

    @rule(target=bookings, service=services, held=holds)
    def book_what_is_held(self, service: int, held: UUID) -> MultipleResults[UUID]:
        kept = self.trade.ledger.holds.get(held)
        if not kept:
            return multiple()
        deed = self.trade.book(self.trade.services[service], kept.option_id, kept.start, override=False)
        return _made(self.stage.run(deed)[1])

    @rule(target=bookings, held=holds)
    def confirm(self, held: UUID) -> MultipleResults[UUID]:
        booked = self.stage.run(self.trade.confirm(held))
        return multiple(booked) if booked else multiple()

    @rule(held=consumes(holds))
    def release(self, held: UUID) -> None:
        self.stage.run(self.trade.release(held))

    @rule(booking=bookings, option=maybe_options, start=starts, role=roles, override=seldom)
    def move(self, booking: UUID, option: int | None, start: datetime, role: Role, override: bool) -> None:
        self.stage.run(self.trade.move(booking, self._option(option), start, role, override))

    @rule(booking=bookings, quarters=quarters)
    def nudge(self, booking: UUID, quarters: int) -> None:
        start = self.trade.ledger.bookings[booking].start + 15 * quarters * MINUTE
        self.stage.run(self.trade.move(booking, None, start, Role.STAFF, False))

    @rule(booking=bookings, other=bookings, quarters=quarters)
    def move_beside(self, booking: UUID, other: UUID, quarters: int) -> None:
        goal = self.trade.ledger.bookings[other]
        start = goal.start + 15 * quarters * MINUTE
        self.stage.run(self.trade.move(booking, goal.option_id, start, Role.STAFF, override=True))

    @rule(booking=bookings, role=roles)
    def cancel(self, booking: UUID, role: Role) -> None:
        self.stage.run(self.trade.cancel(booking, role))

    @rule(booking=bookings, status=st.sampled_from(["CONFIRMED", "COMPLETED", "NO_SHOW"]))
    def tell(self, booking: UUID, status: str) -> None:
        self.stage.run(self.trade.tell(booking, BookingStatus(status)))

    @rule(service=services, duration=st.sampled_from([15, 45, 120]), before=st.sampled_from([0, 20]))
    def lengthen(self, service: int, duration: int, before: int) -> None:
        self.stage.run(self.trade.lengthen(self.trade.services[service], Lengths(duration, before, 5)))

    @rule(option=options, active=mostly, offering=st.sets(services, min_size=1))
    def configure(self, option: int, active: bool, offering: set[int]) -> None:
        chosen = [self.trade.services[each] for each in sorted(offering)]
        self.stage.run(self.trade.configure(self.trade.options[option], active, chosen))

    @rule(option=options, days=st.integers(0, 2))
    def close(self, option: int, days: int) -> None:
        self.stage.run(self.trade.close_on(self.trade.options[option], days))

    @rule(target=absences, option=options, start=starts, hours=st.integers(1, 3))
    def take_off(self, option: int, start: datetime, hours: int) -> UUID:
        return self.stage.run(self.trade.take_off(self.trade.options[option], start, hours))

    @rule(absence=consumes(absences))
    def come_back(self, absence: UUID) -> None:
        self.stage.run(self.trade.come_back(absence))

    @rule()
    def sweep(self) -> None:
        self.stage.run(self.trade.sweep())

    @rule(minutes=st.sampled_from([1, 9, 10, 11, 11, 90, 1500]))
    def time_passes(self, minutes: int) -> None:
        self.stage.now += minutes * MINUTE

    @invariant()
    def everything_agrees(self) -> None:
        self.stage.run(self.trade.agrees())

    def _offered(self, service: int, which: int) -> tuple[UUID, UUID, datetime] | None:
        """One of the slots of the next two days: service, option, start."""
        service_id, now = self.trade.services[service], self.stage.now
        slots = self.stage.run(self.trade.slots(service_id, now, now + 2 * DAY))
        if not slots:
            return None
        start, free = slots[which % len(slots)]
        return service_id, free[which % len(free)], start

    def _option(self, index: int | None) -> UUID | None:
        return None if index is None else self.trade.options[index]


def _made(answer: UUID | Refused) -> MultipleResults[UUID]:
    return multiple() if isinstance(answer, Refused) else multiple(answer)


def _outcome(answer: UUID | Refused) -> object:
    """What a retry must give again; alternatives are advice and are looked up anew."""
    return answer if isinstance(answer, UUID) else list(answer.reasons)


@contextmanager
def staged(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The stage set up on a database."""
    with asyncio.Runner() as runner:
        stage, stack = Stage(runner), AsyncExitStack()
        monkeypatch.setattr(clock, "now", lambda: stage.now)
        runner.run(stack.enter_async_context(db.opened(url)))
        try:
            yield stage
        finally:
            runner.run(stack.aclose())


EXPLORING = settings(
    deadline=None,
    print_blob=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def explore(stage: Stage, examples: int, steps: int) -> None:
    """Tries that many histories. A failure prints the shortest history that shows it."""

    class World(BookingWorld):
        pass

    World.stage = stage
    run_state_machine_as_test(World, settings=settings(EXPLORING, max_examples=examples, stateful_step_count=steps))


def test_the_world_holds_on_sqlite(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with staged(sqlite_url, monkeypatch) as stage:
        explore(stage, examples=20, steps=30)


def test_the_world_holds_on_postgres(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with staged(postgres_url, monkeypatch) as stage:
        explore(stage, examples=8, steps=20)
