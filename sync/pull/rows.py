"""The database half of a pull: reads what a run begins with, writes rows in batches, ends the run.

Every transaction extends the lease first. The one that writes the last rows of a run stores the sync token too.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import F

from models.actions import affected_entries
from models.enums import ChangeAction, ChangeKind
from models.google import event
from models.google.event import GoogleEvent
from models.google.tables import GoogleCalendar, GoogleLink
from models.log import change_log
from models.log.change_log import LoggedTransaction
from models.storage import db
from sync import leases
from sync.google_api import trouble
from sync.google_api.replies import Failure
from sync.google_api.retry import Decision
from sync.leases import Lease
from sync.pull import machine
from sync.pull.machine import Apply, Finish, Start, Sweep, Window
from sync.pull.redaction import Redaction
from sync.pull.routing import BATCH, CLEAR_OF_FAILURES, LostLeaseError, fence_lease, read_routes
from sync.schedule import snapshot_is_due

BACK = timedelta(days=35)


async def begin(lease: Lease, days: int, *, nightly: bool = True) -> tuple[GoogleCalendar, Start]:
    """Reads what a run begins with; `nightly` lets it list the window once a night. Raises LostLeaseError."""

    async def body(work: LoggedTransaction) -> tuple[GoogleCalendar, Start]:
        await fence_lease(work, lease)
        await lease.row().update(generation=F("generation") + 1)
        calendar, now = await GoogleCalendar.get(id=lease.calendar_id), await read_routes(lease.calendar_id)
        start = Start(
            sync_token=calendar.sync_token,
            token_version=calendar.query_version,
            time_zone=calendar.time_zone,
            window=Window(work.now - BACK, work.now + timedelta(days=days)),
            generation=calendar.generation,
            snapshot=nightly and snapshot_is_due(calendar.snapshot_at, calendar.id, calendar.time_zone, work.now),
            attendees=now.reads_attendees,
            texts=now.keeps_texts,
        )
        return calendar, start

    return await change_log.write(lease.business_id, body)


async def apply(lease: Lease, redaction: Redaction, pieces: Sequence[Apply]) -> None:
    """Writes the rows of pieces, each in a transaction of its own. Raises LostLeaseError."""
    for piece in pieces:

        async def body(work: LoggedTransaction, piece: Apply = piece) -> None:
            await fence_lease(work, lease)
            await _apply(work, lease, redaction, piece)

        await change_log.write(lease.business_id, body)


async def _apply(work: LoggedTransaction, lease: Lease, redaction: Redaction, piece: Apply) -> None:
    """Writes the rows of one piece; they block by the links as they are now."""
    now = await read_routes(lease.calendar_id)
    if piece.rows:
        await event.upsert(work, now.scope, [now.event_row(row, redaction) for row in piece.rows], piece.generation)
    if piece.roots:
        await event.prune(work, now.scope, {root.google_id: root.keeps for root in piece.roots})


async def distrust(lease: Lease) -> None:
    """Deletes the sync token, so that the next run lists everything if this one fails. Raises LostLeaseError."""
    if not await lease.row().update(sync_token=None):
        raise LostLeaseError(lease.calendar_id)


async def rows_to_sweep(lease: Lease, sweep: Sweep, allowed: bool) -> list[UUID] | None:
    """Returns the rows that a complete listing did not have; None when they are suspiciously many and not `allowed`."""
    listed = event.between(lease.calendar_id, sweep.since, sweep.until)
    rows = await db.select(listed, ("id", "google_id", "master_id", "generation"))
    listed_series = {row["master_id"] or row["google_id"] for row in rows if row["generation"] == sweep.generation}
    everything = {row["master_id"] or row["google_id"] for row in rows}
    if not allowed and machine.sweep_is_suspicious(len(everything - listed_series), len(everything)):
        return None
    return [row["id"] for row in rows if row["generation"] != sweep.generation]


async def rows_before(lease: Lease, window: Window) -> list[UUID]:
    """Returns the rows that end before the window."""
    over = GoogleEvent.filter(calendar_id=lease.calendar_id, ends_at__lte=window.start)
    return [row["id"] for row in await db.select(over, ("id",))]


async def drop(lease: Lease, row_ids: Sequence[UUID]) -> None:
    """Deletes rows, in batches. Raises LostLeaseError."""
    for at in range(0, len(row_ids), BATCH):

        async def body(work: LoggedTransaction, ids: Sequence[UUID] = row_ids[at : at + BATCH]) -> None:
            await fence_lease(work, lease)
            scope = (await read_routes(lease.calendar_id)).scope
            await event.drop(work, scope, await GoogleEvent.filter(id__in=list(ids)))

        await change_log.write(lease.business_id, body)


async def finish(lease: Lease, redaction: Redaction, last: Apply, end: Finish, due_at: datetime) -> None:
    """Writes the last piece of a run, stores its token, and gives the lease back. Raises LostLeaseError."""

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        await _apply(work, lease, redaction, last)
        before = await GoogleCalendar.get(id=lease.calendar_id)
        kept: dict[str, Any] = {
            "sync_token": end.sync_token,
            "query_version": end.token_version,
            "time_zone": end.time_zone,
            "pulled_at": work.now,
        }
        if end.snapshot:
            kept["snapshot_at"] = work.now
        if not await leases.give_back(lease, due_at, **CLEAR_OF_FAILURES, **kept):
            raise LostLeaseError(lease.calendar_id)
        if before.time_zone != end.time_zone:
            await affected_entries.record_for_calendar(work, lease.calendar_id)
        if before.pulled_at is None or before.pull_error_code or before.time_zone != end.time_zone:
            await record_links(work, lease.calendar_id)

    await change_log.write(lease.business_id, body)


async def fail(lease: Lease, failure: Failure, decision: Decision) -> None:
    """Stores a failure, of a pull or a push, and gives the lease back until the next attempt. Deletes no events."""

    async def body(work: LoggedTransaction) -> None:
        wait = timedelta(seconds=decision.wait_seconds or 0)
        values: dict[str, Any] = {
            "attempts": F(f"{lease.direction}_attempts") + 1,
            "not_before": work.now + wait,
            "prescribed": decision.prescribed,
            "action_required": decision.action_required,
            "error_code": trouble.code_of(failure),
            "error_message": None,
            "error_at": work.now,
        }
        columns = {f"{lease.direction}_{name}": value for name, value in values.items()}
        if await leases.give_back(lease, work.now + wait, **columns):
            await record_links(work, lease.calendar_id)

    await change_log.write(lease.business_id, body)


async def record_links(work: LoggedTransaction, calendar_id: UUID) -> None:
    """Records a change of every link to the calendar, since clients see the calendar's health there."""
    for row in await GoogleLink.filter(calendar_id=calendar_id).values("id", "option_id"):
        work.record(ChangeKind.GOOGLE_LINK, row["id"], ChangeAction.UPSERTED, [row["option_id"]])
