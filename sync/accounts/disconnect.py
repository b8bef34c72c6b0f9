"""Leaving: a Google account is disconnected at once for everybody to see, and forgotten when nothing needs it any more.

The database half; the engine asks Google to end the grant. In between the grant is used for one thing only: to take
our events out of the account's calendars and to stop their channels. Signing in again meanwhile calls it off.
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
"""So long Google may be out of reach: what is still in its calendars then stays there."""

_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class DepartingAccount:
    """An account whose time has come, ours to forget for a minute."""

    id: UUID
    business_id: UUID
    sub: str
    sealed: str
    leaving_at: datetime


async def disconnect(business_id: UUID, account_id: UUID) -> tuple[UUID, ...] | Refused:
    """Unties every option from the account and from its calendars, and answers those options, by name.

    Options that signed in with it have no connection any more, nor rules to remember; those that signed in with
    another one since keep that connection, and stay linked where that account sees the calendar too. The mirrored
    future bookings are wanted gone.
    """

    async def body(work: LoggedTransaction) -> tuple[UUID, ...] | Refused:
        ours = GoogleAccount.filter(business_id=business_id, id=account_id, leaving_at__isnull=True)
        if not await ours.update(leaving_at=work.now, list_due_at=None):
            return refused(ErrorCode.NOT_FOUND, "There is no such Google account.", "input", "accountId")
        # A ticket that nobody redeemed yet would tie an option to it again.
        await GoogleSignIn.filter(account_id=account_id).delete()
        await merge.hand_over(work, account_id)
        links = GoogleLink.filter(Q(account_id=account_id) | Q(calendar__account_id=account_id))
        found = await links.order_by("option__name", "option_id")
        for row in found:
            await _untie(work, row, forget=row.account_id == account_id)
        return tuple(row.option_id for row in found)

    return await change_log.write(business_id, body)


async def _untie(work: LoggedTransaction, row: GoogleLink, forget: bool) -> None:
    """Ends the tie to the calendar, if there is one; with `forget`, the connection too."""
    same = GoogleLink.filter(id=row.id)
    await (same.delete() if forget else same.update(calendar_id=None))
    if row.calendar_id:
        noted = await mirror.want_future(work, row.option_id)
        await link.leave(work, row.calendar_id, row.option_id, noted)
    action = ChangeAction.REMOVED if forget else ChangeAction.UPSERTED
    work.record(ChangeKind.GOOGLE_LINK, row.id, action, [row.option_id])


async def claim(now: datetime) -> DepartingAccount | None:
    """An account to forget, which nobody else will be given for a minute, nor refresh its tokens.

    Its events must be gone from here. What is to be done in Google must be done too, unless the grant is dead or a
    day went by; and also for who leaves with the same grant in another business, since one revocation ends both.
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
    """Whether it makes sense to wait for what Google is to be told."""
    return account.state == GoogleAccountState.CONNECTED and now < account.leaving_at + PATIENCE


async def _unsettled(account_ids: Collection[UUID], now: datetime) -> set[UUID]:
    """The accounts whose calendars somebody works on, or whose events are still here."""
    busy = Q(reroute__isnull=False) | Q(pull_lease_until__gt=now) | Q(push_lease_until__gt=now)
    query = GoogleCalendar.filter(busy, account_id__in=list(account_ids))
    return {row["account_id"] for row in await db.select(query, ("account_id",))}


async def _unfinished(account_ids: Collection[UUID]) -> set[UUID]:
    """The accounts on whose calendars something waits to be written, or a channel to be stopped."""
    mine = {"calendar__account_id__in": list(account_ids)}
    waiting = Mirror.filter(failed_version__isnull=True, **mine).exclude(wanted_version=F("pushed_version"))
    found: set[UUID] = set()
    for query in (waiting, GoogleChannel.filter(**mine)):
        found |= {row["calendar__account_id"] for row in await query.distinct().values("calendar__account_id")}
    return found


async def is_last(leaver: DepartingAccount) -> bool:
    """Whether no business needs the grant any more: Google gives one for a person, however many signed in with it."""
    others = GoogleAccount.filter(sub=leaver.sub, leaving_at__isnull=True).exclude(id=leaver.id)
    return not await others.exclude(state=GoogleAccountState.RECONNECT_REQUIRED).exists()


async def forget(leaver: DepartingAccount) -> None:
    """Deletes the account with its calendars, unless somebody signed in again."""
    while await change_log.write(leaver.business_id, _parting(leaver)):
        pass


def _parting(leaver: DepartingAccount) -> change_log.Body[bool]:
    """Gives up a batch of what still waits to be written, and at the end the account; whether there is more to do."""

    async def body(work: LoggedTransaction) -> bool:
        still = GoogleAccount.filter(id=leaver.id, leaving_at=leaver.leaving_at)
        if not await still.exists():
            return False
        await _bequeath(work, leaver.id)
        waiting = Mirror.filter(calendar__account_id=leaver.id).exclude(wanted_version=F("pushed_version"))
        rows = await waiting.limit(BATCH)
        if not rows:
            shown = Mirror.filter(calendar__account_id=leaver.id, present=True, kept=False)
            await mirror.note(work, {row["booking_id"] for row in await shown.values("booking_id")})
            await still.delete()
            return False
        await Mirror.filter(id__in=[row.id for row in rows]).delete()
        await mirror.note(work, {row.booking_id for row in rows})
        return True

    return body


async def _bequeath(work: LoggedTransaction, account_id: UUID) -> None:
    """Mirrors on a calendar that the business reaches through another account as well are that one's from now on:
    our events there stay known as ours, and what is to be removed still is.
    """
    for row in await GoogleCalendar.filter(account_id=account_id).values("id", "google_id"):
        twins = GoogleCalendar.filter(business_id=work.business_id, google_id=row["google_id"])
        heir = await _reaching(twins.exclude(account_id=account_id)).first()
        if heir is not None:
            known = Subquery(Mirror.filter(calendar_id=heir.id).values("booking_id"))
            moving = Mirror.filter(calendar_id=row["id"]).exclude(booking_id__in=known)
            if await moving.update(calendar_id=heir.id):
                await GoogleCalendar.filter(id=heir.id).update(push_due_at=work.now)
                if await GoogleLink.filter(calendar_id=heir.id).exists():
                    await mirror.take_up(work, heir.id)


def _reaching(calendars: QuerySet[GoogleCalendar]) -> QuerySet[GoogleCalendar]:
    """Those of them that may be written to, through an account that stays."""
    writable = calendars.filter(listed=True, account__leaving_at__isnull=True).exclude(access_role__in=READ_ONLY)
    return writable.filter(account__state=GoogleAccountState.CONNECTED)
