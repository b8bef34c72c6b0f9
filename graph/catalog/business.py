"""The business, and the query `viewer` for the caller's key and business."""

from datetime import datetime

import strawberry

from graph.fields.resolvers import column
from graph.fields.selection import columns
from graph.relay.nodes import Node
from graph.request.context import Info
from graph.scalars import TimeZone
from models import business
from models.enums import Role


@strawberry.type(description="A business: it owns options, services and bookings. A key belongs to one business.")
class Business(Node):
    name: str = column("name", "What customers know it by.")
    slug: str = column("slug", "Its short name, for addresses.")
    time_zone: TimeZone = column("time_zone", "The zone that is meant where none is said.")
    created_at: datetime = column("created_at", "Since when it is here.")


@strawberry.type(description="Who is asking: the key that came with the request.")
class Viewer:
    @strawberry.field(description="What the key may do.")
    def role(self, info: Info) -> Role:
        return info.context.caller.role

    @strawberry.field(description="The business the key belongs to.")
    async def business(self, info: Info) -> Business:
        business_id = info.context.caller.business_id
        return Business(row=await business.read(business_id, tuple(columns(info, Business))))


@strawberry.type
class ViewerQuery:
    @strawberry.field(description="Who is asking.")
    def viewer(self) -> Viewer:
        return Viewer()
