"""Mirrors as rows: which wait, what came of them, and what was seen of them in Google. Database only."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import F, Q, Subquery

from models.bookings.booking import Booking, note_drift
from models.enums import Drift
from models.google import mirror
from models.google.mirror import Mirror
from models.google.tables import GoogleCalendar, GoogleLink
from models.log import change_log
from models.log.change_log import LoggedTransaction
from models.storage import db
from sync import leases
from sync.google_api import trouble
from sync.google_api.replies import EventJson
from sync.google_api.translate import is_cancelled, series_of
from sync.google_api.trouble import TroubleCode
from sync.leases import Lease
from sync.pull.routing import fence_lease
from sync.pull.rows import note_links
from sync.push.drift import REPAIRS_A_DAY
from sync.push.machine import Failed, Pushed, Removed, Rendered
from sync.push.strays import Stray

PATIENCE = timedelta(days=30)
"""So long what is ours on a calendar that no option is linked to any more waits for Google to let us at it again."""


async def waiting(calendar_id: UUID, now: datetime, limit: int) -> list[Mirror]:
    """The mirrors whose turn it is, longest waiting first. What Google refused waits until it is wanted anew."""
    ready = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now)
    query = Mirror.filter(ready, calendar_id=calendar_id, failed_version__isnull=True)
    return await query.exclude(wanted_version=F("pushed_version")).order_by("pending_since", "id").limit(limit)


async def renew(lease: Lease, row: Mirror, generation: int, google_id: str) -> None:
    """The mirror goes by a new id from now on. Stored before Google hears of it: an event whose id nobody kept would
    never be removed. Raises LostLeaseError.
    """

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        await Mirror.filter(id=row.id).update(generation=generation, google_id=google_id, etag=None, content_hash=None)

    await change_log.write(lease.business_id, body)


async def settle(lease: Lease, row: Mirror, rendered: Rendered | None, outcome: Pushed | Removed | Failed) -> None:
    """Stores what came of pushing the version that `row` wanted; a newer wish stays waiting. Raises LostLeaseError."""

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        values = {"next_attempt_at": None, **_outcome(work.now, row, rendered, outcome)}
        changed = Mirror.filter(id=row.id)
        if isinstance(outcome, Failed):
            changed = changed.filter(wanted_version=row.wanted_version)
        await changed.update(**values)
        if isinstance(outcome, Pushed | Removed):
            await _corrected(work, row)
        await Mirror.filter(id=row.id, wanted_version=F("pushed_version")).update(pending_since=None)
        await GoogleCalendar.filter(id=lease.calendar_id).update(pushed_at=work.now)
        await mirror.note(work, [row.booking_id])

    await change_log.write(lease.business_id, body)


async def finish(lease: Lease) -> None:
    """Nothing waits any more: gives the lease back. What was wanted meanwhile made the calendar due anew."""
    cured: dict[str, Any] = {
        "push_attempts": 0,
        "push_not_before": None,
        "push_prescribed": False,
        "push_action_required": False,
        "push_error_code": None,
        "push_error_message": None,
        "push_error_at": None,
    }

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        before = await GoogleCalendar.get(id=lease.calendar_id)
        await leases.give_back(lease, None, **cured)
        if before.push_error_code:
            await note_links(work, lease.calendar_id)

    await change_log.write(lease.business_id, body)


async def _corrected(work: LoggedTransaction, row: Mirror) -> None:
    """What somebody did to it in Google was put right, if anything was: that goes into the booking's history, and
    stays with the mirror unless the booking has changed since.
    """
    found = Mirror.filter(id=row.id, drift_found_at__isnull=False, drift_corrected_at__isnull=True)
    for each in await found.values("drift", "drift_found_at", "booking__updated_at"):
        await note_drift(work, row.booking_id, each["drift"])
        unchanged = each["booking__updated_at"] <= each["drift_found_at"]
        await found.update(**({"drift_corrected_at": work.now} if unchanged else mirror.NO_DRIFT))


def _outcome(
    now: datetime, row: Mirror, rendered: Rendered | None, outcome: Pushed | Removed | Failed
) -> dict[str, Any]:
    """The columns of a mirror that say what came of it."""
    if isinstance(outcome, Failed):
        return {
            "failed_version": row.wanted_version,
            "pending_since": None,
            "error_code": trouble.code_of(outcome.failure),
            "error_message": None,
            "error_at": now,
        }
    done = {"pushed_version": row.wanted_version, "pushed_at": now, "attempts": 0}
    if isinstance(outcome, Removed):
        return {**done, "etag": None, "html_link": None, "content_hash": None}
    content_hash = rendered.content_hash if rendered else None
    return {**done, "etag": outcome.etag, "html_link": outcome.html_link, "content_hash": content_hash}


async def ours(business_id: UUID, calendar_google_id: str, events: Iterable[EventJson]) -> dict[str, Mirror]:
    """The mirrors that the events stand for, or are occurrences of, by event id: through whichever account the
    calendar is followed. Told by id alone, because everything else of an event can be copied.
    """
    series = {str(each["id"]): (str(each["id"]), series_of(each)) for each in events}
    ids = {each for pair in series.values() for each in pair if each}
    query = Mirror.filter(business_id=business_id, calendar__google_id=calendar_google_id, google_id__in=list(ids))
    known = {row.google_id: row for row in await query}
    return {event_id: known[each] for event_id, pair in series.items() for each in pair if each and each in known}


async def is_over(row: Mirror, now: datetime) -> bool:
    """Whether the booking lies in the past: what happens to its event then is nobody's business any more."""
    return not await Booking.filter(id=row.booking_id, ends_at__gt=now).exists()


def needs_no_look(row: Mirror, event: EventJson) -> bool:
    """Whether the event is as we left it, or about to be written anyway. Occurrences, which none of ours has, are
    put right with the event that somebody made recur.
    """
    if row.wanted_version != row.pushed_version or event["id"] != row.google_id:
        return True
    if row.kept:
        # What was left to people is theirs to change; that they deleted it is to be known.
        return not is_cancelled(event)
    if row.present:
        return not is_cancelled(event) and event.get("etag") == row.etag
    # Removed by us, or left there when the option was unlinked: then we know its content.
    return is_cancelled(event) or row.content_hash is not None


async def abandon(lease: Lease) -> None:
    """Gives up what has waited too long for a calendar that no option is linked to; linking it takes it up again.

    Raises LostLeaseError.
    """

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        if not await GoogleLink.filter(calendar_id=lease.calendar_id).exists():
            waiting = Mirror.filter(calendar_id=lease.calendar_id, pending_since__lt=work.now - PATIENCE)
            given_up = {"error_code": TroubleCode.GOOGLE_CALENDAR_NOT_FOUND, "error_at": work.now}
            await waiting.update(failed_version=F("wanted_version"), pending_since=None, **given_up)

    await change_log.write(lease.business_id, body)


async def adopt(lease: Lease, strays: Mapping[str, Stray]) -> dict[str, Mirror]:
    """Makes mirrors of events whose ids only this business's bookings can have: they were left behind when the account
    was forgotten through which they were written. Those of cancelled bookings go; the others were kept.

    Raises LostLeaseError.
    """

    async def body(work: LoggedTransaction) -> dict[str, Mirror]:
        await fence_lease(work, lease)
        by_booking = {stray.booking_id: event_id for event_id, stray in strays.items()}
        known = Mirror.filter(calendar_id=lease.calendar_id, booking_id__in=list(by_booking)).values("booking_id")
        mine = Booking.filter(business_id=lease.business_id, id__in=list(by_booking))
        found = {row["id"] for row in await db.select(mine.exclude(id__in=Subquery(known)), ("id",))}
        adopted = {
            event_id: Mirror(
                business_id=lease.business_id,
                booking_id=stray.booking_id,
                calendar_id=lease.calendar_id,
                google_id=event_id,
                generation=stray.generation,
                kept=True,
                pushed_version=1,
                created_at=work.now,
            )
            for event_id, stray in strays.items()
            if stray.booking_id in found and by_booking[stray.booking_id] == event_id
        }
        await Mirror.bulk_create(adopted.values())
        await mirror.take_up(work, lease.calendar_id)
        return adopted

    return await change_log.write(lease.business_id, body)


async def part_with(lease: Lease, row: Mirror) -> None:
    """What was left in Google was deleted there: it is not to come back with the booking's next change.

    Raises LostLeaseError.
    """

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        gone = {"present": False, "kept": False, "etag": None, "html_link": None, "content_hash": None}
        await Mirror.filter(id=row.id, wanted_version=row.wanted_version, kept=True).update(**gone)

    await change_log.write(lease.business_id, body)


async def put_right(lease: Lease, row: Mirror, drift: Drift | None, seen_at: datetime) -> None:
    """Takes note of what somebody did to a mirror, and wants it written anew. Raises LostLeaseError.

    `seen_at` is when Google was asked: what is older than our latest push is our own past, written anew in silence.
    So is what nobody did (`drift` None).
    """

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        now = await Mirror.get_or_none(id=row.id, wanted_version=row.wanted_version)
        if now is None:
            return
        if drift is None or (now.pushed_at is not None and now.pushed_at >= seen_at):
            await mirror.want_again(work, [now])
            return
        today = work.now.date()
        repairs = 1 + (now.repairs if now.repairs_on == today else 0)
        found = {"drift": drift, "drift_found_at": work.now, "drift_corrected_at": None}
        await Mirror.filter(id=row.id).update(**found, repairs=repairs, repairs_on=today)
        if repairs > REPAIRS_A_DAY:
            await _give_up(work, now)
        else:
            await mirror.want_again(work, [now])

    await change_log.write(lease.business_id, body)


async def _give_up(work: LoggedTransaction, row: Mirror) -> None:
    await Mirror.filter(id=row.id).update(
        wanted_version=F("wanted_version") + 1,
        failed_version=row.wanted_version + 1,
        error_code=TroubleCode.CHANGED_TOO_OFTEN,
        error_message=None,
        error_at=work.now,
    )
    await mirror.note(work, [row.booking_id])


async def keep_etag(row: Mirror, event: EventJson) -> None:
    """The event has a new etag, but nothing in it differs from what we put there."""
    await Mirror.filter(id=row.id, etag=row.etag).update(etag=event.get("etag"))


async def missing(calendar_id: UUID, seen: Collection[str], since: datetime, until: datetime) -> list[Mirror]:
    """The mirrors that a complete listing begun at `since` should have shown, and did not: up to `until`."""
    there = Mirror.filter(
        calendar_id=calendar_id,
        present=True,
        kept=False,
        wanted_version=F("pushed_version"),
        pushed_at__lt=since,
        booking__ends_at__gt=since,
        booking__starts_at__lt=until,
    )
    return [row for row in await there if row.google_id not in seen]
