"""The mutations that connect an option to Google: sign in, come back, link a calendar; unlink, disconnect, sync."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import strawberry

from graph.catalog.options import Option
from graph.errors import forbidden_error, user_errors
from graph.fields.selection import columns
from graph.relay.nodes import decode_id
from graph.relay.payloads import Payload, optional, payload_fields
from graph.request.context import Info
from models import checks
from models.catalog.option import Option as OptionRow
from models.enums import AllDayEvents, Blocking, EventDetail, MatcherField, MirrorAs, Role, UnroutedEvents
from models.refusals import Refused
from models.storage import db
from sync.service import LinkChoices, Matcher


@strawberry.input(description="Where to start signing in with Google.")
class StartGoogleSignInInput:
    option_id: strawberry.ID = strawberry.field(description="The option to be connected.")
    return_to: str = strawberry.field(
        description="The page to come back to, on an origin registered for the business. It gets `google_ticket`, "
        "or `google_error`, added to its query."
    )


@strawberry.type(description="Where to send the person.")
class StartGoogleSignInPayload(Payload):
    authorization_url: str | None = strawberry.field(
        description="Google's consent page: open it in the browser. Good for ten minutes, once.", default=None
    )


@strawberry.input(description="The end of signing in with Google.")
class CompleteGoogleSignInInput:
    ticket: str = strawberry.field(description="The `google_ticket` that the page was given. Good once.")


@strawberry.type(description="The option, now with a Google account.")
class CompleteGoogleSignInPayload(Payload):
    option: Option | None = strawberry.field(description="The option; null when it was refused.", default=None)


@strawberry.input(description="A word to look for in one field of an event.")
class EventMatcherInput:
    field: MatcherField = strawberry.field(description="Where to look.")
    value: str = strawberry.field(description="What to look for; capitals make no difference.")


@strawberry.input(
    description="The calendar to link an option to, and how. A field left out keeps what an earlier link of this "
    "option had, else ALL_EVENTS, BLOCK_ALL, AS_MARKED, FULL, BUSY."
)
class LinkGoogleCalendarInput:
    option_id: strawberry.ID = strawberry.field(description="The option.")
    calendar_id: strawberry.ID = strawberry.field(description="The `googleId` of one of its account's calendars.")
    blocking: Blocking | None = optional("Which events make the option unavailable.")
    matchers: list[EventMatcherInput] | None = optional("For MATCHED_EVENTS: what names this option; at most 50.")
    unrouted_events: UnroutedEvents | None = optional(
        "What an event does that no option's matchers claim. It belongs to the calendar: the last to set it decides."
    )
    all_day_events: AllDayEvents | None = optional("What all-day events do.")
    detail: EventDetail | None = optional("How much of an event is kept and shown to staff.")
    mirror_as: MirrorAs | None = optional("How its bookings appear in Google.")


@strawberry.type(description="The option, now linked.")
class LinkGoogleCalendarPayload(Payload):
    option: Option | None = strawberry.field(description="The option; null when it was refused.", default=None)


@strawberry.input(description="Which option to unlink from its calendar.")
class UnlinkGoogleCalendarInput:
    option_id: strawberry.ID = strawberry.field(description="The option.")
    keep_events: bool | None = optional("True leaves its bookings in Google; else the future ones are removed there.")


@strawberry.type(description="The option, no longer linked.")
class UnlinkGoogleCalendarPayload(Payload):
    option: Option | None = strawberry.field(description="The option; null when it was refused.", default=None)


@strawberry.input(description="Which Google account to disconnect.")
class DisconnectGoogleAccountInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")


@strawberry.type(description="The options, no longer connected.")
class DisconnectGoogleAccountPayload(Payload):
    options: list[Option] = strawberry.field(
        description="The options that lost their connection or their calendar with it, by name.", default_factory=list
    )


@strawberry.input(description="Which option's calendar to bring in step now.")
class SyncGoogleCalendarInput:
    option_id: strawberry.ID = strawberry.field(description="The option.")


@strawberry.type(description="The option, its calendar due.")
class SyncGoogleCalendarPayload(Payload):
    option: Option | None = strawberry.field(description="The option; null when it was refused.", default=None)


@strawberry.type
class GoogleMutation:
    @strawberry.mutation(description="Begins to sign in with Google for an option. Admin.")
    async def start_google_sign_in(
        self,
        info: Info,
        input: Annotated[StartGoogleSignInInput, strawberry.argument(description="The option and the page.")],
    ) -> StartGoogleSignInPayload | None:
        caller = info.context.caller
        if caller.role is not Role.ADMIN:
            return StartGoogleSignInPayload(errors=forbidden_error(info, Role.ADMIN))
        answer = await info.context.state.google.start_sign_in(
            caller.business_id, decode_id("Option", input.option_id), input.return_to
        )
        if isinstance(answer, Refused):
            return StartGoogleSignInPayload(errors=user_errors(info, answer))
        return StartGoogleSignInPayload(authorization_url=answer)

    @strawberry.mutation(description="Redeems the ticket with which Google's consent page sent the person back. Admin.")
    async def complete_google_sign_in(
        self, info: Info, input: Annotated[CompleteGoogleSignInInput, strawberry.argument(description="The ticket.")]
    ) -> CompleteGoogleSignInPayload | None:
        caller = info.context.caller
        if caller.role is not Role.ADMIN:
            return CompleteGoogleSignInPayload(errors=forbidden_error(info, Role.ADMIN))
        answer = await info.context.state.google.complete_sign_in(caller.business_id, input.ticket)
        return CompleteGoogleSignInPayload(**await payload_fields(info, Option, OptionRow, answer, "option"))

    @strawberry.mutation(
        description="Links an option to a calendar of its Google account: bookings go there, events come back. Admin."
    )
    async def link_google_calendar(
        self,
        info: Info,
        input: Annotated[LinkGoogleCalendarInput, strawberry.argument(description="The calendar, and how to link.")],
    ) -> LinkGoogleCalendarPayload | None:
        caller = info.context.caller
        if caller.role is not Role.ADMIN:
            return LinkGoogleCalendarPayload(errors=forbidden_error(info, Role.ADMIN))
        option_id = decode_id("Option", input.option_id)
        answer = await info.context.state.google.link(caller.business_id, option_id, input.calendar_id, _choices(input))
        done = answer if isinstance(answer, Refused) else option_id
        return LinkGoogleCalendarPayload(**await payload_fields(info, Option, OptionRow, done, "option"))

    @strawberry.mutation(description="Unlinks an option from its calendar; the account stays signed in. Admin.")
    async def unlink_google_calendar(
        self, info: Info, input: Annotated[UnlinkGoogleCalendarInput, strawberry.argument(description="The option.")]
    ) -> UnlinkGoogleCalendarPayload | None:
        caller = info.context.caller
        if caller.role is not Role.ADMIN:
            return UnlinkGoogleCalendarPayload(errors=forbidden_error(info, Role.ADMIN))
        answer = await info.context.state.google.unlink(
            caller.business_id, decode_id("Option", input.option_id), keep_events=bool(input.keep_events)
        )
        return UnlinkGoogleCalendarPayload(**await payload_fields(info, Option, OptionRow, answer, "option"))

    @strawberry.mutation(
        description="Disconnects a Google account: its options are unlinked, their future bookings are removed from "
        "its calendars, what was read there is deleted, and its consent is ended once no business needs it. Admin."
    )
    async def disconnect_google_account(
        self,
        info: Info,
        input: Annotated[DisconnectGoogleAccountInput, strawberry.argument(description="The account.")],
    ) -> DisconnectGoogleAccountPayload | None:
        caller = info.context.caller
        if caller.role is not Role.ADMIN:
            return DisconnectGoogleAccountPayload(errors=forbidden_error(info, Role.ADMIN))
        account_id = decode_id("GoogleAccount", input.account_id)
        answer = await info.context.state.google.disconnect(caller.business_id, account_id)
        if isinstance(answer, Refused):
            return DisconnectGoogleAccountPayload(errors=user_errors(info, answer))
        return DisconnectGoogleAccountPayload(options=await _options(info, answer))

    @strawberry.mutation(description="Asks for an option's calendar to be brought in step now. Staff.")
    async def sync_google_calendar(
        self, info: Info, input: Annotated[SyncGoogleCalendarInput, strawberry.argument(description="The option.")]
    ) -> SyncGoogleCalendarPayload | None:
        caller = info.context.caller
        if not caller.is_staff:
            return SyncGoogleCalendarPayload(errors=forbidden_error(info))
        answer = await info.context.state.google.sync_now(caller.business_id, decode_id("Option", input.option_id))
        return SyncGoogleCalendarPayload(**await payload_fields(info, Option, OptionRow, answer, "option"))


async def _options(info: Info, ids: Sequence[UUID]) -> list[Option]:
    """Reads the payload's options, in the order of the ids."""
    query = OptionRow.filter(business_id=info.context.caller.business_id, id__in=list(ids))
    rows = {row["id"]: row for row in await db.select(query, columns(info, Option, "options"))}
    return [Option(row=rows[each]) for each in ids]


def _choices(source: LinkGoogleCalendarInput) -> LinkChoices:
    """Converts the input for the domain; a field that is left out becomes None."""
    return LinkChoices(
        blocking=source.blocking or None,
        matchers=matchers(source.matchers),
        unrouted_events=source.unrouted_events or None,
        all_day_events=source.all_day_events or None,
        detail=source.detail or None,
        mirror_as=source.mirror_as or None,
    )


def matchers(given: list[EventMatcherInput] | None) -> tuple[Matcher, ...] | None:
    """Converts an input's matchers for the domain; None when they are left out."""
    if given is None or given is strawberry.UNSET:
        return None
    return tuple(Matcher(each.field, checks.tidy(each.value) or "") for each in given)
