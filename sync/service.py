"""The door to Google: all that the graph may call.

Nothing here waits for Google, but for the steps of signing in, which a person waits for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import UUID

from models.refusals import Refused
from models.secret import Secrets
from models.settings import Settings
from models.words import AllDayEvents, Blocking, EventDetail, MirrorAs, UnroutedEvents
from sync.blocking import Matcher
from sync.connections import (
    Account,
    CalendarChoice,
    Connection,
    LinkedCalendar,
    MirrorShown,
)
from sync.health import ChannelHealth, Fault, Health, InboundHealth, OutboundHealth

__all__ = [
    "Account",
    "CalendarChoice",
    "ChannelHealth",
    "Connection",
    "Fault",
    "Google",
    "Health",
    "InboundHealth",
    "LinkChoices",
    "LinkedCalendar",
    "Matcher",
    "MirrorShown",
    "OutboundHealth",
]


@dataclass(frozen=True, slots=True)
class LinkChoices:
    """How a link behaves; what is None keeps what an earlier link of the option had, else the default."""

    blocking: Blocking | None = None
    matchers: tuple[Matcher, ...] | None = None
    unrouted_events: UnroutedEvents | None = None
    all_day_events: AllDayEvents | None = None
    detail: EventDetail | None = None
    mirror_as: MirrorAs | None = None


class Google:
    """Google, as this process reaches it. Built once by the composition root, entered for as long as it serves."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def start_sign_in(self, business_id: UUID, option_id: UUID, return_to: str) -> str | Refused:
        """The address of Google's consent page. Refused: NOT_FOUND, INVALID_INPUT (returnTo), GOOGLE_UNAVAILABLE."""
        raise NotImplementedError

    async def callback(self, params: Mapping[str, str]) -> str | None:
        """Google sent the person back: where to redirect them, with a ticket or an error; None for an unknown state."""
        raise NotImplementedError

    async def complete_sign_in(self, business_id: UUID, ticket: str) -> UUID | Refused:
        """Redeems a ticket, and answers the option. Refused: NOT_FOUND (wrong, used or old ticket)."""
        raise NotImplementedError

    async def link(
        self, business_id: UUID, option_id: UUID, calendar_google_id: str, choices: LinkChoices
    ) -> UUID | Refused:
        """Ties the option to a calendar of the account it signed in with, and answers the link."""
        raise NotImplementedError

    async def unlink(self, business_id: UUID, option_id: UUID, keep_events: bool = False) -> UUID | Refused:
        """Ends the tie, and answers the option."""
        raise NotImplementedError

    async def disconnect(self, business_id: UUID, account_id: UUID) -> tuple[UUID, ...] | Refused:
        """Forgets an account, and answers the options that had signed in with it."""
        raise NotImplementedError

    async def sync_now(self, business_id: UUID, option_id: UUID) -> UUID | Refused:
        """Makes the option's calendar due in both directions, cutting a backoff short; answers the option."""
        raise NotImplementedError

    async def notification(self, headers: Mapping[str, str]) -> None:
        """Takes Google's word that a calendar changed, if it is Google's. Says nothing either way: answer 204."""
        raise NotImplementedError

    async def connections(self, business_id: UUID, option_ids: Iterable[UUID]) -> Mapping[UUID, Connection]:
        """The options' ties to Google, by option; those without one are left out. At most four statements."""
        raise NotImplementedError

    async def calendar_choices(
        self, business_id: UUID, account_ids: Iterable[UUID]
    ) -> Mapping[UUID, tuple[CalendarChoice, ...]]:
        """The calendars to choose from, by account: primary first, then by name. A stale list is looked at anew."""
        raise NotImplementedError

    async def mirror_states(self, business_id: UUID, booking_ids: Iterable[UUID]) -> Mapping[UUID, MirrorShown]:
        """How far each booking is in Google, for every id asked. One statement, but for bookings without a mirror."""
        raise NotImplementedError
