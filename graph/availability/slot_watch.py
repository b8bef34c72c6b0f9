"""One look after another at when a service can be booked, and whether there is anything new to tell.

Between two looks little is remembered: there may be very many who follow, and each with a window of its own.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from graph.availability.query import Availability, Wanted, by_day
from graph.catalog.options import Option
from graph.feeds.slot_feed import Cut, digest
from graph.fields.declarations import Column, Reading, shown_by
from graph.fields.selection import columns, selects
from graph.relay.nodes import decode_given_ids, decode_id
from graph.request.context import Info, bad_input
from graph.scalars import TimeZone
from models import clock
from models.enums import ChangeKind
from models.scheduling.affected_time import touches
from models.scheduling.intervals import Instant, to_datetime, to_instant
from models.storage.db import Row


class SlotWatch:
    """What is followed, and what was seen of it last."""

    def __init__(self, info: Info, wanted: Wanted) -> None:
        self._info = info
        self._wanted = wanted
        self._service_id = decode_id("Service", wanted.service_id)
        only = decode_given_ids("Option", wanted.option_ids, "optionIds")
        self._only = None if only is None else frozenset(only)
        self._seen = b""
        self._due: Instant | None = None
        self._options: Collection[UUID] = ()
        self._reach = wanted.window

    async def look(self, revision: int, *, is_asked: bool) -> tuple[Availability | None, bool]:
        """The answer as it is now, with every change up to a revision, and whether it differs from the one before; if
        not, there is an answer only for who asked. Raises BAD_USER_INPUT.
        """
        info, wanted = self._info, self._wanted
        caller, state = info.context.caller, info.context.state
        cut = await state.offers.cut(
            caller.business_id,
            self._service_id,
            wanted.window,
            self._only,
            revision=revision,
            since=self._due if self._due is not None and self._due <= to_instant(clock.now()) else 0,
            google_days=state.settings.google_days,
        )
        if cut is None or not (cut.picture.service["active"] or caller.is_staff):
            raise bad_input("There is no such service.")
        self._due, self._options = cut.due, cut.options
        self._reach = cut.picture.offer.rules.reach(wanted.window)
        return await self._told(cut, is_asked=is_asked)

    def alarm(self) -> float | None:
        """In how many seconds time alone changes the answer."""
        return None if self._due is None else (self._due - to_instant(clock.now())) / 1_000_000

    def matters(self, row: Row) -> bool:
        """Whether a change may alter the slots that are followed."""
        if row["kind"] == ChangeKind.SERVICE:
            return bool(row["entity_id"] == self._service_id)
        if row["kind"] == ChangeKind.OPTION:
            # It may begin to offer the service.
            return self._only is None or row["entity_id"] in self._only
        return touches(row, self._options, self._reach)

    async def _told(self, cut: Cut, *, is_asked: bool) -> tuple[Availability | None, bool]:
        """A cut as it is answered. What nobody sees is not worked out, and nothing differs by it."""
        with_others = selects(self._info, "days", "slots", "unavailableOptions")
        slots, eligible = cut.slots, cut.eligible if with_others and cut.slots else []
        if not (with_others or selects(self._info, "days", "slots", "options")):
            slots = [(at, ()) for at, _ in slots]
        options_by_id = await self._shelf(
            cut, {each for free in {free for _, free in slots} for each in free}.union(eligible)
        )
        zone = self._wanted.time_zone or cut.picture.service["business__time_zone"]
        length = timedelta(minutes=cut.picture.offer.rules.duration)
        options = [
            (each, [options_by_id[each].row[name] for name in sorted(self._columns)]) for each in sorted(options_by_id)
        ]
        before, self._seen = self._seen, digest(slots, length, zone, eligible, options)
        differs = before != self._seen
        if not (differs or is_asked):
            return None, differs
        answer = Availability(
            offer=cut.offer,
            window=self._wanted.window,
            service_active=cut.picture.service["active"],
            options_by_id=options_by_id,
            as_of=to_datetime(cut.now),
            fresh_as_of=cut.fresh_as_of,
            time_zone=TimeZone(zone),
            days=await self._info.context.allowance.through(
                by_day(slots, length, ZoneInfo(zone), eligible, options_by_id)
            ),
        )
        return answer, differs

    async def _shelf(self, cut: Cut, ids: Collection[UUID]) -> Mapping[UUID, Option]:
        """The options as the slots show them."""
        if not ids or self._columns == {"id"}:
            return {each: Option(row={"id": each}) for each in ids}
        rows = await cut.picture.options_by_id(_SHOWN)
        return {each: Option(row=rows[each]) for each in ids if each in rows}

    @property
    def _columns(self) -> frozenset[str]:
        options, others = (("days", "slots", name) for name in ("options", "unavailableOptions"))
        return columns(self._info, Option, *options) | columns(self._info, Option, *others)


def _shown() -> frozenset[str]:
    """Every column that a slot may show of an option: one reading serves whoever follows."""
    shown = shown_by(Option).values()
    read = {name for each in shown if isinstance(each, Reading) for name in each.columns}
    return frozenset({"id", *read, *(each.name for each in shown if isinstance(each, Column))})


_SHOWN = _shown()
