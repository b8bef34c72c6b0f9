"""The mutations for time off and for date overrides."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph.calendar.entries import TimeOff
from graph.catalog.options import Option
from graph.errors import forbidden_error, user_errors
from graph.relay.nodes import decode_id, to_id
from graph.relay.payloads import Payload, optional, payload_fields
from graph.request.context import Info
from graph.scalars import Date, LocalTime
from models import checks
from models.catalog import option
from models.catalog import time_off as timeoff
from models.catalog.option import Option as OptionRow
from models.catalog.time_off import TimeOff as TimeOffRow
from models.refusals import Refused
from models.scheduling.hours import TimeRange


@strawberry.input(description="From when to when an option is open on a date.")
class TimeRangeInput:
    opens: LocalTime = strawberry.field(description="When it opens, in the option's time zone.")
    closes: LocalTime = strawberry.field(description="When it closes; at or before `opens`: on the next day.")


@strawberry.input(description="Other hours for one date, in place of the weekly ones.")
class SetDateOverrideInput:
    option_id: strawberry.ID = strawberry.field(description="Which option.")
    date: Date = strawberry.field(description="The date, in the option's time zone.")
    intervals: list[TimeRangeInput] | None = optional(
        "The hours, at most 24 intervals; `[]` closes the date, null goes back to the weekly hours."
    )


@strawberry.type(description="The option with its new hours.")
class SetDateOverridePayload(Payload):
    option: Option | None = strawberry.field(description="The option; null when it was refused.", default=None)


@strawberry.input(description="A time during which an option cannot be booked.")
class CreateTimeOffInput:
    option_id: strawberry.ID = strawberry.field(description="Which option.")
    start: datetime = strawberry.field(description="When it begins.")
    end: datetime = strawberry.field(description="When it ends; at most a year later.")
    reason: str | None = optional("Why, for staff to see.")


@strawberry.type(description="The new time off.")
class CreateTimeOffPayload(Payload):
    time_off: TimeOff | None = strawberry.field(description="The time off; null when it was refused.", default=None)


@strawberry.input(description="A time off to lift.")
class DeleteTimeOffInput:
    time_off_id: strawberry.ID = strawberry.field(description="Which time off.")


@strawberry.type(description="What was lifted.")
class DeleteTimeOffPayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        description="The id it had; null when it was refused.", default=None
    )


@strawberry.type
class TimeOffMutation:
    @strawberry.mutation(description="Gives one date other hours, closes it, or goes back to the weekly ones. Staff.")
    async def set_date_override(
        self, info: Info, input: Annotated[SetDateOverrideInput, strawberry.argument(description="The date's hours.")]
    ) -> SetDateOverridePayload | None:
        caller = info.context.caller
        if not caller.is_staff:
            return SetDateOverridePayload(errors=forbidden_error(info))
        hours = input.intervals
        if hours is strawberry.UNSET:
            missing = checks.invalid(
                "`intervals` is missing: [] closes the day, null removes the override.", "intervals"
            )
            return SetDateOverridePayload(errors=user_errors(info, Refused([missing])))
        answer = await option.set_date_override(
            caller.business_id,
            decode_id("Option", input.option_id),
            input.date,
            None if hours is None else [TimeRange(each.opens, each.closes) for each in hours],
        )
        return SetDateOverridePayload(**await payload_fields(info, Option, OptionRow, answer, "option"))

    @strawberry.mutation(description="Blocks a time of an option. Bookings inside it stand. Staff.")
    async def create_time_off(
        self, info: Info, input: Annotated[CreateTimeOffInput, strawberry.argument(description="The time.")]
    ) -> CreateTimeOffPayload | None:
        caller = info.context.caller
        if not caller.is_staff:
            return CreateTimeOffPayload(errors=forbidden_error(info))
        answer = await timeoff.create(
            caller.business_id, decode_id("Option", input.option_id), input.start, input.end, input.reason or None
        )
        return CreateTimeOffPayload(**await payload_fields(info, TimeOff, TimeOffRow, answer, "time_off"))

    @strawberry.mutation(description="Lifts a time off. Staff.")
    async def delete_time_off(
        self, info: Info, input: Annotated[DeleteTimeOffInput, strawberry.argument(description="The time off.")]
    ) -> DeleteTimeOffPayload | None:
        caller = info.context.caller
        if not caller.is_staff:
            return DeleteTimeOffPayload(errors=forbidden_error(info))
        answer = await timeoff.delete(caller.business_id, decode_id("TimeOff", input.time_off_id))
        if isinstance(answer, Refused):
            return DeleteTimeOffPayload(errors=user_errors(info, answer))
        return DeleteTimeOffPayload(deleted_id=to_id("TimeOff", answer))
