"""The query `bookings`: lists of bookings, filtered and in pages."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph.bookings.booking import Booking
from graph.fields.resolvers import listed
from graph.fields.selection import columns
from graph.relay.connections import After, First, Listing, page
from graph.relay.nodes import check_length, check_text, decode_given_ids, unset_to_none
from graph.relay.payloads import optional
from graph.request.context import Info, staff
from models import checks
from models.bookings import search
from models.bookings.search import Search
from models.enums import BookingOrderField, BookingStatus, OrderDirection

MOST_STATUSES = 10
"""The longest list of statuses; longer than there are statuses, since a client may repeat one."""

LONGEST_QUERY = 1000
"""The most characters of a search for words."""


@strawberry.input(description="How a list of bookings is ordered.")
class BookingOrder:
    field: BookingOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(description="Which way.")


@strawberry.input(description="Which bookings to list; all that is said must fit. Cancelled ones are listed too.")
class BookingFilter:
    option_ids: list[strawberry.ID] | None = optional("With one of these options, at most 200.")
    service_ids: list[strawberry.ID] | None = optional("Of one of these services, at most 200.")
    statuses: list[BookingStatus] | None = optional("In one of these states, at most 10.")
    from_: datetime | None = strawberry.field(
        name="from", default=strawberry.UNSET, description="That end after this: with `to`, what overlaps `[from, to)`."
    )
    to: datetime | None = optional("That begin before this.")
    customer_email: str | None = optional("Of the customer with this mail address, at most 320 characters.")
    query: str | None = optional(
        "Beginnings of words, all of which must be found in the reference, the mail address or the customer's name. "
        "At most 1000 characters."
    )


@strawberry.type(description="One booking in a list, with the cursor of its place.")
class BookingEdge:
    cursor: str = strawberry.field(description="The place: continue `after` it.")
    node: Booking = strawberry.field(description="The booking.")


@strawberry.type(description="A page of bookings.")
class BookingConnection(Listing):
    nodes: list[Booking] = listed(Booking, "The bookings of this page.")

    @strawberry.field(description="The bookings of this page, each with its cursor.")
    def edges(self) -> list[BookingEdge]:
        pairs = zip(self.page.cursors(), self.page.rows, strict=True)
        return [BookingEdge(cursor=cursor, node=Booking(row=row)) for cursor, row in pairs]


@strawberry.type
class BookingListQuery:
    @strawberry.field(
        description="The bookings that fit, page by page; rows that arrive meanwhile shift nothing. Staff."
    )
    async def bookings(
        self,
        info: Info,
        filter: Annotated[
            BookingFilter | None, strawberry.argument(description="Which ones; left out: all.")
        ] = strawberry.UNSET,
        first: First = 50,
        after: After = None,
        order_by: Annotated[
            BookingOrder | None, strawberry.argument(description="In which order; left out: by start.")
        ] = strawberry.UNSET,
    ) -> BookingConnection:
        caller = staff(info)
        order = order_by or BookingOrder(field=BookingOrderField.START, direction=OrderDirection.ASC)
        found = await page(
            search.bookings(caller.business_id, _search(filter or BookingFilter())),
            by=order.field.value,
            columns=columns(info, Booking, "nodes") | columns(info, Booking, "edges", "node"),
            first=first,
            after=after,
            descending=order.direction is OrderDirection.DESC,
        )
        return BookingConnection(page=found)


def _search(source: BookingFilter) -> Search:
    """Converts the filter for the domain; a field that is left out or null does not filter. Raises BAD_USER_INPUT."""
    check_length(source.statuses, "statuses", MOST_STATUSES)
    check_text(source.customer_email, "customerEmail", checks.EMAIL_LENGTH)
    check_text(source.query, "query", LONGEST_QUERY)
    return Search(
        option_ids=decode_given_ids("Option", source.option_ids, "optionIds"),
        service_ids=decode_given_ids("Service", source.service_ids, "serviceIds"),
        statuses=unset_to_none(source.statuses),
        start=unset_to_none(source.from_),
        end=unset_to_none(source.to),
        customer_email=checks.tidy(unset_to_none(source.customer_email)),
        text=checks.tidy(unset_to_none(source.query)),
    )
