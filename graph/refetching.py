"""`node`: fetching anything again by its id, with the rights of who asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from tortoise.models import Model

from graph.bookings import Booking
from graph.business import Business
from graph.calendar import GoogleEvent, Hold, TimeOff
from graph.context import Info
from graph.google import GoogleCalendar, account, connection
from graph.nodes import Node, from_id, visible
from graph.options import Option
from graph.selection import columns
from graph.services import Service
from models import booking, event, google, hold, option, service, statements, timeoff
from models import business as businesses


@dataclass(frozen=True, slots=True)
class Refetched:
    """How one type is found again: its table, and who may see it."""

    shown: type[Node]
    table: type[Model]
    public: bool = False
    hides_inactive: bool = False


_TYPES: Mapping[str, Refetched] = {
    "Option": Refetched(Option, option.Option, public=True, hides_inactive=True),
    "Service": Refetched(Service, service.Service, public=True, hides_inactive=True),
    "Booking": Refetched(Booking, booking.Booking),
    "Hold": Refetched(Hold, hold.Hold),
    "TimeOff": Refetched(TimeOff, timeoff.TimeOff),
    "GoogleEvent": Refetched(GoogleEvent, event.GoogleEvent),
    "GoogleCalendar": Refetched(GoogleCalendar, google.GoogleCalendar),
}


async def refetch(info: Info, given: str) -> Node | None:
    """The thing behind an id of the caller's business; None when there is none, or this key may not see it."""
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
    row = await statements.row(how.table, caller.business_id, row_id, columns(info, how.shown), **only)
    return how.shown(row=row) if row else None


async def _connection(info: Info, row_id: UUID) -> Node | None:
    """An option's tie to Google."""
    caller = info.context.caller
    links = google.GoogleLink.filter(business_id=caller.business_id, id=row_id)
    option_ids = [row["option_id"] for row in await links.values("option_id")]
    found = await info.context.house.google.connections(caller.business_id, option_ids)
    return next((connection(each) for each in found.values()), None)


async def _account(info: Info, row_id: UUID) -> Node | None:
    """An account that the business has connected, whether an option uses it or not."""
    found = await info.context.house.google.accounts(info.context.caller.business_id)
    return next((account(each) for each in found if each.id == row_id), None)
