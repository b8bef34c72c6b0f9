"""API keys: a role in one business. Only a digest is stored; the key itself is shown once."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.columns import Instant, belongs_to, new_id


class Key(Model):
    """One API key of a business. `role` is a Role name."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    role = fields.CharField(max_length=8)
    name = fields.CharField(max_length=200)
    digest = fields.CharField(max_length=64, unique=True)
    created_at = Instant()
    revoked_at = Instant(null=True)

    class Meta:
        table = "key"
        indexes = (Index(fields=("business_id",)),)
