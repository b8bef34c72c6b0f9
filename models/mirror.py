"""Mirrors: for each booking on a linked calendar, what Google should show and what it shows.

Owns the wanted side, written in the same transaction as the booking. May not call Google: `sync` compares wanted
with pushed and makes them equal.
"""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.columns import Instant, belongs_to, new_id


class Mirror(Model):
    """The one event in Google that stands for one booking on one calendar.

    Work is waiting iff `wanted_version != pushed_version`. `present` says what is wanted: the event there, or gone.
    `google_id` is deterministic in (booking, calendar, generation). A new generation is a new event. `drift` is a
    Drift name: how somebody last changed it in Google.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    booking = belongs_to("Booking")
    booking_id: UUID
    calendar = belongs_to("GoogleCalendar")
    calendar_id: UUID
    google_id = fields.CharField(max_length=64)
    generation = fields.IntField(default=0)
    present = fields.BooleanField(default=True)
    wanted_version = fields.IntField(default=1)
    pushed_version = fields.IntField(default=0)
    failed_version = fields.IntField(null=True)
    attempts = fields.IntField(default=0)
    next_attempt_at = Instant(null=True)
    pending_since = Instant(null=True)
    pushed_at = Instant(null=True)
    html_link = fields.TextField(null=True)
    etag = fields.TextField(null=True)
    content_hash = fields.CharField(max_length=64, null=True)
    drift = fields.CharField(max_length=8, default="NONE")
    repairs = fields.IntField(default=0)
    repairs_on = fields.DateField(null=True)
    error_code = fields.CharField(max_length=64, null=True)
    error_message = fields.TextField(null=True)
    error_at = Instant(null=True)
    created_at = Instant()

    class Meta:
        table = "mirror"
        unique_together = (("booking", "calendar"), ("calendar", "google_id"))
        indexes = (Index(fields=("calendar_id", "wanted_version", "pushed_version")),)
