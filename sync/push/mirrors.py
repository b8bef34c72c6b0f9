"""The database half of a push: selects waiting mirrors, stores their outcomes, and what a pull finds of our events."""

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
from sync.pull.rows import record_links
from sync.push.drift import REPAIRS_A_DAY
from sync.push.machine import Failed, Pushed, Removed, Rendered
from sync.push.strays import Stray

PATIENCE = timedelta(days=30)
"""How long mirrors wait on a calendar without links that Google does not let us write to."""


async def waiting(calendar_id: UUID, now: datetime, limit: int) -> list[Mirror]:
    """Returns the mirrors to push now, longest waiting first, without those that Google refused."""
    ready = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now)
    query = Mirror.filter(ready, calendar_id=calendar_id, failed_version__isnull=True)
    return await query.exclude(wanted_version=F("pushed_version")).order_by("pending_since", "id").limit(limit)


async def store_generation(lease: Lease, row: Mirror, generation: int, google_id: str) -> None:
    """Stores a mirror's new generation and id. The engine calls it before the insert, since an event whose id we did
    not store would stay in Google for ever. Raises LostLeaseError.
    """

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        await Mirror.filter(id=row.id).update(generation=generation, google_id=google_id, etag=None, content_hash=None)

    await change_log.write(lease.business_id, body)


async def store_outcome(
    lease: Lease, row: Mirror, rendered: Rendered | None, outcome: Pushed | Removed | Failed
) -> None:
    """Stores the outcome of pushing the version that `row` wanted; a newer one keeps waiting. Raises LostLeaseError."""

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        values = {"next_attempt_at": None, **_outcome(work.now, row, rendered, outcome)}
        changed = Mirror.filter(id=row.id)
        if isinstance(outcome, Failed):
            changed = changed.filter(wanted_version=row.wanted_version)
        await changed.update(**values)
        if isinstance(outcome, Pushed | Removed):
            await _record_correction(work, row)
        await Mirror.filter(id=row.id, wanted_version=F("pushed_version")).update(pending_since=None)
        await GoogleCalendar.filter(id=lease.calendar_id).update(pushed_at=work.now)
        await mirror.record_bookings(work, [row.booking_id])

    await change_log.write(lease.business_id, body)


async def finish(lease: Lease) -> None:
    """Clears failures and gives the lease back. The calendar stays due if a mirror was wanted meanwhile."""
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
            await record_links(work, lease.calendar_id)

    await change_log.write(lease.business_id, body)


async def _record_correction(work: LoggedTransaction, row: Mirror) -> None:
    """Records in the booking's history, and on its unchanged mirror, that this push has undone a drift, if any."""
    found = Mirror.filter(id=row.id, drift_found_at__isnull=False, drift_corrected_at__isnull=True)
    for each in await found.values("drift", "drift_found_at", "booking__updated_at"):
        await note_drift(work, row.booking_id, each["drift"])
        unchanged = each["booking__updated_at"] <= each["drift_found_at"]
        await found.update(**({"drift_corrected_at": work.now} if unchanged else mirror.NO_DRIFT))


def _outcome(
    now: datetime, row: Mirror, rendered: Rendered | None, outcome: Pushed | Removed | Failed
) -> dict[str, Any]:
    """Returns a mirror's columns for an outcome."""
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


async def mirrors_of(business_id: UUID, calendar_google_id: str, events: Iterable[EventJson]) -> dict[str, Mirror]:
    """Returns the mirrors whose events, or occurrences of whose events, are among these, by event id; whichever account
    we follow the calendar through. Compares ids only, because a copy of an event has everything else of it.
    """
    series = {str(each["id"]): (str(each["id"]), series_of(each)) for each in events}
    ids = {each for pair in series.values() for each in pair if each}
    query = Mirror.filter(business_id=business_id, calendar__google_id=calendar_google_id, google_id__in=list(ids))
    known = {row.google_id: row for row in await query}
    return {event_id: known[each] for event_id, pair in series.items() for each in pair if each and each in known}


async def is_over(row: Mirror, now: datetime) -> bool:
    """Whether the booking is over. We ignore changes of its event then."""
    return not await Booking.filter(id=row.booking_id, ends_at__gt=now).exists()


def needs_no_look(row: Mirror, event: EventJson) -> bool:
    """Whether the event is as we left it, or the next push writes it anyway. Occurrences need no look either: none of
    our events recurs, and if somebody made one recur, the event itself is checked.
    """
    if row.wanted_version != row.pushed_version or event["id"] != row.google_id:
        return True
    if row.kept:
        # People may change an event that we left to them; only a deletion matters.
        return not is_cancelled(event)
    if row.present:
        return not is_cancelled(event) and event.get("etag") == row.etag
    # We deleted it, or left it there when the option was unlinked; then we know its content.
    return is_cancelled(event) or row.content_hash is not None


async def abandon(lease: Lease) -> None:
    """Gives up mirrors that waited PATIENCE on a calendar without links. Raises LostLeaseError."""

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        if not await GoogleLink.filter(calendar_id=lease.calendar_id).exists():
            waiting = Mirror.filter(calendar_id=lease.calendar_id, pending_since__lt=work.now - PATIENCE)
            given_up = {"error_code": TroubleCode.GOOGLE_CALENDAR_NOT_FOUND, "error_at": work.now}
            await waiting.update(failed_version=F("wanted_version"), pending_since=None, **given_up)

    await change_log.write(lease.business_id, body)


async def adopt(lease: Lease, strays: Mapping[str, Stray]) -> dict[str, Mirror]:
    """Inserts mirrors for strays of this business's bookings, which we lost when we deleted the account that wrote
    them. Those of cancelled bookings are then deleted in Google; the others count as `kept`. Raises LostLeaseError.
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
        await mirror.adopt_events(work, lease.calendar_id)
        return adopted

    return await change_log.write(lease.business_id, body)


async def let_go(lease: Lease, row: Mirror) -> None:
    """Stores that somebody deleted an event we had left to them, so that it stays deleted. Raises LostLeaseError."""

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        gone = {"present": False, "kept": False, "etag": None, "html_link": None, "content_hash": None}
        await Mirror.filter(id=row.id, wanted_version=row.wanted_version, kept=True).update(**gone)

    await change_log.write(lease.business_id, body)


async def store_drift(lease: Lease, row: Mirror, drift: Drift | None, seen_at: datetime) -> None:
    """Stores a drift, and wants the mirror pushed again; gives it up after REPAIRS_A_DAY. Raises LostLeaseError.

    `seen_at` is when we asked Google. What we saw before our latest push may be our own older content, so it is pushed
    again without storing a drift; likewise what nobody did (`drift` None).
    """

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        now = await Mirror.get_or_none(id=row.id, wanted_version=row.wanted_version)
        if now is None:
            return
        if drift is None or (now.pushed_at is not None and now.pushed_at >= seen_at):
            await mirror.push_again(work, [now])
            return
        today = work.now.date()
        repairs = 1 + (now.repairs if now.repairs_on == today else 0)
        found = {"drift": drift, "drift_found_at": work.now, "drift_corrected_at": None}
        await Mirror.filter(id=row.id).update(**found, repairs=repairs, repairs_on=today)
        if repairs > REPAIRS_A_DAY:
            await _give_up(work, now)
        else:
            await mirror.push_again(work, [now])

    await change_log.write(lease.business_id, body)


async def _give_up(work: LoggedTransaction, row: Mirror) -> None:
    await Mirror.filter(id=row.id).update(
        wanted_version=F("wanted_version") + 1,
        failed_version=row.wanted_version + 1,
        error_code=TroubleCode.CHANGED_TOO_OFTEN,
        error_message=None,
        error_at=work.now,
    )
    await mirror.record_bookings(work, [row.booking_id])


async def keep_etag(row: Mirror, event: EventJson) -> None:
    """Stores the new etag of an event whose content is still ours."""
    await Mirror.filter(id=row.id, etag=row.etag).update(etag=event.get("etag"))


async def missing(calendar_id: UUID, listed_ids: Collection[str], since: datetime, until: datetime) -> list[Mirror]:
    """Returns the mirrors that a complete listing from `since` to `until` lacks; `seen` are the ids that it has."""
    mirrors = Mirror.filter(
        calendar_id=calendar_id,
        present=True,
        kept=False,
        wanted_version=F("pushed_version"),
        pushed_at__lt=since,
        booking__ends_at__gt=since,
        booking__starts_at__lt=until,
    )
    return [row for row in await mirrors if row.google_id not in listed_ids]
