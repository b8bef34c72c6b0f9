"""The tenant: owns everything, and hands out the revisions of its log."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from models import clock
from models.storage import db
from models.storage.columns import Instant, new_id
from models.storage.db import Row


class Business(Model):
    """One tenant. `revision` is the newest entry of its change log. Locking this row locks the business."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    slug = fields.CharField(max_length=63, unique=True)
    name = fields.CharField(max_length=200)
    time_zone = fields.CharField(max_length=64)
    language = fields.CharField(max_length=8, default="en")
    booking_url = fields.CharField(max_length=500, null=True)
    origins = fields.JSONField[list[str]](default=list)
    revision = fields.BigIntField(default=0)
    title_template = fields.TextField(null=True)
    description_template = fields.TextField(null=True)
    location_template = fields.TextField(null=True)
    created_at = Instant()

    class Meta:
        table = "business"


async def create(slug: str, name: str, time_zone: str, **more: Any) -> UUID:
    """A new business. Raises IntegrityError when the slug is taken."""
    business = await Business.create(slug=slug, name=name, time_zone=time_zone, created_at=clock.now(), **more)
    return business.id


async def read(business_id: UUID, columns: tuple[str, ...]) -> Row:
    """The asked columns of a business that is there."""
    (row,) = await db.select(Business.filter(id=business_id), columns)
    return row


async def by_slug(slug: str) -> UUID | None:
    """The business of that slug."""
    rows = await db.select(Business.filter(slug=slug), ("id",))
    return rows[0]["id"] if rows else None


async def listed() -> list[Row]:
    """Every business, by slug."""
    return await db.select(Business.all().order_by("slug"), ("id", "slug", "name", "time_zone", "language"))
