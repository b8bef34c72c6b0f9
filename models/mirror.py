"""Mirrors: for each booking on a linked calendar, what Google should show and what it shows.

Owns the wanted side, written in the same transaction as the booking. May not call Google: `sync` compares wanted
with pushed and makes them equal. How far a booking is in Google is seen with the booking: every verb but `want` notes
a change of each booking it makes look different.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from tortoise import fields
from tortoise.expressions import F, Q, Subquery
from tortoise.indexes import Index
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models import db, statements
from models.booking import Booking
from models.changes import Write
from models.columns import Instant, belongs_to, new_id
from models.google import GoogleCalendar, GoogleLink
from models.touching import NO_TIME
from models.words import BookingStatus, ChangeAction, ChangeKind, GoogleAccessRole

READ_ONLY = (GoogleAccessRole.READER, GoogleAccessRole.FREE_BUSY_READER)


class Mirror(Model):
    """The one event in Google that stands for one booking on one calendar.

    Work is waiting iff `wanted_version != pushed_version`. `present` says what is wanted: the event there, or gone.
    `google_id` is deterministic in (booking, calendar, generation). A new generation is a new event. `drift` is a
    Drift name: how somebody last changed it in Google. The row outlives its event: what it names stays ours.
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
class Home:
    """The calendar on which an option's bookings are mirrored; `google_id` is Google's name of it."""

    calendar_id: UUID
    google_id: str


def event_id(booking_id: UUID, calendar_google_id: str, generation: int) -> str:
    """The event id that stands for a booking on a calendar: the same for every try, process and account.

    Google takes 5 to 1024 characters of base32hex in lower case, so hexadecimal digits will do.
    """
    subject = f"{booking_id}\n{calendar_google_id}\n{generation}"
    return "tb" + hashlib.sha256(subject.encode()).hexdigest()[:32]


async def want(work: Write, booking_id: UUID, option_id: UUID, present: bool) -> None:
    """Says what Google should show of a booking: called by every verb that makes, moves, edits or cancels it.

    With `present`, the booking is wanted on the calendar its option is linked to, and on no other; without, on none.
    A booking that is over and was never in Google is not put there. Waits for nothing but the database. The caller
    notes the booking's change.
    """
    home = await _home(option_id) if present else None
    future = await _future(work).filter(id=booking_id).exists() if home else False
    await _settle(work, home, await Mirror.filter(booking_id=booking_id), [booking_id] if future else [])


async def want_future(work: Write, option_id: UUID) -> Collection[UUID]:
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


async def want_all_again(work: Write) -> None:
    """Wants every future mirror of the business rendered anew: the templates have changed."""
    await want_again(work, await Mirror.filter(booking_id__in=Subquery(_future(work).values("id")), present=True))


async def want_again(work: Write, mirrors: Sequence[Mirror]) -> None:
    """Wants what is wanted already written to Google anew."""
    for present in (True, False):
        await _change(work, [mirror for mirror in mirrors if mirror.present is present], present=present)
    await note(work, {mirror.booking_id for mirror in mirrors})


async def revive(work: Write, calendar_id: UUID) -> None:
    """Wants anew what a calendar refused or what was given up: somebody looked at it, so repairs count from nothing."""
    mirrors = await Mirror.filter(calendar_id=calendar_id, failed_version__isnull=False)
    await Mirror.filter(id__in=[mirror.id for mirror in mirrors]).update(repairs=0)
    await want_again(work, mirrors)


async def let_go(work: Write, option_id: UUID) -> Collection[UUID]:
    """Leaves the option's future bookings in Google as they are and no longer keeps them up: unlinked, events kept.
    Answers those that are seen otherwise now.

    Nothing waits for them any more; their ids stay known, so that linking again takes them up where they were.
    """
    mirrors = Mirror.filter(booking_id__in=Subquery(_future(work).filter(option_id=option_id).values("id")))
    seen = mirrors.filter(Q(present=True) | ~Q(wanted_version=F("pushed_version")))
    touched = {row["booking_id"] for row in await seen.values("booking_id")}
    await mirrors.update(present=False, pushed_version=F("wanted_version"), pending_since=None)
    await note(work, touched)
    return touched


async def note(work: Write, booking_ids: Collection[UUID]) -> None:
    """Notes a change of each booking: its mirror is seen with it. A cancelled booking is seen no more."""
    if not booking_ids:
        return
    shown = Booking.filter(id__in=list(booking_ids)).exclude(status=BookingStatus.CANCELLED)
    for row in await db.select(shown, ("id", "option_id")):
        work.record(ChangeKind.BOOKING, row["id"], ChangeAction.UPSERTED, [row["option_id"]], during=NO_TIME)


async def _home(option_id: UUID) -> Home | None:
    """Where the option's bookings are mirrored: None while it is linked to nothing we may write to."""
    columns = ("calendar_id", "calendar__google_id", "calendar__access_role")
    for row in await statements.rows(_link, columns, option_id=option_id):
        if row["calendar__access_role"] not in READ_ONLY:
            return Home(row["calendar_id"], row["calendar__google_id"])
    return None


def _link(option_id: UUID) -> QuerySet[GoogleLink]:
    return GoogleLink.filter(option_id=option_id, calendar_id__isnull=False)


def _future(work: Write) -> QuerySet[Booking]:
    """The bookings that stand and are not over."""
    return Booking.filter(business_id=work.business_id, ends_at__gt=work.now).exclude(status=BookingStatus.CANCELLED)


async def _settle(
    work: Write, home: Home | None, mirrors: Iterable[Mirror], bookings: Iterable[UUID]
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
    leaving = [mirror for mirror in elsewhere if mirror.present]
    await _change(work, leaving, present=False)
    touched = {mirror.booking_id for mirror in leaving}
    if home is None:
        return touched
    moved = [mirror.id for mirror in here if mirror.calendar_id != home.calendar_id]
    await Mirror.filter(id__in=moved).update(calendar_id=home.calendar_id)
    await _change(work, here, present=True)
    known = {mirror.booking_id for mirror in here}
    added = [booking for booking in bookings if booking not in known]
    await _add(work, home, added)
    await GoogleCalendar.filter(id=home.calendar_id).update(push_due_at=work.now)
    return touched | known | set(added)


async def _add(work: Write, home: Home, bookings: Sequence[UUID]) -> None:
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


async def _change(work: Write, mirrors: Sequence[Mirror], present: bool) -> None:
    """A new wanted version of each, due at once. What failed before is tried again."""
    if not mirrors:
        return
    ids = [mirror.id for mirror in mirrors]
    await Mirror.filter(id__in=ids, pending_since__isnull=True).update(pending_since=work.now)
    await Mirror.filter(id__in=ids).update(
        present=present,
        wanted_version=F("wanted_version") + 1,
        failed_version=None,
        attempts=0,
        next_attempt_at=None,
        error_code=None,
        error_message=None,
        error_at=None,
    )
    calendars = {mirror.calendar_id for mirror in mirrors}
    await GoogleCalendar.filter(id__in=list(calendars)).update(push_due_at=work.now)
