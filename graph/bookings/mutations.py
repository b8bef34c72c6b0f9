"""The mutations that make, move, cancel and edit bookings."""

import dataclasses
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from graph.availability.freshness import freshen
from graph.availability.query import Slot, alternative_slots
from graph.bookings.booking import Booking
from graph.errors import forbidden_error, user_errors
from graph.languages import token_needed
from graph.limits.answers import TOO_MANY_BOOKINGS, TOO_MANY_MOVES, rate_limited
from graph.relay.nodes import UNKNOWN_ID, decode_id, decode_id_if_given, unset_to_none
from graph.relay.payloads import Payload, all_given_values, given_values, optional, payload_fields
from graph.request.context import Info
from models import checks
from models.actions import change_booking, create_booking, hold_slot
from models.actions.create_booking import BookingRequest
from models.bookings import booking
from models.bookings.address_booking import Quota, TooManyBookingsError
from models.bookings.booking import Booking as BookingRow
from models.enums import BookingStatus, Role
from models.log import idempotency
from models.log.idempotency import IdempotentRequest
from models.refusals import ErrorCode, Refused
from models.storage import queries

_BOOKING = ("input", "bookingId")

RETRY = "1 to 128 characters, remembered for 24 hours per API key: a retry after a lost answer gets the first answer."


@strawberry.input(description="Whom a booking is for.")
class CustomerInput:
    name: str = strawberry.field(description="Their name.")
    email: str | None = optional("Their mail address.")
    phone: str | None = optional("Their telephone number.")


@strawberry.input(
    description="A new booking. With `holdId` the hold's service, option and start are booked; without, give "
    "`serviceId` and `start`."
)
class CreateBookingInput:
    hold_id: strawberry.ID | None = optional("The hold to make a booking of.")
    service_id: strawberry.ID | None = optional("What to book.")
    option_id: strawberry.ID | None = optional("With whom or what; left out: any that is free.")
    start: datetime | None = optional("When: a start that `availability` offers.")
    customer: CustomerInput = strawberry.field(description="Whom it is for.")
    note: str | None = optional("What staff should know.")
    idempotency_key: str | None = optional(RETRY)
    override_rules: bool | None = optional(
        "Staff: book outside opening hours, notice, horizon and grid; never over something busy."
    )


@strawberry.type(description="The new booking, or what else could be booked.")
class CreateBookingPayload(Payload):
    booking: Booking | None = strawberry.field(description="The booking; null when it was refused.", default=None)
    manage_token: str | None = strawberry.field(
        description="With it, whoever booked can see, move and cancel this one booking. Keep it secret.", default=None
    )
    alternatives: list[Slot] = strawberry.field(
        description="When the time could not be booked: up to five that can, the same start with others first.",
        default_factory=list,
    )


@strawberry.input(description="Another time for a booking, another option, or both.")
class RescheduleBookingInput:
    booking_id: strawberry.ID = strawberry.field(description="Which booking.")
    start: datetime = strawberry.field(description="The new start.")
    option_id: strawberry.ID | None = optional("The new option; left out: the same.")
    manage_token: str | None = optional("Needed with a public key.")
    expected_version: int | None = optional("Refuse if it is no longer at this version.")
    override_rules: bool | None = optional(
        "Staff: move outside opening hours, notice, horizon and grid; never over something busy."
    )
    idempotency_key: str | None = optional(RETRY)


@strawberry.type(description="The booking where it is now, or where else it could go.")
class RescheduleBookingPayload(Payload):
    booking: Booking | None = strawberry.field(description="The booking; null when it was refused.", default=None)
    alternatives: list[Slot] = strawberry.field(
        description="When it could not be moved there: up to five times that can, the same start with others first.",
        default_factory=list,
    )


@strawberry.input(description="A booking to call off.")
class CancelBookingInput:
    booking_id: strawberry.ID = strawberry.field(description="Which booking.")
    manage_token: str | None = optional("Needed with a public key.")
    reason: str | None = optional("Why, for the history.")
    expected_version: int | None = optional("Refuse if it is no longer at this version.")
    idempotency_key: str | None = optional(RETRY)


@strawberry.type(description="The booking, cancelled.")
class CancelBookingPayload(Payload):
    booking: Booking | None = strawberry.field(description="The booking; null when it was refused.", default=None)


@strawberry.input(description="Changes to a booking. A field left out stays; null clears it where it can be empty.")
class UpdateBookingInput:
    booking_id: strawberry.ID = strawberry.field(description="Which booking.")
    customer: CustomerInput | None = optional("Whom it is for; a part left out stays.")
    note: str | None = optional("What staff should know.")
    status: BookingStatus | None = optional("How it went, once it has started; or CONFIRMED again.")
    expected_version: int | None = optional("Refuse if it is no longer at this version.")
    idempotency_key: str | None = optional(RETRY)


@strawberry.type(description="The booking as it is now.")
class UpdateBookingPayload(Payload):
    booking: Booking | None = strawberry.field(description="The booking; null when it was refused.", default=None)


@strawberry.type
class BookingMutation:
    @strawberry.mutation(description="Books a slot.")
    async def create_booking(
        self, info: Info, input: Annotated[CreateBookingInput, strawberry.argument(description="What to book.")]
    ) -> CreateBookingPayload | None:
        caller, settings = info.context.caller, info.context.state.settings
        if may_not_override(info, input):
            return CreateBookingPayload(errors=forbidden_error(info, Role.STAFF, "input", "overrideRules"))
        request = _request(input)
        if refusals := checks.refusals(idempotency.validate(unset_to_none(input.idempotency_key))):
            return CreateBookingPayload(errors=user_errors(info, Refused(refusals)))
        once = None
        if retry := unset_to_none(input.idempotency_key):
            once = IdempotentRequest(caller.key_id, "createBooking", retry, dataclasses.asdict(request))
        await freshen(info, once, lambda: _option_to_take(info, request))
        try:
            answer = await create_booking.create(
                caller, request, once=once, google_days=settings.google_days, quota=_quota(info)
            )
        except TooManyBookingsError as error:
            raise rate_limited(TOO_MANY_BOOKINGS, error.seconds, info.context.language) from None
        fields = await payload_fields(info, Booking, BookingRow, answer, "booking")
        if isinstance(answer, Refused):
            return CreateBookingPayload(**fields, alternatives=await alternative_slots(info, answer.alternatives))
        return CreateBookingPayload(**fields, manage_token=await _token(info, answer))

    @strawberry.mutation(description="Moves a booking. Staff, or whoever has its manage token.")
    async def reschedule_booking(
        self, info: Info, input: Annotated[RescheduleBookingInput, strawberry.argument(description="The move.")]
    ) -> RescheduleBookingPayload | None:
        caller, settings = info.context.caller, info.context.state.settings
        if may_not_override(info, input):
            return RescheduleBookingPayload(errors=forbidden_error(info, Role.STAFF, "input", "overrideRules"))
        if refusals := checks.refusals(idempotency.validate(unset_to_none(input.idempotency_key))):
            return RescheduleBookingPayload(errors=user_errors(info, Refused(refusals)))
        booking_id = await _changeable_id(info, input.booking_id, input.manage_token)
        once = _once(info, "rescheduleBooking", booking_id, input)
        where: dict[str, Any] = {
            "option_id": decode_id_if_given("Option", input.option_id),
            "override_rules": bool(unset_to_none(input.override_rules)),
            "google_days": settings.google_days,
        }
        await freshen(
            info, once, lambda: change_booking.preview_option(caller.business_id, booking_id, input.start, **where)
        )
        version = unset_to_none(input.expected_version)
        try:
            answer = await change_booking.reschedule(
                caller, booking_id, input.start, expected_version=version, once=once, **where
            )
        except booking.TooManyMovesError as error:
            raise rate_limited(TOO_MANY_MOVES, error.seconds, info.context.language) from None
        fields = await payload_fields(
            info, Booking, BookingRow, _with_hint(info, input.manage_token, answer), "booking"
        )
        if isinstance(answer, Refused):
            fields["alternatives"] = await alternative_slots(info, answer.alternatives)
        return RescheduleBookingPayload(**fields)

    @strawberry.mutation(description="Cancels a booking for good. Staff, or whoever has its manage token.")
    async def cancel_booking(
        self, info: Info, input: Annotated[CancelBookingInput, strawberry.argument(description="The booking.")]
    ) -> CancelBookingPayload | None:
        if refusals := checks.refusals(idempotency.validate(unset_to_none(input.idempotency_key))):
            return CancelBookingPayload(errors=user_errors(info, Refused(refusals)))
        booking_id = await _changeable_id(info, input.booking_id, input.manage_token)
        answer = await change_booking.cancel(
            info.context.caller,
            booking_id,
            reason=unset_to_none(input.reason),
            expected_version=unset_to_none(input.expected_version),
            once=_once(info, "cancelBooking", booking_id, input),
        )
        answer = _with_hint(info, input.manage_token, answer)
        return CancelBookingPayload(**await payload_fields(info, Booking, BookingRow, answer, "booking"))

    @strawberry.mutation(description="Changes whom a booking is for, its note, or how it went. Staff.")
    async def update_booking(
        self, info: Info, input: Annotated[UpdateBookingInput, strawberry.argument(description="The changes.")]
    ) -> UpdateBookingPayload | None:
        caller = info.context.caller
        if not caller.is_staff:
            return UpdateBookingPayload(errors=forbidden_error(info))
        if refusals := checks.refusals(idempotency.validate(unset_to_none(input.idempotency_key))):
            return UpdateBookingPayload(errors=user_errors(info, Refused(refusals)))
        values = given_values(input, "note", "status", "customer")
        if "customer" in values:
            customer = values.pop("customer")
            if customer is None:
                missing = checks.invalid("Must not be null.", "customer")
                return UpdateBookingPayload(errors=user_errors(info, Refused([missing])))
            values |= {
                f"customer_{name}": value for name, value in given_values(customer, "name", "email", "phone").items()
            }
        booking_id = decode_id("Booking", input.booking_id)
        answer = await change_booking.update(
            caller,
            booking_id,
            values,
            expected_version=unset_to_none(input.expected_version),
            once=_once(info, "updateBooking", booking_id, input),
        )
        return UpdateBookingPayload(**await payload_fields(info, Booking, BookingRow, answer, "booking"))


def _quota(info: Info) -> Quota | None:
    """Returns how many bookings the caller's address may make; None where we do not count them."""
    address, most = info.context.veiled_address, info.context.state.settings.address_bookings
    return Quota(address, most) if address and most else None


async def _changeable_id(info: Info, booking_id: str, manage_token: str | None) -> UUID:
    """Returns the booking's id; UNKNOWN_ID, and so NOT_FOUND, for a public key without its manage token."""
    found = decode_id("Booking", booking_id)
    if info.context.caller.is_staff:
        return found
    known = info.context.state.secrets.managed(manage_token or "")
    if known is None or known[0] != found:
        return UNKNOWN_ID
    return found if await booking.is_managed(info.context.caller.business_id, *known) else UNKNOWN_ID


def _with_hint(info: Info, manage_token: str | None, answer: UUID | Refused) -> UUID | Refused:
    """Adds to NOT_FOUND, for a public key, that it needs a manage token. Tells nobody whether a booking exists."""
    if info.context.caller.is_staff or not isinstance(answer, Refused):
        return answer
    message = token_needed(unset_to_none(manage_token))
    reasons = [
        dataclasses.replace(each, message=message)
        if each.code is ErrorCode.NOT_FOUND and each.path == _BOOKING
        else each
        for each in answer.reasons
    ]
    return dataclasses.replace(answer, reasons=reasons)


def may_not_override(info: Info, source: CreateBookingInput | RescheduleBookingInput) -> bool:
    """Whether the input has `overrideRules`, and the key may not use it."""
    return bool(unset_to_none(source.override_rules)) and not info.context.caller.is_staff


Changing: TypeAlias = RescheduleBookingInput | CancelBookingInput | UpdateBookingInput


def _once(info: Info, mutation: str, booking_id: UUID, source: Changing) -> IdempotentRequest | None:
    """Returns the idempotent request of a change; None without an idempotency key, or when the caller may not change
    the booking, so that refusals of strangers are not stored.
    """
    retry = unset_to_none(source.idempotency_key)
    caller = info.context.caller
    if retry is None or (booking_id == UNKNOWN_ID and not caller.is_staff):
        return None
    return IdempotentRequest(caller.key_id, mutation, retry, all_given_values(source))


def _request(source: CreateBookingInput) -> BookingRequest:
    """Converts the input for the domain."""
    request = BookingRequest(
        customer_name=source.customer.name,
        customer_email=unset_to_none(source.customer.email),
        customer_phone=unset_to_none(source.customer.phone),
        note=unset_to_none(source.note),
        service_id=decode_id_if_given("Service", source.service_id),
        option_id=decode_id_if_given("Option", source.option_id),
        start=unset_to_none(source.start),
        hold_id=decode_id_if_given("Hold", source.hold_id),
        override_rules=bool(unset_to_none(source.override_rules)),
    )
    return create_booking.tidied(request)


async def _option_to_take(info: Info, request: BookingRequest) -> UUID | None:
    """Returns the option that the booking will take; None when it will be refused."""
    if create_booking.validate(request):
        return None
    if request.hold_id:
        return await hold_slot.option_of(info.context.caller.business_id, request.hold_id)
    if request.service_id is None or request.start is None:
        return None
    business_id, days = info.context.caller.business_id, info.context.state.settings.google_days
    return await create_booking.preview_option(
        business_id, request.service_id, request.option_id, request.start, days, request.override_rules
    )


async def _token(info: Info, booking_id: UUID) -> str:
    """Computes the booking's manage token, which is not stored."""
    row = await queries.row(BookingRow, info.context.caller.business_id, booking_id, ("token_generation",))
    assert row, "bookings stay"
    return info.context.state.secrets.manage_token(booking_id, row["token_generation"])
