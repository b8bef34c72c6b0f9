"""The types of an option's connection to Google Calendar: account, calendar, rules and health."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import strawberry

from graph.catalog.options import Option
from graph.fields.resolvers import attribute, column, reading
from graph.fields.selection import columns
from graph.languages import translate
from graph.relay.nodes import Node
from graph.request.context import Info
from graph.scalars import TimeZone
from models.enums import (
    AllDayEvents,
    Blocking,
    EventDetail,
    GoogleAccessRole,
    GoogleAccountState,
    HealthState,
    MatcherField,
    MirrorAs,
    UnroutedEvents,
)
from models.google.tables import GoogleCalendar as GoogleCalendarRow
from models.google.tables import GoogleLink
from models.storage import db
from models.storage.db import Row
from sync import service as door


@strawberry.type(description="What went wrong last.")
class SyncError:
    value: strawberry.Private[door.Trouble]
    code: str = attribute(
        "code",
        "Stable, for programs, such as `GOOGLE_RECONNECT_REQUIRED`, `GOOGLE_CALENDAR_READ_ONLY` or "
        "`GOOGLE_UNAVAILABLE`. Clients must expect new ones.",
    )
    at: datetime = attribute("at", "When.")

    @strawberry.field(description="For people, in the caller's language: what it is, and who has to do what about it.")
    def message(self, info: Info) -> str:
        return translate(door.EXPLANATIONS[self.value.code], {}, info.context.language)


def sync_error(value: door.Trouble | None) -> SyncError | None:
    """Converts a trouble to the API's type; None without one."""
    return SyncError(value=value) if value else None


@strawberry.type(description="From Google to here.")
class InboundHealth:
    value: strawberry.Private[door.InboundHealth]
    state: HealthState = attribute("state", "How it does.")
    last_completed_at: datetime | None = attribute("last_completed_at", "When the calendar was last read to its end.")
    next_attempt_at: datetime | None = attribute("next_attempt_at", "When it is read next at the latest.")

    @strawberry.field(description="What went wrong last; null when all is well.")
    def error(self) -> SyncError | None:
        return sync_error(self.value.error)


@strawberry.type(description="From here to Google.")
class OutboundHealth:
    value: strawberry.Private[door.OutboundHealth]
    state: HealthState = attribute("state", "How it does.")
    pending: int = attribute("pending", "How many bookings wait to be written.")
    oldest_pending_at: datetime | None = attribute("oldest_pending_at", "Since when the oldest of them waits.")
    last_completed_at: datetime | None = attribute("last_completed_at", "When something was last written.")
    next_attempt_at: datetime | None = attribute("next_attempt_at", "When writing is tried next; null: nothing waits.")

    @strawberry.field(description="What went wrong last; null when all is well.")
    def error(self) -> SyncError | None:
        return sync_error(self.value.error)


@strawberry.type(description="Whether Google tells of changes by itself. Without that the calendar is polled.")
class PushChannel:
    value: strawberry.Private[door.ChannelHealth]
    active: bool = attribute("active", "Whether it does.")
    expires_at: datetime | None = attribute("expires_at", "Until when; it is renewed before.")


@strawberry.type(description="How synchronisation does, in both directions: in step only when both are.")
class SyncHealth:
    value: strawberry.Private[door.Health]

    @strawberry.field(description="From Google to here.")
    def inbound(self) -> InboundHealth:
        return InboundHealth(value=self.value.inbound)

    @strawberry.field(description="From here to Google.")
    def outbound(self) -> OutboundHealth:
        return OutboundHealth(value=self.value.outbound)

    @strawberry.field(description="Whether Google tells of changes by itself.")
    def push_channel(self) -> PushChannel:
        return PushChannel(value=self.value.push_channel)


@strawberry.type(description="One calendar of a Google account.")
class GoogleCalendar(Node):
    google_id: str = column("google_id", "Google's own id of it: what `linkGoogleCalendar` takes.")
    summary: str = column("summary", "Its name in Google.")
    time_zone: TimeZone = column("time_zone", "Its zone: all-day events are meant in it.")
    access_role: GoogleAccessRole = column("access_role", "What the account may do with it.")
    listed: bool = column(
        "listed",
        "Whether the account's calendar list in Google has it now. One that was taken off the list stays linked, and "
        "its rules can be changed, but no other option can be linked to it.",
    )
    primary: bool = column("is_primary", "Whether it is the account's own first calendar.")
    unrouted_events: UnroutedEvents = column("unrouted_events", "What an event does that no option's matchers claim.")

    @reading("id", description="The options that are linked to it, by name.")
    async def shared_with(self, info: Info) -> list[Option]:
        return await options_linked_to(info, self.row["id"])


async def options_linked_to(info: Info, calendar_id: UUID) -> list[Option]:
    """Returns the options linked to a calendar, by name."""
    wanted_columns = columns(info, Option)

    async def load(ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Row]]:
        found: dict[UUID, list[Row]] = defaultdict(list)
        query = GoogleLink.filter(calendar_id__in=list(set(ids))).order_by("option__name", "option_id")
        for row in await db.select(query, ("calendar_id",), **{name: f"option__{name}" for name in wanted_columns}):
            found[row["calendar_id"]].append(row)
        return found

    return [Option(row=row) for row in await info.context.loaders.many(("sharing", wanted_columns), calendar_id, load)]


async def calendar(info: Info, calendar_id: UUID) -> GoogleCalendar:
    """Reads a calendar, in one batch with the others of this level of the answer. Raises LookupError without one."""
    row = await info.context.loaders.row(GoogleCalendarRow, calendar_id, columns(info, GoogleCalendar))
    if row is None:
        raise LookupError("a calendar that is referred to is there")
    return GoogleCalendar(row=row)


@strawberry.type(description="A Google identity that somebody signed in with.")
class GoogleAccount(Node):
    value: strawberry.Private[door.Account]
    email: str = attribute("email", "Its mail address.")
    state: GoogleAccountState = attribute("state", "Whether its consent still works.")
    missing_scopes: list[str] = attribute("missing_scopes", "Permissions that were not granted, as Google names them.")

    @strawberry.field(description="Its calendars to choose from: its own first, then by name.")
    async def calendars(self, info: Info) -> list[GoogleCalendar]:
        google, business_id = info.context.state.google, info.context.caller.business_id

        async def load(ids: Sequence[UUID]) -> Mapping[UUID, Sequence[door.CalendarChoice]]:
            return await google.calendar_choices(business_id, ids)

        choices = await info.context.loaders.many("choices", self.row["id"], load)
        return list(await asyncio.gather(*(calendar(info, each.id) for each in choices)))


@strawberry.type(description="A word to look for in one field of an event.")
class EventMatcher:
    value_: strawberry.Private[door.Matcher]

    @strawberry.field(description="Where to look.")
    def field(self) -> MatcherField:
        return self.value_.field

    @strawberry.field(description="What to look for; capitals make no difference.")
    def value(self) -> str:
        return self.value_.value


@strawberry.type(description="An option's tie to Google: the account that signed in and, once chosen, the calendar.")
class GoogleConnection(Node):
    value: strawberry.Private[door.Connection]
    blocking: Blocking = attribute("blocking", "Which events make the option unavailable.")
    all_day_events: AllDayEvents = attribute("all_day_events", "What all-day events do.")
    detail: EventDetail = attribute("detail", "How much of an event is kept and shown to staff.")
    mirror_as: MirrorAs = attribute("mirror_as", "How its bookings appear in Google.")

    @strawberry.field(description="The Google account that signed in.")
    def account(self) -> GoogleAccount:
        return account(self.value.account)

    @strawberry.field(description="The calendar it is linked to; null until one is chosen.")
    async def calendar(self, info: Info) -> GoogleCalendar | None:
        return await calendar(info, self.value.calendar.id) if self.value.calendar else None

    @strawberry.field(description="For MATCHED_EVENTS: an event blocks the option when any of these fits.")
    def matchers(self) -> list[EventMatcher]:
        return [EventMatcher(value_=each) for each in self.value.matchers]

    @strawberry.field(description="How synchronisation does.")
    def health(self) -> SyncHealth:
        return SyncHealth(value=self.value.health)


def account(value: door.Account) -> GoogleAccount:
    """Converts an account of the domain to the API's type."""
    return GoogleAccount(row={"id": value.id}, value=value)


def connection(value: door.Connection) -> GoogleConnection:
    """Converts a connection of the domain to the API's type."""
    return GoogleConnection(row={"id": value.id}, value=value)


async def connection_of(info: Info, option_id: UUID) -> GoogleConnection | None:
    """Reads an option's connection, in one batch with those of the other options of this level of the answer."""
    google, business_id = info.context.state.google, info.context.caller.business_id

    async def load(ids: Sequence[UUID]) -> Mapping[UUID, door.Connection]:
        return await google.connections(business_id, set(ids))

    found = await info.context.loaders.one("google", option_id, load)
    return connection(found) if found else None
