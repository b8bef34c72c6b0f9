"""Google events as rows, and the time they block. Written by `sync` only."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.columns import Instant, belongs_to, new_id


class GoogleEvent(Model):
    """One occurrence somebody else put into a calendar we follow.

    `master_id` is the recurring event it belongs to. `busy` is Google's own answer (not free, not declined, not a
    working location or birthday), what it blocks, by the links' rules, is in GoogleBlock. All-day events keep their
    dates: `starts_at` and `ends_at` are those dates in the calendar's zone. `attendees` are mail addresses.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    calendar = belongs_to("GoogleCalendar")
    calendar_id: UUID
    google_id = fields.CharField(max_length=1100)
    master_id = fields.CharField(max_length=1100, null=True)
    starts_at = Instant()
    ends_at = Instant()
    all_day = fields.BooleanField(default=False)
    title = fields.TextField(null=True)
    description = fields.TextField(null=True)
    location = fields.TextField(null=True)
    color = fields.CharField(max_length=64, null=True)
    attendees = fields.JSONField[list[str]](default=list)
    busy = fields.BooleanField()
    private = fields.BooleanField(default=False)
    html_link = fields.TextField(null=True)
    etag = fields.TextField(null=True)
    generation = fields.IntField(default=0)

    class Meta:
        table = "google_event"
        unique_together = (("calendar", "google_id"),)
        indexes = (
            Index(fields=("calendar_id", "master_id")),
            Index(fields=("business_id", "ends_at")),
        )


class GoogleBlock(Model):
    """One event makes one option unavailable: the join of events and links, with the range repeated for speed."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    event = belongs_to("GoogleEvent")
    event_id: UUID
    option = belongs_to("Option")
    option_id: UUID
    starts_at = Instant()
    ends_at = Instant()

    class Meta:
        table = "google_block"
        unique_together = (("event", "option"),)
        indexes = (Index(fields=("option_id", "ends_at")),)
