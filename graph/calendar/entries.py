"""The query `calendar`, with its four kinds of entries. It reads them and the cursor in one consistent snapshot."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from graph.catalog.options import Option, option_list
from graph.catalog.services import Service
from graph.fields.resolvers import column, reading, related
from graph.fields.selection import columns
from graph.google.connection import GoogleCalendar
from graph.languages import BUSY, HELD, translate
from graph.relay.arguments import OptionIds, check_range
from graph.relay.nodes import Node, decode_given_ids
from graph.request.context import Info, staff
from graph.scalars import Cursor
from models.actions import calendar_entries as entries
from models.enums import ChangeKind
from models.log import change_log
from models.scheduling.intervals import interval
from models.storage import db

if TYPE_CHECKING:
    from graph.bookings.booking import Booking


@strawberry.interface(description="Something on the calendar: a booking, a hold, time off, or an event from Google.")
class CalendarEntry(Node):
    within: strawberry.Private[frozenset[UUID] | None] = None
    start: datetime = column("starts_at", "When it begins.")
    end: datetime = column("ends_at", "When it ends; it does not include this instant.")
    options: list[Option] = related(
        "option", Option, "The options it concerns, of those that were asked for.", listed=True
    )

    @reading(description="Whether it is meant for whole days.")
    def all_day(self) -> bool:
        return False

    @reading(description="What it is about; null when it has no title.")
    def title(self) -> str | None:
        raise NotImplementedError

    @reading(description="Whether it makes at least one of its options unavailable.")
    def blocks(self) -> bool:
        return True


@strawberry.type(description="A slot kept for a customer for some minutes. It lapses by itself.")
class Hold(CalendarEntry):
    expires_at: datetime = column("expires_at", "Until when it is kept.")
    service: Service = related("service", Service, "What is going to be booked.")
    option: Option = related("option", Option, "The option it is kept with.")

    @reading("service__name", description="`Held` and the service.")
    def title(self, info: Info) -> str | None:
        return translate(HELD, {"service": self.row["service__name"]}, info.context.language)


@strawberry.type(description="A time during which an option cannot be booked.")
class TimeOff(CalendarEntry):
    reason: str | None = column("reason", "Why, if it was said.")
    title: str | None = column("reason", "The reason.")
    option: Option = related("option", Option, "The option that has it.")


@strawberry.type(description="An event that somebody put into a linked Google calendar.")
class GoogleEvent(CalendarEntry):
    busy: bool = column("busy", "Whether Google says it takes time: not marked free, not declined.")
    private: bool = column("private", "Whether it is marked private in Google; then only that it is busy is shown.")
    html_link: str | None = column("html_link", "The event in Google Calendar.")
    calendar: GoogleCalendar = related("calendar", GoogleCalendar, "The calendar it is in.")

    @reading("all_day", description="Whether it is meant for whole days, in the calendar's time zone.")
    def all_day(self) -> bool:
        return bool(self.row["all_day"])

    @reading("title", "private", "calendar_id", description="Its title; `Busy` where details are not shown.")
    async def title(self, info: Info) -> str | None:
        visible_links = await self._links(info)
        if self.row["private"] or all(link.busy_only for link in visible_links):
            return translate(BUSY, {}, info.context.language)
        title: str | None = self.row["title"]
        return title

    @reading("id", description="Whether it makes at least one of its options unavailable.")
    async def blocks(self, info: Info) -> bool:
        return bool(await self._blocked(info))

    async def _linked(self, info: Info) -> list[Option]:
        return await option_list(info, [link.option_id for link in await self._links(info)])

    options: list[Option] = reading(
        "calendar_id", description="The options linked to its calendar, of those that were asked for."
    )(_linked)

    @reading("id", description="The options it makes unavailable, of those that were asked for.")
    async def blocked_options(self, info: Info) -> list[Option]:
        return await option_list(info, await self._blocked(info))

    @reading("id", description="The bookings it came in over: both stand, somebody has to choose.")
    async def conflicts(self, info: Info) -> list[Annotated["Booking", strawberry.lazy("graph.bookings.booking")]]:
        from graph.bookings.booking import Booking

        async def load(ids: Sequence[UUID]) -> Mapping[UUID, Sequence[db.Row]]:
            return await entries.bookings_under(ids, wanted_columns)

        wanted_columns = columns(info, Booking)
        return [
            Booking(row=row) for row in await info.context.loaders.many(("under", wanted_columns), self.row["id"], load)
        ]

    async def _links(self, info: Info) -> Sequence[entries.LinkedOption]:
        found = await info.context.loaders.many("links", self.row["calendar_id"], entries.links_of)
        return [link for link in found if self.within is None or link.option_id in self.within]

    async def _blocked(self, info: Info) -> Sequence[UUID]:
        found = await info.context.loaders.many("blocked", self.row["id"], entries.blocked_by)
        return [each for each in found if self.within is None or each in self.within]


@strawberry.type(description="The calendar as it was at one moment, and where to go on from.")
class Calendar:
    cursor: Cursor = strawberry.field(description="Give it to `calendarChanges(after:)`: nothing falls in between.")
    entries: list[CalendarEntry] = strawberry.field(description="What overlaps the range, by start.")


def entry_types() -> Mapping[ChangeKind, type[CalendarEntry]]:
    """Returns the GraphQL type of each kind of entry."""
    from graph.bookings.booking import Booking

    return {
        ChangeKind.BOOKING: Booking,
        ChangeKind.HOLD: Hold,
        ChangeKind.TIME_OFF: TimeOff,
        ChangeKind.GOOGLE_EVENT: GoogleEvent,
    }


@strawberry.type
class CalendarQuery:
    @strawberry.field(description="What overlaps `[from, to)`, with the cursor to subscribe from. Staff.")
    async def calendar(
        self,
        info: Info,
        from_: Annotated[datetime, strawberry.argument(name="from", description="Where the range begins.")],
        to: Annotated[datetime, strawberry.argument(description="Where it ends; at most 62 dates after `from`.")],
        option_ids: OptionIds = strawberry.UNSET,
    ) -> Calendar:
        caller = staff(info)
        await check_range(info, interval(from_, to))
        within = decode_options(option_ids)
        types = entry_types()
        wanted_columns = {kind: columns(info, each, "entries") for kind, each in types.items()}

        async def body() -> tuple[int, list[tuple[ChangeKind, db.Row]]]:
            revision = await change_log.newest(caller.business_id)
            return revision, await entries.overlapping(caller.business_id, from_, to, within, wanted_columns)

        revision, rows = await db.snapshot(body)
        return Calendar(
            cursor=Cursor(change_log.to_cursor(caller.business_id, revision)),
            entries=[types[kind](row=row, within=within) for kind, row in rows],
        )


def decode_options(option_ids: list[strawberry.ID] | None) -> frozenset[UUID] | None:
    """Decodes the ids of the options that the client asks for; None for all."""
    found = decode_given_ids("Option", option_ids, "optionIds")
    return None if found is None else frozenset(found)
