"""`node`: fetching anything again by its id, with the rights of who asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from tortoise.models import Model

from graph.bookings import Booking
from graph.business import Business
from graph.calendar import GoogleEvent, Hold, TimeOff
from graph.context import Info
from graph.google import GoogleCalendar, connection
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
    if kind in ("GoogleConnection", "GoogleAccount"):
        return await _connected(info, kind, row_id) if caller.is_staff else None
    how = _TYPES.get(kind)
    if how is None or not (how.public or caller.is_staff):
        return None
    only = visible(caller) if how.hides_inactive else {}
    row = await statements.row(how.table, caller.business_id, row_id, columns(info, how.shown), **only)
    return how.shown(row=row) if row else None


async def _connected(info: Info, kind: str, row_id: UUID) -> Node | None:
    """A connection or an account: both are told from an option's link."""
    caller = info.context.caller
    mine = google.GoogleLink.filter(business_id=caller.business_id)
    links = mine.filter(id=row_id) if kind == "GoogleConnection" else mine.filter(account_id=row_id)
    option_ids = [row["option_id"] for row in await links.limit(1).values("option_id")]
    for found in (await info.context.house.google.connections(caller.business_id, option_ids)).values():
        shown = connection(found)
        return shown if kind == "GoogleConnection" else shown.account()
    return None
