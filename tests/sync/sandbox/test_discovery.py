"""The sandbox against Google's own description of the API: paths, parameters, scopes, required fields."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.routing import Route

import sync.sandbox
from sync.sandbox.api import calendar_list, routes
from sync.sandbox.callers import LIST_CALENDARS, PREFIX, READ_EVENTS, STOP_CHANNELS, WRITE_EVENTS
from sync.sandbox.events import query
from sync.sandbox.events.events import CHOICES, WRITABLE
from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import ANNA, BEN, error_of, listed, put_in, timed

DOCUMENT: dict[str, Any] = json.loads((Path(sync.sandbox.__file__).parents[1] / "calendar.v3.json").read_text())
SERVED = {route.name: route for route in routes.ROUTES}
SCOPES = {
    "calendarList.list": LIST_CALENDARS,
    "calendarList.get": LIST_CALENDARS,
    "events.list": READ_EVENTS,
    "events.get": READ_EVENTS,
    "events.instances": READ_EVENTS,
    "events.watch": READ_EVENTS,
    "events.insert": WRITE_EVENTS,
    "events.update": WRITE_EVENTS,
    "events.patch": WRITE_EVENTS,
    "events.delete": WRITE_EVENTS,
    "channels.stop": STOP_CHANNELS,
}


def method_of(name: str) -> dict[str, Any]:
    resource, _, method = name.partition(".")
    described: dict[str, Any] = DOCUMENT["resources"][resource]["methods"][method]
    return described


@pytest.mark.parametrize("name", SERVED)
def test_a_served_method_has_googles_path_and_verb(name: str) -> None:
    route, described = SERVED[name], method_of(name)
    assert isinstance(route, Route)
    assert route.path == f"/{described['path']}"
    assert route.methods is not None
    assert described["httpMethod"] in route.methods
    in_path = {key for key, value in described.get("parameters", {}).items() if value["location"] == "path"}
    assert set(route.param_convertors) == in_path


@pytest.mark.parametrize("name", SERVED)
def test_a_served_method_takes_scopes_that_google_takes(name: str) -> None:
    """§5.7"""
    assert {PREFIX + scope for scope in SCOPES[name]} <= set(method_of(name)["scopes"])


def test_every_method_the_document_requires_a_parameter_of_gets_it_in_the_path() -> None:
    for name in SERVED:
        parameters = method_of(name).get("parameters", {})
        required = {key for key, value in parameters.items() if value.get("required")}
        assert {key for key in required if parameters[key]["location"] == "query"} == set()


def test_what_a_sync_token_forbids_is_what_the_document_says() -> None:
    """§1.2"""
    text = method_of("events.list")["parameters"]["syncToken"]["description"]
    named = {line.removeprefix("- ").strip() for line in text.splitlines() if line.startswith("- ")}
    assert {line.split()[0].rstrip(".") for line in named} == set(query.FORBIDDEN_WITH_SYNC_TOKEN)


def test_page_sizes_are_those_of_the_document() -> None:
    """§1.4"""
    events, calendars = (method_of(name)["parameters"]["maxResults"] for name in ("events.list", "calendarList.list"))
    assert int(events["default"]) == query.PAGE_SIZE
    assert f"never be larger than {query.PAGE_SIZE_MAX}" in events["description"]
    assert f"By default the value is {calendar_list.PAGE_SIZE}" in calendars["description"]
    assert f"never be larger than {calendar_list.PAGE_SIZE_MAX}" in calendars["description"]


def test_writable_fields_and_their_values_are_googles() -> None:
    described = DOCUMENT["schemas"]["Event"]["properties"]
    assert set(WRITABLE) <= described.keys()
    for field, choices in CHOICES.items():
        for choice in choices:
            assert f'"{choice}"' in described[field]["description"]


async def test_answers_hold_only_fields_the_document_has(anna: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    schemas = DOCUMENT["schemas"]
    event = await put_in(
        anna,
        timed(
            "2026-11-24T09:00",
            "2026-11-24T10:00",
            summary="x",
            recurrence=["RRULE:FREQ=DAILY;COUNT=2"],
            attendees=[{"email": ANNA}],
        ),
    )
    assert event.keys() <= schemas["Event"]["properties"].keys()
    page = await listed(anna, f"/calendars/{ANNA}/events/{event['id']}/instances")
    assert page.keys() <= schemas["Events"]["properties"].keys()
    assert all(item.keys() <= schemas["Event"]["properties"].keys() for item in page["items"])
    calendars = await listed(anna, "/users/me/calendarList")
    assert calendars.keys() <= schemas["CalendarList"]["properties"].keys()
    assert all(item.keys() <= schemas["CalendarListEntry"]["properties"].keys() for item in calendars["items"])
    google.share(ANNA, BEN, "reader")


@pytest.mark.parametrize("field", ["start", "end"])
async def test_what_the_document_requires_of_an_event_is_required(anna: httpx2.AsyncClient, field: str) -> None:
    annotated = DOCUMENT["schemas"]["Event"]["properties"][field].get("annotations", {}).get("required", [])
    assert {"calendar.events.import", "calendar.events.update"} <= set(annotated)
    body = timed("2026-11-24T09:00", "2026-11-24T10:00")
    del body[field]
    assert error_of(await anna.post(f"/calendars/{ANNA}/events", json=body)) == (400, "global", "required")


async def test_a_method_nobody_plays_is_not_found(anna: httpx2.AsyncClient) -> None:
    assert error_of(await anna.get("/colors")) == (404, "global", "notFound")
