"""The engine: carries out what the machines decide. The one file that awaits both Google and the database.

Never both at once: no call to Google is made inside a transaction. Whatever Google answers ends in a stored outcome;
a run that lost its lease ends without one.
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
from sync.google_api.trouble import SAYS, TroubleCode
from sync.leases import Direction, Lease
from sync.pull import machine as pull
from sync.pull import routing
from sync.pull import rows as pulling
from sync.pull.machine import Apply, Distrust, Fetch, FetchInstances, Finish, Stop, Sweep, Window
from sync.pull.redaction import Veil
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
    """One pull under way. `due_at`: when the calendar is due again, if that is settled."""

    lease: Lease
    calendar: GoogleCalendar
    window: Window
    began_at: datetime
    asked_at: datetime
    due_at: datetime | None
    ours: set[str] = field(default_factory=set)


class Engine:
    """One per process, around one client."""

    def __init__(self, client: GoogleClient, secrets: Secrets, settings: Settings) -> None:
        self._client = client
        self._secrets = secrets
        self._veil = Veil(secrets.veil)
        self._settings = settings
        asking = GoogleSession(client, secrets)
        self._ask, self._grants, self._spending = asking.ask, asking.grants, asking.spending

    async def work(self, lease: Lease) -> None:
        """Does what a lease is for, and gives it back; a lease that cannot be given back runs out."""
        await self._guarded(lease, self.pull if lease.way is Direction.PULL else self.push)

    async def freshen(self, option_id: UUID) -> None:
        """Reads what changed in the calendar of an option, and nothing more; when it is due stays as it was.

        Not when somebody else is reading it, when it has to be listed first, or when Google must not be asked now.
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
            log.info("calendar %s is pulled by somebody else", lease.calendar_id)

    async def _guarded(self, lease: Lease, job: Callable[[Lease], Awaitable[None]]) -> None:
        """A fault is no end of the worker's: the lease is given back, and it is tried again."""
        try:
            await job(lease)
        except asyncio.CancelledError:
            await leases.give_back(lease, clock.now())
            raise
        except Exception:
            log.exception("%s of calendar %s", lease.way, lease.calendar_id)
            await self.fail(lease, _FAULT)

    async def pull(self, lease: Lease) -> None:
        """Brings a calendar's rows up to date, and gives the lease back."""
        try:
            if not await routing.reroute(lease, self._veil):
                await self._stop_channels(lease)
                await routing.unfollow(lease)
            elif not await leases.put_off(lease, clock.now()) and await self._pull(lease):
                await self._watch(lease)
        except LostLeaseError:
            log.info("calendar %s is pulled by somebody else", lease.calendar_id)

    async def push(self, lease: Lease) -> None:
        """Makes Google show what a calendar's mirrors want, one write at a time, and gives the lease back."""
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
            log.info("calendar %s is pushed by somebody else", lease.calendar_id)

    async def fail(self, lease: Lease, failure: Failure) -> None:
        """Gives a lease back with what went wrong, to be tried again as `sync.google_api.retry` says."""
        calendar = await GoogleCalendar.get_or_none(id=lease.calendar_id)
        if calendar is None:
            log.info("calendar %s was forgotten meanwhile", lease.calendar_id)
            return
        attempts: int = getattr(calendar, f"{lease.way}_attempts") + 1
        if failure is not KEY_LOST:
            log.warning("%s of calendar %s: %s: %s", lease.way, calendar.id, failure.code, failure.message)
        await pulling.fail(lease, failure, retry.after_failure(failure, attempts, _dice.random()))

    async def list_calendars(self, account_id: UUID) -> None:
        """Looks at an account's calendar list anew."""
        account = await GoogleAccount.get(id=account_id)
        reply = await self._ask(account_id, self._client.calendars)
        if isinstance(reply, Failure):
            if reply is not KEY_LOST:
                log.warning("calendars of account %s: %s: %s", account_id, reply.code, reply.message)
            await calendars.put_off(account_id, reply)
            return
        await change_log.write(account.business_id, lambda work: calendars.store(work, account_id, reply.items))

    async def let_go(self, leaver: DepartingAccount) -> None:
        """Ends a grant that nobody needs any more, and forgets the account; a refusal by Google holds nothing up."""
        if await disconnect.is_last(leaver):
            try:
                _, refresh = self._grants.unseal(leaver.sealed)
            except ValueError:
                log.warning("account %s is forgotten, its grant not ended: no secret key fits", leaver.id)
            else:
                reply = await self._client.revoke(refresh)
                if isinstance(reply, Failure):
                    log.warning("account %s is forgotten, its grant not ended: %s", leaver.id, reply.code)
        await disconnect.forget(leaver)

    async def listing(self, account_id: UUID, google_id: str, query: Mapping[str, str], at_most: int) -> Page | Failure:
        """The first events of a listing as one page, read for the moment: nothing is stored."""
        items: tuple[EventJson, ...] = ()
        asked = dict(query)
        while True:
            page = await self._list(account_id, google_id, asked)
            if isinstance(page, Failure):
                return page
            items += page.items
            if page.next_page is None or len(items) >= at_most:
                return replace(page, items=items[:at_most])
            asked["pageToken"] = page.next_page

    async def start_sign_in(self, business_id: UUID, option_id: UUID, return_to: str) -> str | Refused:
        """The address of the consent page."""
        opened = await sign_in.begin(business_id, option_id, return_to)
        if not isinstance(opened, Opened):
            return opened
        address = await self._client.authorization_url(opened.state, sign_in.challenge(opened.verifier))
        if isinstance(address, Failure):
            log.warning("nobody can sign in: %s: %s", address.code, address.message)
            return refused(ErrorCode.GOOGLE_UNAVAILABLE, SAYS[trouble.code_of(address)], "input")
        await sign_in.keep(self._secrets, opened)
        return address

    async def end_sign_in(self, params: Mapping[str, str]) -> str | None:
        """Where a person who comes back from the consent page goes; None for a state we never gave out."""
        returned = await sign_in.take_back(self._secrets, params.get("state", ""))
        if not isinstance(returned, Returned):
            return returned
        if error := params.get("error"):
            return sign_in.with_error(returned.return_to, error if _ERROR.fullmatch(error) else "unknown")
        tokens = await self._client.exchange(params.get("code", ""), returned.verifier)
        if isinstance(tokens, Failure) or tokens.refresh is None or tokens.id_claims is None:
            code = tokens.code if isinstance(tokens, Failure) else "no_refresh_token"
            log.warning("sign-in failed: %s", code)
            return sign_in.with_error(returned.return_to, code)
        granted = Granted(
            claims=tokens.id_claims,
            scopes=tokens.scopes,
            sealed=self._grants.seal(tokens.access, tokens.refresh),
            expires_at=clock.now() + timedelta(seconds=tokens.expires_in),
        )
        listed = await self._client.calendars(tokens.access) if CALENDAR_LIST in tokens.scopes else None
        return await sign_in.admit(
            self._secrets, returned, granted, listed.items if isinstance(listed, CalendarList) else None
        )

    async def _pull(self, lease: Lease, *, only_changes: bool = False) -> bool:
        """One run of the pull machine; whether it came to a good end."""
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
                    await pulling.apply(lease, self._veil, pieces)
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
        """One page, without our own mirrors."""
        run.asked_at = clock.now()
        account_id, google_id = run.lease.account_id, run.calendar.google_id
        if isinstance(request, Fetch):
            page = await self._list(account_id, google_id, request.query)
        else:
            master, query = request.master_id, request.query
            page = await self._ask(account_id, lambda access: self._client.instances(access, google_id, master, query))
        return page if isinstance(page, Failure) else await self._foreign_only(run, page)

    async def _list(self, account_id: UUID, google_id: str, query: Mapping[str, str]) -> Page | Failure:
        return await self._ask(account_id, lambda access: self._client.list_events(access, google_id, query))

    async def _foreign_only(self, run: _Run, page: Page) -> Page:
        """Takes our own mirrors out of a page; those that somebody changed are wanted anew."""
        ours = await mirrors.ours(run.lease.business_id, run.calendar.google_id, page.items)
        if strays := strays_of(run.calendar.google_id, [event for event in page.items if event["id"] not in ours]):
            ours |= await mirrors.adopt(run.lease, strays)
        for event in page.items:
            if row := ours.get(event["id"]):
                run.ours.add(row.google_id)
                await self._look(run, row, event, page.time_zone or run.calendar.time_zone)
        return replace(page, items=tuple(event for event in page.items if event["id"] not in ours))

    async def _look(self, run: _Run, row: Mirror, event: EventJson, time_zone: str) -> None:
        """Puts right what somebody did to a mirror; one that should be gone and is back counts as edited."""
        if mirrors.needs_no_look(row, event) or await mirrors.is_over(row, clock.now()):
            return
        if row.kept:
            await mirrors.part_with(run.lease, row)
            return
        drift = Drift.EDITED
        if row.present:
            rendered = await rendering.render(self._secrets, row.booking_id)
            drift = drift_of(event, rendered.body, time_zone)
            if drift is not Drift.NONE and rendered.content_hash != row.content_hash:
                # Nobody's doing: it would be rendered otherwise by now.
                await mirrors.put_right(run.lease, row, None, run.asked_at)
                return
        if drift is Drift.NONE:
            await mirrors.keep_etag(row, event)
        else:
            await mirrors.put_right(run.lease, row, drift, run.asked_at)

    async def _finish(self, run: _Run, pieces: list[Apply], sweep: Sweep | None, end: Finish) -> bool:
        """Applies what is left, sweeps what a complete listing did not show, keeps the token with the last of it."""
        lease = run.lease
        if sweep:
            await pulling.apply(lease, self._veil, pieces)
            pieces = []
            unseen = await pulling.sweepable(lease, sweep, run.calendar.sweep_allowed)
            if unseen is None:
                await self.fail(lease, pull.SWEEP_REFUSED)
                return False
            await pulling.forget(lease, [*unseen, *await pulling.aged(lease, run.window)])
            for row in await mirrors.missing(lease.calendar_id, run.ours, run.began_at, run.window.end):
                await mirrors.put_right(lease, row, Drift.DELETED, run.began_at)
        *early, last = pieces or [Apply()]
        await pulling.apply(lease, self._veil, early)
        live = await channels.is_live(lease.calendar_id, clock.now())
        later = clock.now() + schedule.next_pull(self._settings.pull_seconds, live, _dice.random())
        await pulling.finish(lease, self._veil, last, end, run.due_at or later)
        return True

    async def _reconcile(
        self, lease: Lease, calendar: GoogleCalendar, row: Mirror
    ) -> Pushed | Removed | Failed | Again:
        """Calls Google until one mirror is as it is wanted, and stores what came of it."""
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
                        code, said = step.failure.code, step.failure.message
                        log.warning("booking %s on calendar %s: %s: %s", row.booking_id, calendar.id, code, said)
                    await mirrors.settle(lease, row, rendered, step)
                    return step
            if not await leases.extend(lease, clock.now()):
                raise LostLeaseError(lease.calendar_id)
            if step.generation != generation:
                generation = step.generation
                google_id = event_id(row.booking_id, calendar.google_id, generation)
                await mirrors.renew(lease, row, generation, google_id)
            progress, step = push.step(progress, await self._call(lease, calendar, row, rendered, step))

    async def _call(
        self, lease: Lease, calendar: GoogleCalendar, row: Mirror, rendered: Rendered | None, call: Call
    ) -> Reply:
        """One call of the push machine. What people set on our event is read before it is written anew."""
        client, where = self._client, calendar.google_id
        event = event_id(row.booking_id, where, call.generation)
        body = rendered.body if rendered else {}
        if isinstance(call, Update):
            there = await self._ask(lease.account_id, lambda access: client.get(access, where, event))
            if isinstance(there, Failure):
                return there
            body = {**body, **push.carried(there.event)}

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
        """Asks for a push channel where there is none, or the one there is ends soon."""
        if self._settings.pushes and (calendar := await channels.claim(lease.calendar_id, clock.now())):
            channel_id, token = await channels.open_row(calendar, clock.now())
            address, ttl = f"{self._settings.public_url}/google/notifications", int(channels.LIFE.total_seconds())
            reply = await self._ask(
                lease.account_id,
                lambda access: self._client.watch(access, calendar.google_id, str(channel_id), address, token, ttl),
            )
            if isinstance(reply, ChannelReply):
                if not await channels.opened(channel_id, calendar.id, reply, clock.now()):
                    await self._stop(lease, str(channel_id), reply.resource_id)
            else:
                log.info("no push channel for calendar %s: %s", calendar.id, reply.code)
                await channels.refused(channel_id, calendar.id, reply, clock.now())
        await self._stop_channels(lease)

    async def _stop_channels(self, lease: Lease) -> None:
        """Stops the channels that are no longer needed; one that cannot be stopped ends by itself."""
        for channel in await channels.to_stop(lease.calendar_id):
            reply = await self._stop(lease, str(channel.id), channel.resource_id)
            if isinstance(reply, Done) or reply.kind is not FailureKind.RETRY:
                await channels.forget(channel.id)

    async def _stop(self, lease: Lease, channel_id: str, resource_id: str | None) -> Done | Failure:
        """Stops one channel; one that Google never told us the resource of was not opened."""
        if resource_id is None:
            return Done()
        return await self._ask(lease.account_id, lambda access: self._client.stop(access, channel_id, resource_id))
