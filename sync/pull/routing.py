"""Routing: a calendar's links as pulls need them, and recomputing what its events block after they changed."""

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
from sync.pull.redaction import Redaction, redacted

BATCH = 300
"""The most rows that one transaction writes."""

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
"""The values of a calendar's columns after a pull that succeeded."""

STOPPED_AGAIN = timedelta(minutes=5)
"""When to try again to stop a channel that Google did not let us stop."""

_UNFOLLOWED: dict[str, Any] = {
    **CLEAR_OF_FAILURES,
    "sync_token": None,
    "snapshot_at": None,
    "pulled_at": None,
    "watch_due_at": None,
}


class LostLeaseError(Exception):
    """Another worker has the calendar's lease by now; this run may store nothing more."""


@dataclass(frozen=True, slots=True)
class Routes:
    """The links of a calendar with their rules. `keeps_texts` means that some link stores its events in full."""

    calendar_id: UUID
    links: tuple[LinkRule, ...]
    unrouted: UnroutedEvents
    keeps_texts: bool

    @property
    def option_ids(self) -> frozenset[UUID]:
        """The options that are linked to the calendar."""
        return frozenset(link.option_id for link in self.links)

    @property
    def reads_attendees(self) -> bool:
        """Whether a matcher looks at attendees."""
        return any(matcher.field is MatcherField.ATTENDEE for link in self.links for matcher in link.matchers)

    @property
    def version(self) -> int:
        """The query version of a pull for these links."""
        return machine.query_version(self.reads_attendees, self.keeps_texts)

    def can_decide(self, calendar: GoogleCalendar) -> bool:
        """Whether the rows have all that the rules look at, as texts or hashes. They always have colours and times."""
        routed = (link for link in self.links if link.blocking is Blocking.MATCHED_EVENTS)
        if all(matcher.field is MatcherField.COLOR for link in routed for matcher in link.matchers):
            return True
        return calendar.sync_token is not None and calendar.query_version == self.version

    @property
    def scope(self) -> CalendarScope:
        """The calendar and its options, as the verbs of `models.google.event` take them."""
        return CalendarScope(self.calendar_id, self.option_ids)

    def event_row(self, foreign: GoogleOccurrence, redaction: Redaction) -> EventRow:
        """Converts an event of Google's to its row's columns and blocks, with hashes where we store no texts."""
        kept = (name for name in (*event.SHOWN, *event.HIDDEN) if name != "veiled")
        columns = {name: getattr(foreign, name) for name in kept}
        columns |= {"attendees": list(foreign.attendees), "veiled": None}
        if not self.keeps_texts:
            columns |= {"title": None, "description": None, "location": None, "attendees": []}
            columns["veiled"] = redaction.event(foreign)
        return EventRow(foreign.google_id, columns, blocked_options(foreign, self.links, self.unrouted))

    def blocks(self, rows: Iterable[GoogleEvent], redaction: Redaction) -> Mapping[UUID, Blocks]:
        """Returns which options each stored event blocks, and when."""
        redacted_rules = [redaction.rule(link) for link in self.links]
        blocked: dict[UUID, Blocks] = {}
        for row in rows:
            subject, rules = (row, self.links) if row.veiled is None else (redacted(row, row.veiled), redacted_rules)
            options = blocked_options(subject, rules, self.unrouted)
            blocked[row.id] = dict.fromkeys(options, (row.starts_at, row.ends_at))
        return blocked


async def read_routes(calendar_id: UUID) -> Routes:
    """Reads a calendar's links as they are now."""
    calendar = await GoogleCalendar.get(id=calendar_id)
    links = await GoogleLink.filter(calendar_id=calendar_id).order_by("id")
    rules = tuple(
        LinkRule(link.option_id, Blocking(link.blocking), matchers(link.matchers), AllDayEvents(link.all_day_events))
        for link in links
    )
    keeps_texts = any(link.detail == EventDetail.FULL for link in links)
    return Routes(calendar_id, rules, UnroutedEvents(calendar.unrouted_events), keeps_texts)


async def fence_lease(work: LoggedTransaction, lease: Lease) -> None:
    """Extends the lease; every transaction of a run calls this first. Raises LostLeaseError when it is not ours."""
    if not await leases.extend(lease, work.now):
        raise LostLeaseError(lease.calendar_id)


async def reroute(lease: Lease, redaction: Redaction) -> bool:
    """Recomputes which options a calendar's events block, if links or rules have changed. Returns False when no option
    is linked to it any more; then it has deleted the events, and the caller stops the channels. Raises LostLeaseError.

    Where the rules need texts that we did not store, events block as before until the full listing that is due then.
    """
    calendar = await GoogleCalendar.get(id=lease.calendar_id)
    pending = calendar.reroute
    if pending is None and await GoogleLink.filter(calendar_id=calendar.id).exists():
        return True
    concerned = frozenset(UUID(each) for each in pending or ())
    batch = GoogleEvent.filter(calendar_id=lease.calendar_id).order_by("id").limit(BATCH)
    rows = await batch
    while rows:
        await change_log.write(lease.business_id, _batch(lease, redaction, rows, concerned))
        rows = await batch.filter(id__gt=rows[-1].id)
    return await change_log.write(lease.business_id, _rerouted(lease, pending))


def _batch(
    lease: Lease, redaction: Redaction, rows: list[GoogleEvent], concerned: frozenset[UUID]
) -> change_log.Body[None]:
    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        now = await read_routes(lease.calendar_id)
        calendar_scope = CalendarScope(lease.calendar_id, now.option_ids | concerned)
        if not now.links:
            await event.drop(work, calendar_scope, rows)
            return
        if now.can_decide(await GoogleCalendar.get(id=lease.calendar_id)):
            blocked = now.blocks(rows, redaction)
        else:
            current_blocks = await event.blocks_of([row.id for row in rows])
            blocked = {row.id: current_blocks.get(row.id, {}) for row in rows}
        await event.replace_blocks(work, calendar_scope, blocked)

    return body


def _rerouted(lease: Lease, pending: list[str] | None) -> change_log.Body[bool]:
    async def body(work: LoggedTransaction) -> bool:
        await fence_lease(work, lease)
        calendar = await GoogleCalendar.get(id=lease.calendar_id)
        if calendar.reroute == pending:
            await GoogleCalendar.filter(id=calendar.id).update(reroute=None)
        if await GoogleLink.filter(calendar_id=calendar.id).exists():
            return True
        await GoogleChannel.filter(calendar_id=calendar.id).update(stopping=True)
        await lease.row().update(**_UNFOLLOWED)
        return False

    return body


async def unfollow(lease: Lease) -> None:
    """Gives back the lease of a calendar without links; due again while it has channels. Raises LostLeaseError."""

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        pending = await GoogleChannel.filter(calendar_id=lease.calendar_id).exists()
        await leases.give_back(lease, work.now + STOPPED_AGAIN if pending else None)

    await change_log.write(lease.business_id, body)
