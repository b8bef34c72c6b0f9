"""Whether both sides agree, and what is wrong if they do not.

What should be there is told from the sandbox's state, the bookings' rows and what the door says of the links:
slowly and plainly, with nothing of how `sync` decides.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from typing import Any
from uuid import UUID

from tortoise.expressions import F

from models.bookings.booking import Booking
from models.business import Business
from models.enums import BookingStatus, ChangeAction, ChangeKind, HealthState, MirrorAs
from models.google.event import GoogleBlock, GoogleEvent
from models.google.mirror import Mirror
from models.google.tables import GoogleAccount
from sync.sandbox.events.moments import Resource
from sync.service import Connection
from tests.models import invariants
from tests.world.sync.google_events import Block, horizon, wanted_blocks, wanted_entries
from tests.world.sync.model import SyncModel


async def blocks(town: SyncModel) -> tuple[set[Block], set[Block]]:
    """Which event should keep which option from being booked, and which does."""
    return wanted_blocks(town, await town.connections()), await _real_blocks(town)


async def differences(town: SyncModel) -> list[str]:
    """Everything that is not as it should be, in words; nothing when both sides agree."""
    ties = await town.connections()
    return [
        *_compared("block", wanted_blocks(town, ties), await _real_blocks(town)),
        *_compared("entry", wanted_entries(town, ties), await _real_entries(town)),
        *await _mirrors(town, ties),
        *[f"not ours and touched: {place}" for place in town.people.touched()],
        *_unwell(ties),
        *await _unfinished(town),
    ]


def _compared(what: str, wanted: Any, real: Any) -> Iterator[str]:
    yield from (f"missing {what}: {each}" for each in sorted(wanted - real, key=repr))
    yield from (f"needless {what}: {each}" for each in sorted(real - wanted, key=repr))


async def _real_blocks(town: SyncModel) -> set[Block]:
    window, strays = horizon(town), _strays(town)
    rows = GoogleBlock.filter(ends_at__gt=window.start, starts_at__lt=window.end)
    columns = ("option_id", "event__calendar__google_id", "event__google_id", "starts_at", "ends_at")
    found = [tuple(row[each] for each in columns) for row in await rows.values(*columns)]
    return {each for each in found if each[1:3] not in strays}


async def _real_entries(town: SyncModel) -> Counter[Any]:
    window, strays = horizon(town), _strays(town)
    rows = GoogleEvent.filter(ends_at__gt=window.start, starts_at__lt=window.end)
    columns = ("calendar__google_id", "google_id", "starts_at", "ends_at", "all_day", "title", "private", "busy")
    found = [tuple(row[each] for each in columns) for row in await rows.values(*columns)]
    return Counter(each for each in found if each[:2] not in strays)


async def _mirrors(town: SyncModel, ties: dict[UUID, Connection]) -> list[str]:
    """One event for each future booking of a linked option, and nothing else of ours."""
    wanted = await _wanted_mirrors(town, ties)
    past = Booking.filter(business_id=town.business_id, ends_at__lte=town.clock.time)
    spared = {str(row["id"]) for row in await past.values("id")}
    wrong: list[str] = []
    seen: Counter[tuple[str, str]] = Counter()
    over = await _over(town, ties)
    for calendar, event in town.people.ours():
        place = calendar.id, _booking_of(event)
        seen[place] += 1
        if place in wanted:
            if (shown := _content(event)) != wanted[place]:
                wrong.append(f"wrong content of {event['id']} in {calendar.id}: {shown}, not {wanted[place]}")
        elif place[1] not in spared and (place not in town.kept | town.left or place in over):
            wrong.append(f"needless event {event['id']} in {calendar.id} for {place[1]}")
    wrong += [f"no event in {place[0]} for {place[1]}" for place in wanted if not seen[place]]
    # What was left to people they may make a series of, with occurrences that are events of their own.
    ruled = {place: count for place, count in seen.items() if place in wanted or place not in town.kept | town.left}
    return wrong + [f"{count} events for {place}" for place, count in ruled.items() if count > 1]


async def _over(town: SyncModel, ties: dict[UUID, Connection]) -> set[tuple[str, str]]:
    """What may not stay although it was kept once: of a cancelled booking, in a calendar that somebody is tied to."""
    cancelled = await Booking.filter(business_id=town.business_id, status=BookingStatus.CANCELLED).values("id")
    tied = {tie.calendar.google_id for tie in ties.values() if tie.calendar}
    return {(calendar, str(row["id"])) for calendar in tied for row in cancelled} - town.left


def _booking_of(event: Resource) -> str:
    """What our events say they stand for."""
    return str(event.get("extendedProperties", {}).get("private", {}).get("timebokBooking"))


def _strays(town: SyncModel) -> set[tuple[str, str]]:
    """Our events that were left behind: nobody may know them for ours any more."""
    return {
        (calendar.id, event["id"])
        for calendar, event in town.people.ours()
        if (calendar.id, _booking_of(event)) in town.left
    }


async def _wanted_mirrors(town: SyncModel, ties: dict[UUID, Connection]) -> dict[tuple[str, str], Any]:
    business = await Business.get(id=town.business_id)
    found: dict[tuple[str, str], Any] = {}
    future = Booking.filter(
        business_id=town.business_id, status=BookingStatus.CONFIRMED, ends_at__gt=town.clock.time
    ).select_related("option", "service")
    for booking in await future:
        tie = ties.get(booking.option_id)
        if tie is None or tie.calendar is None:
            continue
        words = {
            "service_name": booking.service.name,
            "customer_name": booking.customer_name,
            "option_name": booking.option.name,
            "booking_reference": booking.reference,
            "business_name": business.name,
        }
        texts = [business.title_template, business.description_template, business.location_template]
        for keyword, word in words.items():
            texts = [str(text).replace(f"{{{keyword}}}", word) for text in texts]
        free = tie.mirror_as is MirrorAs.FREE
        found[tie.calendar.google_id, str(booking.id)] = (*texts, booking.starts_at, booking.ends_at, free, False)
    return found


def _content(event: Resource) -> Any:
    """What people see of an event."""
    texts = [event.get("summary"), unescape(event.get("description") or ""), event.get("location")]
    times = [_instant(event[name]) for name in ("start", "end")]
    free = event.get("transparency") == "transparent"
    return (*texts, *times, free, bool(event.get("recurrence") or event.get("attendees")))


def _instant(moment: Resource) -> datetime | None:
    return datetime.fromisoformat(moment["dateTime"]) if "dateTime" in moment else None


def _unwell(ties: dict[UUID, Connection]) -> Iterator[str]:
    for tie in ties.values():
        if tie.calendar is None:
            continue
        for way, health in (("in", tie.health.inbound), ("out", tie.health.outbound)):
            if health.state is not HealthState.OK:
                yield f"{way}bound of {tie.calendar.google_id} is {health.state}: {health.error}"
        if tie.health.outbound.pending:
            yield f"{tie.health.outbound.pending} bookings wait for {tie.calendar.google_id}"
        if not tie.health.push_channel.active:
            yield f"no push channel on {tie.calendar.google_id}"


async def _unfinished(town: SyncModel) -> list[str]:
    """What waits, and a log that does not tell what is there."""
    waiting = await Mirror.filter(business_id=town.business_id).exclude(wanted_version=F("pushed_version"))
    wrong = [f"mirror {row.google_id} of {row.booking_id} waits" for row in waiting]
    if leaving := await GoogleAccount.filter(leaving_at__isnull=False).count():
        wrong.append(f"{leaving} accounts are still leaving")
    told: set[UUID] = set()
    for row in await invariants.log_is_whole(town.business_id):
        if row["kind"] == ChangeKind.GOOGLE_EVENT:
            (told.add if row["action"] == ChangeAction.UPSERTED else told.discard)(row["entity_id"])
    there = {row["id"] for row in await GoogleEvent.filter(business_id=town.business_id).values("id")}
    return [*wrong, *_compared("event in the log", there, told)]
