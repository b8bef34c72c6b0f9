"""Options: what is booked, and when it is open."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.columns import Instant, belongs_to, new_id


class Option(Model):
    """What is booked. `opening_hours` is a list of [weekday 0-6 from Monday, "HH:MM", "HH:MM"]."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    name = fields.CharField(max_length=200)
    kind = fields.CharField(max_length=16)
    description = fields.TextField(null=True)
    color = fields.CharField(max_length=7, null=True)
    time_zone = fields.CharField(max_length=64)
    opening_hours = fields.JSONField[list[list[int | str]]](default=list)
    active = fields.BooleanField(default=True)
    created_at = Instant()

    class Meta:
        table = "option"
        indexes = (Index(fields=("business_id", "name", "id")),)


class DateOverride(Model):
    """Replaces the opening hours of one date. `intervals` is a list of ["HH:MM", "HH:MM"], empty: closed."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    option = belongs_to("Option")
    option_id: UUID
    date = fields.DateField()
    intervals = fields.JSONField[list[list[str]]](default=list)

    class Meta:
        table = "date_override"
        unique_together = (("option", "date"),)
