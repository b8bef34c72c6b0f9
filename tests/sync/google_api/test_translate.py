"""What Google's event JSON says about time and busyness."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.enums import GoogleAccessRole
from sync.google_api import parse
from sync.google_api.replies import Page
from sync.google_api.translate import GoogleOccurrence, is_cancelled, listed_calendar, occurrence_of, series_of
from tests.sync.deadlines import patient

OSLO = "Europe/Oslo"


def an_event(**fields: Any) -> dict[str, Any]:
    return {
        "id": "e1",
        "status": "confirmed",
        "start": {"dateTime": "2026-12-01T08:00:00+01:00"},
        "end": {"dateTime": "2026-12-01T09:00:00+01:00"},
        **fields,
    }


def read(event: Mapping[str, Any], zone: str = OSLO) -> GoogleOccurrence:
    occurrence = occurrence_of(event, zone)
    assert occurrence is not None
    return occurrence


def test_a_timed_event_is_read_whole() -> None:
    occurrence = read(
        an_event(
            summary="Doctor",
            description="Bring papers",
            location="Storgata 1",
            colorId="5",
            htmlLink="https://google.example/e1",
            etag='"3"',
            organizer={"email": "Anna@Example.com", "self": True},
            attendees=[{"email": "anna@example.com", "self": True}, {"email": "Ben@example.com"}],
        )
    )
    assert occurrence == GoogleOccurrence(
        google_id="e1",
        master_id=None,
        starts_at=datetime(2026, 12, 1, 7, tzinfo=UTC),
        ends_at=datetime(2026, 12, 1, 8, tzinfo=UTC),
        all_day=False,
        title="Doctor",
        description="Bring papers",
        location="Storgata 1",
        color="5",
        attendees=("anna@example.com", "ben@example.com"),
        may_block=True,
        busy=True,
        private=False,
        html_link="https://google.example/e1",
        etag='"3"',
    )


ME = {"email": "anna@example.com", "self": True}

BUSY_CASES = [
    ("transparency left out is opaque", {}, True, True),
    ("opaque", {"transparency": "opaque"}, True, True),
    ("marked free", {"transparency": "transparent"}, False, True),
    ("tentative", {"status": "tentative"}, True, True),
    ("declined by the calendar's owner", {"attendees": [{**ME, "responseStatus": "declined"}]}, False, False),
    ("declined by somebody else", {"attendees": [{"email": "b@x.no", "responseStatus": "declined"}]}, True, True),
    ("not answered yet", {"attendees": [{**ME, "responseStatus": "needsAction"}]}, True, True),
    ("answered maybe", {"attendees": [{**ME, "responseStatus": "tentative"}]}, True, True),
    ("working location", {"eventType": "workingLocation", "transparency": "transparent"}, False, False),
    ("birthday, marked busy", {"eventType": "birthday"}, False, False),
    ("out of office", {"eventType": "outOfOffice"}, True, True),
    ("focus time, marked free", {"eventType": "focusTime", "transparency": "transparent"}, False, True),
    ("a type that does not exist yet", {"eventType": "levitation"}, True, True),
]


@pytest.mark.parametrize(
    ("fields", "busy", "may_block"), [case[1:] for case in BUSY_CASES], ids=[c[0] for c in BUSY_CASES]
)
def test_busy_is_what_google_means_by_it(fields: dict[str, Any], busy: bool, may_block: bool) -> None:
    occurrence = read(an_event(**fields))
    assert (occurrence.busy, occurrence.may_block) == (busy, may_block)


@pytest.mark.parametrize(
    ("visibility", "private"),
    [(None, False), ("default", False), ("public", False), ("private", True), ("confidential", True)],
)
def test_private_and_confidential_events_are_private(visibility: str | None, private: bool) -> None:
    assert read(an_event(visibility=visibility)).private is private


def test_an_untitled_event_has_no_title() -> None:
    assert read(an_event()).title is None
    assert read(an_event(summary="")).title is None


def test_a_label_wins_over_the_colour_it_supersedes() -> None:
    assert read(an_event(colorId="5", eventLabelId="label-1")).color == "label-1"


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        (OSLO, datetime(2026, 12, 23, 23, tzinfo=UTC), datetime(2026, 12, 24, 23, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 12, 24, 5, tzinfo=UTC), datetime(2026, 12, 25, 5, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 12, 23, 10, tzinfo=UTC), datetime(2026, 12, 24, 10, tzinfo=UTC)),
    ],
)
def test_an_all_day_event_is_midnight_to_midnight_in_the_calendars_zone(
    zone: str, start: datetime, end: datetime
) -> None:
    # Rule B3; the zone that may stand beside the date means nothing.
    occurrence = read(
        an_event(start={"date": "2026-12-24", "timeZone": "Asia/Tokyo"}, end={"date": "2026-12-25"}), zone
    )
    assert (occurrence.starts_at, occurrence.ends_at, occurrence.all_day) == (start, end, True)


def test_an_all_day_event_on_a_date_without_midnight_begins_with_the_date() -> None:
    # Rule T2: in Beirut the clocks went from 00:00 to 01:00 on 27 March 2022.
    occurrence = read(an_event(start={"date": "2022-03-27"}, end={"date": "2022-03-28"}), "Asia/Beirut")
    assert occurrence.ends_at - occurrence.starts_at == timedelta(hours=23)


@patient
@given(
    st.dates(date(1990, 1, 1), date(2037, 1, 1)),
    st.integers(1, 20),
    st.sampled_from(["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"]),
)
def test_touching_all_day_events_touch(day: date, days: int, zone: str) -> None:
    middle, end = day + timedelta(days=days), day + timedelta(days=2 * days)
    first = read(an_event(start={"date": str(day)}, end={"date": str(middle)}), zone)
    second = read(an_event(start={"date": str(middle)}, end={"date": str(end)}), zone)
    assert first.starts_at < first.ends_at == second.starts_at < second.ends_at


@patient
@given(st.integers(631_152_000, 2_114_380_800), st.sampled_from([OSLO, "Asia/Kolkata", "UTC"]))
def test_an_instant_survives_the_offset_it_is_written_with(seconds: int, zone: str) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    written = moment.astimezone(ZoneInfo(zone)).isoformat()
    assert read(an_event(start={"dateTime": written}), "America/New_York").starts_at == moment


def test_a_time_without_offset_is_read_in_its_own_zone() -> None:
    occurrence = read(an_event(start={"dateTime": "2026-12-01T08:00:00", "timeZone": "Asia/Tokyo"}))
    assert occurrence.starts_at == datetime(2026, 11, 30, 23, tzinfo=UTC)


GUESTS = [
    ("who has not answered is named", {"email": "room@x.no", "responseStatus": "needsAction"}, True),
    ("who said nothing at all is named", {"email": "room@x.no"}, True),
    ("who said maybe is named", {"email": "room@x.no", "responseStatus": "tentative"}, True),
    ("who accepted is named", {"email": "Room@x.no", "responseStatus": "accepted"}, True),
    ("who declined is not", {"email": "Room@x.no", "responseStatus": "declined"}, False),
    ("a room neither", {"email": "room@x.no", "resource": True, "responseStatus": "declined"}, False),
    ("nor one that is optional", {"email": "room@x.no", "optional": True, "responseStatus": "declined"}, False),
]


@pytest.mark.parametrize(("guest", "is_named"), [case[1:] for case in GUESTS], ids=[case[0] for case in GUESTS])
def test_a_guest_who_declined_is_not_named(guest: dict[str, Any], is_named: bool) -> None:
    occurrence = read(an_event(organizer={"email": "boss@x.no"}, attendees=[guest, {"email": "ben@x.no"}]))
    assert occurrence.attendees == ("boss@x.no", *(["room@x.no"] if is_named else []), "ben@x.no")


def test_an_organizer_who_declined_is_not_named() -> None:
    declined = {"email": "Boss@x.no", "organizer": True, "responseStatus": "declined"}
    occurrence = read(an_event(organizer={"email": "boss@x.no"}, attendees=[declined, {"email": "ben@x.no"}]))
    assert occurrence.attendees == ("ben@x.no",)


NO_ZONES = ["America", "Moon/Tycho", "localtime", "posixrules", "Factory", "right/UTC", "", "../UTC", 5, [], {}, None]


@pytest.mark.parametrize("zone", NO_ZONES, ids=str)
def test_an_events_zone_that_is_none_is_the_calendars(zone: object) -> None:
    naive = {"dateTime": "2026-12-01T08:00:00", "timeZone": zone}
    assert read(an_event(start=naive), OSLO).starts_at == datetime(2026, 12, 1, 7, tzinfo=UTC)
    told = {"dateTime": "2026-12-01T08:00:00+09:00", "timeZone": zone}
    assert read(an_event(start=told), OSLO).starts_at == datetime(2026, 11, 30, 23, tzinfo=UTC)


@pytest.mark.parametrize("zone", NO_ZONES, ids=str)
def test_a_calendars_zone_that_is_none_is_utc_when_listed_and_stays_as_it_was_when_followed(zone: object) -> None:
    assert listed_calendar({"id": "c", "timeZone": zone}).time_zone == "UTC"
    page = parse.page({"items": [], "timeZone": zone})
    assert isinstance(page, Page)
    assert page.time_zone is None


def test_a_zone_we_have_never_heard_of_does_not_lose_the_event() -> None:
    occurrence = read(an_event(start={"date": "2026-12-24"}, end={"date": "2026-12-25"}), "Moon/Tycho")
    assert occurrence.starts_at == datetime(2026, 12, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields",
    [{"status": "cancelled"}, {"start": None}, {"end": {}}, {"start": {"dateTime": "soon"}}, {"start": {"date": 7}}],
)
def test_what_is_cancelled_or_tells_no_time_is_no_occurrence(fields: dict[str, Any]) -> None:
    assert occurrence_of(an_event(**fields), OSLO) is None


SERIES_CASES = [
    ("an event that stands alone", an_event(), None),
    ("a recurring event", an_event(id="m", recurrence=["RRULE:FREQ=DAILY"]), "m"),
    ("an edited occurrence", an_event(id="m_20261110T080000Z", recurringEventId="m"), "m"),
    ("a cancelled occurrence", {"id": "m_20261110", "status": "cancelled", "recurringEventId": "m"}, "m"),
    ("one that says nothing but its id", {"id": "m_20261110T080000Z", "status": "cancelled"}, "m"),
    ("the same of an all-day series", {"id": "m_20261110", "status": "cancelled"}, "m"),
    (
        "of a series cut in two",
        {"id": "m_R20261027T080000_20261110T080000Z", "status": "cancelled"},
        "m_R20261027T080000",
    ),
    ("a deleted event", {"id": "zzz", "status": "cancelled"}, None),
    ("a living event with such an id", an_event(id="m_20261110"), None),
]


@pytest.mark.parametrize(("event", "master"), [case[1:] for case in SERIES_CASES], ids=[c[0] for c in SERIES_CASES])
def test_a_row_leads_to_the_series_it_belongs_to(event: dict[str, Any], master: str | None) -> None:
    assert series_of(event) == master


def test_a_tombstone_of_two_fields_is_understood() -> None:
    assert is_cancelled({"id": "zzz", "status": "cancelled"})
    assert not is_cancelled(an_event())


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ("owner", GoogleAccessRole.OWNER),
        ("writer", GoogleAccessRole.WRITER),
        ("writerWithoutPrivateAccess", GoogleAccessRole.WRITER_WITHOUT_PRIVATE_ACCESS),
        ("reader", GoogleAccessRole.READER),
        ("freeBusyReader", GoogleAccessRole.FREE_BUSY_READER),
        ("emperor", GoogleAccessRole.FREE_BUSY_READER),
    ],
)
def test_a_role_we_do_not_know_may_do_the_least(said: str, role: GoogleAccessRole) -> None:
    assert listed_calendar({"id": "c", "accessRole": said}).access_role is role


def test_a_calendar_goes_by_the_name_its_user_gave_it() -> None:
    entry = {"id": "c", "summary": "Team", "summaryOverride": "Ours", "timeZone": OSLO, "primary": True}
    calendar = listed_calendar(entry)
    assert (calendar.summary, calendar.time_zone, calendar.primary) == ("Ours", OSLO, True)
    assert listed_calendar({"id": "c"}).summary == "c"


def test_what_no_database_takes_is_cleaned_and_cut() -> None:
    attendees = [{"email": "ben\x00@example.com"}]
    texts = {"summary": "a\x00b", "description": "half \ud83d a pair", "location": "\udc00"}
    occurrence = read(an_event(**texts, colorId="c" * 65, attendees=attendees))
    assert (occurrence.title, occurrence.description, occurrence.location) == (
        "a\ufffdb",
        "half \ufffd a pair",
        "\ufffd",
    )
    assert (occurrence.color, occurrence.attendees) == ("c" * 64, ("ben\ufffd@example.com",))
    assert occurrence_of(an_event(id="e" * 1101), OSLO) is None
    assert occurrence_of(an_event(recurringEventId="e" * 1101), OSLO) is None
    assert listed_calendar({"id": "c1", "summary": "a\x00"}).summary == "a\ufffd"
