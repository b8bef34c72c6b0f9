"""When a service can be booked.

Between two looks little is remembered: there may be very many who follow, and each with a window of its own.
"""

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from uuid import UUID

import strawberry

from graph.availability.query import Availability, AvailabilityRequest, answer, check_request
from graph.calendar.entries import decode_options
from graph.catalog.options import Option
from graph.feeds.slot_feed import Cut, digest
from graph.fields.declarations import Column, Reading, declarations_of
from graph.fields.selection import columns, selects
from graph.metrics import LOOKS
from graph.relay.arguments import FirstStart, GroupingZone, LastStart, OptionIds, ServiceId
from graph.relay.nodes import decode_id
from graph.request.context import Info, bad_input
from graph.subscriptions.source import Look, Source, SourceEvent
from models import clock
from models.enums import ChangeKind
from models.log import change_log
from models.scheduling.affected_time import touches
from models.scheduling.intervals import Instant, Interval, interval, to_instant
from models.storage.db import Row


@dataclass(eq=False)
class AvailabilityChanges(Source):
    """The slots of a service in a window, whenever what is shown of them differs."""

    wanted: AvailabilityRequest
    only: frozenset[UUID] | None = None
    seen: bytes = b""
    """The digest of what was shown last."""
    due: Instant | None = None
    """When time alone changes the slots next."""
    options: Collection[UUID] = ()
    reach: Interval | None = None
    """Where something that happens may alter the slots, as the last look found both."""

    async def start(self, newest: int) -> int:
        """For everybody who may see the service."""
        self.only = decode_options(self.wanted.option_ids)
        await check_request(self.info, self.wanted)
        return newest

    def concerns(self, row: Row) -> bool:
        """Whether a change may alter the slots."""
        if row["kind"] == ChangeKind.SERVICE:
            return bool(row["entity_id"] == self._service_id)
        if row["kind"] == ChangeKind.OPTION:
            # It may begin to offer the service.
            return self.only is None or row["entity_id"] in self.only
        return touches(row, self.options, self.reach or self.wanted.window)

    async def events(self, look: Look) -> AsyncGenerator[SourceEvent, None]:
        """The slots, if they differ. What nobody sees is not worked out, and nothing differs by it.

        Raises BAD_USER_INPUT once the service is gone, or hidden from the caller.
        """
        LOOKS.inc()
        caller = self.info.context.caller
        cut = await self._cut(await change_log.newest(caller.business_id) if look.again else look.revision)
        if cut is None or not (cut.picture.service["active"] or caller.is_staff):
            raise bad_input("There is no such service.")
        self.due, self.options = cut.due, cut.options
        self.reach = cut.picture.offer.rules.reach(self.wanted.window)
        with_others = selects(self.info, "days", "slots", "unavailableOptions")
        slots, eligible = cut.slots, cut.eligible if with_others and cut.slots else []
        if not (with_others or selects(self.info, "days", "slots", "options")):
            slots = [(at, ()) for at, _ in slots]
        free = {each for several in {several for _, several in slots} for each in several}
        options_by_id = await self._options_by_id(cut, free.union(eligible))
        options = [
            (each, [options_by_id[each].row[name] for name in sorted(self._columns)]) for each in sorted(options_by_id)
        ]
        service, offer = cut.picture.service, replace(cut.offer, now=cut.now)
        zone = self.wanted.time_zone or service["business__time_zone"]
        before, self.seen = self.seen, digest(slots, offer.rules.duration, zone, eligible, options)
        differs = before != self.seen
        if differs or look.again:
            found = await answer(self.info, self.wanted, offer, service, slots, eligible, options_by_id)
            yield SourceEvent(found, is_repeated=not differs)

    def alarm(self) -> float | None:
        """In how many seconds time alone changes the slots."""
        return None if self.due is None else (self.due - to_instant(clock.now())) / 1_000_000

    def turn(self) -> AbstractAsyncContextManager[None]:
        """A turn of the caller's: one who is told much does not begin to look for the next before that is told."""
        context = self.info.context
        return context.state.offers.turns.turn(context.holder)

    async def _cut(self, revision: int) -> Cut | None:
        """The slots with every change up to a revision, as of now where time alone has changed them."""
        context = self.info.context
        return await context.state.offers.cut(
            context.caller.business_id,
            self._service_id,
            self.wanted.window,
            self.only,
            revision=revision,
            since=self.due if self.due is not None and self.due <= to_instant(clock.now()) else 0,
            google_days=context.state.settings.google_days,
        )

    async def _options_by_id(self, cut: Cut, ids: Collection[UUID]) -> Mapping[UUID, Option]:
        """The options as the slots show them."""
        if not ids or self._columns == {"id"}:
            return {each: Option(row={"id": each}) for each in ids}
        rows = await cut.picture.options_by_id(_SHOWN)
        return {each: Option(row=rows[each]) for each in ids if each in rows}

    @property
    def _service_id(self) -> UUID:
        return decode_id("Service", self.wanted.service_id)

    @property
    def _columns(self) -> frozenset[str]:
        options, others = (("days", "slots", name) for name in ("options", "unavailableOptions"))
        return columns(self.info, Option, *options) | columns(self.info, Option, *others)


@strawberry.type
class AvailabilitySubscription:
    @strawberry.subscription(
        graphql_type=Availability,
        description="When a service can be booked: at once, and again whenever the answer differs, by a change or by "
        "time going on.",
    )
    def availability_changes(
        self,
        info: Info,
        service_id: ServiceId,
        from_: FirstStart,
        to: LastStart,
        option_ids: OptionIds = strawberry.UNSET,
        time_zone: GroupingZone = strawberry.UNSET,
    ) -> AvailabilityChanges:
        return AvailabilityChanges(
            info, AvailabilityRequest(service_id, interval(from_, to), option_ids, time_zone or None)
        )


def _shown() -> frozenset[str]:
    """Every column that a slot may show of an option: one reading serves whoever follows."""
    shown = declarations_of(Option).values()
    read = {name for each in shown if isinstance(each, Reading) for name in each.columns}
    return frozenset({"id", *read, *(each.name for each in shown if isinstance(each, Column))})


_SHOWN = _shown()
