"""Holding a slot: the verbs that keep one for a customer for some minutes, and give it back."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from models.actions.create_booking import ChosenSlot, alternatives, claim, decide, taking
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
"""Live holds that one address may have with one key: more is not shopping."""

MOST_PER_KEY = 500
"""Live holds of one key, however many addresses use it."""


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """What to hold, and for whom. `address` stands for where the request came from, and is empty where that is not
    counted; `seconds` is how long it is kept.
    """

    service_id: UUID
    option_id: UUID | None
    start: datetime
    address: str
    seconds: int


async def create(
    caller: Caller, keeping: HoldRequest, *, once: IdempotentRequest | None, google_days: int
) -> UUID | Refused:
    """Holds a slot: the hold's id; or why not, with alternatives when another slot would help."""

    async def body(work: LoggedTransaction) -> UUID | Refused:
        async def decide_and_write() -> UUID | Refused:
            place = await _place(work, caller, keeping, google_days)
            return place if isinstance(place, Refused) else await _keep(work, caller, keeping, place)

        return await idempotency.run_once(once, work, decide_and_write)

    answer = await taking(caller.business_id, body)
    if isinstance(answer, Refused) and decision.is_about_the_slot(answer):
        found = await alternatives(
            caller.business_id, keeping.service_id, keeping.option_id, keeping.start, google_days
        )
        return replace(answer, alternatives=found)
    return answer


async def release(caller: Caller, hold_id: UUID) -> UUID | Refused:
    """Gives a held slot back. A public key can give back what was held with it."""

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
    """Whether this key, or this address with it, holds all that it may. An empty address is not counted."""
    live = Hold.filter(key_id=caller.key_id, expires_at__gt=now)
    if await live.count() >= MOST_PER_KEY:
        return True
    return bool(address) and await live.filter(address=address).count() >= MOST_PER_ADDRESS


async def option_of(business_id: UUID, hold_id: UUID) -> UUID | None:
    """The option that a hold keeps."""
    rows = await db.select(Hold.filter(business_id=business_id, id=hold_id), ("option_id",))
    return rows[0]["option_id"] if rows else None


async def _place(
    work: LoggedTransaction, caller: Caller, keeping: HoldRequest, google_days: int
) -> ChosenSlot | Refused:
    if await has_too_many(caller, keeping.address, work.now):
        return refused(ErrorCode.TOO_MANY_HOLDS, "Too many slots are held at once. Book or release one.", "input")
    return await decide(work, keeping.service_id, keeping.option_id, keeping.start, google_days)


async def _keep(work: LoggedTransaction, caller: Caller, keeping: HoldRequest, place: ChosenSlot) -> UUID:
    """Writes the hold and everything that goes with it."""
    held = await Hold.create(
        business_id=work.business_id,
        option_id=place.option_id,
        service_id=place.service_id,
        starts_at=to_datetime(place.start),
        ends_at=to_datetime(place.end),
        buffer_before_minutes=place.rules.buffer_before,
        buffer_after_minutes=place.rules.buffer_after,
        expires_at=work.now + timedelta(seconds=keeping.seconds),
        key_id=caller.key_id,
        address=keeping.address,
        created_at=work.now,
    )
    await claim(work, place, hold_id=held.id)
    work.record(ChangeKind.HOLD, held.id, ChangeAction.UPSERTED, [place.option_id], during=place.occupied)
    return held.id
