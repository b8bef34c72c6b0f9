"""How many bookings each address has made with public keys: in the database, so that every process counts alike.

No address is kept, only what the server's key makes of it, and that for an hour.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.log.change_log import LoggedTransaction
from models.storage import db
from models.storage.columns import Instant, belongs_to, new_id

KEPT = timedelta(hours=1)

_FORGOTTEN_AT_ONCE = 50
"""So many old rows go with each new one: a quiet hour after a busy one costs no single booking much."""


class AddressBooking(Model):
    """One booking that an address made. `address` stands for it and cannot be read."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    address = fields.CharField(max_length=64)
    made_at = Instant()

    class Meta:
        table = "address_booking"
        indexes = (Index(fields=("business_id", "address", "made_at")), Index(fields=("made_at",)))


class TooManyBookingsError(Exception):
    """An address has made as many bookings as it may; it can make the next one in `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the next one in {seconds} seconds")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Quota:
    """How many bookings an address may make an hour in one business."""

    address: str
    most: int

    async def check(self, work: LoggedTransaction) -> None:
        """Raises TooManyBookingsError when the address has made as many as it may. The business must be locked."""
        made = AddressBooking.filter(
            business_id=work.business_id, address=self.address, made_at__gt=work.now - KEPT
        ).order_by("-made_at")
        rows = await db.select(made.offset(self.most - 1).limit(1), ("made_at",))
        if rows:
            raise TooManyBookingsError((rows[0]["made_at"] + KEPT - work.now).total_seconds())

    async def count(self, work: LoggedTransaction) -> None:
        """Counts a booking that was made, and forgets old ones."""
        await AddressBooking.create(business_id=work.business_id, address=self.address, made_at=work.now)
        old = AddressBooking.filter(business_id=work.business_id, made_at__lte=work.now - KEPT)
        rows = await db.select(old.order_by("made_at").limit(_FORGOTTEN_AT_ONCE), ("id",))
        if rows:
            await AddressBooking.filter(id__in=[row["id"] for row in rows]).delete()


async def forget(now: datetime) -> None:
    """Forgets what counts no more, in every business."""
    await AddressBooking.filter(made_at__lte=now - KEPT).delete()
