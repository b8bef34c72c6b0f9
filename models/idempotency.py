"""Remembered outcomes: a repeated request gets the first one's answer, refusals included."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.columns import Instant, belongs_to, new_id


class Outcome(Model):
    """What one (API key, mutation, idempotency key) led to, bound to the whole input by its digest."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    key = belongs_to("Key")
    key_id: UUID
    mutation = fields.CharField(max_length=32)
    idempotency_key = fields.CharField(max_length=128)
    input_digest = fields.CharField(max_length=64)
    answer = fields.JSONField[dict[str, Any]]()
    created_at = Instant()

    class Meta:
        table = "outcome"
        unique_together = (("key", "mutation", "idempotency_key"),)
        indexes = (Index(fields=("created_at",)),)
