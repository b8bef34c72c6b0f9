"""The mutations that hold a slot while the customer fills in the form, and release it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from graph.availability.freshness import freshen
from graph.availability.query import Slot, alternative_slots
from graph.calendar.entries import Hold
from graph.errors import user_errors
from graph.relay.nodes import decode_id, decode_id_if_given, to_id, unset_to_none
from graph.relay.payloads import Payload, optional, payload_fields
from graph.request.context import Info
from models import checks, clock
from models.actions import create_booking, hold_slot
from models.actions.hold_slot import HoldRequest
from models.bookings import hold
from models.bookings.hold import Hold as HoldRow
from models.log import idempotency
from models.log.idempotency import IdempotentRequest
from models.refusals import Refused


@strawberry.input(description="A slot to keep.")
class CreateHoldInput:
    service_id: strawberry.ID = strawberry.field(description="What is going to be booked.")
    option_id: strawberry.ID | None = optional("With whom or what; left out: any that is free.")
    start: datetime = strawberry.field(description="When: a start that `availability` offers.")
    idempotency_key: str | None = optional(
        "1 to 128 characters, remembered for 24 hours per API key: a retry after a lost answer gets the first answer."
    )


@strawberry.type(description="The slot, kept; or what else could be.")
class CreateHoldPayload(Payload):
    hold: Hold | None = strawberry.field(description="The hold; null when it was refused.", default=None)
    alternatives: list[Slot] = strawberry.field(
        description="When the time could not be held: up to five that can, the same start with others first.",
        default_factory=list,
    )


@strawberry.input(description="A held slot to give back.")
class ReleaseHoldInput:
    hold_id: strawberry.ID = strawberry.field(description="Which hold.")


@strawberry.type(description="What was given back.")
class ReleaseHoldPayload(Payload):
    released_id: strawberry.ID | None = strawberry.field(
        description="The id it had; null when it was refused.", default=None
    )


@strawberry.type
class HoldMutation:
    @strawberry.mutation(description="Keeps a slot for some minutes; it lapses by itself.")
    async def create_hold(
        self, info: Info, input: Annotated[CreateHoldInput, strawberry.argument(description="The slot.")]
    ) -> CreateHoldPayload | None:
        caller, settings = info.context.caller, info.context.state.settings
        if refusals := checks.refusals(idempotency.validate(unset_to_none(input.idempotency_key))):
            return CreateHoldPayload(errors=user_errors(info, Refused(refusals)))
        request = HoldRequest(
            service_id=decode_id("Service", input.service_id),
            option_id=decode_id_if_given("Option", input.option_id),
            start=input.start,
            address=info.context.veiled_address or "",
            seconds=settings.hold_seconds,
        )
        given = {"service": request.service_id, "option": request.option_id, "start": request.start}
        once = (
            IdempotentRequest(caller.key_id, "createHold", input.idempotency_key, given)
            if input.idempotency_key
            else None
        )
        await freshen(info, once, lambda: _option_to_take(info, request))
        answer = await hold_slot.create(caller, request, once=once, google_days=settings.google_days)
        if isinstance(answer, Refused):
            return CreateHoldPayload(
                errors=user_errors(info, answer), alternatives=await alternative_slots(info, answer.alternatives)
            )
        # A retry may come after the hold has lapsed or somebody has booked it.
        exists = await HoldRow.filter(id=answer).exists()
        done = answer if exists else await hold.refuse_gone(caller.business_id, answer)
        return CreateHoldPayload(**await payload_fields(info, Hold, HoldRow, done, "hold"))

    @strawberry.mutation(description="Gives a held slot back before it lapses.")
    async def release_hold(
        self, info: Info, input: Annotated[ReleaseHoldInput, strawberry.argument(description="The hold.")]
    ) -> ReleaseHoldPayload | None:
        answer = await hold_slot.release(info.context.caller, decode_id("Hold", input.hold_id))
        if isinstance(answer, Refused):
            return ReleaseHoldPayload(errors=user_errors(info, answer))
        return ReleaseHoldPayload(released_id=to_id("Hold", answer))


async def _option_to_take(info: Info, request: HoldRequest) -> UUID | None:
    """Returns the option that the hold will take; None when it will be refused."""
    caller, days = info.context.caller, info.context.state.settings.google_days
    if await hold_slot.has_too_many(caller, request.address, clock.now()):
        return None
    return await create_booking.preview_option(
        caller.business_id, request.service_id, request.option_id, request.start, days
    )
