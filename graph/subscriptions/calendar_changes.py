"""What reaches clients by itself: the calendar's changes, in order, each once, from a cursor on."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from graph.calendar.entries import CalendarEntry, entry_types, filter_of
from graph.fields.selection import columns
from graph.relay.nodes import to_id, unset_to_none
from graph.request.context import Info, bad_input, staff
from graph.scalars import Cursor
from graph.subscriptions.state_changes import FollowingSubscription, batches, begin
from models import clock
from models.actions import calendar_entries
from models.enums import ChangeAction, ChangeKind
from models.log import change_log
from models.storage.db import Row

_NAMES = {
    ChangeKind.BOOKING: "Booking",
    ChangeKind.HOLD: "Hold",
    ChangeKind.TIME_OFF: "TimeOff",
    ChangeKind.GOOGLE_EVENT: "GoogleEvent",
}


@strawberry.type(description="One change of the calendar.")
class CalendarChange:
    cursor: Cursor = strawberry.field(description="The position after this change: keep it to resume from.")
    at: datetime = strawberry.field(description="When it happened.")
    action: ChangeAction = strawberry.field(description="What to do with your copy.")
    entry_id: strawberry.ID | None = strawberry.field(description="What it is about; null on RESET.")
    entry: CalendarEntry | None = strawberry.field(
        description="Its present state on UPSERTED, which may be newer than this change; else null."
    )


@strawberry.type(description="What can be followed.")
class Subscription(FollowingSubscription):
    @strawberry.subscription(
        description="Every change of the calendar after a cursor, in order, each once; without `after`, from the next "
        "one on. An entry is told of as well when its service, its option or its Google calendar reads otherwise, "
        "unless it ended more than 62 days ago; not for what lies further behind them, such as an option's hours or "
        "its connection: `syncHealthChanges` tells of that. Staff."
    )
    async def calendar_changes(
        self,
        info: Info,
        after: Annotated[
            Cursor | None, strawberry.argument(description="The cursor of a `calendar` query or of the last change.")
        ] = strawberry.UNSET,
        option_ids: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(
                description="Only these options, at most 200; what leaves them is REMOVED. Left out: all."
            ),
        ] = strawberry.UNSET,
    ) -> AsyncGenerator[CalendarChange, None]:
        caller = staff(info)
        within = filter_of(option_ids)
        course, newest = info.context.course, await change_log.newest(caller.business_id)
        revision = _beginning(info, unset_to_none(after), newest)
        if not await change_log.is_kept(caller.business_id, revision, newest):
            course.says(newest)
            yield _reset(change_log.to_cursor(caller.business_id, newest))
            return
        await begin(info, revision, newest)
        async with aclosing(batches(info, revision)) as seen:
            async for batch in seen:
                for row in batch:
                    if row["kind"] in _NAMES and _concerns(row, within):
                        course.says(row["revision"])
                        yield await _change(info, row, within)


def _beginning(info: Info, after: str | None, newest: int) -> int:
    """The revision to go on after; without a cursor the newest. Raises BAD_USER_INPUT."""
    course = info.context.course
    if course.resume is not None:
        return course.resume
    cursor = info.context.last_event_id or after
    if cursor is None:
        return newest
    try:
        revision = change_log.from_cursor(cursor, info.context.caller.business_id)
    except ValueError:
        raise bad_input("`after` is not a cursor of this business.") from None
    if revision > newest:
        raise bad_input("`after` is not a cursor of this business.")
    return revision


def _reset(cursor: str) -> CalendarChange:
    return CalendarChange(cursor=Cursor(cursor), at=clock.now(), action=ChangeAction.RESET, entry_id=None, entry=None)


def _concerns(row: Row, within: frozenset[UUID] | None) -> bool:
    """Whether a change touches, or touched, one of these options."""
    return within is None or any(UUID(each) in within for each in row["option_ids"])


async def _change(info: Info, row: Row, within: frozenset[UUID] | None) -> CalendarChange:
    """A change of the log as a client sees it: what is gone by now, or out of its filter, is removed."""
    business_id, kind = info.context.caller.business_id, ChangeKind(row["kind"])
    shown = entry_types()[kind]
    found = None
    if row["action"] == ChangeAction.UPSERTED:
        found = await calendar_entries.one(business_id, kind, row["entity_id"], within, columns(info, shown, "entry"))
    return CalendarChange(
        cursor=Cursor(change_log.to_cursor(business_id, row["revision"])),
        at=row["at"],
        action=ChangeAction.UPSERTED if found else ChangeAction.REMOVED,
        entry_id=to_id(_NAMES[kind], row["entity_id"]),
        entry=shown(row=found, within=within) if found else None,
    )
