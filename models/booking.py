"""Bookings: a slot taken, kept by id through every reschedule, with its history."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.columns import Instant, belongs_to, new_id


class Booking(Model):
    """A slot taken. The buffers are those it was made with. `version` rises with what clients see and edit."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    option = belongs_to("Option", keep=True)
    option_id: UUID
    service = belongs_to("Service", keep=True)
    service_id: UUID
    reference = fields.CharField(max_length=12)
    status = fields.CharField(max_length=16)
    starts_at = Instant()
    ends_at = Instant()
    buffer_before_minutes = fields.IntField()
    buffer_after_minutes = fields.IntField()
    customer_name = fields.CharField(max_length=200)
    customer_email = fields.CharField(max_length=320, null=True)
    customer_phone = fields.CharField(max_length=40, null=True)
    note = fields.TextField(null=True)
    cancel_reason = fields.TextField(null=True)
    version = fields.IntField(default=1)
    token_generation = fields.IntField(default=0)
    created_at = Instant()
    updated_at = Instant()

    class Meta:
        table = "booking"
        unique_together = (("business", "reference"),)
        indexes = (
            Index(fields=("business_id", "starts_at", "id")),
            Index(fields=("business_id", "ends_at")),
            Index(fields=("option_id", "starts_at")),
        )


class BookingHistory(Model):
    """Who did what to a booking, with the values before and after."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    booking = belongs_to("Booking")
    booking_id: UUID
    at = Instant()
    actor = fields.CharField(max_length=220)
    action = fields.CharField(max_length=32)
    changes = fields.JSONField[list[dict[str, Any]]](default=list)

    class Meta:
        table = "booking_history"
        indexes = (Index(fields=("booking_id", "id")),)
