"""The verb that makes a booking. One transaction: lock, read, decide, write."""

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
from models.bookings.booking import Booking, note_history, validate_details
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
    """What a client wants to book: a service at a start, with a certain option or any (None); or the slot of a hold."""

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
    """The slot that a decision chose: the option, the start, and the rules whose duration and buffers count."""

    service_id: UUID
    option_id: UUID
    start: Instant
    rules: Rules

    @property
    def end(self) -> Instant:
        """When the booking ends; buffers are not included."""
        return self.start + self.rules.duration * MINUTE

    @property
    def occupied(self) -> Interval:
        """The time that the booking takes of its option, buffers included."""
        return self.rules.occupied(self.start)


def tidied(request: BookingRequest) -> BookingRequest:
    """Trims the request's texts for the database."""
    return replace(request, **booking.tidied({name: getattr(request, name) for name in _TEXTS}))


def validate(request: BookingRequest) -> list[Refusal]:
    """Returns a refusal for each wrong field of the request."""
    refusals = validate_details(asdict(request))
    if request.hold_id is None:
        needed = {"serviceId": request.service_id, "start": request.start}
        return [
            *refusals,
            *(checks.invalid("Needed without a hold.", name) for name, value in needed.items() if not value),
        ]
    spare = {"serviceId": request.service_id, "optionId": request.option_id, "start": request.start}
    return [*refusals, *(checks.invalid("The hold says this already.", name) for name, value in spare.items() if value)]


async def create(
    caller: Caller,
    request: BookingRequest,
    *,
    once: IdempotentRequest | None,
    google_days: int,
    quota: Quota | None = None,
) -> UUID | Refused:
    """Makes a booking and returns its id; or returns the refusal, with alternatives when another slot would help.

    With `once`, a repeated request gets the first one's outcome, refusals included. Counts the booking in `quota`;
    when that is used up, raises TooManyBookingsError and stores no outcome.
    """
    request = tidied(request)
    if refusals := validate(request):
        return Refused(refusals)

    async def body(work: LoggedTransaction) -> UUID | Refused:
        async def decide_and_write() -> UUID | Refused:
            if quota:
                await quota.check(work)
            slot = await _choose_slot(work, request, google_days)
            if isinstance(slot, Refused):
                return slot
            if quota:
                await quota.count(work)
            return await _write(work, caller, request, slot)

        return await idempotency.run_once(once, work, decide_and_write)

    answer = await write_claim(caller.business_id, body)
    if isinstance(answer, Refused) and decision.is_about_the_slot(answer) and request.service_id and request.start:
        nearby_slots = await alternatives(
            caller.business_id, request.service_id, request.option_id, request.start, google_days
        )
        return replace(answer, alternatives=nearby_slots)
    return answer


async def write_claim(business_id: UUID, body: change_log.Body[UUID | Refused]) -> UUID | Refused:
    """Runs a transaction that claims time; returns SLOT_TAKEN if the database itself refuses an overlap."""
    try:
        return await change_log.write(business_id, body)
    except IntegrityError as error:
        if NO_OVERLAP not in str(error):
            raise
        return decision.refusal({ErrorCode.SLOT_TAKEN})


async def alternatives(
    business_id: UUID, service_id: UUID, option_id: UUID | None, start: datetime, google_days: int
) -> Sequence[Alternative]:
    """Returns up to five free slots near the start."""
    row = await service.read(business_id, service_id, service.OFFER_COLUMNS)
    if row is None:
        return ()
    wanted, now = to_instant(start), to_instant(clock.now())
    offer = await offer_of(row, service.rules(row), nearby(wanted), now=now, google_days=google_days)
    return await through(offer.nearest(wanted, option_id))


async def _choose_slot(work: LoggedTransaction, request: BookingRequest, google_days: int) -> ChosenSlot | Refused:
    """Chooses the slot for the request. `work` holds the lock."""
    if request.hold_id:
        kept = await hold.consume(work, request.hold_id)
        return kept if isinstance(kept, Refused) else ChosenSlot(*kept)
    if request.service_id is None or request.start is None:
        raise ValueError("a request without a hold names a service and a start: validate it first")
    return await choose_slot(
        work, request.service_id, request.option_id, request.start, google_days, request.override_rules
    )


async def choose_slot(
    work: LoggedTransaction,
    service_id: UUID,
    option_id: UUID | None,
    at: datetime,
    google_days: int,
    override_rules: bool = False,
) -> ChosenSlot | Refused:
    """Chooses the option that takes a start of a service, or returns the refusal. `work` holds the lock."""
    start = to_instant(at)
    offer = await _offer(work.business_id, service_id, option_id, start, work.now, google_days)
    if offer is None:
        return service.not_found()
    return await choose_option(work, offer, service_id, option_id, start, override_rules)


async def preview_option(
    business_id: UUID,
    service_id: UUID,
    option_id: UUID | None,
    at: datetime,
    google_days: int,
    override_rules: bool = False,
) -> UUID | None:
    """Returns the option that `choose_slot` would choose now. The graph reads its Google calendar first. No lock."""
    start = to_instant(at)
    offer = await _offer(business_id, service_id, option_id, start, clock.now(), google_days)
    if offer is None:
        return None
    free = decision.free_options(offer, start, override_rules)
    return None if isinstance(free, Refused) else option_id or await least_booked(offer, start, free)


async def _offer(
    business_id: UUID, service_id: UUID, option_id: UUID | None, start: Instant, now: datetime, google_days: int
) -> Offer | None:
    """Loads the offer of a service at one start; None when there is no such service."""
    row = await service.read(business_id, service_id, service.OFFER_COLUMNS)
    if row is None:
        return None
    window, only = Interval(start, start + 1), None if option_id is None else [option_id]
    return await offer_of(row, service.rules(row), window, now=to_instant(now), google_days=google_days, only=only)


async def choose_option(
    work: LoggedTransaction,
    offer: Offer,
    service_id: UUID,
    option_id: UUID | None,
    start: Instant,
    override_rules: bool,
) -> ChosenSlot | Refused:
    """Chooses the option of the offer that takes the start, and deletes its lapsed holds; or returns the refusal."""
    if option_id and option_id not in offer.options:
        return service.option_not_found()
    free = decision.free_options(offer, start, override_rules)
    if isinstance(free, Refused):
        return free
    chosen = option_id or await least_booked(offer, start, free)
    await hold.drop_lapsed(work, chosen)
    return ChosenSlot(service_id, chosen, start, offer.rules)


async def _write(work: LoggedTransaction, caller: Caller, request: BookingRequest, slot: ChosenSlot) -> UUID:
    """Writes the booking, its claim, its words, its history, the log and its mirror."""
    made = await Booking.create(
        business_id=work.business_id,
        option_id=slot.option_id,
        service_id=slot.service_id,
        reference=new_reference(),
        status=BookingStatus.CONFIRMED,
        starts_at=to_datetime(slot.start),
        ends_at=to_datetime(slot.end),
        buffer_before_minutes=slot.rules.buffer_before,
        buffer_after_minutes=slot.rules.buffer_after,
        customer_name=request.customer_name,
        customer_email=request.customer_email,
        customer_phone=request.customer_phone,
        note=request.note,
        hold_id=request.hold_id,
        created_at=work.now,
        updated_at=work.now,
    )
    await claim(work, slot, booking_id=made.id)
    await search.index(
        work.business_id, made.id, search.words_of(made.reference, made.customer_name, made.customer_email)
    )
    unread = await freshness.history_note(slot.option_id, work.now)
    await note_history(work, caller, made.id, "CREATED", dict.fromkeys(unread), unread)
    work.record(ChangeKind.BOOKING, made.id, ChangeAction.UPSERTED, [slot.option_id], during=slot.occupied)
    await affected_entries.record_for_booking(work, slot.option_id, made.starts_at, made.ends_at)
    await mirror.want(work, made.id, slot.option_id, present=True)
    return made.id


async def claim(
    work: LoggedTransaction, slot: ChosenSlot, *, booking_id: UUID | None = None, hold_id: UUID | None = None
) -> None:
    """Claims the slot's time for a booking or a hold. Raises IntegrityError if another claim overlaps it after all."""
    await Claim.create(
        business_id=work.business_id,
        option_id=slot.option_id,
        booking_id=booking_id,
        hold_id=hold_id,
        occupied_start=to_datetime(slot.occupied.start),
        occupied_end=to_datetime(slot.occupied.end),
    )


def new_reference() -> str:
    """Draws a reference that people can say on the phone: ten letters and digits that do not look alike."""
    drawn = "".join(secrets.choice(_LETTERS) for _ in range(10))
    return f"{drawn[:5]}-{drawn[5:]}"
