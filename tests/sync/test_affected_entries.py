"""What is shown through another row is told of, and written to Google anew, in the write that changes that row."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLObjectType, build_schema, get_named_type, is_interface_type

from models import clock
from models.actions import affected_entries, change_booking, register_business
from models.actions.change_option import change_option
from models.actions.change_service import change_service
from models.bookings.booking import Booking
from models.bookings.hold import Hold
from models.catalog import time_off
from models.catalog.service import Service
from models.enums import Blocking, BookingStatus, ChangeAction, ChangeKind, EventDetail, MirrorAs, UnroutedEvents
from models.google.event import GoogleEvent
from models.google.mirror import Mirror
from models.google.tables import GoogleAccount, GoogleCalendar
from models.log import change_log
from models.log.change_log import Change
from models.refusals import Refused
from sync.accounts import link as linking
from sync.push import template
from sync.sandbox.calendars.calendars import Role
from sync.service import LinkChoices
from tests.models.rows import a_caller
from tests.sync import rows
from tests.sync.rows import HOUR, tomorrow
from tests.sync.sandbox.sandbox_client import ANNA, WORKSHOP
from tests.sync.shown_from import FIELDS, KEYWORDS, Source
from tests.sync.sync_stack import Floor, busy

SCHEMA = Path(__file__).parents[2] / "schema.graphql"


def followed() -> dict[str, set[str]]:
    """Every field of every type that a subscription can be asked for."""
    schema = build_schema(SCHEMA.read_text())
    assert schema.subscription_type
    waiting = [get_named_type(each.type) for each in schema.subscription_type.fields.values()]
    found: dict[str, set[str]] = {}
    while waiting:
        kind = waiting.pop()
        if is_interface_type(kind):
            waiting += schema.get_possible_types(kind)
        elif isinstance(kind, GraphQLObjectType) and kind.name not in found:
            found[kind.name] = set(kind.fields)
            waiting += [get_named_type(each.type) for each in kind.fields.values()]
    return found


def test_of_every_followed_field_is_known_what_it_is_shown_from() -> None:
    assert followed() == {name: set(fields) for name, fields in FIELDS.items()}


def test_of_every_keyword_is_known_what_it_is_rendered_from() -> None:
    assert set(template.KEYWORDS) == set(KEYWORDS)


@dataclass
class Scene:
    """Anna and Ben share the workshop's calendar, in which somebody put an event over a booking of Anna's."""

    floor: Floor
    anna: UUID
    ben: UUID
    service: UUID
    entries: dict[str, tuple[ChangeKind, UUID]]

    async def told(self, deed: Awaitable[Any]) -> set[str]:
        """The entries that followers hear of, by name. Fails when one is told of twice, or as gone."""
        before = await change_log.newest(self.floor.business_id)
        assert not isinstance(await deed, Refused)
        after = await Change.filter(business_id=self.floor.business_id, revision__gt=before).order_by("revision")
        assert [row.revision for row in after] == list(range(before + 1, before + 1 + len(after)))
        names = {entry: name for name, entry in self.entries.items()}
        heard = [names[found] for row in after if (found := (ChangeKind(row.kind), row.entity_id)) in names]
        assert all(count == 1 for count in Counter(heard).values()), heard
        assert {row.action for row in after} <= {ChangeAction.UPSERTED}
        return set(heard)


@pytest.fixture
async def scene(floor: Floor) -> Scene:
    business_id = floor.business_id
    anna = await floor.linked_option("Anna", WORKSHOP)
    ben = await floor.linked_option("Ben", WORKSHOP, blocking=Blocking.NO_EVENTS)
    of_service = await rows.a_service(business_id)
    now = datetime.now(UTC).replace(microsecond=0)
    starts = {
        "booking": tomorrow(9),
        "later": tomorrow(15),
        "recent": now - timedelta(days=20),
        "old": now - affected_entries.REACH - timedelta(days=1),
        "cancelled": tomorrow(17),
    }
    made = {name: await floor.book(anna, start) for name, start in starts.items()}
    await Booking.filter(business_id=business_id).update(service_id=of_service)
    await Booking.filter(id=made["cancelled"]).update(status=BookingStatus.CANCELLED)
    caller = await a_caller(business_id)
    held = await Hold.create(
        business_id=business_id,
        option_id=anna,
        service_id=of_service,
        key_id=caller.key_id,
        starts_at=tomorrow(12),
        ends_at=tomorrow(13),
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        expires_at=now + HOUR,
        created_at=now,
    )
    away = await time_off.create(business_id, anna, tomorrow(19), tomorrow(20), "Dentist")
    assert not isinstance(away, Refused)
    floor.sandbox.insert_event(WORKSHOP, busy(tomorrow(9), tomorrow(10), summary="Party"))
    await floor.look()
    event = await GoogleEvent.get(business_id=business_id)
    entries = {name: (ChangeKind.BOOKING, booking) for name, booking in made.items()}
    entries |= {"hold": (ChangeKind.HOLD, held.id), "away": (ChangeKind.TIME_OFF, away)}
    entries |= {"event": (ChangeKind.GOOGLE_EVENT, event.id)}
    return Scene(floor, anna, ben, of_service, entries)


async def look(scene: Scene) -> None:
    await scene.floor.look()


async def list_calendars(scene: Scene, **columns: Any) -> None:
    """The workshop's calendar looks so in Google from now on, and its account's list is read anew."""
    calendar = scene.floor.sandbox.calendars[WORKSHOP]
    if "summary" in columns:
        calendar.summary = columns["summary"]
    if "role" in columns:
        calendar.shares[ANNA].role = columns["role"]
    account = await GoogleAccount.get(email=ANNA)
    await scene.floor.engine.list_calendars(account.id)


async def retitle(scene: Scene) -> None:
    (event,) = [each for each in scene.floor.sandbox.events(WORKSHOP) if each.get("summary") == "Party"]
    scene.floor.sandbox.edit_event(WORKSHOP, event["id"], {"summary": "Wedding"})
    await look(scene)


async def link(scene: Scene, option_id: UUID, **choices: Any) -> Any:
    return await scene.floor.door.link(scene.floor.business_id, option_id, WORKSHOP, LinkChoices(**choices))


async def link_another(scene: Scene) -> Any:
    carl = await rows.an_option(scene.floor.business_id, "Carl")
    await scene.floor.signed_in(carl)
    return await link(scene, carl, blocking=Blocking.NO_EVENTS)


async def cancel(scene: Scene) -> Any:
    caller = await a_caller(scene.floor.business_id)
    await change_booking.cancel(caller, scene.entries["booking"][1])


def of_service(**values: Any) -> Callable[[Scene], Awaitable[Any]]:
    return lambda scene: change_service(scene.floor.business_id, scene.service, values)


def of_option(**values: Any) -> Callable[[Scene], Awaitable[Any]]:
    return lambda scene: change_option(scene.floor.business_id, scene.anna, values)


BOOKED = {"booking", "later", "recent"}
DEEDS: dict[str, tuple[Source, Callable[[Scene], Awaitable[Any]], set[str]]] = {
    "a service's name": (Source.SERVICE, of_service(name="Trim"), {*BOOKED, "hold", "event"}),
    "a service's price": (Source.SERVICE, of_service(price_amount="9"), {*BOOKED, "hold", "event"}),
    "a service as it was": (Source.SERVICE, of_service(name="Cut", active=True), set()),
    "an option's name": (Source.OPTION, of_option(name="Anne"), {*BOOKED, "hold", "away", "event"}),
    "an option's zone": (Source.OPTION, of_option(time_zone="Asia/Tokyo"), {*BOOKED, "hold", "away", "event"}),
    "an option's colour": (Source.OPTION, of_option(color="#aabbcc"), {*BOOKED, "hold", "away", "event"}),
    "an option as it was": (Source.OPTION, of_option(name="Anna", color=None), set()),
    "a calendar's name": (Source.CALENDAR, lambda scene: list_calendars(scene, summary="Shed"), {"event", "booking"}),
    "a calendar's role": (Source.CALENDAR, lambda scene: list_calendars(scene, role=Role.WRITER), {"event", "booking"}),
    "a calendar as it was": (Source.CALENDAR, list_calendars, set()),
    "what unrouted events do": (
        Source.CALENDAR,
        lambda scene: link(scene, scene.ben, unrouted_events=UnroutedEvents.BLOCK_NONE),
        {"event", "booking"},
    ),
    "how much is shown": (
        Source.LINK,
        lambda scene: link(scene, scene.ben, detail=EventDetail.BUSY_ONLY),
        {"event", "booking"},
    ),
    "a link as it was": (Source.LINK, lambda scene: link(scene, scene.ben), set()),
    "another link": (Source.LINK, link_another, {"event", "booking"}),
    "a link less": (
        Source.LINK,
        lambda scene: scene.floor.door.unlink(scene.floor.business_id, scene.ben),
        {"event", "booking"},
    ),
    "an event's title": (Source.EVENT, retitle, {"event", "booking"}),
}


@pytest.mark.parametrize("name", DEEDS)
async def test_whatever_looks_different_is_told_of_in_the_same_write(scene: Scene, name: str) -> None:
    _, deed, expected = DEEDS[name]
    assert await scene.told(deed(scene)) == expected


async def test_an_event_is_told_of_when_the_booking_under_it_changes(scene: Scene) -> None:
    before = await change_log.newest(scene.floor.business_id)
    await cancel(scene)
    kinds = {row["kind"]: row["entity_id"] for row in await change_log.after(scene.floor.business_id, before)}
    assert kinds[ChangeKind.GOOGLE_EVENT] == scene.entries["event"][1]


def test_each_source_of_an_entry_that_is_not_its_own_is_changed_in_a_test() -> None:
    kinds = ("Booking", "Hold", "TimeOff", "GoogleEvent")
    sources = {source for kind in kinds for found in FIELDS[kind].values() for source in found}
    elsewhere = {Source.BLOCK, Source.MIRROR}  # test_conflicts and test_pushing tell of these
    tested = {source for source, _, _ in DEEDS.values()} | {Source.BOOKING}
    assert sources - {Source.OWN} == tested | elsewhere


async def test_only_those_who_see_it_hear_of_it(scene: Scene) -> None:
    """A change names every option whose followers see the entry, and the one that left."""
    for deed, concerned in (
        (lambda: link(scene, scene.ben, detail=EventDetail.BUSY_ONLY), {scene.anna, scene.ben}),
        (lambda: scene.floor.door.unlink(scene.floor.business_id, scene.ben), {scene.anna, scene.ben}),
    ):
        before = await change_log.newest(scene.floor.business_id)
        await deed()
        found = await change_log.after(scene.floor.business_id, before)
        options = [row["option_ids"] for row in found if row["kind"] == ChangeKind.GOOGLE_EVENT]
        assert options == [sorted(map(str, concerned))]


async def test_thousands_cost_no_more_statements_than_one(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    anna = await floor.linked_option()
    of = await rows.a_service(floor.business_id)
    first = await floor.book(anna)
    await Booking.filter(id=first).update(service_id=of)

    async def statements(name: str) -> int:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, "tortoise.db_client"):
            assert not isinstance(await change_service(floor.business_id, of, {"name": name}), Refused)
        return len(caplog.records)

    one = await statements("Trim")
    made = [await Booking.get(id=first) for _ in range(1200)]
    for number, each in enumerate(made):
        each.id, each.reference = UUID(int=number + 1), f"N{number}"
        each.starts_at, each.ends_at = each.starts_at + number * HOUR, each.ends_at + number * HOUR
    await Booking.bulk_create(made)
    calendar = await GoogleCalendar.get(google_id=ANNA)
    known = {"business_id": floor.business_id, "calendar_id": calendar.id, "created_at": clock.now()}
    await Mirror.bulk_create(
        [Mirror(booking_id=each.id, google_id=f"tb{number}", **known) for number, each in enumerate(made)]
    )
    before = await change_log.newest(floor.business_id)
    assert await statements("Shave") == one
    assert await change_log.newest(floor.business_id) - before == 1202
    assert await Mirror.filter(wanted_version=2).count() == 1200


PLAIN = {"language": "en", "booking_url": "https://book.example/{token}"}
RENDERED: dict[str, tuple[str, Callable[[Floor, UUID, UUID], Awaitable[Any]]]] = {
    "service_name": ("{service_name}", lambda floor, _, booking: _of_its_service(floor, booking, name="Trim")),
    "option_name": ("{option_name}", lambda floor, anna, _: change_option(floor.business_id, anna, {"name": "Anne"})),
    "the option's zone": (
        "{appointment_date} {appointment_time} {appointment_end_date} {appointment_end_time}",
        lambda floor, anna, _: change_option(floor.business_id, anna, {"time_zone": "Asia/Tokyo"}),
    ),
    "the language": ("{appointment_date} {appointment_duration}", lambda *of: _of_business(*of, language="nb")),
    "business_name": ("{business_name}", lambda *of: _of_business(*of, name="Klipp")),
    "manage_link": ("{manage_link}", lambda *of: _of_business(*of, booking_url="https://b.example/{token}")),
    "the template": (
        "{customer_name}",
        lambda floor, *_: floor.door.save_wording(floor.business_id, {"title_template": "{booking_reference}"}),
    ),
}


async def _of_business(floor: Floor, _anna: UUID, _booking: UUID, **values: Any) -> None:
    await register_business.update(floor.business_id, values)


async def _of_its_service(floor: Floor, booking: UUID, **values: Any) -> Any:
    return await change_service(floor.business_id, (await Booking.get(id=booking)).service_id, values)


@pytest.mark.parametrize("name", RENDERED)
async def test_what_a_future_event_is_rendered_from_is_written_anew(floor: Floor, name: str) -> None:
    text, deed = RENDERED[name]
    await register_business.update(floor.business_id, PLAIN)
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    past = await floor.book(anna, tomorrow(9) - timedelta(days=9))
    assert await floor.door.save_wording(floor.business_id, {"title_template": text}) is None
    await floor.settle()
    (before,) = floor.sandbox.events(ANNA)
    state = await Mirror.get(booking_id=booking)
    assert not isinstance(await deed(floor, anna, booking), Refused)
    assert (await Mirror.get(booking_id=booking)).wanted_version == state.wanted_version + 1
    assert not await Mirror.filter(booking_id=past).exists()
    await floor.settle()
    (after,) = floor.sandbox.events(ANNA)
    assert after["summary"] != before["summary"]
    assert after["id"] == before["id"]
    assert (await Mirror.get(booking_id=booking)).drift == "NONE"


async def test_a_link_that_shows_bookings_as_free_has_them_written_anew(floor: Floor) -> None:
    anna = await floor.linked_option()
    await floor.book(anna)
    await floor.settle()
    await linking.link(floor.business_id, anna, ANNA, LinkChoices(mirror_as=MirrorAs.FREE))
    await floor.settle()
    (event,) = floor.sandbox.events(ANNA)
    assert event["transparency"] == "transparent"


MARKS = {"colorId": "5", "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 10}]}}


async def test_a_colour_and_a_reminder_that_people_set_are_no_drift_and_stay(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    (ours,) = floor.sandbox.events(ANNA)
    floor.sandbox.edit_event(ANNA, ours["id"], MARKS)
    await _of_its_service(floor, booking, name="Trim")
    await floor.look()
    floor.sandbox.edit_event(ANNA, ours["id"], {"summary": "Mine"})
    await floor.look()
    await floor.settle()
    (event,) = floor.sandbox.events(ANNA)
    assert {name: event[name] for name in MARKS} == MARKS
    assert event["summary"] == "Trim – Kari Nordmann"
    (state,) = await Mirror.all()
    assert (state.drift, state.repairs) == ("EDITED", 1)
    assert await Service.filter(name="Trim").count() == 1


async def test_a_colour_after_a_rename_that_nobody_wrote_yet_is_no_drift(floor: Floor) -> None:
    anna = await floor.linked_option()
    booking = await floor.book(anna)
    await floor.settle()
    # As a version of ours may have left it that did not know who shows what.
    await Service.filter(id=(await Booking.get(id=booking)).service_id).update(name="Trim")
    (ours,) = floor.sandbox.events(ANNA)
    floor.sandbox.edit_event(ANNA, ours["id"], {"colorId": "5"})
    await floor.look()
    await floor.settle()
    (event,) = floor.sandbox.events(ANNA)
    assert (event["summary"], event["colorId"]) == ("Trim – Kari Nordmann", "5")
    assert (await Mirror.get()).drift == "NONE"
