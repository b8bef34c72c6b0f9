"""Bookings, which keep their id through every reschedule, and their history."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models import checks
from models.api_key import Caller
from models.enums import BookingStatus
from models.log.change_log import LoggedTransaction
from models.refusals import ErrorCode, Refusal, Refused, refused
from models.storage import db
from models.storage.columns import Instant, belongs_to, new_id
from models.storage.db import Row
from models.storage.queries import Statement

LONGEST = timedelta(minutes=checks.LONGEST_MINUTES)
"""The longest booking. A query for bookings that overlap a time need not look further back than this."""


class Booking(Model):
    """One booking. Its buffers stay those it was made with. `version` rises when a client's edit changes it."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    option = belongs_to("Option", keep=True)
    option_id: UUID
    service = belongs_to("Service", keep=True)
    service_id: UUID
    reference = fields.CharField(max_length=12)
    status = fields.CharField(max_length=16)
    starts_at = Instant()
    ends_at = Instant()
    buffer_before_minutes = fields.IntField()
    buffer_after_minutes = fields.IntField()
    customer_name = fields.CharField(max_length=200)
    customer_email = fields.CharField(max_length=320, null=True)
    customer_phone = fields.CharField(max_length=40, null=True)
    note = fields.TextField(null=True)
    cancel_reason = fields.TextField(null=True)
    hold_id = fields.UUIDField(null=True)
    version = fields.IntField(default=1)
    token_generation = fields.IntField(default=0)
    created_at = Instant()
    updated_at = Instant()

    class Meta:
        table = "booking"
        unique_together = (("business", "reference"),)
        indexes = (
            Index(fields=("business_id", "starts_at", "ends_at", "id")),
            Index(fields=("business_id", "ends_at")),
            Index(fields=("business_id", "created_at", "id")),
            Index(fields=("business_id", "updated_at", "id")),
            Index(fields=("option_id", "starts_at")),
            Index(fields=("hold_id",)),
        )


class BookingHistory(Model):
    """One entry of a booking's history: who did what, with the values before and after."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    business = belongs_to("Business")
    business_id: UUID
    booking = belongs_to("Booking")
    booking_id: UUID
    at = Instant()
    actor = fields.CharField(max_length=220)
    action = fields.CharField(max_length=32)
    changes = fields.JSONField[list[dict[str, Any]]](default=list)

    class Meta:
        table = "booking_history"
        indexes = (Index(fields=("booking_id", "id")),)


HOUR = timedelta(hours=1)
MOST_MOVES = 20
"""How often customers may move one booking within an hour."""

MOVED = "RESCHEDULED"
"""The action of a history's entry for a move."""


class TooManyMovesError(Exception):
    """Customers have moved a booking as often as they may within an hour; they can move it again in `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the next move in {seconds} seconds")
        self.seconds = seconds


def not_found() -> Refused:
    """Builds the refusal: there is no such booking in this business."""
    return refused(ErrorCode.NOT_FOUND, "There is no such booking.", "input", "bookingId")


def tidied(values: Mapping[str, Any]) -> dict[str, Any]:
    """Trims the customer's details, the note and the reason for the database."""
    return checks.tidied(values, "customer_name", "customer_email", "customer_phone", "note", "reason")


def validate_details(values: Mapping[str, Any]) -> list[Refusal]:
    """Returns a refusal for each wrong detail of the customer and for a wrong note. A name, if given, is not blank."""
    return checks.refusals(
        checks.name(values["customer_name"], "customer", "name") if "customer_name" in values else None,
        checks.email(values.get("customer_email"), "customer", "email"),
        checks.phone(values.get("customer_phone"), "customer", "phone"),
        checks.text(values.get("note"), "note"),
    )


async def note_history(
    work: LoggedTransaction,
    caller: Caller,
    booking_id: UUID,
    action: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Adds an entry to a booking's history: who did what, with the values that changed."""
    changed = [
        {"field": checks.camel(name), "before": _history_text(before[name]), "after": _history_text(after[name])}
        for name in after
        if before[name] != after[name]
    ]
    await BookingHistory.create(
        business_id=work.business_id,
        booking_id=booking_id,
        at=work.now,
        actor=caller.actor,
        action=action,
        changes=changed,
    )


async def note_drift(work: LoggedTransaction, booking_id: UUID, drift: str) -> None:
    """Adds to a booking's history that `sync` undid somebody's change of its event in Google; `drift` is its kind."""
    changed = {"field": "mirror.drift", "before": drift, "after": "NONE"}
    await BookingHistory.create(
        business_id=work.business_id,
        booking_id=booking_id,
        at=work.now,
        actor="google",
        action="DRIFT_CORRECTED",
        changes=[changed],
    )


def _history_text(value: Any) -> str | None:
    """Converts a value for the history: instants to ISO 8601 in UTC, all else to text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return None if value is None else str(value)


LONGEST_HISTORY = 100
"""The most entries of a booking's history that anybody is shown: the newest."""

_NEWEST_ENTRIES = Statement(
    BookingHistory,
    """WHERE booking_history.id IN (
        SELECT ranked.id FROM (
            SELECT each_entry.id, ROW_NUMBER() OVER (PARTITION BY each_entry.booking_id ORDER BY each_entry.id DESC)
                AS place
            FROM booking_history AS each_entry WHERE each_entry.booking_id IN :ids
        ) AS ranked WHERE ranked.place <= :most
    ) ORDER BY booking_history.id""",
)


async def history_of(booking_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Row]]:
    """Returns the newest entries of each booking's history, oldest first."""
    found: dict[UUID, list[Row]] = {}
    columns = ("booking_id", "at", "actor", "action", "changes")
    for row in await _NEWEST_ENTRIES.rows(columns, ids=list(set(booking_ids)), most=LONGEST_HISTORY):
        found.setdefault(row["booking_id"], []).append(row)
    return found


async def check_moves(work: LoggedTransaction, caller: Caller, booking_id: UUID) -> None:
    """Raises TooManyMovesError when customers have moved the booking as often within an hour as they may. Staff may
    move it at any time. `work` holds the business's lock.
    """
    if caller.is_staff:
        return
    moves = BookingHistory.filter(booking_id=booking_id, actor=caller.actor, action=MOVED, at__gt=work.now - HOUR)
    rows = await db.select(moves.order_by("-id").offset(MOST_MOVES - 1).limit(1), ("at",))
    if rows:
        raise TooManyMovesError((rows[0]["at"] + HOUR - work.now).total_seconds())


async def is_managed(business_id: UUID, booking_id: UUID, generation: int) -> bool:
    """Whether a manage token of that generation is still good for the booking."""
    return await Booking.filter(business_id=business_id, id=booking_id, token_generation=generation).exists()


_NEXT_STATUSES: Mapping[BookingStatus, frozenset[BookingStatus]] = {
    BookingStatus.CONFIRMED: frozenset({BookingStatus.COMPLETED, BookingStatus.NO_SHOW}),
    BookingStatus.COMPLETED: frozenset({BookingStatus.CONFIRMED}),
    BookingStatus.NO_SHOW: frozenset({BookingStatus.CONFIRMED}),
    BookingStatus.CANCELLED: frozenset(),
}


def judge_status(status: str, wanted: str | None, *, started: bool) -> Refused | None:
    """Why staff may not give a booking that status: how it went can be said once it has started. None: as it is."""
    if wanted is None or wanted == status:
        return None
    if BookingStatus(wanted) not in _NEXT_STATUSES[BookingStatus(status)]:
        message = "The booking is {status}: make it CONFIRMED first."
    elif not started and status == BookingStatus.CONFIRMED:
        message = "The booking has not taken place yet: how it went can be said once it has started."
    else:
        return None
    return refused(ErrorCode.NOT_CHANGEABLE, message, "input", "status", status=status)
