"""Assembles the schema, once in each process. `timebok schema` prints it; `schema.graphql` has the printed text."""

import asyncio
from typing import Annotated, Any

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

import graph.enums  # noqa: F401  # describes the domain's enums before types use them
from graph.availability.query import AvailabilityQuery
from graph.availability.slot_check import SlotCheckQuery
from graph.bookings.booking import Booking, BookingQuery
from graph.bookings.booking_list import BookingListQuery
from graph.bookings.holds import HoldMutation
from graph.bookings.mutations import BookingMutation
from graph.calendar.entries import CalendarQuery, GoogleEvent, Hold, TimeOff
from graph.calendar.time_off import TimeOffMutation
from graph.catalog.business import ViewerQuery
from graph.catalog.options import OptionMutation, OptionQuery
from graph.catalog.services import ServiceMutation, ServiceQuery
from graph.google.accounts import GoogleAccountMutation, GoogleAccountQuery
from graph.google.link import GoogleMutation
from graph.google.routing_preview import RoutingPreviewQuery
from graph.google.templates import TemplateMutation, TemplateQuery
from graph.node_query import refetch
from graph.relay.nodes import Node
from graph.request.context import Info, bad_input
from graph.scalars import SCALARS
from graph.strawberry_internals import core_schema
from graph.subscriptions.availability_changes import AvailabilitySubscription
from graph.subscriptions.booking_changes import BookingSubscription
from graph.subscriptions.calendar_changes import CalendarSubscription
from graph.subscriptions.sync_health_changes import SyncHealthSubscription

MOST_NODES = 100
"""The most ids that `nodes` takes."""

# Each paragraph is one line, since the explorer keeps line breaks.
WELCOME = "\n\n".join(
    (
        "Timebok takes bookings. A business has *options* (people, rooms, cars: whatever is booked) and *services* "
        "that they offer. An option can be tied to a Google calendar: what is busy there cannot be booked, and "
        "bookings appear there.",
        "**Keys.** Send `Authorization: Bearer <key>` with every request, and in the payload of `connection_init` on a "
        "socket. `viewer` says whose key it is and what it may do.",
        "**Where to begin.** To book: `services`, `availability`, `createBooking`. To show a calendar: `calendar`, "
        "then `calendarChanges` after its cursor, and nothing is missed. To connect Google: `startGoogleSignIn`.",
        "**What is refused.** A mutation that could not do what it was asked says why in `errors`, each with a code "
        "and the path of the input it is about. GraphQL errors are for requests that nobody may send, and for faults.",
        "**What is promised.** Ids are opaque and stable; `node` finds anything by its id. Instants are given with an "
        "offset and answered in UTC. Fields and values of enums may be added at any time; what is there stays.",
    )
)


@strawberry.type(description="What can be asked.")
class Query(
    ViewerQuery,
    ServiceQuery,
    AvailabilityQuery,
    SlotCheckQuery,
    OptionQuery,
    CalendarQuery,
    BookingListQuery,
    BookingQuery,
    TemplateQuery,
    RoutingPreviewQuery,
    GoogleAccountQuery,
):
    @strawberry.field(description="Anything that has an id; null when there is none such, or this key may not see it.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Node | None:
        return await refetch(info, id)

    @strawberry.field(description="Several things by their ids, at most 100; what there is not is left out.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Their ids, at most 100.")],
    ) -> list[Node]:
        if len(ids) > MOST_NODES:
            raise bad_input(f"At most {MOST_NODES} ids at once.")
        found = await asyncio.gather(*(refetch(info, each) for each in ids))
        return [each for each in found if each]


@strawberry.type(description="What can be done. Each takes one `input`, and says in `errors` why it did nothing.")
class Mutation(
    BookingMutation,
    HoldMutation,
    OptionMutation,
    ServiceMutation,
    TimeOffMutation,
    GoogleMutation,
    GoogleAccountMutation,
    TemplateMutation,
):
    pass


@strawberry.type(description="What can be followed.")
class Subscription(AvailabilitySubscription, BookingSubscription, SyncHealthSubscription, CalendarSubscription):
    pass


class Schema(strawberry.Schema):
    """Strawberry's schema, which knows no description."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.core.description = WELCOME

    @property
    def core(self) -> GraphQLSchema:
        """The schema as graphql-core has it."""
        return core_schema(self)


schema = Schema(
    Query,
    Mutation,
    Subscription,
    types=[Booking, Hold, TimeOff, GoogleEvent],
    config=StrawberryConfig(scalar_map=SCALARS),
)


def sdl() -> str:
    """Prints the schema in GraphQL's schema language."""
    roots = "schema {\n  query: Query\n  mutation: Mutation\n  subscription: Subscription\n}"
    return f'"""\n{WELCOME}\n"""\n{roots}\n\n{schema.as_str()}\n'
