"""The schema assembled: built once per process, printed to `schema.graphql`, the contract with every client."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError, GraphQLSchema, GraphQLSyntaxError, OperationDefinitionNode
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.extensions import (
    AddValidationRules,
    MaxTokensLimiter,
    ParserCache,
    SchemaExtension,
    ValidationCache,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

import graph.enums  # noqa: F401  # describes the domain's enums before types use them
from graph.aliases import AliasRule
from graph.availability import AvailabilityQuery
from graph.booking_list import BookingListQuery
from graph.booking_mutations import BookingMutation
from graph.bookings import Booking, BookingQuery
from graph.business import ViewerQuery
from graph.calendar import CalendarQuery, GoogleEvent, Hold, TimeOff
from graph.closing import ClosingMutation
from graph.context import Context, Info, bad_input
from graph.depth import DepthRule
from graph.errors import Codes
from graph.holds import HoldMutation
from graph.linking import GoogleMutation
from graph.nodes import Node
from graph.options import OptionMutation, OptionQuery
from graph.refetching import refetch
from graph.routing_preview import RoutingPreviewQuery
from graph.scalars import SCALARS
from graph.server.execution import Executor
from graph.server.limits import LONGEST_DOCUMENT
from graph.services import ServiceMutation, ServiceQuery
from graph.slot_check import SlotCheckQuery
from graph.subscriptions import Subscription
from graph.texts import TextRule
from graph.wording import WordingMutation, WordingQuery

MOST_NODES = 100
"""How many things may be asked for by id at once."""

# A paragraph is one line: the explorer keeps line breaks.
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
    WordingQuery,
    RoutingPreviewQuery,
):
    @strawberry.field(description="Anything that has an id; null when there is none such, or this key may not see it.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Node | None:
        return await refetch(info, id)

    @strawberry.field(description="Several things by their ids, at most 100; what there is not is left out.")
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="Their ids.")]
    ) -> list[Node]:
        if len(ids) > MOST_NODES:
            raise bad_input(f"At most {MOST_NODES} ids at once.")
        found = await asyncio.gather(*(refetch(info, each) for each in ids))
        return [each for each in found if each]


@strawberry.type(description="What can be done. Each takes one `input`, and says in `errors` why it did nothing.")
class Mutation(
    BookingMutation, HoldMutation, OptionMutation, ServiceMutation, ClosingMutation, GoogleMutation, WordingMutation
):
    pass


class IntrospectionSwitch(SchemaExtension):
    """Refuses to tell the schema where the settings say so."""

    def on_operation(self) -> Iterator[None]:
        context: Context = self.execution_context.context
        if not context.house.settings.introspection:
            self.execution_context.validation_rules += (NoSchemaIntrospectionCustomRule,)
        yield
        if not context.house.settings.introspection:
            for error in self.execution_context.pre_execution_errors or ():
                error.message = error.message.partition(" Did you mean")[0]


class OneOperation(SchemaExtension):
    """Refuses a document with several operations unless one of them is named: Strawberry would take the first.

    Source: GraphQL, "GetOperation".
    """

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        operations = (
            [each for each in document.definitions if isinstance(each, OperationDefinitionNode)] if document else []
        )
        if len(operations) > 1 and not context._provided_operation_name:
            context.pre_execution_errors = [GraphQLError("Say with `operationName` which of the operations to run.")]
        yield


class Knowing(SchemaExtension):
    """Remembers which documents are valid."""

    def on_validate(self) -> Iterator[None]:
        yield
        context = self.execution_context
        if context.query and context.graphql_document and not context.pre_execution_errors:
            context.context.house.documents.add(context.query, context.graphql_document)


class DocumentCache(ParserCache):
    """Strawberry's cache of parsed documents, which lets a syntax error out at the wrong place."""

    def on_parse(self) -> Iterator[None]:
        # The parser itself meets the error again, where it is expected.
        with suppress(GraphQLSyntaxError):
            next(super().on_parse())
        yield


class JudgementCache(ValidationCache):
    """Strawberry's cache of what is wrong with documents, which hands out its own list: each caller gets another."""

    def on_validate(self) -> Iterator[None]:
        next(super().on_validate())
        context = self.execution_context
        context.pre_execution_errors = list(context.pre_execution_errors or ())
        yield


class Schema(strawberry.Schema):
    """Strawberry's schema, which would log every client's mistake with a traceback and knows no description."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._schema.description = WELCOME

    @property
    def core(self) -> GraphQLSchema:
        """The schema as graphql-core has it."""
        return self._schema

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Logs nothing here: `Codes` logs what is a fault of ours."""


schema = Schema(
    Query,
    Mutation,
    Subscription,
    types=[Booking, Hold, TimeOff, GoogleEvent],
    config=StrawberryConfig(scalar_map=SCALARS),
    execution_context_class=Executor,
    extensions=[
        Codes,
        IntrospectionSwitch,
        DocumentCache,
        JudgementCache,
        OneOperation,
        Knowing,
        lambda: AddValidationRules([AliasRule, DepthRule, TextRule]),
        lambda: MaxTokensLimiter(max_token_count=LONGEST_DOCUMENT),
    ],
)


def sdl() -> str:
    """The schema in GraphQL's schema language."""
    roots = "schema {\n  query: Query\n  mutation: Mutation\n  subscription: Subscription\n}"
    return f'"""\n{WELCOME}\n"""\n{roots}\n\n{schema.as_str()}\n'
