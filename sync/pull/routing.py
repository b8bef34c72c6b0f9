"""A calendar's links as the pull needs them, and its events decided anew when links or rules change. Database only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from models.enums import AllDayEvents, Blocking, EventDetail, MatcherField, UnroutedEvents
from models.google import event
from models.google.event import Blocks, CalendarScope, EventRow, GoogleEvent
from models.google.tables import GoogleCalendar, GoogleChannel, GoogleLink
from models.log import change_log
from models.log.change_log import LoggedTransaction
from sync import leases
from sync.google_api.translate import GoogleOccurrence
from sync.leases import Lease
from sync.pull import machine
from sync.pull.block_rules import LinkRule, blocked_options, matchers
from sync.pull.redaction import Veil, veiled

BATCH = 300
"""So many rows a transaction writes at most."""

CLEAR_OF_FAILURES: dict[str, Any] = {
    "pull_attempts": 0,
    "pull_not_before": None,
    "pull_prescribed": False,
    "pull_action_required": False,
    "pull_error_code": None,
    "pull_error_message": None,
    "pull_error_at": None,
    "sweep_allowed": False,
}
"""What a calendar's columns say when nothing is wrong with pulling it."""

STOPPED_AGAIN = timedelta(minutes=5)
"""How soon a channel is stopped again that Google did not let us stop."""

_UNFOLLOWED: dict[str, Any] = {
    **CLEAR_OF_FAILURES,
    "sync_token": None,
    "snapshot_at": None,
    "pulled_at": None,
    "watch_due_at": None,
}


class LostLeaseError(Exception):
    """The calendar is somebody else's by now: nothing more may be stored."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Who listens to a calendar, and how. `keeps_texts`: some link wants its events in full."""

    calendar_id: UUID
    links: tuple[LinkRule, ...]
    unrouted: UnroutedEvents
    keeps_texts: bool

    @property
    def option_ids(self) -> frozenset[UUID]:
        """The linked options."""
        return frozenset(link.option_id for link in self.links)

    @property
    def reads_attendees(self) -> bool:
        """Whether a rule looks at who is invited."""
        return any(matcher.field is MatcherField.ATTENDEE for link in self.links for matcher in link.matchers)

    @property
    def version(self) -> int:
        """Names what is read and kept for these links."""
        return machine.query_version(self.reads_attendees, self.keeps_texts)

    def can_decide(self, calendar: GoogleCalendar) -> bool:
        """Whether the calendar's rows hold all that the rules look at, open or veiled. Colours and times always are."""
        routed = (link for link in self.links if link.blocking is Blocking.MATCHED_EVENTS)
        if all(matcher.field is MatcherField.COLOR for link in routed for matcher in link.matchers):
            return True
        return calendar.sync_token is not None and calendar.query_version == self.version

    @property
    def followed(self) -> CalendarScope:
        """The calendar, as writing its events needs it."""
        return CalendarScope(self.calendar_id, self.option_ids)

    def seen(self, foreign: GoogleOccurrence, veil: Veil) -> EventRow:
        """An event of Google's, ready to be a row: what it blocks, and as much of it as may be kept."""
        kept = (name for name in (*event.SHOWN, *event.HIDDEN) if name != "veiled")
        columns = {name: getattr(foreign, name) for name in kept}
        columns |= {"attendees": list(foreign.attendees), "veiled": None}
        if not self.keeps_texts:
            columns |= {"title": None, "description": None, "location": None, "attendees": []}
            columns["veiled"] = veil.event(foreign)
        return EventRow(foreign.google_id, columns, blocked_options(foreign, self.links, self.unrouted))

    def blocks(self, rows: Iterable[GoogleEvent], veil: Veil) -> Mapping[UUID, Blocks]:
        """What each kept event makes unavailable."""
        behind = [veil.rule(link) for link in self.links]
        blocked: dict[UUID, Blocks] = {}
        for row in rows:
            seen, rules = (row, self.links) if row.veiled is None else (veiled(row, row.veiled), behind)
            options = blocked_options(seen, rules, self.unrouted)
            blocked[row.id] = dict.fromkeys(options, (row.starts_at, row.ends_at))
        return blocked


async def routes(calendar_id: UUID) -> Routes:
    """The calendar's links as they are now."""
    calendar = await GoogleCalendar.get(id=calendar_id)
    links = await GoogleLink.filter(calendar_id=calendar_id).order_by("id")
    rules = tuple(
        LinkRule(link.option_id, Blocking(link.blocking), matchers(link.matchers), AllDayEvents(link.all_day_events))
        for link in links
    )
    keeps_texts = any(link.detail == EventDetail.FULL for link in links)
    return Routes(calendar_id, rules, UnroutedEvents(calendar.unrouted_events), keeps_texts)


async def fence_lease(work: LoggedTransaction, lease: Lease) -> None:
    """The fence: first in every write of a run. Raises LostLeaseError."""
    if not await leases.extend(lease, work.now):
        raise LostLeaseError(lease.calendar_id)


async def reroute(lease: Lease, veil: Veil) -> bool:
    """Decides anew what a calendar's events block, if that is due; False when nobody listens to it any more: its
    events are then gone, and its channels to be stopped. Raises LostLeaseError.

    Where the rules need what was not kept, everything blocks as before until it is listed in full, which is due then.
    """
    calendar = await GoogleCalendar.get(id=lease.calendar_id)
    waiting = calendar.reroute
    if waiting is None and await GoogleLink.filter(calendar_id=calendar.id).exists():
        return True
    concerned = frozenset(UUID(each) for each in waiting or ())
    batch = GoogleEvent.filter(calendar_id=lease.calendar_id).order_by("id").limit(BATCH)
    rows = await batch
    while rows:
        await change_log.write(lease.business_id, _batch(lease, veil, rows, concerned))
        rows = await batch.filter(id__gt=rows[-1].id)
    return await change_log.write(lease.business_id, _rerouted(lease, waiting))


def _batch(lease: Lease, veil: Veil, rows: list[GoogleEvent], concerned: frozenset[UUID]) -> change_log.Body[None]:
    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        now = await routes(lease.calendar_id)
        on = CalendarScope(lease.calendar_id, now.option_ids | concerned)
        if not now.links:
            await event.drop(work, on, rows)
            return
        if now.can_decide(await GoogleCalendar.get(id=lease.calendar_id)):
            blocked = now.blocks(rows, veil)
        else:
            there = await event.blocks_of([row.id for row in rows])
            blocked = {row.id: there.get(row.id, {}) for row in rows}
        await event.reroute(work, on, blocked)

    return body


def _rerouted(lease: Lease, waiting: list[str] | None) -> change_log.Body[bool]:
    async def body(work: LoggedTransaction) -> bool:
        await fence_lease(work, lease)
        calendar = await GoogleCalendar.get(id=lease.calendar_id)
        if calendar.reroute == waiting:
            await GoogleCalendar.filter(id=calendar.id).update(reroute=None)
        if await GoogleLink.filter(calendar_id=calendar.id).exists():
            return True
        await GoogleChannel.filter(calendar_id=calendar.id).update(stopping=True)
        await lease.row().update(**_UNFOLLOWED)
        return False

    return body


async def unfollow(lease: Lease) -> None:
    """Gives a calendar back that nobody listens to: for good once its channels are stopped. Raises LostLeaseError."""

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        waiting = await GoogleChannel.filter(calendar_id=lease.calendar_id).exists()
        await leases.give_back(lease, work.now + STOPPED_AGAIN if waiting else None)

    await change_log.write(lease.business_id, body)
