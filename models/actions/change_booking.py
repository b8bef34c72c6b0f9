"""Changing a booking: the verbs that move, cancel and edit it. Each is one transaction: lock, read, decide, write.

A refused change leaves everything as it was.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models import checks, clock
from models.actions import affected_entries
from models.actions.create_booking import ChosenSlot, settle_on, taking
from models.actions.load_offer import offer_of
from models.api_key import Caller
from models.bookings import booking, search
from models.bookings.booking import Booking, judge_details, note_history
from models.bookings.claim import Claim
from models.catalog import service
from models.enums import BookingStatus, ChangeAction, ChangeKind
from models.google import freshness, mirror
from models.log import change_log, idempotency
from models.log.change_log import LoggedTransaction
from models.log.idempotency import IdempotentRequest
from models.refusals import ErrorCode, Refusal, Refused, refused
from models.scheduling import decision
from models.scheduling.affected_time import NO_TIME, hull
from models.scheduling.availability import Rules
from models.scheduling.intervals import Interval, to_datetime, to_instant
from models.scheduling.offer import Offer, nearby
from models.storage import db
from models.storage.db import Row
from models.storage.turns import through

_BOOKING_COLUMNS = ("id", "option_id", "service_id", "status", "version", *service.OCCUPYING)
_EDITED = ("reference", "customer_name", "customer_email", "customer_phone", "note", "cancel_reason")
_EITHER = "The booking cannot be changed any more."


async def reschedule(
    caller: Caller,
    booking_id: UUID,
    start: datetime,
    *,
    option_id: UUID | None = None,
    expected_version: int | None = None,
    override_rules: bool = False,
    google_days: int,
    once: IdempotentRequest | None = None,
) -> UUID | Refused:
    """Moves a booking to another time, another option, or both. It keeps its id, duration and buffers, and its own
    range does not stand in its way. With `once`, a repeated request gets the first one's outcome.
    """

    async def decide_and_write(work: LoggedTransaction) -> UUID | Refused:
        row = await changeable(work, caller, booking_id, expected_version)
        if isinstance(row, Refused):
            return row
        wanted = option_id or row["option_id"]
        if (start, wanted) == (row["starts_at"], row["option_id"]):
            return booking_id
        place = await _new_place(work, row, wanted, start, google_days, override_rules)
        return place if isinstance(place, Refused) else await _move(work, caller, row, place)

    answer = await taking(caller.business_id, idempotency.body(once, decide_and_write))
    if isinstance(answer, Refused) and decision.is_about_the_slot(answer):
        (row,) = await db.select(Booking.filter(id=booking_id), _BOOKING_COLUMNS)
        wanted, at = option_id or row["option_id"], to_instant(start)
        found = await _offer(caller.business_id, row, nearby(at), clock.now(), google_days)
        return replace(answer, alternatives=await through(found.nearest(at, wanted)))
    return answer


async def cancel(
    caller: Caller,
    booking_id: UUID,
    *,
    reason: str | None = None,
    expected_version: int | None = None,
    once: IdempotentRequest | None = None,
) -> UUID | Refused:
    """Cancels a booking for good and frees its range; lists of bookings still have it. With `once`, only once."""
    reason = checks.tidy(reason)
    if wrong := checks.found(checks.text(reason, "reason")):
        return Refused(wrong)

    async def decide_and_write(work: LoggedTransaction) -> UUID | Refused:
        row = await changeable(work, caller, booking_id, expected_version)
        if isinstance(row, Refused):
            return row
        await Claim.filter(booking_id=booking_id).delete()
        await amend(work, caller, row, "CANCELLED", {"status": BookingStatus.CANCELLED, "cancel_reason": reason})
        during = service.occupied(row)
        work.record(ChangeKind.BOOKING, booking_id, ChangeAction.REMOVED, [row["option_id"]], during=during)
        await affected_entries.of_booking(work, row["option_id"], row["starts_at"], row["ends_at"])
        await mirror.want(work, booking_id, row["option_id"], present=False)
        return booking_id

    return await change_log.write(caller.business_id, idempotency.body(once, decide_and_write))


async def changeable(
    work: LoggedTransaction, caller: Caller, booking_id: UUID, expected_version: int | None
) -> Row | Refused:
    """The booking, if this caller may move or cancel it now; a customer may until the service's notice before it."""
    row = await _standing(work, booking_id, expected_version)
    if isinstance(row, Refused):
        return row
    notice = timedelta(minutes=row["service__change_notice_minutes"])
    if row["status"] != BookingStatus.CONFIRMED or (not caller.is_staff and work.now > row["starts_at"] - notice):
        return refused(ErrorCode.NOT_CHANGEABLE, _EITHER, "input", "bookingId")
    return row


async def _standing(work: LoggedTransaction, booking_id: UUID, expected_version: int | None) -> Row | Refused:
    """The booking as it is now, unless it is cancelled, or has changed since it was read."""
    query = Booking.filter(business_id=work.business_id, id=booking_id)
    rows = await db.select(query, (*_BOOKING_COLUMNS, *_EDITED, "service__change_notice_minutes"))
    if not rows:
        return booking.not_found()
    row = rows[0]
    if row["status"] == BookingStatus.CANCELLED:
        return refused(ErrorCode.ALREADY_CANCELLED, "The booking is cancelled already.", "input", "bookingId")
    if expected_version is not None and expected_version != row["version"]:
        return refused(
            ErrorCode.STALE_VERSION,
            "The booking has changed meanwhile: it is at version {version}.",
            "input",
            "expectedVersion",
            version=row["version"],
        )
    return row


async def amend(
    work: LoggedTransaction,
    caller: Caller,
    row: Row,
    action: str,
    values: dict[str, Any],
    noted: Mapping[str, Any] | None = None,
) -> None:
    """Writes new values of a booking, one version up, with the history of what they replace; `noted` goes there too."""
    await Booking.filter(id=row["id"]).update(version=row["version"] + 1, updated_at=work.now, **values)
    after = {**values, **(noted or {})}
    await note_history(work, caller, row["id"], action, {name: row.get(name) for name in after}, after)


async def preview_option(
    business_id: UUID,
    booking_id: UUID,
    start: datetime,
    *,
    option_id: UUID | None,
    override_rules: bool,
    google_days: int,
) -> UUID | None:
    """The option that would take the booking if it were moved now; nothing is locked, and nothing is promised."""
    standing = Booking.filter(business_id=business_id, id=booking_id, status=BookingStatus.CONFIRMED)
    rows = await db.select(standing, _BOOKING_COLUMNS)
    if not rows or (rows[0]["starts_at"], rows[0]["option_id"]) == (start, option_id or rows[0]["option_id"]):
        return None
    wanted, at = option_id or rows[0]["option_id"], to_instant(start)
    found = await _offer(business_id, rows[0], Interval(at, at + 1), clock.now(), google_days, only=[wanted])
    return None if isinstance(decision.free_options(found, at, override_rules), Refused) else wanted


async def rules_of(business_id: UUID, booking_id: UUID) -> Rules | None:
    """The rules that count when this booking is moved; None when there is none such."""
    rows = await db.select(Booking.filter(business_id=business_id, id=booking_id), _BOOKING_COLUMNS)
    return (await _rules(business_id, rows[0]))[0] if rows else None


async def _rules(business_id: UUID, row: Row) -> tuple[Rules, Row]:
    """The booking's own lengths with its service's other rules, and the service."""
    of = await service.read(business_id, row["service_id"], service.OFFER_COLUMNS)
    if of is None:
        raise LookupError("a booking's service is always there")
    return replace(service.rules(of), **service.lengths(row)), of


async def _offer(
    business_id: UUID,
    row: Row,
    window: Interval,
    now: datetime,
    google_days: int,
    only: Collection[UUID] | None = None,
) -> Offer:
    """Where the booking could go, its own range being free."""
    rules, of = await _rules(business_id, row)
    at = to_instant(now)
    return await offer_of(of, rules, window, now=at, google_days=google_days, only=only, leave_out=row["id"])


async def _new_place(
    work: LoggedTransaction, row: Row, option_id: UUID, start: datetime, google_days: int, override_rules: bool
) -> ChosenSlot | Refused:
    """Decides whether the booking can go there, under the lock."""
    at = to_instant(start)
    found = await _offer(work.business_id, row, Interval(at, at + 1), work.now, google_days, only=[option_id])
    return await settle_on(work, found, row["service_id"], option_id, at, override_rules)


async def _move(work: LoggedTransaction, caller: Caller, row: Row, place: ChosenSlot) -> UUID:
    """Writes the move and everything that goes with it."""
    booking_id: UUID = row["id"]
    await Claim.filter(booking_id=booking_id).update(
        option_id=place.option_id,
        occupied_start=to_datetime(place.occupied.start),
        occupied_end=to_datetime(place.occupied.end),
    )
    starts_at, ends_at = to_datetime(place.start), to_datetime(place.end)
    values = {"option_id": place.option_id, "starts_at": starts_at, "ends_at": ends_at}
    await amend(work, caller, row, "RESCHEDULED", values, await freshness.missed(place.option_id, work.now))
    concerned, during = [row["option_id"], place.option_id], hull([service.occupied(row), place.occupied])
    work.record(ChangeKind.BOOKING, booking_id, ChangeAction.UPSERTED, concerned, during=during)
    await affected_entries.of_booking(work, row["option_id"], row["starts_at"], row["ends_at"])
    await affected_entries.of_booking(work, place.option_id, starts_at, ends_at)
    await mirror.want(work, booking_id, place.option_id, present=True)
    return booking_id


async def update(
    caller: Caller,
    booking_id: UUID,
    values: Mapping[str, Any],
    *,
    expected_version: int | None = None,
    once: IdempotentRequest | None = None,
) -> UUID | Refused:
    """Changes what is noted of a booking (`customer_name`, `customer_email`, `customer_phone`, `note`) and, once it
    has started, how it went (`status`). Staff only.
    """
    values = booking.tidied(values)
    if wrong := _judge(values):
        return Refused(wrong)

    async def decide_and_write(work: LoggedTransaction) -> UUID | Refused:
        row = await _standing(work, booking_id, expected_version)
        if isinstance(row, Refused):
            return row
        if not booking.may_become(row["status"], values.get("status"), started=row["starts_at"] <= work.now):
            return refused(ErrorCode.NOT_CHANGEABLE, _EITHER, "input", "status")
        changed = {name: value for name, value in values.items() if row[name] != value}
        if changed:
            await amend(work, caller, row, "UPDATED", changed)
            after = {**row, **changed}
            words = search.words_of(row["reference"], after["customer_name"], after["customer_email"])
            await search.reindex(work.business_id, booking_id, words)
            # Not even how a booking went gives its time back.
            work.record(ChangeKind.BOOKING, booking_id, ChangeAction.UPSERTED, [row["option_id"]], during=NO_TIME)
            await affected_entries.of_booking(work, row["option_id"], row["starts_at"], row["ends_at"])
            await mirror.want(work, booking_id, row["option_id"], present=True)
        return booking_id

    return await change_log.write(caller.business_id, idempotency.body(once, decide_and_write))


def _judge(values: Mapping[str, Any]) -> list[Refusal]:
    """What is wrong with new values, field by field."""
    wrong = judge_details(values)
    if "status" in values and values["status"] is None:
        wrong.append(checks.invalid("Must not be null.", "status"))
    if values.get("status") == BookingStatus.CANCELLED:
        wrong.append(checks.invalid("A booking is cancelled with cancelBooking.", "status"))
    return wrong
