"""One booking as whoever made it sees it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import strawberry

from graph.bookings.booking import Booking
from graph.fields.selection import columns
from graph.request.context import Info, bad_input
from graph.subscriptions.source import Look, Source, SourceEvent
from models.bookings import booking
from models.bookings.booking import Booking as BookingRow
from models.enums import ChangeKind
from models.storage import db
from models.storage.db import Row


@dataclass(eq=False)
class BookingChanges(Source):
    """The booking that a manage token opens, whenever what is shown of it differs."""

    manage_token: str
    managed: tuple[UUID, int] | None = None
    """The booking's id, and the generation of its token."""
    before: Row | None = None
    """Its row as it was shown last."""

    async def start(self, newest: int) -> int:
        """For whoever has the token of a booking."""
        context = self.info.context
        self.managed = context.state.secrets.managed(self.manage_token)
        if self.managed is None or not await booking.is_managed(context.caller.business_id, *self.managed):
            raise _no_booking()
        return newest

    def concerns(self, row: Row) -> bool:
        """Whether the change is of the booking, or of what bookings are shown with."""
        return self._names(row) or row["kind"] in (ChangeKind.SERVICE, ChangeKind.OPTION)

    async def events(self, look: Look) -> AsyncGenerator[SourceEvent, None]:
        """The booking, if its row differs. Raises BAD_USER_INPUT once the token opens it no more."""
        assert self.managed
        caller, (booking_id, generation) = self.info.context.caller, self.managed
        query = BookingRow.filter(business_id=caller.business_id, id=booking_id, token_generation=generation)
        found = await db.select(query, columns(self.info, Booking) | {"version"})
        if not found:
            raise _no_booking()
        # What only staff see of it, its event in Google for one, stands in other rows.
        differs = found[0] != self.before or (caller.is_staff and any(map(self._names, look.rows)))
        if differs or look.again:
            self.before = found[0]
            yield SourceEvent(Booking(row=found[0]), is_repeated=not differs)

    def _names(self, row: Row) -> bool:
        return self.managed is not None and bool(row["entity_id"] == self.managed[0])


def _no_booking() -> Exception:
    return bad_input("There is no booking for this manageToken.")


@strawberry.type
class BookingSubscription:
    @strawberry.subscription(
        graphql_type=Booking, description="One booking as whoever made it sees it: now, and after every change."
    )
    def booking_changes(
        self,
        info: Info,
        manage_token: Annotated[str, strawberry.argument(description="What `createBooking` answered.")],
    ) -> BookingChanges:
        return BookingChanges(info, manage_token)
