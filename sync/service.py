"""The door to Google: all that the graph and the composition root may call.

Nothing here waits for Google, but for what a person waits for: two steps of signing in, trying a rule on a calendar
that is not followed, and, for a moment, a calendar that a booking is about to rest on.
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
from sync.accounts import calendars, channels, sign_in
from sync.accounts import disconnect as leaving
from sync.accounts import link as linking
from sync.accounts import preview as previewing
from sync.accounts import status as connections
from sync.accounts.health import ChannelHealth, Health, InboundHealth, OutboundHealth
from sync.accounts.link import LinkChoices
from sync.accounts.preview import Proposal, RoutedEvent, RoutingPreview
from sync.accounts.status import Account, CalendarChoice, Connection, LinkedCalendar, MirrorShown
from sync.engine import Engine
from sync.google_api.client import GoogleClient
from sync.google_api.replies import Failure, Page
from sync.google_api.trouble import SAYS, Trouble
from sync.pull.block_rules import Matcher
from sync.push import default_templates as wording
from sync.push.default_templates import Preview, Wording
from sync.push.template import Placeholder
from sync.worker import Worker

__all__ = [
    "SAYS",
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
    "MirrorShown",
    "OutboundHealth",
    "Placeholder",
    "Preview",
    "Proposal",
    "RoutedEvent",
    "RoutingPreview",
    "Trouble",
    "Wording",
]


log = logging.getLogger("timebok.sync")

FRESHEN_SECONDS = 1.5
"""So long a confirmation waits for Google at most."""

FRESHENED_AT_ONCE = 8
"""So many calendars are read for confirmations by one process at a time."""

T = TypeVar("T")


class Google:
    """Google, as this process reaches it. Built once by the composition root, entered for as long as it serves."""

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
        """The sync worker of this process: works until `stop` is set, then finishes or leaves what is in hand."""
        await Worker(self._engine, self._settings.changes_kept_days).run(stop)

    async def start_sign_in(self, business_id: UUID, option_id: UUID, return_to: str) -> str | Refused:
        """The address of Google's consent page. Refused: NOT_FOUND, INVALID_INPUT (returnTo), GOOGLE_UNAVAILABLE."""
        return await self._engine.start_sign_in(business_id, option_id, return_to)

    async def callback(self, params: Mapping[str, str]) -> str | None:
        """Google sent the person back: where to redirect them, with a ticket or an error; None for an unknown state."""
        return await self._engine.end_sign_in(params)

    async def complete_sign_in(self, business_id: UUID, ticket: str) -> UUID | Refused:
        """Redeems a ticket, and answers the option. Refused: NOT_FOUND (wrong, used or old ticket)."""
        return await sign_in.redeem(business_id, ticket)

    async def accounts(self, business_id: UUID) -> tuple[Account, ...]:
        """Every account that the business has connected, by mail address."""
        return await connections.accounts(business_id)

    async def use_account(self, business_id: UUID, option_id: UUID, account_id: UUID) -> UUID | Refused:
        """Ties the option to an account that is connected already, and answers the option.

        Refused: NOT_FOUND (optionId, accountId), GOOGLE_RECONNECT_REQUIRED.
        """
        return await sign_in.use(business_id, option_id, account_id)

    async def link(
        self, business_id: UUID, option_id: UUID, calendar_google_id: str, choices: LinkChoices
    ) -> UUID | Refused:
        """Ties the option to a calendar of the account it signed in with, and answers the link.

        Refused: NOT_FOUND (optionId, calendarId), INVALID_INPUT (matchers), GOOGLE_NOT_CONNECTED,
        GOOGLE_RECONNECT_REQUIRED, GOOGLE_CALENDAR_READ_ONLY.
        """
        return await linking.link(business_id, option_id, calendar_google_id, choices)

    async def unlink(self, business_id: UUID, option_id: UUID, keep_events: bool = False) -> UUID | Refused:
        """Ends the tie, and answers the option. Refused: NOT_FOUND, GOOGLE_NOT_CONNECTED (it never signed in)."""
        return await linking.unlink(business_id, option_id, keep_events)

    async def disconnect(self, business_id: UUID, account_id: UUID) -> tuple[UUID, ...] | Refused:
        """Forgets the account: its options are untied at once and answered, by name; what follows in Google is the
        worker's. Refused: NOT_FOUND (accountId), also for one that is disconnected already.
        """
        return await leaving.disconnect(business_id, account_id)

    async def sync_now(self, business_id: UUID, option_id: UUID) -> UUID | Refused:
        """Makes the option's calendar due in both directions, cutting a backoff short; answers the option.

        Refused: NOT_FOUND, GOOGLE_NOT_CONNECTED, GOOGLE_RECONNECT_REQUIRED.
        """
        return await linking.sync_now(business_id, option_id)

    async def freshen(self, option_id: UUID) -> None:
        """Reads what changed in the option's calendar, for 1.5 seconds at most; what comes later is applied as well.

        Nothing is done when it is being read already, has to be listed first, or Google must not be asked now; nor when
        many are at it in this process.
        """
        if not self._fresheners.locked():
            async with self._fresheners:
                await asyncio.wait({self._begun(self._engine.freshen(option_id))}, timeout=FRESHEN_SECONDS)

    async def notification(self, headers: Mapping[str, str]) -> None:
        """Takes Google's word that a calendar changed, if it is Google's. Says nothing either way: answer 204."""
        await channels.notice(headers)

    async def connections(self, business_id: UUID, option_ids: Iterable[UUID]) -> Mapping[UUID, Connection]:
        """The options' ties to Google, by option; those without one are left out. At most four statements."""
        poll = schedule.longest_pull(self._settings.pull_seconds)
        return await connections.connections(business_id, option_ids, poll, self._secrets.opens, clock.now())

    async def calendar_choices(
        self, business_id: UUID, account_ids: Iterable[UUID]
    ) -> Mapping[UUID, tuple[CalendarChoice, ...]]:
        """The calendars to choose from, by account: primary first, then by name. A list older than a minute is looked
        at anew in the background.
        """
        wanted = list(account_ids)
        await calendars.ask(business_id, wanted)
        return await connections.calendar_choices(business_id, wanted)

    async def preview_routing(self, business_id: UUID, proposal: Proposal) -> RoutingPreview | Refused:
        """What the calendar's events would block under the rule; of 1000 events at most, the earliest.

        Refused: NOT_FOUND (optionId, calendarId), INVALID_INPUT (matchers), GOOGLE_NOT_CONNECTED,
        GOOGLE_RECONNECT_REQUIRED, GOOGLE_UNAVAILABLE (the calendar is not followed, and Google does not answer).
        """
        trial = await previewing.begin(business_id, proposal, self._settings.google_days)
        if isinstance(trial, Refused):
            return trial
        if trial.stored:
            return await previewing.from_rows(trial)
        page = await self._listed(trial)
        return previewing.refusal(page) if isinstance(page, Failure) else await previewing.from_page(trial, page)

    async def _listed(self, trial: previewing.Trial) -> Page | Failure:
        """The window, as Google has it."""
        asked, most = previewing.query(trial), previewing.EVENTS_AT_MOST
        listing = self._engine.listing(trial.calendar.account_id, trial.calendar.google_id, asked, most)
        task = self._begun(listing)
        done, _ = await asyncio.wait({task}, timeout=previewing.SECONDS)
        return task.result() if done else previewing.TOO_SLOW

    def _begun(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Something that a person waits for, as long as they do. What comes too late is left to end by itself: broken
        off, it might take a refreshed token with it.
        """
        task = asyncio.create_task(work)
        self._late.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Forgets what has ended; its caller may be gone."""
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("what somebody waited for failed", exc_info=error)

    async def wording(self, business_id: UUID, language: str) -> Wording:
        """The texts that bookings have in Google, and the keywords for them, labelled in the language."""
        return await wording.read(business_id, language)

    async def save_wording(self, business_id: UUID, values: Mapping[str, str | None]) -> Refused | None:
        """Keeps new texts, and has every future booking written anew. Refused: INVALID_INPUT, UNKNOWN_PLACEHOLDER."""
        return await wording.save(business_id, values)

    async def preview(
        self, business_id: UUID, templates: Mapping[str, str], booking_id: UUID | None
    ) -> Preview | Refused:
        """What texts make of a booking, or of an example. Refused: NOT_FOUND, INVALID_INPUT, UNKNOWN_PLACEHOLDER."""
        return await wording.preview(self._secrets, business_id, templates, booking_id)

    async def mirror_states(self, business_id: UUID, booking_ids: Iterable[UUID]) -> Mapping[UUID, MirrorShown]:
        """How far each booking is in Google, for every id asked, in one statement."""
        return await connections.mirror_states(business_id, booking_ids)
