"""The verbs that hold a slot for a customer for some minutes, and release it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from models.actions.create_booking import ChosenSlot, alternatives, choose_slot, claim, write_claim
from models.api_key import Caller
from models.bookings import hold
from models.bookings.hold import Hold
from models.catalog import service
from models.enums import ChangeAction, ChangeKind
from models.log import change_log, idempotency
from models.log.change_log import LoggedTransaction
from models.log.idempotency import IdempotentRequest
from models.refusals import ErrorCode, Refused, refused
from models.scheduling import decision
from models.scheduling.intervals import to_datetime
from models.storage import db

MOST_PER_ADDRESS = 5
"""The most live holds of one address with one key: a customer who chooses a slot needs no more."""

MOST_PER_KEY = 500
"""The most live holds of one key, however many addresses use it."""


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """What a client wants to hold, with a certain option or any (None). `address` is a keyed hash of the address that
    asked, or empty where holds of an address are not counted; `seconds` is how long the hold lives.
    """

    service_id: UUID
    option_id: UUID | None
    start: datetime
    address: str
    seconds: int


async def create(
    caller: Caller, request: HoldRequest, *, once: IdempotentRequest | None, google_days: int
) -> UUID | Refused:
    """Holds a slot and returns the hold's id; or the refusal, with alternatives when another slot would help."""

    async def body(work: LoggedTransaction) -> UUID | Refused:
        async def decide_and_write() -> UUID | Refused:
            slot = await _choose_slot(work, caller, request, google_days)
            return slot if isinstance(slot, Refused) else await _write(work, caller, request, slot)

        return await idempotency.run_once(once, work, decide_and_write)

    answer = await write_claim(caller.business_id, body)
    if isinstance(answer, Refused) and decision.is_about_the_slot(answer):
        nearby_slots = await alternatives(
            caller.business_id, request.service_id, request.option_id, request.start, google_days
        )
        return replace(answer, alternatives=nearby_slots)
    return answer


async def release(caller: Caller, hold_id: UUID) -> UUID | Refused:
    """Releases a hold and returns its id. A public key can release only the holds that it made."""

    async def body(work: LoggedTransaction) -> UUID | Refused:
        mine = Hold.filter(business_id=work.business_id, id=hold_id, expires_at__gt=work.now)
        if not caller.is_staff:
            mine = mine.filter(key_id=caller.key_id)
        rows = await db.select(mine, ("option_id", *service.OCCUPYING))
        if not rows:
            return hold.not_found()
        await Hold.filter(id=hold_id).delete()
        during = service.occupied(rows[0])
        work.record(ChangeKind.HOLD, hold_id, ChangeAction.REMOVED, [rows[0]["option_id"]], during=during)
        return hold_id

    return await change_log.write(caller.business_id, body)


async def has_too_many(caller: Caller, address: str, now: datetime) -> bool:
    """Whether this key, or this address with it, has as many live holds as it may. Does not count an empty address."""
    live = Hold.filter(key_id=caller.key_id, expires_at__gt=now)
    if await live.count() >= MOST_PER_KEY:
        return True
    return bool(address) and await live.filter(address=address).count() >= MOST_PER_ADDRESS


async def option_of(business_id: UUID, hold_id: UUID) -> UUID | None:
    """Returns the option of a hold; None when there is no such hold."""
    rows = await db.select(Hold.filter(business_id=business_id, id=hold_id), ("option_id",))
    return rows[0]["option_id"] if rows else None


async def _choose_slot(
    work: LoggedTransaction, caller: Caller, request: HoldRequest, google_days: int
) -> ChosenSlot | Refused:
    if await has_too_many(caller, request.address, work.now):
        return refused(ErrorCode.TOO_MANY_HOLDS, "Too many slots are held at once. Book or release one.", "input")
    return await choose_slot(work, request.service_id, request.option_id, request.start, google_days)


async def _write(work: LoggedTransaction, caller: Caller, request: HoldRequest, slot: ChosenSlot) -> UUID:
    """Writes the hold, its claim and the log."""
    held = await Hold.create(
        business_id=work.business_id,
        option_id=slot.option_id,
        service_id=slot.service_id,
        starts_at=to_datetime(slot.start),
        ends_at=to_datetime(slot.end),
        buffer_before_minutes=slot.rules.buffer_before,
        buffer_after_minutes=slot.rules.buffer_after,
        expires_at=work.now + timedelta(seconds=request.seconds),
        key_id=caller.key_id,
        address=request.address,
        created_at=work.now,
    )
    await claim(work, slot, hold_id=held.id)
    work.record(ChangeKind.HOLD, held.id, ChangeAction.UPSERTED, [slot.option_id], during=slot.occupied)
    return held.id
