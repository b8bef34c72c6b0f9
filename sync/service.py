"""What the graph and the commands may call of `sync`.

These calls only read and write rows, and the worker talks to Google later. The exceptions are those that a person
waits for: two steps of a sign-in, the preview of rules on a calendar that we do not follow, and `freshen`, for at most
1.5 seconds before a booking.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from models import clock
from models.refusals import Refused
from models.settings import Settings
from models.storage.secrets import Secrets
from sync import schedule
from sync.accounts import calendars, channels, disconnect, link, preview, sign_in, status
from sync.accounts.health import ChannelHealth, Health, InboundHealth, OutboundHealth
from sync.accounts.link import LinkChoices
from sync.accounts.preview import Proposal, RoutedEvent, RoutingPreview
from sync.accounts.status import Account, CalendarChoice, Connection, LinkedCalendar, MirrorStatus
from sync.engine import Engine
from sync.google_api.client import GoogleClient
from sync.google_api.replies import Failure, Page
from sync.google_api.trouble import EXPLANATIONS, Trouble
from sync.pull.block_rules import Matcher
from sync.push import default_templates
from sync.push.default_templates import Preview, Templates
from sync.push.template import Placeholder
from sync.worker import Worker

__all__ = [
    "EXPLANATIONS",
    "Account",
    "CalendarChoice",
    "ChannelHealth",
    "Connection",
    "Google",
    "Health",
    "InboundHealth",
    "LinkChoices",
    "LinkedCalendar",
    "Matcher",
    "MirrorStatus",
    "OutboundHealth",
    "Placeholder",
    "Preview",
    "Proposal",
    "RoutedEvent",
    "RoutingPreview",
    "Templates",
    "Trouble",
]


log = logging.getLogger("timebok.sync")

FRESHEN_SECONDS = 1.5
"""How long a booking waits for Google at most."""

FRESHENED_AT_ONCE = 8
"""How many calendars one process reads at a time before bookings."""

T = TypeVar("T")


class Google:
    """This process's access to Google. The commands build one, and enter it for as long as the process serves."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._client = GoogleClient(
            settings.google_client_id,
            settings.google_client_secret,
            settings.google_origin,
            redirect_uri=f"{settings.public_url}/google/callback",
        )
        self._engine = Engine(self._client, secrets, settings)
        self._fresheners = asyncio.Semaphore(FRESHENED_AT_ONCE)
        self._late: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for late in self._late:
            late.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        await self._client.__aexit__(kind, error, trace)

    async def work(self, stop: asyncio.Event) -> None:
        """Runs this process's sync worker until `stop` is set; then waits some seconds for its running jobs."""
        await Worker(self._engine, self._settings.changes_kept_days).run(stop)

    async def start_sign_in(self, business_id: UUID, option_id: UUID, return_to: str) -> str | Refused:
        """Returns the consent page's address. Refuses: NOT_FOUND, INVALID_INPUT (returnTo), GOOGLE_UNAVAILABLE."""
        return await self._engine.start_sign_in(business_id, option_id, return_to)

    async def callback(self, params: Mapping[str, str]) -> str | None:
        """Ends a sign-in. Returns the address to redirect to, with a ticket or error; None for an unknown state."""
        return await self._engine.end_sign_in(params)

    async def complete_sign_in(self, business_id: UUID, ticket: str) -> UUID | Refused:
        """Redeems a ticket and returns the option. Refuses: NOT_FOUND (wrong, used or old ticket)."""
        return await sign_in.redeem(business_id, ticket)

    async def accounts(self, business_id: UUID) -> tuple[Account, ...]:
        """Returns every account that the business has connected, ordered by mail address."""
        return await status.accounts(business_id)

    async def use_account(self, business_id: UUID, option_id: UUID, account_id: UUID) -> UUID | Refused:
        """Ties the option to an account that the business has connected already, and returns the option.

        Refuses: NOT_FOUND (optionId, accountId), GOOGLE_RECONNECT_REQUIRED.
        """
        return await sign_in.use(business_id, option_id, account_id)

    async def link(
        self, business_id: UUID, option_id: UUID, calendar_google_id: str, choices: LinkChoices
    ) -> UUID | Refused:
        """Links the option to a calendar of the account it signed in with, and returns the link.

        Refuses: NOT_FOUND (optionId, calendarId), INVALID_INPUT (matchers), GOOGLE_NOT_CONNECTED,
        GOOGLE_RECONNECT_REQUIRED, GOOGLE_CALENDAR_READ_ONLY.
        """
        return await link.link(business_id, option_id, calendar_google_id, choices)

    async def unlink(self, business_id: UUID, option_id: UUID, keep_events: bool = False) -> UUID | Refused:
        """Unlinks the option from its calendar and returns it. Refuses: NOT_FOUND, GOOGLE_NOT_CONNECTED."""
        return await link.unlink(business_id, option_id, keep_events)

    async def disconnect(self, business_id: UUID, account_id: UUID) -> tuple[UUID, ...] | Refused:
        """Disconnects the account: unties its options at once and returns them, ordered by name. The worker cleans up
        in Google later. Refuses: NOT_FOUND (accountId), also for one that is disconnected already.
        """
        return await disconnect.disconnect(business_id, account_id)

    async def sync_now(self, business_id: UUID, option_id: UUID) -> UUID | Refused:
        """Makes the option's calendar due in both directions, cutting a backoff short, and returns the option.

        Refuses: NOT_FOUND, GOOGLE_NOT_CONNECTED, GOOGLE_RECONNECT_REQUIRED.
        """
        return await link.sync_now(business_id, option_id)

    async def freshen(self, option_id: UUID) -> None:
        """Pulls the changes of the option's calendar before a booking, and waits 1.5 seconds at most; a slower pull
        goes on without the caller.

        Does nothing when another worker pulls the calendar, when it needs a full listing, when we may not ask Google
        now, or when this process reads FRESHENED_AT_ONCE calendars already.
        """
        if not self._fresheners.locked():
            async with self._fresheners:
                await asyncio.wait({self._start(self._engine.freshen(option_id))}, timeout=FRESHEN_SECONDS)

    async def notification(self, headers: Mapping[str, str]) -> None:
        """Makes a calendar due for a genuine notification. The route answers 204 to any, so tokens cannot be tried."""
        await channels.handle_notification(headers)

    async def connections(self, business_id: UUID, option_ids: Iterable[UUID]) -> Mapping[UUID, Connection]:
        """Returns the Google connections of those options that have one, by option. Costs four statements at most."""
        poll = schedule.longest_pull(self._settings.pull_seconds)
        return await status.connections(business_id, option_ids, poll, self._secrets.opens, clock.now())

    async def calendar_choices(
        self, business_id: UUID, account_ids: Iterable[UUID]
    ) -> Mapping[UUID, tuple[CalendarChoice, ...]]:
        """Returns the calendars that staff can choose, by account: the primary one first, then by name. Makes the
        worker read a list again that is older than a minute.
        """
        wanted = list(account_ids)
        await calendars.make_stale_due(business_id, wanted)
        return await status.calendar_choices(business_id, wanted)

    async def preview_routing(self, business_id: UUID, proposal: Proposal) -> RoutingPreview | Refused:
        """Returns what the calendar's events would block under the proposed rules: of the earliest 1000 at most.

        Refuses: NOT_FOUND (optionId, calendarId), INVALID_INPUT (matchers), GOOGLE_NOT_CONNECTED,
        GOOGLE_RECONNECT_REQUIRED, GOOGLE_UNAVAILABLE (we do not follow the calendar, and Google does not answer).
        """
        trial = await preview.begin(business_id, proposal, self._settings.google_days)
        if isinstance(trial, Refused):
            return trial
        if trial.stored:
            return await preview.from_rows(trial)
        page = await self._list_events(trial)
        return preview.refusal(page) if isinstance(page, Failure) else await preview.from_page(trial, page)

    async def _list_events(self, trial: preview.Trial) -> Page | Failure:
        """Lists the window's events from Google, and waits `previewing.SECONDS` for it at most."""
        query, most = preview.query(trial), preview.EVENTS_AT_MOST
        listing = self._engine.listing(trial.calendar.account_id, trial.calendar.google_id, query, most)
        task = self._start(listing)
        done, _ = await asyncio.wait({task}, timeout=preview.SECONDS)
        return task.result() if done else preview.TOO_SLOW

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Starts a task that outlives its caller's patience. To cancel it might lose a token that it just refreshed, so
        it runs to its end, or until this object is closed.
        """
        task = asyncio.create_task(work)
        self._late.add(task)
        task.add_done_callback(self._log_failure)
        return task

    def _log_failure(self, task: asyncio.Task[Any]) -> None:
        """Logs the error of a task that has ended, since its caller may be gone."""
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a call to Google for a waiting person failed", exc_info=error)

    async def wording(self, business_id: UUID, language: str) -> Templates:
        """Returns the templates of bookings' texts in Google, and their keywords, labelled in the language."""
        return await default_templates.read(business_id, language)

    async def save_wording(self, business_id: UUID, values: Mapping[str, str | None]) -> Refused | None:
        """Stores templates and rerenders future bookings. Refuses: INVALID_INPUT, UNKNOWN_PLACEHOLDER."""
        return await default_templates.save(business_id, values)

    async def preview(
        self, business_id: UUID, templates: Mapping[str, str], booking_id: UUID | None
    ) -> Preview | Refused:
        """Renders templates for a booking or an example. Refuses: NOT_FOUND, INVALID_INPUT, UNKNOWN_PLACEHOLDER."""
        return await default_templates.preview(self._secrets, business_id, templates, booking_id)

    async def mirror_states(self, business_id: UUID, booking_ids: Iterable[UUID]) -> Mapping[UUID, MirrorStatus]:
        """Returns the state of each booking's mirror, NOT_LINKED where it has none. Costs one statement."""
        return await status.mirror_states(business_id, booking_ids)
