"""The tenant: owns everything, and hands out the revisions of its log."""

from tortoise import fields
from tortoise.models import Model

from models.columns import Instant, new_id


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
