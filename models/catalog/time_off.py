"""Time off: a blocked interval of one option. The rows and the verbs on them."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models import business, checks
from models.catalog import option
from models.catalog.option import Option
from models.enums import ChangeAction, ChangeKind
from models.log.change_log import LoggedTransaction, write
from models.refusals import ErrorCode, Refused, refused
from models.scheduling import hours, intervals
from models.storage import db
from models.storage.columns import Instant, belongs_to, new_id

MOST_DAYS = 366
"""The longest time off in days, as the business's own clocks count them."""

LONGEST = timedelta(days=MOST_DAYS + 1)
"""The longest time off in elapsed time; a day more, since clocks may be put back."""


class TimeOff(Model):
    """`[starts_at, ends_at)` during which the option cannot be booked."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    option = belongs_to("Option")
    option_id: UUID
    starts_at = Instant()
    ends_at = Instant()
    reason = fields.TextField(null=True)
    created_at = Instant()

    class Meta:
        table = "time_off"
        indexes = (Index(fields=("option_id", "ends_at")), Index(fields=("business_id", "ends_at")))


async def create(
    business_id: UUID, option_id: UUID, start: datetime, end: datetime, reason: str | None
) -> UUID | Refused:
    """Blocks an interval of an option, a year at most. Bookings inside it stay as they are; staff decide about them."""
    reason = checks.tidy(reason)
    zone = ZoneInfo((await business.read(business_id, ("time_zone",)))["time_zone"])
    fits = hours.wall_days(intervals.interval(start, end), zone) <= MOST_DAYS
    refusals = checks.refusals(
        checks.text(reason, "reason"),
        None if start < end else checks.invalid("Must be after the start.", "end"),
        None if fits else checks.invalid("At most a year after the start.", "end"),
    )
    if refusals:
        return Refused(refusals)

    async def body(work: LoggedTransaction) -> UUID | Refused:
        if not await Option.filter(business_id=business_id, id=option_id).exists():
            return option.not_found()
        made = await TimeOff.create(
            business_id=business_id,
            option_id=option_id,
            starts_at=start,
            ends_at=end,
            reason=reason,
            created_at=work.now,
        )
        during = intervals.interval(start, end)
        work.record(ChangeKind.TIME_OFF, made.id, ChangeAction.UPSERTED, [option_id], during=during)
        return made.id

    return await write(business_id, body)


async def delete(business_id: UUID, time_off_id: UUID) -> UUID | Refused:
    """Deletes a time off, so that customers can book the option then again."""

    async def body(work: LoggedTransaction) -> UUID | Refused:
        query = TimeOff.filter(business_id=business_id, id=time_off_id)
        rows = await db.select(query, ("option_id", "starts_at", "ends_at"))
        if not rows:
            return refused(ErrorCode.NOT_FOUND, "There is no such time off.", "input", "timeOffId")
        await query.delete()
        row = rows[0]
        during = intervals.interval(row["starts_at"], row["ends_at"])
        work.record(ChangeKind.TIME_OFF, time_off_id, ChangeAction.REMOVED, [row["option_id"]], during=during)
        return time_off_id

    return await write(business_id, body)
