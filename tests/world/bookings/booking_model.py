"""One business, and what its people and customers do with it through the real verbs; each answer is checked at once."""

from collections.abc import Collection, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from models import clock
from models.actions import change_booking, create_booking, hold_slot
from models.actions.change_option import change_option
from models.actions.change_service import change_service
from models.actions.create_booking import BookingRequest
from models.actions.hold_slot import HoldRequest
from models.actions.load_offer import offer_of
from models.api_key import Caller
from models.bookings import hold
from models.bookings.booking import Booking, BookingHistory
from models.bookings.claim import Claim
from models.bookings.hold import Hold
from models.catalog import option, service, time_off
from models.catalog.time_off import TimeOff
from models.enums import BookingStatus, Role
from models.log import change_log
from models.log.idempotency import IdempotentRequest
from models.refusals import Refused
from models.scheduling.availability import Rules
from models.scheduling.hours import TimeRange
from models.scheduling.intervals import Interval, to_datetime, to_instant
from models.scheduling.offer import Offer
from tests.models import invariants
from tests.models.rows import GOOGLE_DAYS, a_business, a_caller, a_service, an_option, told
from tests.world.bookings.expected_calendar import MINUTE, Ledger, Lengths, Range, Taken

OSLO, NEW_YORK = ZoneInfo("Europe/Oslo"), ZoneInfo("America/New_York")
HOLD_SECONDS = 600
DAY = timedelta(days=1)

_addresses = count(1)


@dataclass
class Trade:
    """The business with its ledger. Every deed returns what it made; None when it was refused."""

    business_id: UUID
    options: list[UUID]
    zones: dict[UUID, ZoneInfo]
    services: list[UUID]
    callers: dict[Role, Caller]
    ledger: Ledger = field(default_factory=Ledger)
    lengths: dict[UUID, Lengths] = field(default_factory=dict)
    notice: dict[UUID, int] = field(default_factory=dict)

    @classmethod
    async def begun(cls) -> "Trade":
        """Three options in two zones, one open past midnight; two services with everything on them that counts."""
        business_id = await a_business()
        late = [(day, TimeRange(time(12), time(2))) for day in range(7)]
        options = [
            await an_option(business_id, "Anna", time_zone="Europe/Oslo"),
            await an_option(business_id, "Berit", time_zone="Europe/Oslo", opening_hours=late),
            await an_option(business_id, "Carl", time_zone="America/New_York"),
        ]
        trade = cls(
            business_id,
            options,
            dict(zip(options, (OSLO, OSLO, NEW_YORK), strict=True)),
            [],
            {role: await a_caller(business_id, role) for role in Role},
        )
        await trade._offer(options, duration=30, before=0, after=0, step=15, notice=0)
        await trade._offer(options[:2], duration=60, before=15, after=10, step=30, notice=90)
        return trade

    async def _offer(
        self, options: Collection[UUID], *, duration: int, before: int, after: int, step: int, notice: int
    ) -> None:
        service_id = await a_service(
            self.business_id,
            *options,
            duration_minutes=duration,
            buffer_before_minutes=before,
            buffer_after_minutes=after,
            slot_step_minutes=step,
            minimum_notice_minutes=notice,
            change_notice_minutes=notice,
            booking_horizon_days=5,
        )
        self.services.append(service_id)
        self.lengths[service_id] = Lengths(duration, before, after)
        self.notice[service_id] = notice

    async def book(
        self,
        service_id: UUID,
        option_id: UUID | None,
        start: datetime,
        override: bool,
        once: IdempotentRequest | None = None,
    ) -> tuple[BookingRequest, UUID | Refused]:
        """Books; what is offered can be booked, and nothing else, unless staff overrides the rules."""
        wish = BookingRequest("Kari", service_id=service_id, option_id=option_id, start=start, override_rules=override)
        offered = await self.offered(service_id, start)
        answer = await self._try(self.ask(wish, once))
        if isinstance(answer, Refused):
            assert override or not self._fitting(offered, option_id), f"offered and refused: {told(answer)}"
            await self._check_refusal(answer, service_id, option_id, start)
        else:
            (row,) = await Booking.filter(id=answer).values("option_id")
            chosen = row["option_id"]
            assert override or chosen in self._fitting(offered, option_id), "booked and not offered"
            assert override or option_id or chosen == self._least_loaded(offered, start)
            self._take(self.ledger.bookings, answer, Taken(chosen, service_id, start, self.lengths[service_id]))
        return wish, answer

    async def ask(self, wish: BookingRequest, once: IdempotentRequest | None) -> UUID | Refused:
        return await create_booking.create(self.callers[Role.STAFF], wish, once=once, google_days=GOOGLE_DAYS)

    async def keep(self, service_id: UUID, option_id: UUID | None, start: datetime) -> UUID | None:
        """Holds a slot; what is offered can be held, and nothing else."""
        offered = self._fitting(await self.offered(service_id, start), option_id)
        kept = HoldRequest(service_id, option_id, start, f"192.0.2.{next(_addresses)}", HOLD_SECONDS)
        caller = self.callers[Role.PUBLIC]
        answer = await self._try(hold_slot.create(caller, kept, once=None, google_days=GOOGLE_DAYS))
        assert isinstance(answer, Refused) is not bool(offered)
        if isinstance(answer, Refused):
            return None
        (row,) = await Hold.filter(id=answer).values("option_id", "expires_at")
        assert row["option_id"] in offered
        held = Taken(row["option_id"], service_id, start, self.lengths[service_id], lapses_at=row["expires_at"])
        self._take(self.ledger.holds, answer, held)
        return answer

    async def confirm(self, hold_id: UUID) -> UUID | None:
        """Books what is held: a live hold is a promise, whatever changed meanwhile."""
        answer = await self._try(self.ask(BookingRequest("Kari", hold_id=hold_id), None))
        held = self.ledger.holds.get(hold_id)
        if not held or not held.stands(clock.now()):
            assert told(answer) == ["HOLD_EXPIRED"]
            return None
        assert not isinstance(answer, Refused), told(answer)
        del self.ledger.holds[hold_id]
        self.ledger.bookings[answer] = Taken(held.option_id, held.service_id, held.start, held.lengths)
        return answer

    async def release(self, hold_id: UUID) -> None:
        answer = await self._try(hold_slot.release(self.callers[Role.PUBLIC], hold_id))
        held = self.ledger.holds.get(hold_id)
        if held and held.stands(clock.now()):
            assert answer == hold_id
            del self.ledger.holds[hold_id]
        else:
            assert told(answer) == ["NOT_FOUND"]

    async def sweep(self) -> None:
        await hold.sweep_lapsed(clock.now())
        assert await Hold.filter(expires_at__lte=clock.now()).count() == 0
        self.ledger.holds = {each: held for each, held in self.ledger.holds.items() if held.stands(clock.now())}

    async def move(self, booking_id: UUID, option_id: UUID | None, start: datetime, role: Role, override: bool) -> None:
        """Reschedules; it keeps its lengths, and its own range does not stand in its way."""
        before = self.ledger.bookings[booking_id]
        target = option_id or before.option_id
        rules = await change_booking.rules_of(self.business_id, booking_id)
        offered = await self.offered(before.service_id, start, rules=rules, only=[target], leave_out=booking_id)
        caller = self.callers[role]
        answer = await self._try(
            change_booking.reschedule(
                caller,
                booking_id,
                start,
                option_id=option_id,
                expected_version=before.version,
                override_rules=override,
                google_days=GOOGLE_DAYS,
            )
        )
        if refusal := self._cannot_change(before, role):
            assert told(answer) == [refusal]
        elif (target, start) == (before.option_id, before.start):
            assert answer == booking_id
        elif isinstance(answer, Refused):
            assert override or not offered, f"offered and refused: {told(answer)}"
            free = self.ledger.is_free(target, before.lengths.occupied(start), clock.now(), leave_out=booking_id)
            assert ("SLOT_TAKEN" in told(answer)) is not free
        else:
            assert override or offered == {target}, "moved to what is not offered"
            assert self.ledger.is_free(target, before.lengths.occupied(start), clock.now(), leave_out=booking_id)
            self.ledger.change(booking_id, option_id=target, start=start)

    async def cancel(self, booking_id: UUID, role: Role) -> None:
        answer = await self._try(change_booking.cancel(self.callers[role], booking_id, reason="Ill"))
        if refusal := self._cannot_change(self.ledger.bookings[booking_id], role):
            assert told(answer) == [refusal]
        else:
            assert answer == booking_id
            self.ledger.change(booking_id, status=BookingStatus.CANCELLED)

    async def tell(self, booking_id: UUID, status: BookingStatus) -> None:
        """Says how a booking went."""
        before = self.ledger.bookings[booking_id]
        answer = await self._try(change_booking.update(self.callers[Role.STAFF], booking_id, {"status": status}))
        if before.status is BookingStatus.CANCELLED:
            assert told(answer) == ["ALREADY_CANCELLED"]
        elif status is before.status:
            assert answer == booking_id
        elif BookingStatus.CONFIRMED in (status, before.status) and (
            before.status is not BookingStatus.CONFIRMED or before.start <= clock.now()
        ):
            assert answer == booking_id
            self.ledger.change(booking_id, status=status)
        else:
            assert told(answer) == ["NOT_CHANGEABLE"]

    async def lengthen(self, service_id: UUID, lengths: Lengths) -> None:
        """Gives a service other lengths; what was agreed before keeps its own."""
        values = {
            "duration_minutes": lengths.duration,
            "buffer_before_minutes": lengths.before,
            "buffer_after_minutes": lengths.after,
        }
        assert await self._try(change_service(self.business_id, service_id, values)) == service_id
        self.lengths[service_id] = lengths

    async def configure(self, option_id: UUID, active: bool, offering: Collection[UUID]) -> None:
        values = {"active": active, "service_ids": list(offering)}
        assert await self._try(change_option(self.business_id, option_id, values)) == option_id

    async def close_on(self, option_id: UUID, days: int) -> None:
        """Closes an option on a date."""
        day = (clock.now() + days * DAY).astimezone(self.zones[option_id]).date()
        assert await self._try(option.set_date_override(self.business_id, option_id, day, [])) == option_id

    async def take_off(self, option_id: UUID, start: datetime, hours: int) -> UUID:
        blocked = Range(start, start + hours * 60 * MINUTE)
        answer = await self._try(time_off.create(self.business_id, option_id, blocked.start, blocked.end, None))
        assert not isinstance(answer, Refused)
        self.ledger.time_off[answer] = option_id, blocked
        return answer

    async def come_back(self, time_off_id: UUID) -> None:
        assert await self._try(time_off.delete(self.business_id, time_off_id)) == time_off_id
        del self.ledger.time_off[time_off_id]

    async def offer(
        self,
        service_id: UUID,
        window: Interval,
        *,
        rules: Rules | None = None,
        only: Collection[UUID] | None = None,
        leave_out: UUID | None = None,
    ) -> Offer:
        """What is offered for starts in the window, as every list of slots asks it."""
        row = await service.read(self.business_id, service_id, ("id", "business_id", "active", *service.RULE_COLUMNS))
        assert row
        now = to_instant(clock.now())
        return await offer_of(
            row, rules or service.rules(row), window, now=now, google_days=GOOGLE_DAYS, only=only, leave_out=leave_out
        )

    async def offered(self, service_id: UUID, start: datetime, **more: Any) -> set[UUID]:
        """The options that offer exactly this start."""
        window = Interval(to_instant(start), to_instant(start) + 1)
        return {each for _, options in (await self.offer(service_id, window, **more)).slots(window) for each in options}

    async def slots(self, service_id: UUID, start: datetime, end: datetime) -> list[tuple[datetime, tuple[UUID, ...]]]:
        window = Interval(to_instant(start), to_instant(end))
        return [(to_datetime(at), free) for at, free in (await self.offer(service_id, window)).slots(window)]

    async def agrees(self) -> None:
        """The database holds what was answered, and every invariant."""
        rows = await Booking.filter(business_id=self.business_id).values()
        assert {row["id"]: (*_agreed(row), row["status"], row["version"]) for row in rows} == {
            each: (*_told(taken), taken.status, taken.version) for each, taken in self.ledger.bookings.items()
        }
        live = Hold.filter(business_id=self.business_id, expires_at__gt=clock.now())
        assert {row["id"]: _agreed(row) for row in await live.values()} == {
            each: _told(held) for each, held in self.ledger.holds.items() if held.stands(clock.now())
        }
        assert {row["id"] for row in await TimeOff.filter(business_id=self.business_id).values("id")} == set(
            self.ledger.time_off
        )
        await invariants.hold_in(self.business_id)

    async def unchanged(self, deed: Coroutine[Any, Any, UUID | Refused]) -> UUID | Refused:
        """Does what must leave everything as it is."""
        before = await self._rows()
        answer = await deed
        assert await self._rows() == before
        return answer

    async def _try(self, deed: Coroutine[Any, Any, UUID | Refused]) -> UUID | Refused:
        """Does something; when it is refused, everything is as it was."""
        before = await self._rows()
        answer = await deed
        assert not isinstance(answer, Refused) or await self._rows() == before, f"{told(answer)} changed something"
        return answer

    async def _rows(self) -> list[Any]:
        mine = {"business_id": self.business_id}
        whole = [await table.filter(**mine).order_by("id").values() for table in (Booking, Claim, Hold, TimeOff)]
        counts = [await table.filter(**mine).count() for table in (BookingHistory, change_log.Change)]
        return [whole, counts, await change_log.newest(self.business_id)]

    async def _check_refusal(self, answer: Refused, service_id: UUID, option_id: UUID | None, start: datetime) -> None:
        """SLOT_TAKEN is said exactly when something agreed stands in the way; what is offered instead is free."""
        if option_id:
            free = self.ledger.is_free(option_id, self.lengths[service_id].occupied(start), clock.now())
            assert ("SLOT_TAKEN" in told(answer)) is not free
        for instead in answer.alternatives[:1]:
            assert await self.offered(service_id, to_datetime(instead.start)) == set(instead.options)

    def _cannot_change(self, before: Taken, role: Role) -> str | None:
        """Why a booking can neither be moved nor cancelled by this role now."""
        if before.status is BookingStatus.CANCELLED:
            return "ALREADY_CANCELLED"
        notice = self.notice[before.service_id] * MINUTE
        late = role is Role.PUBLIC and clock.now() > before.start - notice
        return "NOT_CHANGEABLE" if late or before.status is not BookingStatus.CONFIRMED else None

    def _least_loaded(self, offered: Collection[UUID], start: datetime) -> UUID:
        """The option with the fewest bookings that day, then by name."""

        def load(option_id: UUID) -> int:
            zone = self.zones[option_id]
            return self.ledger.load(option_id, start.astimezone(zone).date(), zone)

        return min((each for each in self.options if each in offered), key=load)

    def _take(self, entries: dict[UUID, Taken], entry_id: UUID, taken: Taken) -> None:
        """Notes a booking or a hold that was made where nothing stood in the way."""
        occupied = taken.lengths.occupied(taken.start)
        assert self.ledger.is_free(taken.option_id, occupied, clock.now()), "taken twice"
        entries[entry_id] = taken

    @staticmethod
    def _fitting(offered: Collection[UUID], option_id: UUID | None) -> set[UUID]:
        return set(offered) if option_id is None else set(offered) & {option_id}


def _agreed(row: dict[str, Any]) -> tuple[Any, ...]:
    """What the database says was agreed."""
    minutes = (row["ends_at"] - row["starts_at"]) // MINUTE
    lengths = Lengths(minutes, row["buffer_before_minutes"], row["buffer_after_minutes"])
    return row["option_id"], row["service_id"], row["starts_at"], lengths


def _told(taken: Taken) -> tuple[Any, ...]:
    """What was answered."""
    return taken.option_id, taken.service_id, taken.start, taken.lengths
