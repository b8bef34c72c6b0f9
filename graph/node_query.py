"""The query `node`: fetches any object again by its id, with the rights of the caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from tortoise.models import Model

from graph.bookings.booking import Booking
from graph.calendar.entries import GoogleEvent, Hold, TimeOff
from graph.catalog.business import Business
from graph.catalog.options import Option
from graph.catalog.services import Service
from graph.fields.selection import columns
from graph.google.connection import GoogleCalendar, account, connection
from graph.relay.nodes import Node, from_id, visible
from graph.request.context import Info
from models import business as businesses
from models.bookings import booking, hold
from models.catalog import option, service, time_off
from models.google import event, tables
from models.storage import queries


@dataclass(frozen=True, slots=True)
class RefetchableType:
    """How to fetch an object of one type again: its table, and who may see it."""

    shown: type[Node]
    table: type[Model]
    public: bool = False
    hides_inactive: bool = False


_TYPES: Mapping[str, RefetchableType] = {
    "Option": RefetchableType(Option, option.Option, public=True, hides_inactive=True),
    "Service": RefetchableType(Service, service.Service, public=True, hides_inactive=True),
    "Booking": RefetchableType(Booking, booking.Booking),
    "Hold": RefetchableType(Hold, hold.Hold),
    "TimeOff": RefetchableType(TimeOff, time_off.TimeOff),
    "GoogleEvent": RefetchableType(GoogleEvent, event.GoogleEvent),
    "GoogleCalendar": RefetchableType(GoogleCalendar, tables.GoogleCalendar),
}


async def refetch(info: Info, given: str) -> Node | None:
    """Fetches the object with an id in the caller's business; None when there is none, or this key may not see it."""
    caller, found = info.context.caller, from_id(given)
    if found is None:
        return None
    kind, row_id = found
    if kind == "Business":
        if row_id != caller.business_id:
            return None
        return Business(row=await businesses.read(row_id, tuple(columns(info, Business))))
    if kind == "GoogleConnection":
        return await _connection(info, row_id) if caller.is_staff else None
    if kind == "GoogleAccount":
        return await _account(info, row_id) if caller.is_staff else None
    how = _TYPES.get(kind)
    if how is None or not (how.public or caller.is_staff):
        return None
    only = visible(caller) if how.hides_inactive else {}
    row = await queries.row(how.table, caller.business_id, row_id, columns(info, how.shown), **only)
    return how.shown(row=row) if row else None


async def _connection(info: Info, row_id: UUID) -> Node | None:
    """Fetches an option's connection to Google."""
    caller = info.context.caller
    links = tables.GoogleLink.filter(business_id=caller.business_id, id=row_id)
    option_ids = [row["option_id"] for row in await links.values("option_id")]
    found = await info.context.state.google.connections(caller.business_id, option_ids)
    return next((connection(each) for each in found.values()), None)


async def _account(info: Info, row_id: UUID) -> Node | None:
    """Fetches an account that the business has connected, whether an option uses it or not."""
    found = await info.context.state.google.accounts(info.context.caller.business_id)
    return next((account(each) for each in found if each.id == row_id), None)
