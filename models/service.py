"""Services: what a customer books, and which options offer it."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.columns import Instant, belongs_to, new_id


class Service(Model):
    """What a customer books. Lengths are minutes. `booking_horizon_days` null means no limit."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    name = fields.CharField(max_length=200)
    description = fields.TextField(null=True)
    duration_minutes = fields.IntField()
    buffer_before_minutes = fields.IntField(default=0)
    buffer_after_minutes = fields.IntField(default=0)
    slot_step_minutes = fields.IntField()
    minimum_notice_minutes = fields.IntField(default=0)
    booking_horizon_days = fields.IntField(null=True)
    change_notice_minutes = fields.IntField(default=0)
    price_amount = fields.CharField(max_length=20, null=True)
    price_currency = fields.CharField(max_length=3, null=True)
    active = fields.BooleanField(default=True)
    created_at = Instant()

    class Meta:
        table = "service"
        indexes = (Index(fields=("business_id", "name", "id")),)


class Offering(Model):
    """One option offers one service."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    service = belongs_to("Service")
    service_id: UUID
    option = belongs_to("Option")
    option_id: UUID

    class Meta:
        table = "offering"
        unique_together = (("service", "option"),)
        indexes = (Index(fields=("option_id",)),)
