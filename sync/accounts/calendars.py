"""The calendars of an account, as rows: stored when it signs in, looked at anew when asked for or after an hour.

The database half; the engine asks Google.
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
from sync.google_api.tokens import note_account

RELIST = timedelta(hours=1)
_RETRY = timedelta(minutes=5)
_FRESH = timedelta(minutes=1)


async def store(work: LoggedTransaction, account_id: UUID, listed: Iterable[ListedCalendar]) -> None:
    """Makes the rows say what a complete list says. A calendar that is gone from it keeps its row and its links.

    Nothing is stored for an account that was forgotten while Google was asked.
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
            await affected_entries.of_calendar(work, row.id)
            changed = True
    for row in rows.values():
        if row.listed:
            await GoogleCalendar.filter(id=row.id).update(listed=False)
            await affected_entries.of_calendar(work, row.id)
            changed = True
    await GoogleAccount.filter(id=account_id).update(listed_at=work.now, list_due_at=work.now + RELIST)
    if changed:
        await note_account(work, account_id)
    for option in await GoogleLink.filter(calendar_id__in=writable).values("option_id", "calendar_id"):
        await mirror.want_future(work, option["option_id"])
        await mirror.take_up(work, option["calendar_id"])


def _differences(row: GoogleCalendar, each: ListedCalendar) -> dict[str, str | bool]:
    """The columns that the list has otherwise. The zone of a calendar that is followed is its pull's to notice."""
    said: dict[str, str | bool] = {
        "summary": each.summary,
        "access_role": each.access_role,
        "is_primary": each.primary,
        "listed": True,
    }
    if row.pull_due_at is None:
        said["time_zone"] = each.time_zone
    return {name: value for name, value in said.items() if getattr(row, name) != value}


async def ask(business_id: UUID, account_ids: Iterable[UUID]) -> None:
    """Somebody looks at these accounts' calendars: a list older than a minute is due."""
    now = clock.now()
    stale = GoogleAccount.filter(business_id=business_id, id__in=list(account_ids), list_due_at__gt=now)
    if await stale.filter(Q(listed_at__isnull=True) | Q(listed_at__lt=now - _FRESH)).update(list_due_at=now):
        notifier.ring(business_id)


async def put_off(account_id: UUID, failure: Failure) -> None:
    """The list could not be read: it is tried again soon, though not before Google wants to be asked."""
    wait = max(_RETRY, timedelta(seconds=failure.retry_after or 0))
    await GoogleAccount.filter(id=account_id).update(list_due_at=clock.now() + min(wait, RELIST))


async def claim(now: datetime) -> UUID | None:
    """An account whose list is due, which nobody else will be given for an hour."""
    due = GoogleAccount.filter(state=GoogleAccountState.CONNECTED, list_due_at__lte=now)
    for row in await due.order_by("list_due_at").limit(4).values("id", "list_due_at"):
        ours = GoogleAccount.filter(id=row["id"], list_due_at=row["list_due_at"])
        if await ours.update(list_due_at=now + RELIST):
            account_id: UUID = row["id"]
            return account_id
    return None
