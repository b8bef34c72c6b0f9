"""The query `googleRoutingPreview`: what each event would block by rules that are not saved yet."""

from datetime import datetime
from typing import Annotated

import strawberry
from graphql import GraphQLError

from graph.catalog.options import Option, option_list
from graph.google.link import EventMatcherInput, matchers
from graph.languages import BUSY, translate
from graph.relay.arguments import check_range
from graph.relay.nodes import decode_id
from graph.relay.payloads import optional
from graph.request.context import Info, admin, bad_input, unavailable
from models.enums import Blocking, UnroutedEvents
from models.refusals import ErrorCode, Refused
from models.scheduling.intervals import interval
from sync import service as door


@strawberry.input(description="A rule to try on a calendar, and the time to try it on.")
class GoogleRoutingPreviewInput:
    calendar_id: strawberry.ID = strawberry.field(description="The `googleId` of one of its account's calendars.")
    option_id: strawberry.ID = strawberry.field(description="The option that would be linked.")
    blocking: Blocking = strawberry.field(description="Which events would make it unavailable.")
    matchers: list[EventMatcherInput] | None = optional(
        "For MATCHED_EVENTS: what names this option, at most 50; left out: as an earlier link of it had them."
    )
    unrouted_events: UnroutedEvents | None = optional(
        "What an event does that no option's matchers claim; left out: as the calendar has it."
    )
    from_: datetime = strawberry.field(name="from", description="Where the time begins.")
    to: datetime = strawberry.field(description="Where it ends; at most 62 dates after `from`.")


@strawberry.type(description="An event that takes time, and what it would block.")
class RoutedEvent:
    value: strawberry.Private[door.RoutedEvent]

    @strawberry.field(description="Its title; `Busy` where details are not shown; null when it has none.")
    def title(self, info: Info) -> str | None:
        return translate(BUSY, {}, info.context.language) if self.value.hidden else self.value.title

    @strawberry.field(description="When it begins.")
    def start(self) -> datetime:
        return self.value.starts_at

    @strawberry.field(description="When it ends; it does not include this instant.")
    def end(self) -> datetime:
        return self.value.ends_at

    @strawberry.field(description="The options it would make unavailable, by name.")
    async def blocks(self, info: Info) -> list[Option]:
        return await option_list(info, self.value.blocks)


@strawberry.type(description="What a calendar's events would block under a rule that is not saved yet.")
class GoogleRoutingPreview:
    value: strawberry.Private[door.RoutingPreview]

    @strawberry.field(description="How many events take time, and so could block an option. The first 1000 are read.")
    def total(self) -> int:
        return len(self.value.events)

    @strawberry.field(
        description="How many of them no option's matchers claim: they do what `unroutedEvents` says. 0 when no "
        "option has MATCHED_EVENTS."
    )
    def unrouted(self) -> int:
        return self.value.unrouted

    @strawberry.field(description="The events, by start.")
    def events(self) -> list[RoutedEvent]:
        return [RoutedEvent(value=each) for each in self.value.events]


@strawberry.type
class RoutingPreviewQuery:
    @strawberry.field(
        description="What each event of a calendar would block if an option were linked by this rule, beside the "
        "other options linked to it. Nothing is saved. Admin."
    )
    async def google_routing_preview(
        self,
        info: Info,
        input: Annotated[GoogleRoutingPreviewInput, strawberry.argument(description="The rule and the time.")],
    ) -> GoogleRoutingPreview:
        caller = admin(info)
        await check_range(info, interval(input.from_, input.to))
        proposal = door.Proposal(
            option_id=decode_id("Option", input.option_id),
            calendar_google_id=input.calendar_id,
            blocking=input.blocking,
            matchers=matchers(input.matchers),
            unrouted_events=input.unrouted_events or None,
            since=input.from_,
            until=input.to,
        )
        found = await info.context.state.google.preview_routing(caller.business_id, proposal)
        if isinstance(found, Refused):
            raise _error(found)
        return GoogleRoutingPreview(value=found)


def _error(refused: Refused) -> GraphQLError:
    """Converts a refusal to the error of a query: UNAVAILABLE when Google does not answer, else BAD_USER_INPUT."""
    reason = refused.reasons[0]
    if reason.code is ErrorCode.GOOGLE_UNAVAILABLE:
        return GraphQLError(reason.text, extensions=unavailable().extensions)
    return bad_input(reason.text)
