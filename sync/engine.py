"""The engine: carries out what the machines decide. The one file that awaits both Google and the database.

Never both at once: no call to Google is made inside a transaction. Whatever Google answers ends in a stored outcome,
and a run that lost its lease ends without one.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import SystemRandom
from typing import TypeVar
from uuid import UUID

from models import changes, clock
from models.google import GoogleAccount, GoogleCalendar
from models.mirror import Mirror, event_id
from models.refusals import ErrorCode, Refused, refused
from models.secret import Secrets
from models.settings import Settings
from models.words import Drift
from sync import calendars, channels, leases, mirroring, pace, pull, pulling, push, rendering, retry, routing, signin
from sync.client import GoogleClient
from sync.drift import drift_of
from sync.leases import Lease
from sync.pull import Apply, Fetch, FetchInstances, Finish, Stop, Sweep, Window
from sync.push import Again, Call, Delete, Get, Insert, Progress, Rendered
from sync.replies import CalendarList, ChannelReply, Done, EventJson, EventReply, Failure, FailureKind, Page
from sync.routing import BATCH, LostLeaseError
from sync.signin import Granted, Opened, Returned
from sync.tokens import Grants

log = logging.getLogger("timebok.sync")

Reply = TypeVar("Reply")

_MIRRORS_AT_ONCE = 20
_WATCH_RETRY = timedelta(minutes=5)
_dice = SystemRandom()


class Engine:
    """One per process, around one client."""

    def __init__(self, client: GoogleClient, secrets: Secrets, settings: Settings) -> None:
        self._client = client
        self._secrets = secrets
        self._settings = settings
        self._grants = Grants(client, secrets)

    # From Google to here.

    async def pull(self, lease: Lease) -> None:
        """Brings a calendar's rows up to date, and gives the lease back."""
        try:
            if not await routing.reroute(lease):
                await self._stop_channels(lease.account_id, lease.calendar_id)
                return
            if await self._pull(lease):
                await self._watch(lease)
        except LostLeaseError:
            log.info("pull of calendar %s: the lease is lost", lease.calendar_id)

    async def _pull(self, lease: Lease) -> bool:
        """One run, from its first request to its end; whether it came to a good one."""
        calendar, start = await pulling.begin(lease, self._settings.google_days)
        seen = _Ours(lease, calendar, start.window, clock.now())
        cursor, effects = pull.begin(start)
        while True:
            pieces = [piece for effect in effects if isinstance(effect, Apply) for piece in effect.split(BATCH)]
            match effects[-1]:
                case Finish() as end:
                    sweep = next((effect for effect in effects if isinstance(effect, Sweep)), None)
                    return await self._finish(lease, calendar, seen, pieces, sweep, end)
                case Stop(failure):
                    await self._fail(lease, failure)
                    return False
                case Fetch() | FetchInstances() as request:
                    await pulling.apply(lease, pieces)
                    reply = await self._fetch(lease, calendar, request)
                    if isinstance(reply, Page):
                        reply = await self._foreign_only(seen, reply, request)
                    cursor, effects = pull.step(cursor, reply)
                case last:
                    raise TypeError(f"a step cannot end with {last!r}")

    async def _finish(
        self,
        lease: Lease,
        calendar: GoogleCalendar,
        seen: "_Ours",
        pieces: list[Apply],
        sweep: Sweep | None,
        end: Finish,
    ) -> bool:
        """Applies what is left, sweeps what a complete listing did not show, and keeps the token with the last."""
        if sweep:
            await pulling.apply(lease, pieces)
            unseen = await pulling.sweepable(lease, sweep, calendar.sweep_allowed)
            if unseen is None:
                await self._fail(lease, pull.SWEEP_REFUSED)
                return False
            await pulling.forget(lease, unseen)
            for row in await mirroring.missing(calendar.id, seen.ids, seen.window.end, seen.began_at):
                await mirroring.put_right(lease, row, Drift.DELETED, seen.began_at)
            pieces = []
        *early, last = pieces or [Apply()]
        await pulling.apply(lease, early)
        live = await channels.is_live(calendar.id, clock.now())
        wait = pace.next_pull(self._settings.pull_seconds, live, _dice.random())
        await pulling.finish(lease, last, end, wait)
        return True

    async def _fetch(self, lease: Lease, calendar: GoogleCalendar, request: Fetch | FetchInstances) -> Page | Failure:
        match request:
            case Fetch(query):
                return await self._ask(
                    lease.account_id, lambda access: self._client.list_events(access, calendar.google_id, query)
                )
            case FetchInstances(master_id, query):
                return await self._ask(
                    lease.account_id,
                    lambda access: self._client.instances(access, calendar.google_id, master_id, query),
                )

    async def _foreign_only(self, seen: "_Ours", page: Page, request: Fetch | FetchInstances) -> Page:
        """The page without our own mirrors; those that somebody changed are wanted anew."""
        lease, calendar = seen.lease, seen.calendar
        ours = await mirroring.ours(lease.business_id, calendar.google_id, page.items)
        for event in (each for each in page.items if each["id"] in ours):
            row = ours[str(event["id"])]
            seen.ids.add(row.google_id)
            if mirroring.needs_no_look(row, event) or await mirroring.is_over(row, clock.now()):
                continue
            drift = await self._drift(row, event, page.time_zone or calendar.time_zone)
            if drift is Drift.NONE:
                await mirroring.keep_etag(row, event)
            else:
                await mirroring.put_right(lease, row, drift, seen.asked_at)
        return replace(page, items=tuple(event for event in page.items if event["id"] not in ours))

    async def _drift(self, row: Mirror, event: EventJson, time_zone: str) -> Drift:
        """What somebody did to a mirror; an event that should be gone and is back counts as edited."""
        if not row.present:
            return Drift.EDITED
        rendered = await rendering.render(self._secrets, row.booking_id)
        return drift_of(event, rendered.body, time_zone)
