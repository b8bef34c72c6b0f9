"""The database half of a pull: what a run begins with, rows written in batches, the end of the run.

Every write holds the lease first. The token is stored in the transaction that applies the last of what it stands for.
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
from sync.pull.redaction import Veil
from sync.pull.routing import BATCH, CLEAR_OF_FAILURES, LostLeaseError, fence_lease, routes
from sync.schedule import snapshot_is_due

BACK = timedelta(days=35)


async def begin(lease: Lease, days: int, *, nightly: bool = True) -> tuple[GoogleCalendar, Start]:
    """What a run begins with; its generation is no other run's. With `nightly` it lists the window when that is due.

    Raises LostLeaseError.
    """

    async def body(work: LoggedTransaction) -> tuple[GoogleCalendar, Start]:
        await fence_lease(work, lease)
        await lease.row().update(generation=F("generation") + 1)
        calendar, now = await GoogleCalendar.get(id=lease.calendar_id), await routes(lease.calendar_id)
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


async def apply(lease: Lease, veil: Veil, pieces: Sequence[Apply]) -> None:
    """Writes rows, a transaction for each piece. Raises LostLeaseError."""
    for piece in pieces:

        async def body(work: LoggedTransaction, piece: Apply = piece) -> None:
            await fence_lease(work, lease)
            await _apply(work, lease, veil, piece)

        await change_log.write(lease.business_id, body)


async def _apply(work: LoggedTransaction, lease: Lease, veil: Veil, piece: Apply) -> None:
    """The links as they are now decide what is blocked."""
    now = await routes(lease.calendar_id)
    if piece.rows:
        await event.put(work, now.followed, [now.seen(row, veil) for row in piece.rows], piece.generation)
    if piece.roots:
        await event.prune(work, now.followed, {root.google_id: root.keeps for root in piece.roots})


async def distrust(lease: Lease) -> None:
    """Forgets the token, so that whatever becomes of this run, the next one lists everything if it must begin anew.

    Raises LostLeaseError.
    """
    if not await lease.row().update(sync_token=None):
        raise LostLeaseError(lease.calendar_id)


async def sweepable(lease: Lease, sweep: Sweep, allowed: bool) -> list[UUID] | None:
    """The rows that the complete listing did not show; None when there are suspiciously many and nobody allowed it."""
    listed = event.between(lease.calendar_id, sweep.since, sweep.until)
    rows = await db.select(listed, ("id", "google_id", "master_id", "generation"))
    seen = {row["master_id"] or row["google_id"] for row in rows if row["generation"] == sweep.generation}
    everything = {row["master_id"] or row["google_id"] for row in rows}
    if not allowed and machine.sweep_is_suspicious(len(everything - seen), len(everything)):
        return None
    return [row["id"] for row in rows if row["generation"] != sweep.generation]


async def aged(lease: Lease, window: Window) -> list[UUID]:
    """The rows that the window has left behind."""
    over = GoogleEvent.filter(calendar_id=lease.calendar_id, ends_at__lte=window.start)
    return [row["id"] for row in await db.select(over, ("id",))]


async def forget(lease: Lease, row_ids: Sequence[UUID]) -> None:
    """Removes rows that Google no longer has or the window has left behind, in batches. Raises LostLeaseError."""
    for at in range(0, len(row_ids), BATCH):

        async def body(work: LoggedTransaction, ids: Sequence[UUID] = row_ids[at : at + BATCH]) -> None:
            await fence_lease(work, lease)
            on = (await routes(lease.calendar_id)).followed
            await event.drop(work, on, await GoogleEvent.filter(id__in=list(ids)))

        await change_log.write(lease.business_id, body)


async def finish(lease: Lease, veil: Veil, last: Apply, end: Finish, due_at: datetime) -> None:
    """Applies the last piece of a run, keeps its token, and gives the lease back. Raises LostLeaseError."""

    async def body(work: LoggedTransaction) -> None:
        await fence_lease(work, lease)
        await _apply(work, lease, veil, last)
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
            await affected_entries.of_calendar(work, lease.calendar_id)
        if before.pulled_at is None or before.pull_error_code or before.time_zone != end.time_zone:
            await note_links(work, lease.calendar_id)

    await change_log.write(lease.business_id, body)


async def fail(lease: Lease, failure: Failure, decision: Decision) -> None:
    """Gives the lease back with what went wrong. Nothing is removed: an error is never a deletion."""

    async def body(work: LoggedTransaction) -> None:
        wait = timedelta(seconds=decision.wait_seconds or 0)
        values: dict[str, Any] = {
            "attempts": F(f"{lease.way}_attempts") + 1,
            "not_before": work.now + wait,
            "prescribed": decision.prescribed,
            "action_required": decision.action_required,
            "error_code": trouble.code_of(failure),
            "error_message": None,
            "error_at": work.now,
        }
        columns = {f"{lease.way}_{name}": value for name, value in values.items()}
        if await leases.give_back(lease, work.now + wait, **columns):
            await note_links(work, lease.calendar_id)

    await change_log.write(lease.business_id, body)


async def note_links(work: LoggedTransaction, calendar_id: UUID) -> None:
    """Notes a change of every link to the calendar: its health is seen there."""
    for row in await GoogleLink.filter(calendar_id=calendar_id).values("id", "option_id"):
        work.record(ChangeKind.GOOGLE_LINK, row["id"], ChangeAction.UPSERTED, [row["option_id"]])
