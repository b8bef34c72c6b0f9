"""The query `slotCheck`: all reasons against one start, from the same evaluator that lists slots."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph.availability.query import booking_to_leave_out, offer_for, read_service
from graph.calendar.entries import CalendarEntry, entry_types
from graph.fields.selection import columns
from graph.languages import translate
from graph.relay.arguments import MovingBookingId, MovingToken, ServiceId
from graph.relay.nodes import decode_id, unset_to_none
from graph.request.context import Info, bad_input
from models.actions import calendar_entries
from models.enums import ChangeKind
from models.scheduling import decision
from models.scheduling.availability import Busy, BusyKind, Reason
from models.scheduling.availability import SlotReason as SlotReasonCode
from models.scheduling.intervals import Interval, to_datetime, to_instant

_KINDS = {
    BusyKind.BOOKING: ChangeKind.BOOKING,
    BusyKind.HOLD: ChangeKind.HOLD,
    BusyKind.TIME_OFF: ChangeKind.TIME_OFF,
    BusyKind.GOOGLE: ChangeKind.GOOGLE_EVENT,
}


@strawberry.type(description="One reason against a start.")
class SlotReason:
    busy: strawberry.Private[Busy | None]
    code: SlotReasonCode = strawberry.field(description="The reason, for programs.")
    message: str = strawberry.field(description="The reason, for people.")

    @strawberry.field(name="from", description="Since when the option is taken, buffers included; else null.")
    def from_(self) -> datetime | None:
        return to_datetime(self.busy.start) if self.busy else None

    @strawberry.field(description="Until when the option is taken, buffers included; else null.")
    def to(self) -> datetime | None:
        return to_datetime(self.busy.end) if self.busy else None

    @strawberry.field(description="What takes the time; null for rules, and for public keys.")
    async def entry(self, info: Info) -> CalendarEntry | None:
        if self.busy is None or self.busy.entry is None:
            return None
        kind = _KINDS[self.busy.kind]
        shown = entry_types()[kind]
        row = await calendar_entries.one(
            info.context.caller.business_id, kind, self.busy.entry, None, columns(info, shown)
        )
        return shown(row=row) if row else None


@strawberry.type(description="Whether one start can be booked.")
class SlotCheck:
    available: bool = strawberry.field(description="Whether it can.")
    reasons: list[SlotReason] = strawberry.field(description="All that speaks against it; none: it can be booked.")


@strawberry.type
class SlotCheckQuery:
    @strawberry.field(description="Whether an option can take a service at one start, and every reason why not.")
    async def slot_check(
        self,
        info: Info,
        service_id: ServiceId,
        option_id: Annotated[strawberry.ID, strawberry.argument(description="The option.")],
        start: Annotated[datetime, strawberry.argument(description="The start.")],
        moving_booking_id: MovingBookingId = strawberry.UNSET,
        manage_token: MovingToken = strawberry.UNSET,
    ) -> SlotCheck:
        caller, at = info.context.caller, to_instant(start)
        row = await read_service(info, service_id)
        leave_out = await booking_to_leave_out(info, unset_to_none(moving_booking_id), unset_to_none(manage_token))
        option = decode_id("Option", option_id)
        found = await offer_for(info, row, Interval(at, at + 1), [option], leave_out)
        if option not in found.options or not (caller.is_staff or found.options[option]["active"]):
            raise bad_input("There is no such option.")
        against = found.reasons(option, at)
        return SlotCheck(
            available=not against, reasons=_visible_reasons(against, caller.is_staff, info.context.language)
        )


def _visible_reasons(against: list[Reason], to_staff: bool, language: str) -> list[SlotReason]:
    """Converts the reasons for this caller: a public key sees that an option is busy, not why or how long."""
    if to_staff:
        return [
            SlotReason(busy=each.busy, code=each.code, message=translate(decision.message(each), {}, language))
            for each in against
        ]
    public = {SlotReasonCode.BUSY if each.busy else each.code: each for each in against}
    return [
        SlotReason(busy=None, code=code, message=translate(decision.message(each), {}, language))
        for code, each in public.items()
    ]
