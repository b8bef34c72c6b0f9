"""Bookings: the type, and the query `managedBooking`. `mutations` has what changes a booking."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from graph.calendar.entries import CalendarEntry, GoogleEvent
from graph.catalog.options import Option
from graph.catalog.services import Service
from graph.fields.resolvers import attribute, column, part, reading, related
from graph.fields.selection import columns
from graph.google.connection import SyncError, sync_error
from graph.relay.nodes import to_id
from graph.request.context import Info
from models.actions import calendar_entries
from models.bookings import booking
from models.bookings.booking import Booking as BookingRow
from models.enums import BookingStatus, Drift, MirrorState
from models.storage import db, queries
from models.storage.db import Row
from sync.service import MirrorStatus


@strawberry.type(description="Whom a booking is for.")
class Customer:
    row: strawberry.Private[Row]
    name: str = column("customer_name", "Their name.")
    email: str | None = column("customer_email", "Their mail address.")
    phone: str | None = column("customer_phone", "Their telephone number.")


@strawberry.type(description="The event in Google Calendar that stands for a booking.")
class Mirror:
    value: strawberry.Private[MirrorStatus]
    state: MirrorState = attribute("state", "How far it is.")
    html_link: str | None = attribute("html_link", "The event in Google Calendar; null until it is there.")
    drift: Drift = attribute(
        "drift", "How somebody last changed it in Google; NONE again with the next change of the booking."
    )
    drift_found_at: datetime | None = attribute("drift_found_at", "When that was noticed; null without a drift.")
    drift_corrected_at: datetime | None = attribute(
        "drift_corrected_at", "When it was put right; null without a drift, and until then."
    )

    @strawberry.field(description="What went wrong last; null when all is well.")
    def error(self) -> SyncError | None:
        return sync_error(self.value.error)


@strawberry.type(description="One value that a change of a booking replaced.")
class FieldChange:
    field: str = strawberry.field(description="Which one.")
    before: str | None = strawberry.field(description="What it was.")
    after: str | None = strawberry.field(description="What it became.")


@strawberry.type(description="Something that was done to a booking.")
class HistoryEntry:
    at: datetime = strawberry.field(description="When.")
    actor: str = strawberry.field(description="By whom: the role and name of the key, `customer`, or `google`.")
    action: str = strawberry.field(
        description="What: `CREATED`, `RESCHEDULED`, `UPDATED`, `CANCELLED`; `DRIFT_CORRECTED`: somebody had "
        "changed or deleted its event in Google, and it was put right."
    )
    changes: list[FieldChange] = strawberry.field(
        description="The values that changed. `freshAsOf` is among them when the option's Google calendar could not be "
        "read again just before: as of when it was known, or `never`."
    )


@strawberry.type(description="A slot taken. It keeps its id for life, through every reschedule.")
class Booking(CalendarEntry):
    reference: str = column("reference", "Short, for people to say on the telephone.")
    status: BookingStatus = column("status", "Where it stands.")
    version: int = column("version", "Rises with every change: give it back as `expectedVersion`.")
    created_at: datetime = column("created_at", "When it was made.")
    updated_at: datetime = column("updated_at", "When it was last changed.")

    @reading("status", description="Whether it takes its option's time: until it is cancelled.")
    def blocks(self) -> bool:
        return bool(self.row["status"] != BookingStatus.CANCELLED)

    service: Service = related("service", Service, "What was booked.")
    option: Option = related("option", Option, "With whom, or what, it was booked.")
    customer: Customer | None = part(Customer, "Whom it is for; null for public keys.", staff=True)
    note: str | None = column("note", "What was noted about it; null for public keys.", staff=True)

    @reading("service__name", "customer_name", description="The service and the customer.")
    def title(self, info: Info) -> str | None:
        name = str(self.row["service__name"])
        return f"{name}: {self.row['customer_name']}" if info.context.caller.is_staff else name

    @reading("id", description="Its event in Google Calendar; null for public keys.")
    async def mirror(self, info: Info) -> Mirror | None:
        if not info.context.caller.is_staff:
            return None
        google, business_id = info.context.state.google, info.context.caller.business_id

        async def load(ids: Sequence[UUID]) -> Mapping[UUID, MirrorStatus]:
            return await google.mirror_states(business_id, ids)

        found = await info.context.loaders.one("mirrors", self.row["id"], load)
        return Mirror(value=found or MirrorStatus(MirrorState.NOT_LINKED))

    @reading("id", description="Google events that came in over it: both stand, somebody has to choose. Staff.")
    async def conflicts(self, info: Info) -> list[GoogleEvent]:
        if not info.context.caller.is_staff:
            return []
        wanted_columns = columns(info, GoogleEvent)

        async def load(ids: Sequence[UUID]) -> Mapping[UUID, Sequence[db.Row]]:
            return await calendar_entries.conflicts_of(ids, wanted_columns)

        rows = await info.context.loaders.many(("conflicts", wanted_columns), self.row["id"], load)
        return [GoogleEvent(row=row) for row in rows]

    @reading("id", description="The newest 100 things that were done to it, oldest first; null for public keys.")
    async def history(self, info: Info) -> list[HistoryEntry] | None:
        if not info.context.caller.is_staff:
            return None
        rows = await info.context.loaders.many("history", self.row["id"], booking.history_of)
        return [
            HistoryEntry(
                at=row["at"],
                actor=row["actor"],
                action=row["action"],
                changes=[_field_change(each) for each in row["changes"]],
            )
            for row in rows
        ]


_FIELD_NAMES = {
    "startsAt": "start",
    "endsAt": "end",
    "optionId": "option",
    "customerName": "customer.name",
    "customerEmail": "customer.email",
    "customerPhone": "customer.phone",
}


def _field_change(change: Mapping[str, str | None]) -> FieldChange:
    """Converts a change of a column to a change of the field by which clients know it."""
    field, before, after = change["field"] or "", change["before"], change["after"]
    if field == "optionId":
        before, after = (each and to_id("Option", UUID(each)) for each in (before, after))
    return FieldChange(field=_FIELD_NAMES.get(field, field), before=before, after=after)


@strawberry.type
class BookingQuery:
    @strawberry.field(description="The booking that a manage token stands for; null when it stands for none.")
    async def managed_booking(
        self,
        info: Info,
        manage_token: Annotated[str, strawberry.argument(description="What `createBooking` answered.")],
    ) -> Booking | None:
        managed = info.context.state.secrets.managed(manage_token)
        if managed is None:
            return None
        booking_id, generation = managed
        business_id, shown = info.context.caller.business_id, columns(info, Booking)
        row = await queries.row(BookingRow, business_id, booking_id, shown, token_generation=generation)
        return Booking(row=row) if row else None
