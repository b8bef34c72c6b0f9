"""Counts the bookings that each network address makes with public keys, in the database, so that processes share the
count.

A row has only a keyed hash of the address, and stays for an hour.
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
"""The most old rows that one booking deletes, so that no single one pays for a busy hour before it."""


class AddressBooking(Model):
    """One booking that an address made. `address` is a keyed hash."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    address = fields.CharField(max_length=64)
    made_at = Instant()

    class Meta:
        table = "address_booking"
        indexes = (Index(fields=("business_id", "address", "made_at")), Index(fields=("made_at",)))


class TooManyBookingsError(Exception):
    """An address has made as many bookings as it may within an hour; it can make the next one in `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the next one in {seconds} seconds")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Quota:
    """The most bookings that an address may make within an hour in one business."""

    address: str
    most: int

    async def check(self, work: LoggedTransaction) -> None:
        """Raises TooManyBookingsError when the address has made as many as it may. `work` holds the business's lock."""
        made = AddressBooking.filter(
            business_id=work.business_id, address=self.address, made_at__gt=work.now - KEPT
        ).order_by("-made_at")
        rows = await db.select(made.offset(self.most - 1).limit(1), ("made_at",))
        if rows:
            raise TooManyBookingsError((rows[0]["made_at"] + KEPT - work.now).total_seconds())

    async def count(self, work: LoggedTransaction) -> None:
        """Counts a booking that the address just made, and deletes some old rows."""
        await AddressBooking.create(business_id=work.business_id, address=self.address, made_at=work.now)
        old = AddressBooking.filter(business_id=work.business_id, made_at__lte=work.now - KEPT)
        rows = await db.select(old.order_by("made_at").limit(_FORGOTTEN_AT_ONCE), ("id",))
        if rows:
            await AddressBooking.filter(id__in=[row["id"] for row in rows]).delete()


async def prune(now: datetime) -> None:
    """Deletes the rows older than an hour, in every business."""
    await AddressBooking.filter(made_at__lte=now - KEPT).delete()
