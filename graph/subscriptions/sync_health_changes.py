"""How synchronisation of options with Google does."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from time import monotonic

import strawberry
from tortoise.queryset import QuerySet

from graph.calendar.entries import decode_options
from graph.catalog.options import Option
from graph.fields.selection import columns
from graph.relay.arguments import OptionIds
from graph.request.context import Info, staff
from graph.subscriptions.source import Look, Source, SourceEvent
from models.catalog.option import Option as OptionRow
from models.storage import db
from models.storage.db import Row
from sync.service import Connection

HEALTH_SECONDS = 10.0
"""How often health is looked at though nothing changed: being late is a matter of time."""


@strawberry.type(description="How synchronisation of an option does now.")
class SyncHealthChange:
    option: Option = strawberry.field(description="The option, with its connection and health.")


@dataclass(eq=False)
class SyncHealthChanges(Source):
    """Each option with its connection, whenever one of the two differs. An option is a topic of its own."""

    option_ids: list[strawberry.ID] | None
    query: QuerySet[OptionRow] = field(init=False)
    known: dict[object, tuple[Row, Connection | None]] = field(default_factory=dict)
    """What was shown of each option last."""
    looked_at: float = field(default_factory=monotonic)

    async def start(self, newest: int) -> int:
        """For staff."""
        business_id, within = staff(self.info).business_id, decode_options(self.option_ids)
        mine = OptionRow.filter(business_id=business_id).order_by("name", "id")
        self.query = mine if within is None else mine.filter(id__in=list(within))
        return newest

    def concerns(self, row: Row) -> bool:
        """Whatever happens may alter it."""
        del row
        return True

    async def events(self, look: Look) -> AsyncGenerator[SourceEvent, None]:
        """The options whose health differs, by name."""
        self.looked_at, context = monotonic(), self.info.context
        rows = await db.select(self.query, columns(self.info, Option, "option"))
        found = await context.state.google.connections(context.caller.business_id, [row["id"] for row in rows])
        for row in rows:
            now = row, found.get(row["id"])
            differs = self.known.get(row["id"]) != now
            if differs or look.again:
                self.known[row["id"]] = now
                yield SourceEvent(SyncHealthChange(option=Option(row=row)), topic=row["id"], is_repeated=not differs)

    def alarm(self) -> float:
        """Health is looked at every few seconds."""
        return self.looked_at + HEALTH_SECONDS - monotonic()


@strawberry.type
class SyncHealthSubscription:
    @strawberry.subscription(
        graphql_type=SyncHealthChange,
        description="How synchronisation of options does: now, and whenever it differs. Staff.",
    )
    def sync_health_changes(self, info: Info, option_ids: OptionIds = strawberry.UNSET) -> SyncHealthChanges:
        return SyncHealthChanges(info, option_ids)
