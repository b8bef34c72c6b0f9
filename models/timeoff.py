"""Time off: a blocked interval of one option."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.columns import Instant, belongs_to, new_id


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
