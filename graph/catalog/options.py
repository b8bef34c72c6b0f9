"""Options: what customers book. The type, its queries and its mutations."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from graph.catalog import service_options
from graph.errors import forbidden_error
from graph.fields.resolvers import column, listed, reading
from graph.fields.selection import columns
from graph.relay.connections import After, First, Listing, page
from graph.relay.nodes import Node, decode_id, decode_ids, visible
from graph.relay.payloads import Payload, given_values, optional, payload_fields
from graph.request.context import Info, bad_input
from graph.scalars import Date, LocalTime, TimeZone
from models import business
from models.actions.change_option import change_option
from models.catalog import option
from models.catalog.option import Option as OptionRow
from models.enums import OptionKind, Weekday
from models.scheduling.hours import TimeRange
from models.storage import queries
from models.storage.db import Row

if TYPE_CHECKING:
    from graph.catalog.services import Service
    from graph.google.connection import GoogleConnection

_WEEKDAYS = list(Weekday)
_LONGEST_OVERRIDES = timedelta(days=400)


@strawberry.type(description="A weekly opening. One that closes at or before it opens runs past midnight.")
class OpeningHours:
    weekday: Weekday = strawberry.field(description="The day on which it opens.")
    opens: LocalTime = strawberry.field(description="When it opens, in the option's time zone.")
    closes: LocalTime = strawberry.field(description="When it closes; at or before `opens`: on the next day.")


@strawberry.type(description="From when to when an option is open on a date.")
class OpeningInterval:
    opens: LocalTime = strawberry.field(description="When it opens, in the option's time zone.")
    closes: LocalTime = strawberry.field(description="When it closes; at or before `opens`: on the next day.")


@strawberry.type(description="Other hours for one date, in place of the weekly ones.")
class DateOverride:
    date: Date = strawberry.field(description="The date, in the option's time zone.")
    intervals: list[OpeningInterval] = strawberry.field(description="The hours of that date; none: closed.")


@strawberry.type(description="What is booked: a person, a room, a car.")
class Option(Node):
    name: str = column("name", "What customers see.")
    kind: OptionKind = column("kind", "What kind of thing it is.")
    description: str | None = column("description", "What customers may want to know about it.")
    color: str | None = column("color", "Its colour on the dashboard, as `#rrggbb`.")
    active: bool = column("active", "Whether it can be booked. An inactive one keeps its bookings.")
    time_zone: TimeZone = column("time_zone", "The zone its opening hours are meant in.")

    @reading("id", description="The services it offers, by name.")
    async def services(self, info: Info) -> list[Annotated["Service", strawberry.lazy("graph.catalog.services")]]:
        from graph.catalog.services import Service

        rows = await service_options.services_of(info, self.row["id"], columns(info, Service))
        return [Service(row=row) for row in rows]

    @reading("opening_hours", description="Its weekly opening hours, Monday first.")
    def opening_hours(self) -> list[OpeningHours]:
        return [
            OpeningHours(weekday=_WEEKDAYS[day], opens=LocalTime(each.opens), closes=LocalTime(each.closes))
            for day, each in option.weekly_hours(self.row["opening_hours"])
        ]

    @reading("id", description="The dates with other hours than the weekly ones, by date; at most 400 days.")
    async def date_overrides(
        self,
        info: Info,
        from_: Annotated[Date, strawberry.argument(name="from", description="The first date.")],
        to: Annotated[Date, strawberry.argument(description="The date after the last.")],
    ) -> list[DateOverride]:
        if to - from_ > _LONGEST_OVERRIDES:
            raise bad_input("At most 400 days at once.")

        async def load(ids: Sequence[UUID]) -> Mapping[UUID, list[Row]]:
            by_option: dict[UUID, list[Row]] = {each: [] for each in ids}
            for row in await option.overrides_of(by_option, from_, to):
                by_option[row["option_id"]].append(row)
            return by_option

        rows = await info.context.loaders.many(("overrides", from_, to), self.row["id"], load)
        return [
            DateOverride(
                date=row["date"],
                intervals=[_interval(option.time_range(*pair)) for pair in row["intervals"]],
            )
            for row in rows
        ]

    @reading("id", description="Its tie to Google Calendar; null without one, and for public keys.")
    async def google(
        self, info: Info
    ) -> Annotated["GoogleConnection", strawberry.lazy("graph.google.connection")] | None:
        from graph.google.connection import connection_of

        return await connection_of(info, self.row["id"]) if info.context.caller.is_staff else None


async def option_list(info: Info, ids: Sequence[UUID]) -> list[Option]:
    """Returns the options with these ids. Reads their rows, in one batch, only if the query asks for more than ids."""
    wanted = columns(info, Option)
    if wanted == {"id"}:
        return [Option(row={"id": each}) for each in ids]
    rows = await asyncio.gather(*(info.context.loaders.row(OptionRow, each, wanted) for each in ids))
    return [Option(row=row) for row in rows if row]


def _interval(each: TimeRange) -> OpeningInterval:
    return OpeningInterval(opens=LocalTime(each.opens), closes=LocalTime(each.closes))


@strawberry.type(description="One option in a list, with the cursor of its place.")
class OptionEdge:
    cursor: str = strawberry.field(description="The place: continue `after` it.")
    node: Option = strawberry.field(description="The option.")


@strawberry.type(description="A page of options, by name.")
class OptionConnection(Listing):
    nodes: list[Option] = listed(Option, "The options of this page.")

    @strawberry.field(description="The options of this page, each with its cursor.")
    def edges(self) -> list[OptionEdge]:
        pairs = zip(self.page.cursors(), self.page.rows, strict=True)
        return [OptionEdge(cursor=cursor, node=Option(row=row)) for cursor, row in pairs]


@strawberry.type
class OptionQuery:
    @strawberry.field(description="The options of the business, by name. Public keys see the active ones.")
    async def options(self, info: Info, first: First = 50, after: After = None) -> OptionConnection:
        caller = info.context.caller
        asked_columns = columns(info, Option, "nodes") | columns(info, Option, "edges", "node")
        seen = queries.of_business(OptionRow, caller.business_id, **visible(caller))
        return OptionConnection(page=await page(seen, by="name", columns=asked_columns, first=first, after=after))

    @strawberry.field(description="One option; null when there is none such.")
    async def option(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Option | None:
        caller = info.context.caller
        wanted_columns = columns(info, Option)
        row = await queries.row(
            OptionRow, caller.business_id, decode_id("Option", id), wanted_columns, **visible(caller)
        )
        return Option(row=row) if row else None


@strawberry.input(description="A weekly opening. `22:00` to `02:00` runs past midnight; `00:00` to `00:00` is all day.")
class OpeningHoursInput:
    weekday: Weekday = strawberry.field(description="The day on which it opens.")
    opens: LocalTime = strawberry.field(description="When it opens, in the option's time zone.")
    closes: LocalTime = strawberry.field(description="When it closes; at or before `opens`: on the next day.")


@strawberry.input(description="A new option. Left out: the business's time zone, no services, no hours (closed).")
class CreateOptionInput:
    name: str = strawberry.field(description="What customers see.")
    kind: OptionKind = strawberry.field(description="What kind of thing it is.")
    description: str | None = optional("What customers may want to know about it.")
    color: str | None = optional("Its colour on the dashboard, as `#rrggbb`.")
    time_zone: TimeZone | None = optional("The zone its opening hours are meant in.")
    service_ids: list[strawberry.ID] | None = optional("The services it offers, at most 200.")
    opening_hours: list[OpeningHoursInput] | None = optional("Its weekly opening hours, at most 100 intervals.")


@strawberry.input(description="Changes to an option. A field left out stays; null clears it where it can be empty.")
class UpdateOptionInput:
    option_id: strawberry.ID = strawberry.field(description="Which option.")
    name: str | None = optional("What customers see.")
    kind: OptionKind | None = optional("What kind of thing it is.")
    description: str | None = optional("What customers may want to know about it.")
    color: str | None = optional("Its colour on the dashboard, as `#rrggbb`.")
    time_zone: TimeZone | None = optional("The zone its opening hours are meant in.")
    service_ids: list[strawberry.ID] | None = optional("All the services it shall offer, at most 200.")
    active: bool | None = optional("Whether it can be booked. An inactive one keeps its bookings.")


@strawberry.input(description="New weekly hours for an option, in place of all it had.")
class SetOpeningHoursInput:
    option_id: strawberry.ID = strawberry.field(description="Which option.")
    opening_hours: list[OpeningHoursInput] = strawberry.field(
        description="Its hours, at most 100 intervals; none: closed."
    )


@strawberry.type(description="The new option.")
class CreateOptionPayload(Payload):
    option: Option | None = strawberry.field(description="The option; null when it was refused.", default=None)


@strawberry.type(description="The option as it is now.")
class UpdateOptionPayload(Payload):
    option: Option | None = strawberry.field(description="The option; null when it was refused.", default=None)


@strawberry.type(description="The option with its new hours.")
class SetOpeningHoursPayload(Payload):
    option: Option | None = strawberry.field(description="The option; null when it was refused.", default=None)


_COLUMNS = ("name", "kind", "description", "color", "time_zone")


@strawberry.type
class OptionMutation:
    @strawberry.mutation(description="Adds an option. Staff.")
    async def create_option(
        self, info: Info, input: Annotated[CreateOptionInput, strawberry.argument(description="The new option.")]
    ) -> CreateOptionPayload | None:
        caller = info.context.caller
        if not caller.is_staff:
            return CreateOptionPayload(errors=forbidden_error(info))
        values = {name: value for name, value in given_values(input, *_COLUMNS).items() if value is not None}
        if "time_zone" not in values:
            values["time_zone"] = (await business.read(caller.business_id, ("time_zone",)))["time_zone"]
        values["service_ids"] = decode_ids("Service", input.service_ids or ())
        values["opening_hours"] = _weekly(input.opening_hours or ())
        answer = await option.create(caller.business_id, values)
        return CreateOptionPayload(**await payload_fields(info, Option, OptionRow, answer, "option"))

    @strawberry.mutation(description="Changes an option. Staff.")
    async def update_option(
        self, info: Info, input: Annotated[UpdateOptionInput, strawberry.argument(description="The changes.")]
    ) -> UpdateOptionPayload | None:
        caller = info.context.caller
        if not caller.is_staff:
            return UpdateOptionPayload(errors=forbidden_error(info))
        values = given_values(input, *_COLUMNS, "active", "service_ids")
        if "service_ids" in values:
            values["service_ids"] = decode_ids("Service", values["service_ids"])
        answer = await change_option(caller.business_id, decode_id("Option", input.option_id), values)
        return UpdateOptionPayload(**await payload_fields(info, Option, OptionRow, answer, "option"))

    @strawberry.mutation(description="Replaces an option's weekly opening hours. Staff.")
    async def set_opening_hours(
        self, info: Info, input: Annotated[SetOpeningHoursInput, strawberry.argument(description="The new hours.")]
    ) -> SetOpeningHoursPayload | None:
        caller = info.context.caller
        if not caller.is_staff:
            return SetOpeningHoursPayload(errors=forbidden_error(info))
        hours = _weekly(input.opening_hours)
        answer = await option.set_opening_hours(caller.business_id, decode_id("Option", input.option_id), hours)
        return SetOpeningHoursPayload(**await payload_fields(info, Option, OptionRow, answer, "option"))


def _weekly(given_hours: Sequence[OpeningHoursInput]) -> list[option.WeeklyRange]:
    """Converts the input's hours for the domain."""
    return [(_WEEKDAYS.index(each.weekday), TimeRange(each.opens, each.closes)) for each in given_hours]
