"""The calendar's changes, in order, each once, from a cursor on."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from graph.calendar.entries import CalendarEntry, decode_options, entry_types
from graph.fields.selection import columns
from graph.relay.nodes import to_id, unset_to_none
from graph.request.context import Info, bad_input, staff
from graph.scalars import Cursor
from graph.subscriptions.source import Look, Source, SourceEvent
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


@dataclass(eq=False)
class CalendarChanges(Source):
    """Each change of an entry, as it is in the log; the entry as it is when it is shown."""

    has_states = False
    after: str | None
    option_ids: list[strawberry.ID] | None
    within: frozenset[UUID] | None = None

    async def start(self, newest: int) -> int:
        """For staff; without a cursor from the next change on."""
        business_id = staff(self.info).business_id
        self.within = decode_options(self.option_ids)
        cursor = self.info.context.last_event_id or self.after
        if cursor is None:
            return newest
        try:
            revision = change_log.from_cursor(cursor, business_id)
        except ValueError:
            revision = newest + 1
        if revision > newest:
            raise bad_input("`after` is not a cursor of this business.")
        return revision

    def concerns(self, row: Row) -> bool:
        """Whether the change is of an entry that is, or was, of one of the options."""
        within = self.within
        return row["kind"] in _NAMES and (within is None or any(UUID(each) in within for each in row["option_ids"]))

    async def events(self, look: Look) -> AsyncGenerator[SourceEvent, None]:
        """Every change, each read when the one before was handed out."""
        for row in look.rows:
            yield SourceEvent(await self._change(row), row["revision"])

    def reset(self, newest: int) -> SourceEvent:
        """RESET, with the newest cursor."""
        cursor = Cursor(change_log.to_cursor(self.info.context.caller.business_id, newest))
        reset = CalendarChange(cursor=cursor, at=clock.now(), action=ChangeAction.RESET, entry_id=None, entry=None)
        return SourceEvent(reset, newest)

    async def _change(self, row: Row) -> CalendarChange:
        """A change as a client sees it: an entry that is gone by now, or out of the filter, is REMOVED."""
        business_id, kind = self.info.context.caller.business_id, ChangeKind(row["kind"])
        shown, found = entry_types()[kind], None
        if row["action"] == ChangeAction.UPSERTED:
            asked = columns(self.info, shown, "entry")
            found = await calendar_entries.one(business_id, kind, row["entity_id"], self.within, asked)
        return CalendarChange(
            cursor=Cursor(change_log.to_cursor(business_id, row["revision"])),
            at=row["at"],
            action=ChangeAction.UPSERTED if found else ChangeAction.REMOVED,
            entry_id=to_id(_NAMES[kind], row["entity_id"]),
            entry=shown(row=found, within=self.within) if found else None,
        )


@strawberry.type
class CalendarSubscription:
    @strawberry.subscription(
        graphql_type=CalendarChange,
        description="Every change of the calendar after a cursor, in order, each once; without `after`, from the next "
        "one on. An entry is told of as well when its service, its option or its Google calendar reads otherwise, "
        "unless it ended more than 62 days ago; not for what lies further behind them, such as an option's hours or "
        "its connection: `syncHealthChanges` tells of that. Staff.",
    )
    def calendar_changes(
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
    ) -> CalendarChanges:
        return CalendarChanges(info, unset_to_none(after), option_ids)
