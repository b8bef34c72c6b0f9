"""Merges links: when several accounts of a business see one Google calendar, we follow it through one of them.

Otherwise we would store and route each of its events twice. These functions run inside the caller's transaction.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from tortoise.expressions import Subquery

from models.actions import affected_entries
from models.enums import ChangeAction, ChangeKind, GoogleAccountState
from models.google import mirror
from models.google.event import GoogleEvent
from models.google.mirror import READ_ONLY
from models.google.tables import GoogleCalendar, GoogleLink
from models.log.change_log import LoggedTransaction
from sync import leases
from sync.pull.routing import read_routes


async def find_followed(calendar: GoogleCalendar) -> GoogleCalendar | None:
    """Returns the row through which we follow this Google calendar already, if it is as good as this one; else None."""
    links = GoogleLink.filter(business_id=calendar.business_id, calendar_id__isnull=False)
    rows = GoogleCalendar.filter(
        business_id=calendar.business_id,
        google_id=calendar.google_id,
        listed=True,
        account__state=GoogleAccountState.CONNECTED,
        account__leaving_at__isnull=True,
        id__in=Subquery(links.values("calendar_id")),
    )
    if calendar.access_role not in READ_ONLY:
        rows = rows.exclude(access_role__in=list(READ_ONLY))
    return await rows.order_by("id").first()


async def move_links_to(work: LoggedTransaction, calendar: GoogleCalendar) -> None:
    """Links every option that is linked to this Google calendar through another account to this row instead.

    Moves the events too, so that their time stays blocked until the full listing that is due then.
    """
    others = GoogleCalendar.filter(business_id=work.business_id, google_id=calendar.google_id).exclude(id=calendar.id)
    links = GoogleLink.filter(calendar_id__in=Subquery(others.values("id")))
    coming = await links.order_by("id")
    if not coming:
        return
    before = await GoogleCalendar.get(id=coming[0].calendar_id)
    await GoogleLink.filter(id__in=[link.id for link in coming]).update(calendar_id=calendar.id)
    await mirror.adopt_events(work, calendar.id)
    if not await GoogleEvent.filter(calendar_id=calendar.id).exists():
        await GoogleEvent.filter(calendar_id=before.id).update(calendar_id=calendar.id)
    await GoogleCalendar.filter(id=calendar.id).update(unrouted_events=before.unrouted_events, sync_token=None)
    for left in {link.calendar_id for link in coming if link.calendar_id}:
        await reroute(work, left, [])
    await reroute(work, calendar.id, [])
    for link in coming:
        await mirror.want_future(work, link.option_id)
        work.record(ChangeKind.GOOGLE_LINK, link.id, ChangeAction.UPSERTED, [link.option_id])
    await affected_entries.record_for_calendar(work, calendar.id)


async def hand_over(work: LoggedTransaction, account_id: UUID) -> None:
    """Before an account leaves: hands each of its calendars that options of other accounts are linked to over to one of
    those accounts, to one that may write to it if there is any.
    """
    sharing = GoogleLink.filter(calendar__account_id=account_id).exclude(account_id=account_id)
    heirs: dict[str, GoogleCalendar] = {}
    for link in await sharing.order_by("id").values("account_id", "calendar__google_id"):
        google_id = link["calendar__google_id"]
        heir = await GoogleCalendar.get_or_none(
            account_id=link["account_id"],
            google_id=google_id,
            listed=True,
            account__state=GoogleAccountState.CONNECTED,
            account__leaving_at__isnull=True,
        )
        if heir and (google_id not in heirs or heirs[google_id].access_role in READ_ONLY):
            heirs[google_id] = heir
    for heir in heirs.values():
        await move_links_to(work, heir)


async def reroute(work: LoggedTransaction, calendar_id: UUID, concerned: Iterable[UUID]) -> None:
    """Makes a calendar due, and asks its next pull to recompute what its events block, after links or rules changed.
    `concerned` are the options that were linked or unlinked.

    Takes the lease from a pull under way, since it began with other rules. Also asks for a full listing if the rules
    need texts that we did not store, or no longer need those that we did.
    """
    calendar = await GoogleCalendar.get(id=calendar_id)
    waiting = {*(calendar.reroute or ()), *map(str, concerned)}
    values: dict[str, Any] = {
        "reroute": sorted(waiting),
        "pull_due_at": work.now,
        "pull_lease": None,
        "pull_lease_until": None,
    }
    now = await read_routes(calendar_id)
    if not now.links or calendar.query_version != now.version or not now.can_decide(calendar):
        values["sync_token"] = None
    same = GoogleCalendar.filter(id=calendar_id)
    await same.update(**values)
    await leases.hasten(same, work.now, over_prescribed=False)
