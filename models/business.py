"""Businesses, the tenants of the service. A business owns everything else, and counts the revisions of its log."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from models import clock
from models.storage import db
from models.storage.columns import Instant, new_id
from models.storage.db import Row

_LISTED = ("id", "slug", "name", "time_zone", "language", "origins", "booking_url")


class Business(Model):
    """One business. `revision` is that of the newest entry of its log. A lock on this row locks the business."""

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
    """Creates a business and returns its id. Raises IntegrityError when another business has the slug."""
    business = await Business.create(slug=slug, name=name, time_zone=time_zone, created_at=clock.now(), **more)
    return business.id


async def read(business_id: UUID, columns: tuple[str, ...]) -> Row:
    """Returns these columns of a business, which must exist: ValueError otherwise."""
    (row,) = await db.select(Business.filter(id=business_id), columns)
    return row


async def by_slug(slug: str) -> UUID | None:
    """Returns the id of the business with that slug; None when there is none."""
    rows = await db.select(Business.filter(slug=slug), ("id",))
    return rows[0]["id"] if rows else None


async def list_businesses() -> list[Row]:
    """Every business, by slug."""
    return await db.select(Business.all().order_by("slug"), _LISTED)
