"""The calendar list of an account, as rows: stores it at a sign-in, and makes it due when a person looks at it or
after an hour.

This is the database half; the engine asks Google.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q

from models import clock
from models.actions import affected_entries
from models.enums import GoogleAccountState
from models.google import mirror
from models.google.mirror import READ_ONLY
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleLink
from models.log import notifier
from models.log.change_log import LoggedTransaction
from sync.google_api.replies import Failure, ListedCalendar
from sync.google_api.tokens import record_account

RELIST = timedelta(hours=1)
_RETRY = timedelta(minutes=5)
_FRESH = timedelta(minutes=1)


async def store(work: LoggedTransaction, account_id: UUID, listed: Iterable[ListedCalendar]) -> None:
    """Makes the rows equal to a complete list. A calendar that is no longer on it keeps its row and its links.

    Stores nothing for an account that was deleted while we asked Google.
    """
    if not await GoogleAccount.filter(id=account_id).exists():
        return
    rows = {row.google_id: row for row in await GoogleCalendar.filter(account_id=account_id)}
    changed = False
    writable: list[UUID] = []
    for each in listed:
        row = rows.pop(each.google_id, None)
        if row is None:
            await GoogleCalendar.create(
                business_id=work.business_id,
                account_id=account_id,
                google_id=each.google_id,
                summary=each.summary,
                time_zone=each.time_zone,
                access_role=each.access_role,
                is_primary=each.primary,
                created_at=work.now,
            )
        elif differing := _differences(row, each):
            if row.access_role in READ_ONLY and each.access_role not in READ_ONLY:
                writable.append(row.id)
            await GoogleCalendar.filter(id=row.id).update(**differing)
            await affected_entries.record_for_calendar(work, row.id)
            changed = True
    for row in rows.values():
        if row.listed:
            await GoogleCalendar.filter(id=row.id).update(listed=False)
            await affected_entries.record_for_calendar(work, row.id)
            changed = True
    await GoogleAccount.filter(id=account_id).update(listed_at=work.now, list_due_at=work.now + RELIST)
    if changed:
        await record_account(work, account_id)
    for option in await GoogleLink.filter(calendar_id__in=writable).values("option_id", "calendar_id"):
        await mirror.want_future(work, option["option_id"])
        await mirror.adopt_events(work, option["calendar_id"])


def _differences(row: GoogleCalendar, each: ListedCalendar) -> dict[str, str | bool]:
    """Returns the columns that differ from the list. Leaves out the zone of a calendar that we follow: its pull stores
    a new one, after it has listed the events again.
    """
    values: dict[str, str | bool] = {
        "summary": each.summary,
        "access_role": each.access_role,
        "is_primary": each.primary,
        "listed": True,
    }
    if row.pull_due_at is None:
        values["time_zone"] = each.time_zone
    return {name: value for name, value in values.items() if getattr(row, name) != value}


async def make_stale_due(business_id: UUID, account_ids: Iterable[UUID]) -> None:
    """Makes the lists of these accounts due that are older than a minute, since somebody looks at them."""
    now = clock.now()
    stale = GoogleAccount.filter(business_id=business_id, id__in=list(account_ids), list_due_at__gt=now)
    if await stale.filter(Q(listed_at__isnull=True) | Q(listed_at__lt=now - _FRESH)).update(list_due_at=now):
        notifier.ring(business_id)


async def put_off(account_id: UUID, failure: Failure) -> None:
    """Makes a list due again in some minutes, after we could not read it; not before the time that Google named."""
    wait = max(_RETRY, timedelta(seconds=failure.retry_after or 0))
    await GoogleAccount.filter(id=account_id).update(list_due_at=clock.now() + min(wait, RELIST))


async def claim(now: datetime) -> UUID | None:
    """Claims an account whose list is due, so that no other worker gets it within an hour; None when there is none."""
    due = GoogleAccount.filter(state=GoogleAccountState.CONNECTED, list_due_at__lte=now)
    for row in await due.order_by("list_due_at").limit(4).values("id", "list_due_at"):
        ours = GoogleAccount.filter(id=row["id"], list_due_at=row["list_due_at"])
        if await ours.update(list_due_at=now + RELIST):
            account_id: UUID = row["id"]
            return account_id
    return None
