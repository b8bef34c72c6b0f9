"""Holds: a slot kept for a customer for some minutes. A lapsed hold never stands in the way."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.columns import Instant, belongs_to, new_id


class Hold(Model):
    """A live promise: confirmed with the duration and buffers it was made with, whatever changed meanwhile."""

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
    created_at = Instant()

    class Meta:
        table = "hold"
        indexes = (Index(fields=("expires_at",)), Index(fields=("business_id", "ends_at")))
