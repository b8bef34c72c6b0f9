"""The verbs that move, cancel and edit a booking. Each is one transaction: lock, read, decide, write.

A verb that refuses changes nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models import checks, clock
from models.actions import affected_entries
from models.actions.create_booking import ChosenSlot, choose_option, write_claim
from models.actions.load_offer import offer_of
from models.api_key import Caller
from models.bookings import booking, search
from models.bookings.booking import Booking, note_history, validate_details
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
_NOT_CHANGEABLE = "The booking cannot be changed any more."


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
    """Moves a booking to another time, another option, or both. It keeps its id, duration and buffers, and may overlap
    its own old time. With `once`, a repeated request gets the first one's outcome. Raises TooManyMovesError.
    """

    async def decide_and_write(work: LoggedTransaction) -> UUID | Refused:
        row = await changeable(work, caller, booking_id, expected_version)
        if isinstance(row, Refused):
            return row
        wanted = option_id or row["option_id"]
        if (start, wanted) == (row["starts_at"], row["option_id"]):
            return booking_id
        await booking.check_moves(work, caller, booking_id)
        slot = await _decide(work, row, wanted, start, google_days, override_rules)
        return slot if isinstance(slot, Refused) else await _move(work, caller, row, slot)

    answer = await write_claim(caller.business_id, idempotency.run_once_body(once, decide_and_write))
    if isinstance(answer, Refused) and decision.is_about_the_slot(answer):
        (row,) = await db.select(Booking.filter(id=booking_id), _BOOKING_COLUMNS)
        wanted, at = option_id or row["option_id"], to_instant(start)
        offer = await _offer(caller.business_id, row, nearby(at), clock.now(), google_days)
        return replace(answer, alternatives=await through(offer.nearest(at, wanted)))
    return answer


async def cancel(
    caller: Caller,
    booking_id: UUID,
    *,
    reason: str | None = None,
    expected_version: int | None = None,
    once: IdempotentRequest | None = None,
) -> UUID | Refused:
    """Cancels a booking for good and frees its time. With `once`, a repeated request gets the first one's outcome."""
    reason = checks.tidy(reason)
    if refusals := checks.refusals(checks.text(reason, "reason")):
        return Refused(refusals)

    async def decide_and_write(work: LoggedTransaction) -> UUID | Refused:
        row = await changeable(work, caller, booking_id, expected_version)
        if isinstance(row, Refused):
            return row
        await Claim.filter(booking_id=booking_id).delete()
        await amend(work, caller, row, "CANCELLED", {"status": BookingStatus.CANCELLED, "cancel_reason": reason})
        during = service.occupied(row)
        work.record(ChangeKind.BOOKING, booking_id, ChangeAction.REMOVED, [row["option_id"]], during=during)
        await affected_entries.record_for_booking(work, row["option_id"], row["starts_at"], row["ends_at"])
        await mirror.want(work, booking_id, row["option_id"], present=False)
        return booking_id

    return await change_log.write(caller.business_id, idempotency.run_once_body(once, decide_and_write))


async def changeable(
    work: LoggedTransaction, caller: Caller, booking_id: UUID, expected_version: int | None
) -> Row | Refused:
    """Returns the booking if this caller may move or cancel it now, or the refusal. Customers may until the service's
    `change_notice_minutes` before it starts, staff at any time.
    """
    row = await _read_current(work, booking_id, expected_version)
    if isinstance(row, Refused):
        return row
    notice = timedelta(minutes=row["service__change_notice_minutes"])
    if row["status"] != BookingStatus.CONFIRMED or (not caller.is_staff and work.now > row["starts_at"] - notice):
        return refused(ErrorCode.NOT_CHANGEABLE, _NOT_CHANGEABLE, "input", "bookingId")
    return row


async def _read_current(work: LoggedTransaction, booking_id: UUID, expected_version: int | None) -> Row | Refused:
    """Returns the booking as it is now; refuses a cancelled one, and one that has not the expected version."""
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
    also_recorded: Mapping[str, Any] | None = None,
) -> None:
    """Writes new values of a booking, raises its version, and adds both to its history, with `also_recorded`."""
    await Booking.filter(id=row["id"]).update(version=row["version"] + 1, updated_at=work.now, **values)
    after = {**values, **(also_recorded or {})}
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
    """Returns the option to which `reschedule` would move it now. The graph reads its Google calendar first. No
    lock.
    """
    standing = Booking.filter(business_id=business_id, id=booking_id, status=BookingStatus.CONFIRMED)
    rows = await db.select(standing, _BOOKING_COLUMNS)
    if not rows or (rows[0]["starts_at"], rows[0]["option_id"]) == (start, option_id or rows[0]["option_id"]):
        return None
    wanted, at = option_id or rows[0]["option_id"], to_instant(start)
    offer = await _offer(business_id, rows[0], Interval(at, at + 1), clock.now(), google_days, only=[wanted])
    return None if isinstance(decision.free_options(offer, at, override_rules), Refused) else wanted


async def rules_of(business_id: UUID, booking_id: UUID) -> Rules | None:
    """Returns the rules by which `reschedule` moves this booking; None when there is no such booking."""
    rows = await db.select(Booking.filter(business_id=business_id, id=booking_id), _BOOKING_COLUMNS)
    return (await _rules(business_id, rows[0]))[0] if rows else None


async def _rules(business_id: UUID, row: Row) -> tuple[Rules, Row]:
    """Returns the service's rules, but with the booking's own duration and buffers; and the service's row."""
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
    """Loads the offer of where the booking could go; its own time counts as free."""
    rules, of = await _rules(business_id, row)
    at = to_instant(now)
    return await offer_of(of, rules, window, now=at, google_days=google_days, only=only, leave_out=row["id"])


async def _decide(
    work: LoggedTransaction, row: Row, option_id: UUID, start: datetime, google_days: int, override_rules: bool
) -> ChosenSlot | Refused:
    """Decides whether the booking can go there. `work` holds the lock."""
    at = to_instant(start)
    offer = await _offer(work.business_id, row, Interval(at, at + 1), work.now, google_days, only=[option_id])
    return await choose_option(work, offer, row["service_id"], option_id, at, override_rules)


async def _move(work: LoggedTransaction, caller: Caller, row: Row, slot: ChosenSlot) -> UUID:
    """Writes the move: claim, booking, history, log and mirror."""
    booking_id: UUID = row["id"]
    await Claim.filter(booking_id=booking_id).update(
        option_id=slot.option_id,
        occupied_start=to_datetime(slot.occupied.start),
        occupied_end=to_datetime(slot.occupied.end),
    )
    starts_at, ends_at = to_datetime(slot.start), to_datetime(slot.end)
    values = {"option_id": slot.option_id, "starts_at": starts_at, "ends_at": ends_at}
    await amend(work, caller, row, booking.MOVED, values, await freshness.history_note(slot.option_id, work.now))
    concerned, during = [row["option_id"], slot.option_id], hull([service.occupied(row), slot.occupied])
    work.record(ChangeKind.BOOKING, booking_id, ChangeAction.UPSERTED, concerned, during=during)
    await affected_entries.record_for_booking(work, row["option_id"], row["starts_at"], row["ends_at"])
    await affected_entries.record_for_booking(work, slot.option_id, starts_at, ends_at)
    await mirror.want(work, booking_id, slot.option_id, present=True)
    return booking_id


async def update(
    caller: Caller,
    booking_id: UUID,
    values: Mapping[str, Any],
    *,
    expected_version: int | None = None,
    once: IdempotentRequest | None = None,
) -> UUID | Refused:
    """Changes a booking's `customer_name`, `customer_email`, `customer_phone` and `note` and, once it has started, its
    `status`. Only staff may call it.
    """
    values = booking.tidied(values)
    if refusals := _validate(values):
        return Refused(refusals)

    async def decide_and_write(work: LoggedTransaction) -> UUID | Refused:
        row = await _read_current(work, booking_id, expected_version)
        if isinstance(row, Refused):
            return row
        started = row["starts_at"] <= work.now
        if impossible := booking.judge_status(row["status"], values.get("status"), started=started):
            return impossible
        changed = {name: value for name, value in values.items() if row[name] != value}
        if changed:
            await amend(work, caller, row, "UPDATED", changed)
            after = {**row, **changed}
            words = search.words_of(row["reference"], after["customer_name"], after["customer_email"])
            await search.reindex(work.business_id, booking_id, words)
            # No status that staff can set here frees the booking's time.
            work.record(ChangeKind.BOOKING, booking_id, ChangeAction.UPSERTED, [row["option_id"]], during=NO_TIME)
            await affected_entries.record_for_booking(work, row["option_id"], row["starts_at"], row["ends_at"])
            await mirror.want(work, booking_id, row["option_id"], present=True)
        return booking_id

    return await change_log.write(caller.business_id, idempotency.run_once_body(once, decide_and_write))


def _validate(values: Mapping[str, Any]) -> list[Refusal]:
    """Returns a refusal for each wrong value."""
    refusals = validate_details(values)
    if "status" in values and values["status"] is None:
        refusals.append(checks.invalid("Must not be null.", "status"))
    if values.get("status") == BookingStatus.CANCELLED:
        refusals.append(checks.invalid("A booking is cancelled with cancelBooking.", "status"))
    return refusals
