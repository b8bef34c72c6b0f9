"""Disconnects Google accounts: clients see that at once; the worker deletes the account when nothing needs it any more.

This is the database half; the engine revokes the grant. Until then we use the grant only to delete our events from the
account's calendars and to stop their channels. Signing in again meanwhile cancels the deletion.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import F, Q, Subquery
from tortoise.queryset import QuerySet

from models.enums import ChangeAction, ChangeKind, GoogleAccountState
from models.google import mirror
from models.google.mirror import READ_ONLY, Mirror
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleChannel, GoogleLink, GoogleSignIn
from models.log import change_log
from models.log.change_log import LoggedTransaction
from models.refusals import ErrorCode, Refused, refused
from models.storage import db
from sync.accounts import link, merge
from sync.pull.routing import BATCH

PATIENCE = timedelta(hours=24)
"""How long we try to delete our events from the account's calendars; what we could not delete by then stays there."""

_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class DepartingAccount:
    """A disconnected account that this worker may delete, within a minute."""

    id: UUID
    business_id: UUID
    sub: str
    sealed: str
    leaving_at: datetime


async def disconnect(business_id: UUID, account_id: UUID) -> tuple[UUID, ...] | Refused:
    """Unties every option from the account and from its calendars. Returns those options, ordered by name.

    Deletes the links of options that signed in with it, with their rules. Options that have signed in with another
    account since keep that connection, and stay linked where that account sees the calendar too. Wants the events of
    future bookings deleted.
    """

    async def body(work: LoggedTransaction) -> tuple[UUID, ...] | Refused:
        ours = GoogleAccount.filter(business_id=business_id, id=account_id, leaving_at__isnull=True)
        if not await ours.update(leaving_at=work.now, list_due_at=None):
            return refused(ErrorCode.NOT_FOUND, "There is no such Google account.", "input", "accountId")
        # Redeeming an open ticket would tie an option to the account again.
        await GoogleSignIn.filter(account_id=account_id).delete()
        await merge.hand_over(work, account_id)
        links = GoogleLink.filter(Q(account_id=account_id) | Q(calendar__account_id=account_id))
        found = await links.order_by("option__name", "option_id")
        for row in found:
            await _unlink(work, row, forget=row.account_id == account_id)
        return tuple(row.option_id for row in found)

    return await change_log.write(business_id, body)


async def _unlink(work: LoggedTransaction, row: GoogleLink, forget: bool) -> None:
    """Unlinks an option from its calendar, if it has one; with `forget`, deletes its link row too."""
    same = GoogleLink.filter(id=row.id)
    await (same.delete() if forget else same.update(calendar_id=None))
    if row.calendar_id:
        changed = await mirror.want_future(work, row.option_id)
        await link.end_following(work, row.calendar_id, row.option_id, changed)
    action = ChangeAction.REMOVED if forget else ChangeAction.UPSERTED
    work.record(ChangeKind.GOOGLE_LINK, row.id, action, [row.option_id])


async def claim(now: datetime) -> DepartingAccount | None:
    """Claims a disconnected account to delete, so that no other process claims it or refreshes its tokens for a minute;
    None when there is none.

    Only an account whose events are deleted here, and whose events and channels in Google are too, unless its grant is
    dead or it has left more than a day ago. It also waits for accounts that leave another business with the same grant,
    since one revocation ends both.
    """
    accounts = await GoogleAccount.filter(leaving_at__isnull=False).order_by("leaving_at")
    if not accounts:
        return None
    ids = [account.id for account in accounts]
    unsettled = await _unsettled(ids, now)
    unfinished = await _unfinished(ids)
    held_up = {account.sub for account in accounts if account.id in unfinished and _can_finish(account, now)}
    for each in accounts:
        if each.id in unsettled or (each.sub in held_up and _can_finish(each, now)):
            continue
        free = Q(refresh_lease_until__isnull=True) | Q(refresh_lease_until__lt=now)
        same = GoogleAccount.filter(free, id=each.id, leaving_at=each.leaving_at)
        if await same.update(refresh_lease_until=now + _LEASE):
            return DepartingAccount(each.id, each.business_id, each.sub, each.sealed, each.leaving_at)
    return None


def _can_finish(account: GoogleAccount, now: datetime) -> bool:
    """Whether we may still get our events out of the account's calendars."""
    return account.state == GoogleAccountState.CONNECTED and now < account.leaving_at + PATIENCE


async def _unsettled(account_ids: Collection[UUID], now: datetime) -> set[UUID]:
    """Returns those accounts that have a calendar under lease, or with events to reroute and so to delete here."""
    busy = Q(reroute__isnull=False) | Q(pull_lease_until__gt=now) | Q(push_lease_until__gt=now)
    query = GoogleCalendar.filter(busy, account_id__in=list(account_ids))
    return {row["account_id"] for row in await db.select(query, ("account_id",))}


async def _unfinished(account_ids: Collection[UUID]) -> set[UUID]:
    """Returns those accounts that have a calendar with mirrors to push or channels to stop."""
    mine = {"calendar__account_id__in": list(account_ids)}
    waiting = Mirror.filter(failed_version__isnull=True, **mine).exclude(wanted_version=F("pushed_version"))
    found: set[UUID] = set()
    for query in (waiting, GoogleChannel.filter(**mine)):
        found |= {row["calendar__account_id"] for row in await query.distinct().values("calendar__account_id")}
    return found


async def is_last(departing: DepartingAccount) -> bool:
    """Whether no other business uses the grant: a person has one at Google, however many businesses use it."""
    others = GoogleAccount.filter(sub=departing.sub, leaving_at__isnull=True).exclude(id=departing.id)
    return not await others.exclude(state=GoogleAccountState.RECONNECT_REQUIRED).exists()


async def delete(departing: DepartingAccount) -> None:
    """Deletes the account with its calendars, in batches, unless somebody has signed in again."""
    while await change_log.write(departing.business_id, _delete_batch(departing)):
        pass


def _delete_batch(departing: DepartingAccount) -> change_log.Body[bool]:
    """Deletes a batch of the waiting mirrors, or the account when none wait. Returns whether there is more to do."""

    async def body(work: LoggedTransaction) -> bool:
        still = GoogleAccount.filter(id=departing.id, leaving_at=departing.leaving_at)
        if not await still.exists():
            return False
        await _move_mirrors(work, departing.id)
        waiting = Mirror.filter(calendar__account_id=departing.id).exclude(wanted_version=F("pushed_version"))
        rows = await waiting.limit(BATCH)
        if not rows:
            shown = Mirror.filter(calendar__account_id=departing.id, present=True, kept=False)
            await mirror.record_bookings(work, {row["booking_id"] for row in await shown.values("booking_id")})
            await still.delete()
            return False
        await Mirror.filter(id__in=[row.id for row in rows]).delete()
        await mirror.record_bookings(work, {row.booking_id for row in rows})
        return True

    return body


async def _move_mirrors(work: LoggedTransaction, account_id: UUID) -> None:
    """Moves the account's mirrors to another account of the business that can write to the same Google calendar: so we
    still know our events there, and delete those that are to be deleted.
    """
    for row in await GoogleCalendar.filter(account_id=account_id).values("id", "google_id"):
        twins = GoogleCalendar.filter(business_id=work.business_id, google_id=row["google_id"])
        heir = await _writable(twins.exclude(account_id=account_id)).first()
        if heir is not None:
            known = Subquery(Mirror.filter(calendar_id=heir.id).values("booking_id"))
            moving = Mirror.filter(calendar_id=row["id"]).exclude(booking_id__in=known)
            if await moving.update(calendar_id=heir.id):
                await GoogleCalendar.filter(id=heir.id).update(push_due_at=work.now)
                if await GoogleLink.filter(calendar_id=heir.id).exists():
                    await mirror.adopt_events(work, heir.id)


def _writable(calendars: QuerySet[GoogleCalendar]) -> QuerySet[GoogleCalendar]:
    """Filters the calendars that we may write to, through a connected account that stays."""
    writable = calendars.filter(listed=True, account__leaving_at__isnull=True).exclude(access_role__in=READ_ONLY)
    return writable.filter(account__state=GoogleAccountState.CONNECTED)
