"""The page at `/`: a person sees a week, adds an event, moves it, deletes it."""

import re
from datetime import date
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from sync.sandbox.app import sandbox_app
from sync.sandbox.calendars.calendars import Role
from sync.sandbox.control.mood import Mood, mood_of
from sync.sandbox.faults import TROUBLES, FaultKind
from sync.sandbox.page.week import Block, lay_out
from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import ANNA, BEN, EVENTS_OF_ANNA, WORKSHOP, Json, put_in, timed

MONDAY = date.fromisoformat("2026-11-23")
WHERE = {"account": ANNA, "calendar": ANNA, "week": "2026-11-23"}
DOCTOR = {
    "title": "Doctor's appointment",
    "date": "2026-11-24",
    "last": "",
    "from": "08:00",
    "to": "09:00",
    "show_as": "busy",
    "repeat": "",
}


async def week(web: httpx2.AsyncClient, **params: str) -> str:
    answer = await web.get("/", params=WHERE | params)
    assert answer.status_code == 200
    return answer.text


async def posted(web: httpx2.AsyncClient, path: str, fields: dict[str, str]) -> dict[str, list[str]]:
    """Where a form leads, as the parameters of the page it comes back to."""
    answer = await web.post(path, data=WHERE | fields)
    assert answer.status_code == 303, answer.text
    where = urlsplit(answer.headers["location"])
    assert where.path == "/"
    return parse_qs(where.query)


async def test_a_person_adds_an_event_and_sees_it(web: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    back = await posted(web, "/events", DOCTOR)
    assert back == {name: [value] for name, value in WHERE.items()}
    (event,) = google.events(ANNA)
    assert event["start"] == {"dateTime": "2026-11-24T08:00:00+01:00", "timeZone": "Europe/Oslo"}
    assert event["end"]["dateTime"] == "2026-11-24T09:00:00+01:00"
    assert "transparency" not in event
    page = await week(web)
    assert "Doctor&#x27;s appointment" in page
    assert "08:00 – 09:00" in page


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (
            {"all_day": "on", "last": "2026-11-25"},
            {"start": {"date": "2026-11-24"}, "end": {"date": "2026-11-26"}},
        ),
        ({"show_as": "free"}, {"transparency": "transparent"}),
        ({"private": "on"}, {"visibility": "private"}),
        ({"repeat": "weekly"}, {"recurrence": ["RRULE:FREQ=WEEKLY"]}),
    ],
    ids=["all day", "free", "private", "weekly"],
)
async def test_the_form_knows_the_kinds_of_events(
    web: httpx2.AsyncClient, google: SandboxGoogle, fields: dict[str, str], wanted: Json
) -> None:
    await posted(web, "/events", DOCTOR | fields)
    (event,) = google.events(ANNA)
    assert {name: event[name] for name in wanted} == wanted


async def test_a_person_moves_an_event(web: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    event = google.insert_event(
        ANNA, timed("2026-11-24T08:00", "2026-11-24T09:00", summary="Doctor", location="Clinic")
    )
    page = await week(web, event=event["id"])
    assert f'action="/events/{event["id"]}"' in page
    back = await posted(web, f"/events/{event['id']}", DOCTOR | {"date": "2026-12-02", "title": "Dentist"})
    assert back["week"] == ["2026-11-30"]
    (moved,) = google.events(ANNA)
    assert (moved["summary"], moved["location"]) == ("Dentist", "Clinic")
    assert moved["start"]["dateTime"] == "2026-12-02T08:00:00+01:00"


async def test_a_timed_event_becomes_an_all_day_one_and_back(web: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    event = google.insert_event(ANNA, timed("2026-11-24T08:00", "2026-11-24T09:00"))
    await posted(web, f"/events/{event['id']}", DOCTOR | {"all_day": "on"})
    assert google.event(ANNA, event["id"])["start"] == {"date": "2026-11-24"}
    await posted(web, f"/events/{event['id']}", DOCTOR)
    assert google.event(ANNA, event["id"])["start"]["dateTime"] == "2026-11-24T08:00:00+01:00"


async def test_a_person_deletes_one_of_a_series_or_all_of_it(web: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    master = google.insert_event(
        ANNA, timed("2026-11-24T08:00", "2026-11-24T09:00", summary="Training", recurrence=["RRULE:FREQ=DAILY"])
    )
    second = f"{master['id']}_20261125T070000Z"
    assert (await week(web)).count('title="Training"') == 6
    assert f'formaction="/events/{master["id"]}/delete"' in await week(web, event=second)
    await posted(web, f"/events/{second}/delete", {})
    assert (await week(web)).count('title="Training"') == 5
    await posted(web, f"/events/{master['id']}/delete", {})
    assert 'title="Training"' not in await week(web)


async def test_what_an_application_wrote_is_shown(anna: httpx2.AsyncClient, web: httpx2.AsyncClient) -> None:
    body = timed("2026-11-24T10:00", "2026-11-24T11:00", summary="Haircut, Kari")
    await put_in(anna, body | {"extendedProperties": {"private": {"app": "x"}}}, EVENTS_OF_ANNA)
    page = await week(web)
    assert "Haircut, Kari" in page
    assert 'class="event app low"' in page


async def test_a_mistake_is_said_and_nothing_is_written(web: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    back = await posted(web, "/events", DOCTOR | {"to": "07:00"})
    assert back["complaint"] == ["The specified time range is empty."]
    assert "The specified time range is empty." in await week(web, complaint=back["complaint"][0])
    assert google.events(ANNA) == []


@pytest.mark.parametrize("fields", [{"date": ""}, {"date": "", "all_day": "on"}, {"from": ""}])
async def test_a_form_with_holes_is_refused(
    web: httpx2.AsyncClient, google: SandboxGoogle, fields: dict[str, str]
) -> None:
    assert "complaint" in await posted(web, "/events", DOCTOR | fields)
    assert google.events(ANNA) == []


async def test_a_reader_sees_but_does_not_write(web: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    google.insert_event(WORKSHOP, timed("2026-11-24T08:00", "2026-11-24T09:00", summary="Secret", visibility="private"))
    google.share(WORKSHOP, BEN, Role.READER)
    bens = {"account": BEN, "calendar": WORKSHOP}
    page = await week(web, **bens)
    assert "Secret" not in page
    assert 'title="Busy"' in page
    assert 'action="/events"' not in page
    back = await posted(web, "/events", DOCTOR | bens)
    assert back["complaint"] == ["You need to have writer access to this calendar."]


async def test_titles_are_never_html(web: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    google.insert_event(ANNA, timed("2026-11-24T08:00", "2026-11-24T09:00", summary='<script>"&'))
    page = await week(web)
    assert "<script>&quot;" not in page.replace("&lt;script&gt;", "")
    assert "&lt;script&gt;&quot;&amp;" in page


async def test_a_place_that_is_gone_falls_back_to_one_that_is_there(web: httpx2.AsyncClient) -> None:
    page = await week(web, account="nobody@example.com", calendar="nowhere", week="someday")
    assert "<title>anna@example.com – Sandbox Calendar</title>" in page
    assert "November 2026" in page


async def test_accounts_and_calendars_are_made_on_the_page(web: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    answer = await web.post("/accounts", data={"email": "carla@example.com"})
    assert answer.headers["location"] == "/?account=carla%40example.com"
    await web.post("/calendars", data={"account": "carla@example.com", "summary": "Cars"})
    assert [calendar.summary for calendar in google.calendars_of("carla@example.com")] == ["carla@example.com", "Cars"]


async def test_an_empty_google_asks_for_its_first_account() -> None:
    transport = httpx2.ASGITransport(app=sandbox_app(SandboxGoogle()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://google.test") as web:
        assert "Nobody lives here yet" in (await web.get("/")).text
        await web.post("/accounts", data={"email": "anna@example.com"})
        assert 'action="/events"' in (await web.get("/")).text


def test_events_that_overlap_stand_side_by_side() -> None:
    events = [
        timed("2026-11-24T08:00", "2026-11-24T10:00", id="long"),
        timed("2026-11-24T08:00", "2026-11-24T09:00", id="short"),
        timed("2026-11-24T09:00", "2026-11-24T09:30", id="after"),
        timed("2026-11-24T10:00", "2026-11-24T11:00", id="alone"),
    ]
    tuesday = lay_out(events, MONDAY, "Europe/Oslo").days[1]
    assert [(block.event["id"], block.lane, block.lanes) for block in tuesday.blocks] == [
        ("long", 0, 2),
        ("short", 1, 2),
        ("after", 1, 2),
        ("alone", 0, 1),
    ]


def test_an_event_past_midnight_stands_on_both_days() -> None:
    event = timed("2026-11-24T22:00", "2026-11-25T06:00", id="night")
    laid = lay_out([event], MONDAY, "Europe/Oslo")
    assert laid.days[1].blocks == (Block(event, 22 * 60, 24 * 60, 0, 1),)
    assert laid.days[2].blocks == (Block(event, 0, 6 * 60, 0, 1),)
    assert (laid.first_hour, laid.last_hour) == (0, 24)


async def test_the_person_chooses_how_google_is_to_applications(
    web: httpx2.AsyncClient, anna: httpx2.AsyncClient, google: SandboxGoogle
) -> None:
    """§3.10: the page itself goes on, so that all can be made well again."""
    for mood, status, says in (("away", 500, "Away"), ("busy", 403, "Busy"), ("well", 200, "well")):
        assert "complaint" not in await posted(web, "/mood", {"mood": mood})
        for _ in range(2):
            answer = await anna.get(EVENTS_OF_ANNA)
            assert answer.status_code == status, mood
        assert answer.headers.get("retry-after") == ("20" if mood == "busy" else None)
        (chosen,) = re.findall(
            r"<option value=\"(\w+)\" selected>([^<]*)</option>", (await week(web)).split("How Google")[1]
        )
        assert (chosen[0], says in chosen[1]) == (mood, True)
    assert "complaint" in await posted(web, "/mood", {"mood": "sleepy"})
    assert google.faults.lasting == frozenset()


async def test_slow_is_slow_and_ends_for_those_who_wait(google: SandboxGoogle, web: httpx2.AsyncClient) -> None:
    await posted(web, "/mood", {"mood": "slow"})
    assert mood_of(google) is Mood.SLOW
    fault = google.faults.take(TROUBLES, "GET", EVENTS_OF_ANNA)
    assert fault is not None
    assert (fault.kind, fault.seconds) == (FaultKind.SLOW, 3.0)


async def test_the_person_takes_a_grant_back(
    web: httpx2.AsyncClient, anna: httpx2.AsyncClient, ben: httpx2.AsyncClient
) -> None:
    await posted(web, "/grants/revoke", {})
    assert (await anna.get(EVENTS_OF_ANNA)).status_code == 401
    assert (await ben.get("/users/me/calendarList")).status_code == 200
