"""Services: what a customer books. The type, its queries and its mutations."""

from typing import Annotated, Any

import strawberry

from graph.catalog import service_options
from graph.catalog.options import Option
from graph.errors import forbidden_error
from graph.fields.resolvers import column, listed, reading
from graph.fields.selection import columns
from graph.relay.connections import After, First, Listing, page
from graph.relay.nodes import Node, decode_id, decode_ids, visible
from graph.relay.payloads import Payload, given_values, optional, payload_fields
from graph.request.context import Info
from models.actions.change_service import change_service
from models.catalog import service
from models.catalog.service import Service as ServiceRow
from models.storage import queries


@strawberry.type(description="An amount of money.")
class Money:
    amount: str = strawberry.field(description="A decimal number, such as `450.00`.")
    currency: str = strawberry.field(description="Three letters (ISO 4217), such as `NOK`.")


@strawberry.type(description="What a customer books: a haircut, an hour of tennis, a car for a day.")
class Service(Node):
    name: str = column("name", "What customers see.")
    description: str | None = column("description", "What customers may want to know about it.")
    duration_minutes: int = column("duration_minutes", "How long it takes the customer.")
    buffer_before_minutes: int = column("buffer_before_minutes", "Time kept free before, to prepare.")
    buffer_after_minutes: int = column("buffer_after_minutes", "Time kept free after, to clear up.")
    slot_step_minutes: int = column("slot_step_minutes", "How far apart starts are, counted from opening.")
    minimum_notice_minutes: int = column("minimum_notice_minutes", "How long ahead it must be booked at least.")
    booking_horizon_days: int | None = column(
        "booking_horizon_days", "How many days ahead it can be booked; null: any."
    )
    change_notice_minutes: int = column(
        "change_notice_minutes", "Until how long before the start customers may change."
    )
    active: bool = column("active", "Whether it can be booked. An inactive one keeps its bookings.")

    @reading("price_amount", "price_currency", description="What it costs; null: not said.")
    def price(self) -> Money | None:
        amount, currency = self.row["price_amount"], self.row["price_currency"]
        return Money(amount=amount, currency=currency) if amount is not None else None

    @reading("id", description="The options that offer it, by name.")
    async def options(self, info: Info) -> list[Option]:
        rows = await service_options.options_of(info, self.row["id"], columns(info, Option))
        return [Option(row=row) for row in rows]


@strawberry.type(description="One service in a list, with the cursor of its place.")
class ServiceEdge:
    cursor: str = strawberry.field(description="The place: continue `after` it.")
    node: Service = strawberry.field(description="The service.")


@strawberry.type(description="A page of services, by name.")
class ServiceConnection(Listing):
    nodes: list[Service] = listed(Service, "The services of this page.")

    @strawberry.field(description="The services of this page, each with its cursor.")
    def edges(self) -> list[ServiceEdge]:
        pairs = zip(self.page.cursors(), self.page.rows, strict=True)
        return [ServiceEdge(cursor=cursor, node=Service(row=row)) for cursor, row in pairs]


@strawberry.type
class ServiceQuery:
    @strawberry.field(description="The services of the business, by name. Public keys see the active ones.")
    async def services(self, info: Info, first: First = 50, after: After = None) -> ServiceConnection:
        caller = info.context.caller
        asked_columns = columns(info, Service, "nodes") | columns(info, Service, "edges", "node")
        seen = queries.of_business(ServiceRow, caller.business_id, **visible(caller))
        return ServiceConnection(page=await page(seen, by="name", columns=asked_columns, first=first, after=after))

    @strawberry.field(description="One service; null when there is none such.")
    async def service(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Service | None:
        caller = info.context.caller
        wanted_columns = columns(info, Service)
        row = await queries.row(
            ServiceRow, caller.business_id, decode_id("Service", id), wanted_columns, **visible(caller)
        )
        return Service(row=row) if row else None


@strawberry.input(description="An amount of money.")
class MoneyInput:
    amount: str = strawberry.field(description="A decimal number, such as `450.00`.")
    currency: str = strawberry.field(description="Three letters (ISO 4217), such as `NOK`.")


@strawberry.input(
    description="A new service. Left out: step as long as the duration, no buffers, no notice, no horizon, customers "
    "may change until the start, no price, no options."
)
class CreateServiceInput:
    name: str = strawberry.field(description="What customers see.")
    description: str | None = optional("What customers may want to know about it.")
    duration_minutes: int = strawberry.field(description="How long it takes the customer.")
    buffer_before_minutes: int | None = optional("Time kept free before, to prepare.")
    buffer_after_minutes: int | None = optional("Time kept free after, to clear up.")
    slot_step_minutes: int | None = optional("How far apart starts are, counted from opening.")
    minimum_notice_minutes: int | None = optional("How long ahead it must be booked at least.")
    booking_horizon_days: int | None = optional("How many days ahead it can be booked.")
    change_notice_minutes: int | None = optional("Until how long before the start customers may change.")
    price: MoneyInput | None = optional("What it costs.")
    option_ids: list[strawberry.ID] | None = optional("The options that offer it, at most 200.")


@strawberry.input(description="Changes to a service. A field left out stays; null clears it where it can be empty.")
class UpdateServiceInput:
    service_id: strawberry.ID = strawberry.field(description="Which service.")
    name: str | None = optional("What customers see.")
    description: str | None = optional("What customers may want to know about it.")
    duration_minutes: int | None = optional("How long it takes the customer. Bookings made keep theirs.")
    buffer_before_minutes: int | None = optional("Time kept free before, to prepare. Bookings made keep theirs.")
    buffer_after_minutes: int | None = optional("Time kept free after, to clear up. Bookings made keep theirs.")
    slot_step_minutes: int | None = optional("How far apart starts are, counted from opening.")
    minimum_notice_minutes: int | None = optional("How long ahead it must be booked at least.")
    booking_horizon_days: int | None = optional("How many days ahead it can be booked; null: any.")
    change_notice_minutes: int | None = optional("Until how long before the start customers may change.")
    price: MoneyInput | None = optional("What it costs; null: not said.")
    option_ids: list[strawberry.ID] | None = optional("All the options that shall offer it, at most 200.")
    active: bool | None = optional("Whether it can be booked. An inactive one keeps its bookings.")


@strawberry.type(description="The new service.")
class CreateServicePayload(Payload):
    service: Service | None = strawberry.field(description="The service; null when it was refused.", default=None)


@strawberry.type(description="The service as it is now.")
class UpdateServicePayload(Payload):
    service: Service | None = strawberry.field(description="The service; null when it was refused.", default=None)


_COLUMNS = ("name", "description", "duration_minutes", "slot_step_minutes", *service.MINUTES, "booking_horizon_days")


def _values(source: CreateServiceInput | UpdateServiceInput, *more: str) -> dict[str, Any]:
    """Converts the input's given fields to columns."""
    values = given_values(source, *_COLUMNS, "price", "option_ids", *more)
    if "price" in values:
        price = values.pop("price")
        values["price_amount"] = price and price.amount
        values["price_currency"] = price and price.currency
    if "option_ids" in values:
        values["option_ids"] = decode_ids("Option", values["option_ids"])
    return values


@strawberry.type
class ServiceMutation:
    @strawberry.mutation(description="Adds a service. Staff.")
    async def create_service(
        self, info: Info, input: Annotated[CreateServiceInput, strawberry.argument(description="The new service.")]
    ) -> CreateServicePayload | None:
        caller = info.context.caller
        if not caller.is_staff:
            return CreateServicePayload(errors=forbidden_error(info))
        answer = await service.create(caller.business_id, _values(input))
        return CreateServicePayload(**await payload_fields(info, Service, ServiceRow, answer, "service"))

    @strawberry.mutation(description="Changes a service; bookings made keep their times. Staff.")
    async def update_service(
        self, info: Info, input: Annotated[UpdateServiceInput, strawberry.argument(description="The changes.")]
    ) -> UpdateServicePayload | None:
        caller = info.context.caller
        if not caller.is_staff:
            return UpdateServicePayload(errors=forbidden_error(info))
        answer = await change_service(
            caller.business_id, decode_id("Service", input.service_id), _values(input, "active")
        )
        return UpdateServicePayload(**await payload_fields(info, Service, ServiceRow, answer, "service"))
