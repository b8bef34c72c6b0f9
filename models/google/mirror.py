"""Mirrors: for each booking on a linked calendar, what Google should show and what it shows.

Owns the wanted side, written in the same transaction as the booking. May not call Google: `sync` compares wanted
with pushed and makes them equal. How far a booking is in Google is seen with the booking: every verb but `want` notes
a change of each booking it makes look different.
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

    Work is waiting iff `wanted_version != pushed_version`. `present` says what is wanted: the event there, or gone.
    `kept`: it was left there when its option was unlinked, and is kept up only while its calendar is linked to others.
    `google_id` is deterministic in (booking, calendar, generation). A new generation is a new event. `drift` is a
    Drift name: how somebody changed it in Google since the booking last changed, found and put right at those times.
    The row outlives its event: what it names stays ours.
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
    """The calendar on which an option's bookings are mirrored; `google_id` is Google's name of it."""

    calendar_id: UUID
    google_id: str


def event_id(booking_id: UUID, calendar_google_id: str, generation: int) -> str:
    """The event id that stands for a booking on a calendar: the same for every try, process and account.

    Google takes 5 to 1024 characters of base32hex in lower case, so hexadecimal digits will do.
    """
    subject = f"{booking_id}\n{calendar_google_id}\n{generation}"
    return "tb" + hashlib.sha256(subject.encode()).hexdigest()[:32]


async def want(work: LoggedTransaction, booking_id: UUID, option_id: UUID, present: bool) -> None:
    """Says what Google should show of a booking: called by every verb that makes, moves, edits or cancels it.

    With `present`, the booking is wanted on the calendar its option is linked to, and on no other; without, on none.
    A booking that is over and was never in Google is not put there. Waits for nothing but the database. The caller
    notes the booking's change.
    """
    home = await _home(option_id) if present else None
    future = await _future(work).filter(id=booking_id).exists() if home else False
    mirrors = await Mirror.filter(booking_id=booking_id)
    await _settle(work, home, mirrors, [booking_id] if future else [])
    await _change(work, await _kept_up(mirrors), present=present)
    # What was not put right yet is, with this change: until then it stays in sight.
    await Mirror.filter(booking_id=booking_id, drift_corrected_at__isnull=False).update(**NO_DRIFT)


async def want_future(work: LoggedTransaction, option_id: UUID) -> Collection[UUID]:
    """Wants every future booking of an option on the calendar it is linked to now, and on no other; answers those
    that are seen otherwise now.

    Called when the option was linked, linked elsewhere or unlinked, or its link mirrors otherwise. What is over
    stays where it is.
    """
    future = _future(work).filter(option_id=option_id)
    bookings = [row["id"] for row in await future.values("id")]
    mirrors = await Mirror.filter(booking_id__in=Subquery(future.values("id")))
    touched = await _settle(work, await _home(option_id), mirrors, bookings)
    await note(work, touched)
    return touched


async def want_all_again(work: LoggedTransaction) -> None:
    """Wants every future mirror of the business rendered anew: the templates have changed, or what they speak of.

    Notes a change of each booking.
    """
    await renew(work)
    await work.record_each(ChangeKind.BOOKING, _MIRRORED)


async def renew(work: LoggedTransaction, **of: UUID) -> None:
    """Wants the mirrors of the future bookings `of` something rendered anew: it is shown in them. As many statements
    for thousands as for one. The caller notes the bookings.
    """
    bookings = Subquery(_future(work).filter(**of).values("id"))
    await _again(work, Mirror.filter(_follows(), booking_id__in=bookings, present=True), present=True)


async def want_again(work: LoggedTransaction, mirrors: Sequence[Mirror]) -> None:
    """Wants what is wanted already written to Google anew."""
    for present in (True, False):
        await _change(work, [mirror for mirror in mirrors if mirror.present is present], present=present)
    await note(work, {mirror.booking_id for mirror in mirrors})


async def revive(work: LoggedTransaction, calendar_id: UUID) -> None:
    """Wants anew what a calendar refused or what was given up: somebody looked at it, so repairs count from nothing."""
    mirrors = await Mirror.filter(calendar_id=calendar_id, failed_version__isnull=False)
    await Mirror.filter(id__in=[mirror.id for mirror in mirrors]).update(repairs=0)
    await want_again(work, mirrors)


async def let_go(work: LoggedTransaction, option_id: UUID) -> Collection[UUID]:
    """Leaves the option's future bookings in Google as they are: unlinked, events kept. Answers those that are seen
    otherwise now.

    Nothing waits for them any more; their ids stay known, so that linking the calendar again takes them up.
    """
    future = Subquery(_future(work).filter(option_id=option_id).values("id"))
    mirrors = Mirror.filter(booking_id__in=future, present=True, kept=False)
    touched = {row["booking_id"] for row in await mirrors.values("booking_id")}
    done = {"pushed_version": F("wanted_version"), "failed_version": None, "pending_since": None, **NO_FAULT}
    await mirrors.filter(content_hash__isnull=True).update(present=False, **done)
    await mirrors.update(kept=True, **done)
    await note(work, touched)
    return touched


async def take_up(work: LoggedTransaction, calendar_id: UUID) -> None:
    """An option was linked to the calendar, or it may be written to again: all that is ours on that Google calendar is
    wanted as its booking says, whichever option, link or account put it there.

    What was kept for a booking that stands is written anew, what is left of a cancelled one removed, and what could
    not be done through another account is done through this one.
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
    await _again(work, ours.filter(present=True, booking_id__in=Subquery(over.values("id"))), present=False, kept=False)
    future = Subquery(_future(work).values("id"))
    await _again(work, ours.filter(present=True, kept=True, booking_id__in=future), present=True)
    await _again(work, ours.filter(present=False).exclude(wanted_version=F("pushed_version")), present=False)


async def note(work: LoggedTransaction, booking_ids: Collection[UUID]) -> None:
    """Notes a change of each booking: its mirror is seen with it. A cancelled booking is seen no more."""
    if not booking_ids:
        return
    shown = Booking.filter(id__in=list(booking_ids)).exclude(status=BookingStatus.CANCELLED)
    for row in await db.select(shown, ("id", "option_id")):
        work.record(ChangeKind.BOOKING, row["id"], ChangeAction.UPSERTED, [row["option_id"]], during=NO_TIME)


async def _home(option_id: UUID) -> MirrorTarget | None:
    """Where the option's bookings are mirrored: None while it is linked to nothing we may write to."""
    columns = ("calendar_id", "calendar__google_id", "calendar__access_role")
    for row in await _LINKED.rows(columns, option_id=option_id):
        if row["calendar__access_role"] not in READ_ONLY:
            return MirrorTarget(row["calendar_id"], row["calendar__google_id"])
    return None


def _future(work: LoggedTransaction) -> QuerySet[Booking]:
    """The bookings that stand and are not over."""
    return Booking.filter(business_id=work.business_id, ends_at__gt=work.now).exclude(status=BookingStatus.CANCELLED)


async def _settle(
    work: LoggedTransaction, home: MirrorTarget | None, mirrors: Iterable[Mirror], bookings: Iterable[UUID]
) -> Collection[UUID]:
    """Wants these mirrors at home and nowhere else; each of the bookings that has none there gets one. Answers the
    bookings with anything new to want.
    """
    here: list[Mirror] = []
    elsewhere: list[Mirror] = []
    for mirror in mirrors:
        # The id tells: the same Google calendar may be linked through another account by now.
        at_home = home and mirror.google_id == event_id(mirror.booking_id, home.google_id, mirror.generation)
        (here if at_home else elsewhere).append(mirror)
    leaving = [mirror for mirror in elsewhere if mirror.present and not mirror.kept]
    await _change(work, leaving, present=False)
    touched = {mirror.booking_id for mirror in leaving}
    if home is None:
        return touched
    moved = [mirror.id for mirror in here if mirror.calendar_id != home.calendar_id]
    await Mirror.filter(id__in=moved).update(calendar_id=home.calendar_id)
    await _change(work, here, present=True, kept=False)
    known = {mirror.booking_id for mirror in here}
    added = [booking for booking in bookings if booking not in known]
    await _add(work, home, added)
    await GoogleCalendar.filter(id=home.calendar_id).update(push_due_at=work.now)
    return touched | known | set(added)


async def _add(work: LoggedTransaction, home: MirrorTarget, bookings: Sequence[UUID]) -> None:
    """New mirrors, wanted at once."""
    await Mirror.bulk_create(
        Mirror(
            business_id=work.business_id,
            booking_id=booking,
            calendar_id=home.calendar_id,
            google_id=event_id(booking, home.google_id, 0),
            pending_since=work.now,
            created_at=work.now,
        )
        for booking in bookings
    )


def _follows() -> Q:
    """What follows its booking: all that was not just kept, and what was kept where some option is linked to write."""
    linked = GoogleLink.filter(calendar_id__isnull=False).exclude(calendar__access_role__in=list(READ_ONLY))
    return Q(kept=False) | Q(calendar_id__in=Subquery(linked.values("calendar_id")))


async def _kept_up(mirrors: Iterable[Mirror]) -> list[Mirror]:
    """Those that were kept and follow their booking all the same."""
    kept = [mirror.id for mirror in mirrors if mirror.kept]
    return await Mirror.filter(_follows(), id__in=kept, kept=True) if kept else []


async def _change(work: LoggedTransaction, mirrors: Sequence[Mirror], present: bool, **more: bool) -> None:
    """A new wanted version of each, due at once. What failed before is tried again."""
    if mirrors:
        await _again(work, Mirror.filter(id__in=[mirror.id for mirror in mirrors]), present, **more)


async def _again(work: LoggedTransaction, mirrors: QuerySet[Mirror], present: bool, **more: bool) -> None:
    """The same for all that a query finds. Its conditions must hold as well after the first of the statements."""
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
