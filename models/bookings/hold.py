"""Holds: a slot kept for a customer for some minutes. A lapsed hold does not count as busy time."""

from datetime import datetime
from functools import partial
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.bookings.booking import Booking
from models.catalog import service
from models.enums import ChangeAction, ChangeKind
from models.log.change_log import LoggedTransaction, write
from models.refusals import ErrorCode, Refused, refused
from models.scheduling import intervals
from models.scheduling.availability import Rules
from models.storage import db
from models.storage.columns import Instant, belongs_to, new_id
from models.storage.queries import Statement

_TAKEN = ("service_id", "option_id", "expires_at", *service.OCCUPYING)


class Hold(Model):
    """One hold. Booking it uses the duration and buffers that it was made with, whatever its service says by then."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    option = belongs_to("Option", keep=True)
    option_id: UUID
    service = belongs_to("Service", keep=True)
    service_id: UUID
    starts_at = Instant()
    ends_at = Instant()
    buffer_before_minutes = fields.IntField()
    buffer_after_minutes = fields.IntField()
    expires_at = Instant()
    key = belongs_to("Key")
    key_id: UUID
    address = fields.CharField(max_length=64, default="")
    created_at = Instant()

    class Meta:
        table = "hold"
        indexes = (
            Index(fields=("expires_at",)),
            Index(fields=("business_id", "ends_at")),
            Index(fields=("key_id", "address")),
        )


_LAPSED = Statement(Hold, "WHERE hold.option_id = :option_id AND hold.expires_at <= :now")


async def drop_lapsed(work: LoggedTransaction, option_id: UUID) -> None:
    """Removes an option's lapsed holds: a constraint cannot read the clock, so whoever claims clears the way."""
    lapsed = await _LAPSED.rows(("id", *service.OCCUPYING), option_id=option_id, now=work.now)
    if lapsed:
        # The database deletes their claims with them.
        await Hold.filter(id__in=[row["id"] for row in lapsed]).delete()
        for row in lapsed:
            during = service.occupied(row)
            work.record(ChangeKind.HOLD, row["id"], ChangeAction.REMOVED, [option_id], during=during)


async def consume(work: LoggedTransaction, hold_id: UUID) -> tuple[UUID, UUID, intervals.Instant, Rules] | Refused:
    """Deletes a live hold to book it. Returns its service, option, start and lengths; refuses a lapsed one."""
    rows = await db.select(Hold.filter(business_id=work.business_id, id=hold_id), _TAKEN)
    if not rows or rows[0]["expires_at"] <= work.now:
        return await refuse_gone(work.business_id, hold_id)
    row = rows[0]
    await Hold.filter(id=hold_id).delete()
    during = service.occupied(row)
    work.record(ChangeKind.HOLD, hold_id, ChangeAction.REMOVED, [row["option_id"]], during=during)
    rules = Rules(step=1, **service.lengths(row))
    return row["service_id"], row["option_id"], intervals.to_instant(row["starts_at"]), rules


async def sweep_lapsed(now: datetime) -> None:
    """Deletes the lapsed holds of every business, which records their changes. Several processes may do it at once."""
    lapsed = await db.select(Hold.filter(expires_at__lte=now), ("business_id", "option_id"))
    for business_id, option_id in sorted({(row["business_id"], row["option_id"]) for row in lapsed}):
        await write(business_id, partial(drop_lapsed, option_id=option_id))


async def refuse_gone(business_id: UUID, hold_id: UUID) -> Refused:
    """Builds the refusal of a hold that is gone: somebody booked it, or it lapsed or was released."""
    if await Booking.filter(business_id=business_id, hold_id=hold_id).exists():
        return refused(ErrorCode.HOLD_EXPIRED, "This hold was booked already.", "input", "holdId")
    return refused(ErrorCode.HOLD_EXPIRED, "The hold has expired.", "input", "holdId")


def not_found() -> Refused:
    """Builds the refusal: there is no such hold, or it has lapsed."""
    return refused(ErrorCode.NOT_FOUND, "There is no such hold.", "input", "holdId")
