"""Taking a slot: the verb that makes a booking. One transaction: lock, read, decide, write."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError

from models import checks, clock
from models.actions import affected_entries
from models.actions.load_offer import least_booked, offer_of
from models.api_key import Caller
from models.bookings import booking, hold, search
from models.bookings.address_booking import Quota
from models.bookings.booking import Booking, judge_details, note_history
from models.bookings.claim import Claim
from models.catalog import service
from models.enums import BookingStatus, ChangeAction, ChangeKind
from models.google import freshness, mirror
from models.log import change_log, idempotency
from models.log.change_log import LoggedTransaction
from models.log.idempotency import IdempotentRequest
from models.refusals import Alternative, ErrorCode, Refusal, Refused
from models.scheduling import decision
from models.scheduling.availability import Rules
from models.scheduling.intervals import MINUTE, Instant, Interval, to_datetime, to_instant
from models.scheduling.offer import Offer, nearby
from models.storage.constraints import NO_OVERLAP
from models.storage.turns import through

_TEXTS = ("customer_name", "customer_email", "customer_phone", "note")
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """What is wanted: a service at a start, with a certain option or any; or what a hold keeps."""

    customer_name: str
    customer_email: str | None = None
    customer_phone: str | None = None
    note: str | None = None
    service_id: UUID | None = None
    option_id: UUID | None = None
    start: datetime | None = None
    hold_id: UUID | None = None
    override_rules: bool = False


@dataclass(frozen=True, slots=True)
class ChosenSlot:
    """What a decision leads to: the option, the start, and the lengths that count."""

    service_id: UUID
    option_id: UUID
    start: Instant
    rules: Rules

    @property
    def end(self) -> Instant:
        """When the customer is done; buffers are not included."""
        return self.start + self.rules.duration * MINUTE

    @property
    def occupied(self) -> Interval:
        """What the option is taken for, buffers included."""
        return self.rules.occupied(self.start)


def tidied(wish: BookingRequest) -> BookingRequest:
    """The wish with its texts as they are kept."""
    return replace(wish, **booking.tidied({name: getattr(wish, name) for name in _TEXTS}))


def validate(wish: BookingRequest) -> list[Refusal]:
    """What is wrong with a wish, field by field."""
    wrong = judge_details(asdict(wish))
    if wish.hold_id is None:
        needed = {"serviceId": wish.service_id, "start": wish.start}
        return [
            *wrong,
            *(checks.invalid("Needed without a hold.", name) for name, value in needed.items() if not value),
        ]
    spare = {"serviceId": wish.service_id, "optionId": wish.option_id, "start": wish.start}
    return [*wrong, *(checks.invalid("The hold says this already.", name) for name, value in spare.items() if value)]


async def create(
    caller: Caller,
    wish: BookingRequest,
    *,
    once: IdempotentRequest | None,
    google_days: int,
    quota: Quota | None = None,
) -> UUID | Refused:
    """Books what is wished: the booking's id; or why not, with alternatives when another slot would help.

    With `once`, a repeated request gets the first one's outcome, refusals included. What is made counts for `quota`;
    raises TooManyBookingsError, and nothing is remembered, when that is used up.
    """
    wish = tidied(wish)
    if wrong := validate(wish):
        return Refused(wrong)

    async def body(work: LoggedTransaction) -> UUID | Refused:
        async def decide_and_write() -> UUID | Refused:
            if quota:
                await quota.check(work)
            place = await _place(work, wish, google_days)
            if isinstance(place, Refused):
                return place
            if quota:
                await quota.count(work)
            return await _book(work, caller, wish, place)

        return await idempotency.run_once(once, work, decide_and_write)

    answer = await taking(caller.business_id, body)
    if isinstance(answer, Refused) and decision.is_about_the_slot(answer) and wish.service_id and wish.start:
        found = await alternatives(caller.business_id, wish.service_id, wish.option_id, wish.start, google_days)
        return replace(answer, alternatives=found)
    return answer


async def taking(business_id: UUID, body: change_log.Body[UUID | Refused]) -> UUID | Refused:
    """A write that claims a range; if the database itself refuses an overlap, the slot is taken."""
    try:
        return await change_log.write(business_id, body)
    except IntegrityError as error:
        if NO_OVERLAP not in str(error):
            raise
        return decision.refusal({ErrorCode.SLOT_TAKEN})


async def alternatives(
    business_id: UUID, service_id: UUID, option_id: UUID | None, start: datetime, google_days: int
) -> Sequence[Alternative]:
    """Up to five slots nearest to the start that can be booked."""
    row = await service.read(business_id, service_id, service.OFFER_COLUMNS)
    if row is None:
        return ()
    wanted, now = to_instant(start), to_instant(clock.now())
    found = await offer_of(row, service.rules(row), nearby(wanted), now=now, google_days=google_days)
    return await through(found.nearest(wanted, option_id))


async def _place(work: LoggedTransaction, wish: BookingRequest, google_days: int) -> ChosenSlot | Refused:
    """Decides where the wish goes, under the lock."""
    if wish.hold_id:
        kept = await hold.take(work, wish.hold_id)
        return kept if isinstance(kept, Refused) else ChosenSlot(*kept)
    if wish.service_id is None or wish.start is None:
        raise ValueError("a wish without a hold names a service and a start: judge it first")
    return await decide(work, wish.service_id, wish.option_id, wish.start, google_days, wish.override_rules)


async def decide(
    work: LoggedTransaction,
    service_id: UUID,
    option_id: UUID | None,
    at: datetime,
    google_days: int,
    override_rules: bool = False,
) -> ChosenSlot | Refused:
    """Which option takes the start of a service, under the lock; or why none does."""
    start = to_instant(at)
    found = await _offer(work.business_id, service_id, option_id, start, work.now, google_days)
    if found is None:
        return service.not_found()
    return await settle_on(work, found, service_id, option_id, start, override_rules)


async def preview_option(
    business_id: UUID,
    service_id: UUID,
    option_id: UUID | None,
    at: datetime,
    google_days: int,
    override_rules: bool = False,
) -> UUID | None:
    """The option that would take the start if it were decided now; nothing is locked, and nothing is promised."""
    start = to_instant(at)
    found = await _offer(business_id, service_id, option_id, start, clock.now(), google_days)
    if found is None:
        return None
    free = decision.free_options(found, start, override_rules)
    return None if isinstance(free, Refused) else option_id or await least_booked(found, start, free)


async def _offer(
    business_id: UUID, service_id: UUID, option_id: UUID | None, start: Instant, now: datetime, google_days: int
) -> Offer | None:
    """What can be had of a service at one start; None when there is no such service."""
    row = await service.read(business_id, service_id, service.OFFER_COLUMNS)
    if row is None:
        return None
    window, only = Interval(start, start + 1), None if option_id is None else [option_id]
    return await offer_of(row, service.rules(row), window, now=to_instant(now), google_days=google_days, only=only)


async def settle_on(
    work: LoggedTransaction,
    found: Offer,
    service_id: UUID,
    option_id: UUID | None,
    start: Instant,
    override_rules: bool,
) -> ChosenSlot | Refused:
    """The option of the offer that takes the start, with its lapsed holds out of the way; or why none does."""
    if option_id and option_id not in found.options:
        return service.option_not_found()
    free = decision.free_options(found, start, override_rules)
    if isinstance(free, Refused):
        return free
    chosen = option_id or await least_booked(found, start, free)
    await hold.drop_lapsed(work, chosen)
    return ChosenSlot(service_id, chosen, start, found.rules)


async def _book(work: LoggedTransaction, caller: Caller, wish: BookingRequest, place: ChosenSlot) -> UUID:
    """Writes the booking and everything that goes with it."""
    made = await Booking.create(
        business_id=work.business_id,
        option_id=place.option_id,
        service_id=place.service_id,
        reference=new_reference(),
        status=BookingStatus.CONFIRMED,
        starts_at=to_datetime(place.start),
        ends_at=to_datetime(place.end),
        buffer_before_minutes=place.rules.buffer_before,
        buffer_after_minutes=place.rules.buffer_after,
        customer_name=wish.customer_name,
        customer_email=wish.customer_email,
        customer_phone=wish.customer_phone,
        note=wish.note,
        hold_id=wish.hold_id,
        created_at=work.now,
        updated_at=work.now,
    )
    await claim(work, place, booking_id=made.id)
    await search.index(
        work.business_id, made.id, search.words_of(made.reference, made.customer_name, made.customer_email)
    )
    unread = await freshness.missed(place.option_id, work.now)
    await note_history(work, caller, made.id, "CREATED", dict.fromkeys(unread), unread)
    work.record(ChangeKind.BOOKING, made.id, ChangeAction.UPSERTED, [place.option_id], during=place.occupied)
    await affected_entries.of_booking(work, place.option_id, made.starts_at, made.ends_at)
    await mirror.want(work, made.id, place.option_id, present=True)
    return made.id


async def claim(
    work: LoggedTransaction, place: ChosenSlot, *, booking_id: UUID | None = None, hold_id: UUID | None = None
) -> None:
    """Takes the place's range for a booking or a hold. Raises IntegrityError if it is taken after all."""
    await Claim.create(
        business_id=work.business_id,
        option_id=place.option_id,
        booking_id=booking_id,
        hold_id=hold_id,
        occupied_start=to_datetime(place.occupied.start),
        occupied_end=to_datetime(place.occupied.end),
    )


def new_reference() -> str:
    """What people say on the phone: ten letters and digits that are not mistaken for each other."""
    drawn = "".join(secrets.choice(_LETTERS) for _ in range(10))
    return f"{drawn[:5]}-{drawn[5:]}"
