"""What else reaches clients by itself: the slots of a service, one booking, the state of synchronisation.

Each sends the present state first, and then a new one whenever it differs.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from time import monotonic
from typing import Annotated

import strawberry

from graph.availability.query import Availability, Wanted, check
from graph.availability.slot_watch import SlotWatch
from graph.bookings.booking import Booking
from graph.calendar.entries import filter_of
from graph.catalog.options import Option
from graph.fields.selection import columns
from graph.metrics import LOOKS
from graph.relay.arguments import FirstStart, GroupingZone, LastStart, OptionIds, ServiceId
from graph.request.context import Info, bad_input, staff
from models.bookings import booking
from models.bookings.booking import Booking as BookingRow
from models.catalog.option import Option as OptionRow
from models.enums import ChangeKind
from models.log import change_log
from models.scheduling.intervals import interval
from models.storage import db
from models.storage.db import Row
from sync.service import Connection

HEALTH_SECONDS = 10.0
"""How often health is looked at though nothing changed: being late is a matter of time."""


@strawberry.type(description="How synchronisation of an option does now.")
class SyncHealthChange:
    option: Option = strawberry.field(description="The option, with its connection and health.")


@strawberry.type
class FollowingSubscription:
    @strawberry.subscription(
        description="When a service can be booked: at once, and again whenever the answer differs, by a change or by "
        "time going on."
    )
    async def availability_changes(
        self,
        info: Info,
        service_id: ServiceId,
        from_: FirstStart,
        to: LastStart,
        option_ids: OptionIds = strawberry.UNSET,
        time_zone: GroupingZone = strawberry.UNSET,
    ) -> AsyncGenerator[Availability, None]:
        wanted = Wanted(service_id, interval(from_, to), option_ids, time_zone or None)
        course, caller, offers = info.context.course, info.context.caller, info.context.state.offers
        await check(info, wanted)
        # Read before looking: what changes in between is looked at again.
        revision = await change_log.newest(info.context.caller.business_id)
        await begin(info, revision, revision, has_states=True)
        watch = SlotWatch(info, wanted)
        async with aclosing(_from_now(info, revision, watch.alarm)) as seen:
            async for batch in seen:
                if batch and not course.is_asked and not any(map(watch.matters, batch)):
                    continue
                LOOKS.inc()
                # Until it has been told: one who is told much does not begin to look for the next.
                async with offers.turns.turn(info.context.holder):
                    course.take()
                    known = batch[-1]["revision"] if batch else max(revision, course.seen)
                    needed = await change_log.newest(caller.business_id) if course.is_asked else known
                    answer, differs = await watch.look(needed, is_asked=course.is_asked)
                    if answer is not None:
                        course.states(repeated=not differs)
                        yield answer
                        # Whoever maps this stream holds on to what was said last.
                        answer.days.clear()

    @strawberry.subscription(description="One booking as whoever made it sees it: now, and after every change.")
    async def booking_changes(
        self,
        info: Info,
        manage_token: Annotated[str, strawberry.argument(description="What `createBooking` answered.")],
    ) -> AsyncGenerator[Booking, None]:
        course = info.context.course
        business_id, managed = info.context.caller.business_id, info.context.state.secrets.managed(manage_token)
        if managed is None or not await booking.is_managed(business_id, *managed):
            raise bad_input("There is no booking for this manageToken.")
        booking_id, generation = managed
        query = BookingRow.filter(business_id=business_id, id=booking_id, token_generation=generation)
        shown = columns(info, Booking) | {"version"}
        revision = await change_log.newest(business_id)
        before: Row | None = None
        await begin(info, revision, revision, has_states=True)
        async with aclosing(_from_now(info, revision)) as seen:
            async for batch in seen:
                named = any(row["entity_id"] == booking_id for row in batch)
                if not (before is None or course.is_asked or named or any(map(_names_a_booking, batch))):
                    continue
                rows = await db.select(query, shown)
                if not rows:
                    raise bad_input("There is no booking for this manageToken.")
                # What only staff see of it, its event in Google for one, stands in other rows.
                differs = rows[0] != before or (named and info.context.caller.is_staff)
                if differs or course.is_asked:
                    before = rows[0]
                    course.states(repeated=not differs)
                    yield Booking(row=rows[0])

    @strawberry.subscription(description="How synchronisation of options does: now, and whenever it differs. Staff.")
    async def sync_health_changes(
        self,
        info: Info,
        option_ids: OptionIds = strawberry.UNSET,
    ) -> AsyncGenerator[SyncHealthChange, None]:
        course, caller, within = info.context.course, staff(info), filter_of(option_ids)
        shown = columns(info, Option, "option")
        mine = OptionRow.filter(business_id=caller.business_id).order_by("name", "id")
        known: dict[object, tuple[Row, Connection | None]] = {}
        looked_at, revision = monotonic(), await change_log.newest(caller.business_id)
        await begin(info, revision, revision, has_states=True)
        async with aclosing(_from_now(info, revision, lambda: looked_at + HEALTH_SECONDS - monotonic())) as seen:
            async for _ in seen:
                looked_at = monotonic()
                rows = await db.select(mine if within is None else mine.filter(id__in=list(within)), shown)
                found = await info.context.state.google.connections(caller.business_id, [row["id"] for row in rows])
                for row in rows:
                    now = row, found.get(row["id"])
                    differs = row["id"] not in known or known[row["id"]] != now
                    if differs or course.is_asked:
                        known[row["id"]] = now
                        course.states(row["id"], repeated=not differs)
                        yield SyncHealthChange(option=Option(row=row))


def _names_a_booking(row: Row) -> bool:
    """Whether a change is one of what bookings are shown with."""
    return row["kind"] in (ChangeKind.SERVICE, ChangeKind.OPTION)


async def _from_now(
    info: Info, revision: int, alarm: Callable[[], float | None] = lambda: None
) -> AsyncGenerator[Sequence[Row], None]:
    """An empty batch at once, and then what changes."""
    yield ()
    async with aclosing(batches(info, revision, alarm)) as seen:
        async for batch in seen:
            yield batch


async def begin(info: Info, revision: int, newest: int, *, has_states: bool = False) -> None:
    """All that was asked is in order: goes on after this revision, unless somebody else is saying the same."""
    info.context.state.readers.expect(info.context.caller.business_id, newest)
    await info.context.course.begin(revision, newest, has_states=has_states)


async def batches(
    info: Info, revision: int, alarm: Callable[[], float | None] = lambda: None
) -> AsyncGenerator[Sequence[Row], None]:
    """What changes after a revision. Whose key is revoked is not asked here: others may follow the same."""
    course, readers = info.context.course, info.context.state.readers
    course.has_seen(revision)
    async with aclosing(readers.follow(info.context.caller.business_id, revision, course, alarm)) as seen:
        async for batch in seen:
            course.take()
            yield batch
            course.has_seen(batch[-1]["revision"] if batch else course.seen)
