"""The engine: carries out the steps that the pull machine and the push machine decide. The worker calls it.

It awaits both Google and the database; besides it only `sync.google_api.session` and `sync.google_api.tokens` do. None
of them calls Google inside a transaction. Every run ends by storing its outcome, unless it lost its lease.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import SystemRandom
from uuid import UUID

from models import clock
from models.enums import Drift
from models.google.mirror import Mirror, event_id
from models.google.tables import GoogleAccount, GoogleCalendar
from models.log import change_log
from models.refusals import ErrorCode, Refused, refused
from models.settings import Settings
from models.storage import db
from models.storage.secrets import Secrets
from sync import leases, schedule
from sync.accounts import calendars, channels, disconnect, sign_in
from sync.accounts.disconnect import DepartingAccount
from sync.accounts.sign_in import Granted, Opened, Returned
from sync.google_api import retry, trouble
from sync.google_api.client import GoogleClient
from sync.google_api.replies import CalendarList, ChannelReply, Done, EventJson, Failure, FailureKind, Page
from sync.google_api.scopes import CALENDAR_LIST
from sync.google_api.session import GoogleSession
from sync.google_api.tokens import KEY_LOST
from sync.google_api.trouble import EXPLANATIONS, TroubleCode
from sync.leases import Direction, Lease
from sync.pull import machine as pull
from sync.pull import routing
from sync.pull import rows as pulling
from sync.pull.machine import Apply, Distrust, Fetch, FetchInstances, Finish, Stop, Sweep, Window
from sync.pull.redaction import Redaction
from sync.pull.routing import BATCH, LostLeaseError
from sync.push import machine as push
from sync.push import mirrors, rendering
from sync.push.drift import drift_of
from sync.push.machine import Again, Call, Delete, Failed, Get, Insert, Look, Pushed, Removed, Rendered, Reply, Update
from sync.push.strays import strays_of

log = logging.getLogger("timebok.sync")

_MIRRORS_AT_ONCE = 20
_ERROR = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_dice = SystemRandom()
_FAULT = Failure(FailureKind.RETRY, TroubleCode.SYNC_FAULT, "Something went wrong here; it is tried again.")


@dataclass(slots=True)
class _Run:
    """One pull under way. `began_at` is when it began, `asked_at` when it last asked Google. `due_at` is when the
    calendar is due again, None to compute that at the end. `ours` are the ids of our own events that it has read.
    """

    lease: Lease
    calendar: GoogleCalendar
    window: Window
    began_at: datetime
    asked_at: datetime
    due_at: datetime | None
    ours: set[str] = field(default_factory=set)


class Engine:
    """Runs pulls, pushes and sign-ins. Each process has one, with one client."""

    def __init__(self, client: GoogleClient, secrets: Secrets, settings: Settings) -> None:
        self._client = client
        self._secrets = secrets
        self._redaction = Redaction(secrets.veil)
        self._settings = settings
        session = GoogleSession(client, secrets)
        self._ask, self._grants, self._spending = session.ask, session.grants, session.spending

    async def work(self, lease: Lease) -> None:
        """Pulls or pushes the lease's calendar and gives the lease back, which else runs out by itself."""
        await self._guarded(lease, self.pull if lease.direction is Direction.PULL else self.push)

    async def freshen(self, option_id: UUID) -> None:
        """Pulls the changes of an option's calendar, before a booking. Does not alter when the calendar is due.

        Does nothing when another worker pulls it, when it needs a full listing, or when we may not ask Google now.
        """
        account_id = await leases.account_of(option_id)
        if account_id is None or not await self._spending.is_ready(account_id):
            return
        if lease := await leases.claim_linked(option_id, clock.now()):
            await self._guarded(lease, self._read_changes)

    async def _read_changes(self, lease: Lease) -> None:
        try:
            await self._pull(lease, only_changes=True)
        except LostLeaseError:
            log.info("another worker pulls calendar %s", lease.calendar_id)

    async def _guarded(self, lease: Lease, job: Callable[[Lease], Awaitable[None]]) -> None:
        """Runs a job. If it raises, logs that and gives the lease back, so that a worker tries again later."""
        try:
            await job(lease)
        except asyncio.CancelledError:
            await leases.give_back(lease, clock.now())
            raise
        except Exception as error:
            if not db.note_unwritable(error):
                log.exception("%s of calendar %s", lease.direction, lease.calendar_id)
            await self.fail(lease, _FAULT)

    async def pull(self, lease: Lease) -> None:
        """Makes a calendar's rows equal to what Google has, and gives the lease back."""
        try:
            if not await routing.reroute(lease, self._redaction):
                await self._stop_channels(lease)
                await routing.unfollow(lease)
            elif not await leases.put_off(lease, clock.now()) and await self._pull(lease):
                await self._watch(lease)
        except LostLeaseError:
            log.info("another worker pulls calendar %s", lease.calendar_id)

    async def push(self, lease: Lease) -> None:
        """Pushes a calendar's waiting mirrors to Google, one by one, and gives the lease back."""
        try:
            calendar = await GoogleCalendar.get(id=lease.calendar_id)
            while rows := await mirrors.waiting(calendar.id, clock.now(), _MIRRORS_AT_ONCE):
                for row in rows:
                    outcome = await self._reconcile(lease, calendar, row)
                    if isinstance(outcome, Again):
                        await mirrors.abandon(lease)
                        await self.fail(lease, outcome.failure)
                        return
            await mirrors.finish(lease)
        except LostLeaseError:
            log.info("another worker pushes to calendar %s", lease.calendar_id)

    async def fail(self, lease: Lease, failure: Failure) -> None:
        """Stores a failure, and gives the lease back until `sync.google_api.retry` allows the next attempt."""
        calendar = await GoogleCalendar.get_or_none(id=lease.calendar_id)
        if calendar is None:
            log.info("calendar %s was deleted meanwhile", lease.calendar_id)
            return
        attempts: int = getattr(calendar, f"{lease.direction}_attempts") + 1
        if failure is not KEY_LOST:
            log.warning("%s of calendar %s: %s: %s", lease.direction, calendar.id, failure.code, failure.message)
        await pulling.fail(lease, failure, retry.after_failure(failure, attempts, _dice.random()))

    async def list_calendars(self, account_id: UUID) -> None:
        """Reads an account's calendar list from Google and stores it."""
        account = await GoogleAccount.get(id=account_id)
        reply = await self._ask(account_id, self._client.calendars)
        if isinstance(reply, Failure):
            if reply is not KEY_LOST:
                log.warning("calendars of account %s: %s: %s", account_id, reply.code, reply.message)
            await calendars.put_off(account_id, reply)
            return
        await change_log.write(account.business_id, lambda work: calendars.store(work, account_id, reply.items))

    async def delete_account(self, departing: DepartingAccount) -> None:
        """Deletes a disconnected account, and tries to revoke its grant if no other business uses it."""
        if await disconnect.is_last(departing):
            try:
                _, refresh = self._grants.unseal(departing.sealed)
            except ValueError:
                log.warning("account %s is deleted, but its grant not revoked: no secret key fits", departing.id)
            else:
                reply = await self._client.revoke(refresh)
                if isinstance(reply, Failure):
                    log.warning("account %s is deleted, but its grant not revoked: %s", departing.id, reply.code)
        await disconnect.delete(departing)

    async def listing(self, account_id: UUID, google_id: str, query: Mapping[str, str], at_most: int) -> Page | Failure:
        """Returns the first events of a listing, at most `at_most`, as one page. Stores nothing."""
        items: tuple[EventJson, ...] = ()
        page_query = dict(query)
        while True:
            page = await self._list(account_id, google_id, page_query)
            if isinstance(page, Failure):
                return page
            items += page.items
            if page.next_page is None or len(items) >= at_most:
                return replace(page, items=items[:at_most])
            page_query["pageToken"] = page.next_page

    async def start_sign_in(self, business_id: UUID, option_id: UUID, return_to: str) -> str | Refused:
        """Begins a sign-in and returns the address of Google's consent page."""
        opened = await sign_in.begin(business_id, option_id, return_to)
        if not isinstance(opened, Opened):
            return opened
        address = await self._client.authorization_url(opened.state, sign_in.challenge(opened.verifier))
        if isinstance(address, Failure):
            log.warning("nobody can sign in with Google: %s: %s", address.code, address.message)
            return refused(ErrorCode.GOOGLE_UNAVAILABLE, EXPLANATIONS[trouble.code_of(address)], "input")
        await sign_in.store(self._secrets, opened)
        return address

    async def end_sign_in(self, params: Mapping[str, str]) -> str | None:
        """Ends a sign-in. Returns the address to redirect the person to; None for a state that we never issued."""
        returned = await sign_in.use_state(self._secrets, params.get("state", ""))
        if not isinstance(returned, Returned):
            return returned
        if error := params.get("error"):
            return sign_in.with_error(returned.return_to, error if _ERROR.fullmatch(error) else "unknown")
        tokens = await self._client.exchange(params.get("code", ""), returned.verifier)
        if isinstance(tokens, Failure) or tokens.refresh is None or tokens.id_claims is None:
            code = tokens.code if isinstance(tokens, Failure) else "no_refresh_token"
            log.warning("a sign-in with Google failed: %s", code)
            return sign_in.with_error(returned.return_to, code)
        granted = Granted(
            claims=tokens.id_claims,
            scopes=tokens.scopes,
            sealed=self._grants.seal(tokens.access, tokens.refresh),
            expires_at=clock.now() + timedelta(seconds=tokens.expires_in),
        )
        listed = await self._client.calendars(tokens.access) if CALENDAR_LIST in tokens.scopes else None
        return await sign_in.store_account(
            self._secrets, returned, granted, listed.items if isinstance(listed, CalendarList) else None
        )

    async def _pull(self, lease: Lease, *, only_changes: bool = False) -> bool:
        """Runs the pull machine once. Returns whether it succeeded."""
        calendar, start = await pulling.begin(lease, self._settings.google_days, nightly=not only_changes)
        due_at = lease.due_at if only_changes else None
        run = _Run(lease, calendar, start.window, began_at=clock.now(), asked_at=clock.now(), due_at=due_at)
        cursor, effects = pull.begin(start)
        while True:
            pieces = [piece for effect in effects if isinstance(effect, Apply) for piece in effect.split(BATCH)]
            match effects[-1]:
                case Fetch() | FetchInstances() as request:
                    if Distrust() in effects:
                        await pulling.distrust(lease)
                    await pulling.apply(lease, self._redaction, pieces)
                    cursor, effects = pull.step(cursor, await self._fetch(run, request))
                case Finish() as end:
                    sweep = next((effect for effect in effects if isinstance(effect, Sweep)), None)
                    return await self._finish(run, pieces, sweep, end)
                case Stop(failure):
                    await self.fail(lease, failure)
                    return False
                case other:
                    raise TypeError(f"a step does not end with {other!r}")

    async def _fetch(self, run: _Run, request: Fetch | FetchInstances) -> Page | Failure:
        """Asks Google for one page, and takes our own events out of it."""
        run.asked_at = clock.now()
        account_id, google_id = run.lease.account_id, run.calendar.google_id
        if isinstance(request, Fetch):
            page = await self._list(account_id, google_id, request.query)
        else:
            master, query = request.master_id, request.query
            page = await self._ask(account_id, lambda access: self._client.instances(access, google_id, master, query))
        return page if isinstance(page, Failure) else await self._without_ours(run, page)

    async def _list(self, account_id: UUID, google_id: str, query: Mapping[str, str]) -> Page | Failure:
        return await self._ask(account_id, lambda access: self._client.list_events(access, google_id, query))

    async def _without_ours(self, run: _Run, page: Page) -> Page:
        """Takes our own events out of a page, and wants those pushed again that somebody changed."""
        ours = await mirrors.mirrors_of(run.lease.business_id, run.calendar.google_id, page.items)
        if strays := strays_of(run.calendar.google_id, [event for event in page.items if event["id"] not in ours]):
            ours |= await mirrors.adopt(run.lease, strays)
        for event in page.items:
            if row := ours.get(event["id"]):
                run.ours.add(row.google_id)
                await self._check_drift(run, row, event, page.time_zone or run.calendar.time_zone)
        return replace(page, items=tuple(event for event in page.items if event["id"] not in ours))

    async def _check_drift(self, run: _Run, row: Mirror, event: EventJson, time_zone: str) -> None:
        """Wants our event pushed again if somebody changed it. One that should not be there counts as EDITED."""
        if mirrors.needs_no_look(row, event) or await mirrors.is_over(row, clock.now()):
            return
        if row.kept:
            await mirrors.let_go(run.lease, row)
            return
        drift = Drift.EDITED
        if row.present:
            rendered = await rendering.render(self._secrets, row.booking_id)
            drift = drift_of(event, rendered.body, time_zone)
            if drift is not Drift.NONE and rendered.content_hash != row.content_hash:
                # Nobody changed it: it was pushed with an older content than we would render now.
                await mirrors.store_drift(run.lease, row, None, run.asked_at)
                return
        if drift is Drift.NONE:
            await mirrors.keep_etag(row, event)
        else:
            await mirrors.store_drift(run.lease, row, drift, run.asked_at)

    async def _finish(self, run: _Run, pieces: list[Apply], sweep: Sweep | None, end: Finish) -> bool:
        """Ends a run: applies the remaining pieces, deletes rows that a complete listing did not have, and stores the
        sync token in the transaction of the last piece. Returns False when it refuses a suspicious sweep.
        """
        lease = run.lease
        if sweep:
            await pulling.apply(lease, self._redaction, pieces)
            pieces = []
            unseen = await pulling.rows_to_sweep(lease, sweep, run.calendar.sweep_allowed)
            if unseen is None:
                await self.fail(lease, pull.SWEEP_REFUSED)
                return False
            await pulling.drop(lease, [*unseen, *await pulling.rows_before(lease, run.window)])
            for row in await mirrors.missing(lease.calendar_id, run.ours, run.began_at, run.window.end):
                await mirrors.store_drift(lease, row, Drift.DELETED, run.began_at)
        *early, last = pieces or [Apply()]
        await pulling.apply(lease, self._redaction, early)
        live = await channels.is_live(lease.calendar_id, clock.now())
        later = clock.now() + schedule.next_pull(self._settings.pull_seconds, live, _dice.random())
        await pulling.finish(lease, self._redaction, last, end, run.due_at or later)
        return True

    async def _reconcile(
        self, lease: Lease, calendar: GoogleCalendar, row: Mirror
    ) -> Pushed | Removed | Failed | Again:
        """Runs the push machine for one mirror, and stores its outcome, unless that is `Again`."""
        rendered = await rendering.render(self._secrets, row.booking_id) if row.present else None
        known = row.content_hash is not None
        progress, following = push.begin(present=row.present, generation=row.generation, pushed_before=known)
        step: Call | Pushed | Removed | Failed | Again = following
        generation = row.generation
        while True:
            match step:
                case Again():
                    return step
                case Pushed() | Removed() | Failed():
                    if isinstance(step, Failed):
                        code, message = step.failure.code, step.failure.message
                        log.warning("booking %s on calendar %s: %s: %s", row.booking_id, calendar.id, code, message)
                    await mirrors.store_outcome(lease, row, rendered, step)
                    return step
            if not await leases.extend(lease, clock.now()):
                raise LostLeaseError(lease.calendar_id)
            if step.generation != generation:
                generation = step.generation
                google_id = event_id(row.booking_id, calendar.google_id, generation)
                await mirrors.store_generation(lease, row, generation, google_id)
            progress, step = push.step(progress, await self._call(lease, calendar, row, rendered, step))

    async def _call(
        self, lease: Lease, calendar: GoogleCalendar, row: Mirror, rendered: Rendered | None, call: Call
    ) -> Reply:
        """Makes one call of the push machine. Before an update it reads the event, to keep what people set on it."""
        client, where = self._client, calendar.google_id
        event = event_id(row.booking_id, where, call.generation)
        body = rendered.body if rendered else {}
        if isinstance(call, Update):
            current = await self._ask(lease.account_id, lambda access: client.get(access, where, event))
            if isinstance(current, Failure):
                return current
            body = {**body, **push.kept_fields(current.event)}

        async def ask(access: str) -> Reply:
            match call:
                case Insert():
                    return await client.insert(access, where, event, body)
                case Update():
                    return await client.update(access, where, event, body)
                case Get():
                    return await client.get(access, where, event)
                case Delete():
                    return await client.delete(access, where, event)
                case Look():
                    return await client.list_events(access, where, {"maxResults": "1"})

        return await self._ask(lease.account_id, ask)

    async def _watch(self, lease: Lease) -> None:
        """Opens a push channel for a calendar that has none, or whose channel ends soon; then stops old channels."""
        if self._settings.pushes and (calendar := await channels.claim(lease.calendar_id, clock.now())):
            channel_id, token = await channels.open_row(calendar, clock.now())
            address, ttl = f"{self._settings.public_url}/google/notifications", int(channels.LIFE.total_seconds())
            reply = await self._ask(
                lease.account_id,
                lambda access: self._client.watch(access, calendar.google_id, str(channel_id), address, token, ttl),
            )
            if isinstance(reply, ChannelReply):
                if not await channels.store_opened(channel_id, calendar.id, reply, clock.now()):
                    await self._stop(lease, str(channel_id), reply.resource_id)
            else:
                log.info("no push channel for calendar %s: %s", calendar.id, reply.code)
                await channels.store_refused(channel_id, calendar.id, reply, clock.now())
        await self._stop_channels(lease)

    async def _stop_channels(self, lease: Lease) -> None:
        """Stops the channels that we no longer need. Keeps a row to try again only when Google may allow it later."""
        for channel in await channels.to_stop(lease.calendar_id):
            reply = await self._stop(lease, str(channel.id), channel.resource_id)
            if isinstance(reply, Done) or reply.kind is not FailureKind.RETRY:
                await channels.forget(channel.id)

    async def _stop(self, lease: Lease, channel_id: str, resource_id: str | None) -> Done | Failure:
        """Stops one channel. Without a resource id from Google it was never opened, so there is nothing to stop."""
        if resource_id is None:
            return Done()
        return await self._ask(lease.account_id, lambda access: self._client.stop(access, channel_id, resource_id))
