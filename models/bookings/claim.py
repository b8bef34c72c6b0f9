"""Claims: the time that a booking or a hold takes of its option, buffers included.

Both are in one table, so that one constraint of the database keeps any two claims of an option from overlapping.
"""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.storage.columns import Instant, belongs_to, new_id


class Claim(Model):
    """`[occupied_start, occupied_end)` of one option. Either `booking` or `hold` is set, never both."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    option = belongs_to("Option", keep=True)
    option_id: UUID
    booking = belongs_to("Booking", null=True, alone=True)
    booking_id: UUID | None
    hold = belongs_to("Hold", null=True, alone=True)
    hold_id: UUID | None
    occupied_start = Instant()
    occupied_end = Instant()

    class Meta:
        table = "claim"
        indexes = (Index(fields=("option_id", "occupied_end")),)
