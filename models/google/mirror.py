"""Mirrors: for each booking on a linked calendar, which event Google should have, and whether it has it.

The verbs write the wanted side, in the same transaction as the booking. `sync` later compares it with what it pushed,
and calls Google. Clients see a mirror's state with its booking, so a verb records a change of the bookings whose
mirrors it changes, unless its docstring says otherwise.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.expressions import F, Q, Subquery
from tortoise.indexes import Index
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models.bookings.booking import Booking
from models.enums import BookingStatus, ChangeAction, ChangeKind, GoogleAccessRole
from models.google.tables import GoogleCalendar, GoogleLink
from models.log.change_log import LoggedTransaction
from models.scheduling.affected_time import NO_TIME
from models.storage import db
from models.storage.columns import Instant, belongs_to, new_id
from models.storage.queries import Statement

READ_ONLY = (GoogleAccessRole.READER, GoogleAccessRole.FREE_BUSY_READER)


NO_FAULT: Mapping[str, Any] = {"error_code": None, "error_message": None, "error_at": None}
NO_DRIFT: Mapping[str, Any] = {"drift": "NONE", "drift_found_at": None, "drift_corrected_at": None}

_LINKED = Statement(GoogleLink, "WHERE google_link.option_id = :option_id AND google_link.calendar_id IS NOT NULL")
_MIRRORED = """
SELECT booking.id, booking.option_id FROM booking JOIN mirror ON mirror.booking_id = booking.id
WHERE booking.business_id = :business_id AND booking.ends_at > :now AND booking.status <> 'CANCELLED' AND mirror.present
"""


class Mirror(Model):
    """The one event in Google that stands for one booking on one calendar.

    There is something to push if and only if `wanted_version != pushed_version`. `present` says whether Google should
    have the event. `kept` means that we left the event there when its option was unlinked; we update it only while
    its calendar is linked to some option. `event_id` computes `google_id` from booking, calendar and generation; a new
    generation is a new event. `drift` is a Drift name: what somebody did to the event in Google since the booking last
    changed; `drift_found_at` and `drift_corrected_at` say when we found and undid it. The row outlives the event, so
    that we recognise its id as ours.
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
    kept = fields.BooleanField(default=False)
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
    drift_found_at = Instant(null=True)
    drift_corrected_at = Instant(null=True)
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


@dataclass(frozen=True, slots=True)
class MirrorTarget:
    """The calendar to which an option's bookings are mirrored; `google_id` is its id at Google."""

    calendar_id: UUID
    google_id: str


def event_id(booking_id: UUID, calendar_google_id: str, generation: int) -> str:
    """Computes the id of a booking's event on a calendar: the same in every attempt, process and account.

    Google takes 5 to 1024 characters of base32hex in lower case; hexadecimal digits are among them.
    """
    subject = f"{booking_id}\n{calendar_google_id}\n{generation}"
    return "tb" + hashlib.sha256(subject.encode()).hexdigest()[:32]


async def want(work: LoggedTransaction, booking_id: UUID, option_id: UUID, present: bool) -> None:
    """Sets what Google should have of a booking. Every verb that makes, moves, edits or cancels one calls it, and
    records the booking's change itself.

    With `present`, wants the event on the calendar that the option is linked to, and on no other; without, on none.
    Adds no event for a booking that is over. Only writes rows.
    """
    target = await _target(option_id) if present else None
    future = await _future(work).filter(id=booking_id).exists() if target else False
    mirrors = await Mirror.filter(booking_id=booking_id)
    await _want_on(work, target, mirrors, [booking_id] if future else [])
    await _raise_version(work, await _kept_but_following(mirrors), present=present)
    # A drift that is not corrected yet stays visible until the push of this change corrects it.
    await Mirror.filter(booking_id=booking_id, drift_corrected_at__isnull=False).update(**NO_DRIFT)


async def want_future(work: LoggedTransaction, option_id: UUID) -> Collection[UUID]:
    """Wants every future booking of an option on the calendar that it is linked to now, and on no other. Returns the
    bookings whose mirrors changed.

    Called after the option was linked, linked to another calendar or unlinked, or its link's `mirrorAs` changed. Past
    bookings stay where they are.
    """
    future = _future(work).filter(option_id=option_id)
    bookings = [row["id"] for row in await future.values("id")]
    mirrors = await Mirror.filter(booking_id__in=Subquery(future.values("id")))
    changed = await _want_on(work, await _target(option_id), mirrors, bookings)
    await record_bookings(work, changed)
    return changed


async def rerender_all(work: LoggedTransaction) -> None:
    """Wants every future mirror of the business rendered anew, after a template changed or a value that they show.

    Records a change of each booking.
    """
    await rerender(work)
    await work.record_each(ChangeKind.BOOKING, _MIRRORED)


async def rerender(work: LoggedTransaction, **of: UUID) -> None:
    """Wants the mirrors of future bookings rendered anew, after something that they show changed: `of` filters the
    bookings, by `service_id` or `option_id`. Costs as many statements for thousands as for one. The caller records the
    bookings' changes.
    """
    bookings = Subquery(_future(work).filter(**of).values("id"))
    await _raise_versions(work, Mirror.filter(_follows_booking(), booking_id__in=bookings, present=True), present=True)


async def push_again(work: LoggedTransaction, mirrors: Sequence[Mirror]) -> None:
    """Wants these mirrors pushed again as they are, after Google lost or changed their events."""
    for present in (True, False):
        await _raise_version(work, [mirror for mirror in mirrors if mirror.present is present], present=present)
    await record_bookings(work, {mirror.booking_id for mirror in mirrors})


async def retry_failed(work: LoggedTransaction, calendar_id: UUID) -> None:
    """Retries a calendar's refused and given-up mirrors, when a person asks for it. Restarts their count of repairs."""
    mirrors = await Mirror.filter(calendar_id=calendar_id, failed_version__isnull=False)
    await Mirror.filter(id__in=[mirror.id for mirror in mirrors]).update(repairs=0)
    await push_again(work, mirrors)


async def leave_events(work: LoggedTransaction, option_id: UUID) -> Collection[UUID]:
    """Leaves the events of an option's future bookings in Google as they are, when it is unlinked with its events kept.
    Returns the bookings whose mirrors changed.

    Drops their pending pushes. The rows stay, so that `adopt_events` finds them when the calendar is linked again.
    """
    future = Subquery(_future(work).filter(option_id=option_id).values("id"))
    mirrors = Mirror.filter(booking_id__in=future, present=True, kept=False)
    changed = {row["booking_id"] for row in await mirrors.values("booking_id")}
    done = {"pushed_version": F("wanted_version"), "failed_version": None, "pending_since": None, **NO_FAULT}
    await mirrors.filter(content_hash__isnull=True).update(present=False, **done)
    await mirrors.update(kept=True, **done)
    await record_bookings(work, changed)
    return changed


async def adopt_events(work: LoggedTransaction, calendar_id: UUID) -> None:
    """Takes over all our events on a Google calendar, whichever option, link or account put them there. Called when
    an option was linked to the calendar, or we may write to it again.

    Wants kept events of future bookings updated, events of cancelled bookings deleted, and pushes that another account
    left pending done through this one. Records no changes of bookings.
    """
    calendar = await GoogleCalendar.get(id=calendar_id)
    if calendar.access_role in READ_ONLY:
        return
    same = GoogleCalendar.filter(business_id=work.business_id, google_id=calendar.google_id)
    here = Subquery(Mirror.filter(calendar_id=calendar_id).values("booking_id"))
    elsewhere = Mirror.filter(calendar_id__in=Subquery(same.exclude(id=calendar_id).values("id")))
    await elsewhere.exclude(booking_id__in=here).update(calendar_id=calendar_id)
    ours = Mirror.filter(calendar_id=calendar_id)
    over = Booking.filter(business_id=work.business_id, status=BookingStatus.CANCELLED)
    await _raise_versions(
        work, ours.filter(present=True, booking_id__in=Subquery(over.values("id"))), present=False, kept=False
    )
    future = Subquery(_future(work).values("id"))
    await _raise_versions(work, ours.filter(present=True, kept=True, booking_id__in=future), present=True)
    await _raise_versions(work, ours.filter(present=False).exclude(wanted_version=F("pushed_version")), present=False)


async def record_bookings(work: LoggedTransaction, booking_ids: Collection[UUID]) -> None:
    """Records a change of each booking, since clients see its mirror with it. Leaves out cancelled ones."""
    if not booking_ids:
        return
    shown = Booking.filter(id__in=list(booking_ids)).exclude(status=BookingStatus.CANCELLED)
    for row in await db.select(shown, ("id", "option_id")):
        work.record(ChangeKind.BOOKING, row["id"], ChangeAction.UPSERTED, [row["option_id"]], during=NO_TIME)


async def _target(option_id: UUID) -> MirrorTarget | None:
    """Returns the calendar to which an option's bookings are mirrored; None without one that we may write to."""
    columns = ("calendar_id", "calendar__google_id", "calendar__access_role")
    for row in await _LINKED.rows(columns, option_id=option_id):
        if row["calendar__access_role"] not in READ_ONLY:
            return MirrorTarget(row["calendar_id"], row["calendar__google_id"])
    return None


def _future(work: LoggedTransaction) -> QuerySet[Booking]:
    """Selects the bookings that are neither cancelled nor over."""
    return Booking.filter(business_id=work.business_id, ends_at__gt=work.now).exclude(status=BookingStatus.CANCELLED)


async def _want_on(
    work: LoggedTransaction, target: MirrorTarget | None, mirrors: Iterable[Mirror], bookings: Iterable[UUID]
) -> Collection[UUID]:
    """Wants these mirrors on the target only, adds missing ones, and returns the bookings whose mirrors changed."""
    here: list[Mirror] = []
    elsewhere: list[Mirror] = []
    for mirror in mirrors:
        # Compares event ids, since the same Google calendar may be linked through another account by now.
        on_target = target and mirror.google_id == event_id(mirror.booking_id, target.google_id, mirror.generation)
        (here if on_target else elsewhere).append(mirror)
    leaving = [mirror for mirror in elsewhere if mirror.present and not mirror.kept]
    await _raise_version(work, leaving, present=False)
    changed = {mirror.booking_id for mirror in leaving}
    if target is None:
        return changed
    moved = [mirror.id for mirror in here if mirror.calendar_id != target.calendar_id]
    await Mirror.filter(id__in=moved).update(calendar_id=target.calendar_id)
    await _raise_version(work, here, present=True, kept=False)
    known = {mirror.booking_id for mirror in here}
    added = [booking for booking in bookings if booking not in known]
    await _add(work, target, added)
    await GoogleCalendar.filter(id=target.calendar_id).update(push_due_at=work.now)
    return changed | known | set(added)


async def _add(work: LoggedTransaction, target: MirrorTarget, bookings: Sequence[UUID]) -> None:
    """Inserts mirrors, which are due at once."""
    await Mirror.bulk_create(
        Mirror(
            business_id=work.business_id,
            booking_id=booking,
            calendar_id=target.calendar_id,
            google_id=event_id(booking, target.google_id, 0),
            pending_since=work.now,
            created_at=work.now,
        )
        for booking in bookings
    )


def _follows_booking() -> Q:
    """Filters the mirrors that changes of their bookings update: all that are not `kept`, and kept ones on a calendar
    that some option is linked to and that we may write to.
    """
    linked = GoogleLink.filter(calendar_id__isnull=False).exclude(calendar__access_role__in=list(READ_ONLY))
    return Q(kept=False) | Q(calendar_id__in=Subquery(linked.values("calendar_id")))


async def _kept_but_following(mirrors: Iterable[Mirror]) -> list[Mirror]:
    """Returns the kept mirrors among these that changes of their bookings update all the same."""
    kept = [mirror.id for mirror in mirrors if mirror.kept]
    return await Mirror.filter(_follows_booking(), id__in=kept, kept=True) if kept else []


async def _raise_version(work: LoggedTransaction, mirrors: Sequence[Mirror], present: bool, **more: bool) -> None:
    """Raises the wanted version of each mirror, due at once, and clears its failures."""
    if mirrors:
        await _raise_versions(work, Mirror.filter(id__in=[mirror.id for mirror in mirrors]), present, **more)


async def _raise_versions(work: LoggedTransaction, mirrors: QuerySet[Mirror], present: bool, **more: bool) -> None:
    """Does the same for all that a query selects. The first of the statements must not change what it selects."""
    due = Subquery(mirrors.values("calendar_id"))
    await GoogleCalendar.filter(id__in=due).update(push_due_at=work.now)
    await mirrors.filter(pending_since__isnull=True).update(pending_since=work.now)
    await mirrors.update(
        present=present,
        wanted_version=F("wanted_version") + 1,
        failed_version=None,
        attempts=0,
        next_attempt_at=None,
        **NO_FAULT,
        **more,
    )
