"""The pull's machine, step by step: what it asks, what it applies, when it keeps the token, when it stops."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync.google_api.replies import Failure, FailureKind, Page
from sync.pull import machine
from sync.pull.machine import (
    Apply,
    Cursor,
    Effect,
    Fetch,
    FetchInstances,
    Finish,
    Phase,
    Root,
    Start,
    Stop,
    Sweep,
    Window,
)

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=35), NOW + timedelta(days=400))
VERSION = machine.query_version(attendees=False)
ZONE = "Europe/Oslo"
NEXT = "t2"
FORBIDDEN_WITH_A_TOKEN = {
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
    "showDeleted",
}
GONE = Failure(FailureKind.TOKEN_INVALID, "fullSyncRequired", "Sync token is no longer valid.")


def a_start(known: str | None = "t1", **more: Any) -> Start:
    return Start(
        sync_token=known,
        token_version=more.pop("token_version", VERSION),
        time_zone=ZONE,
        window=WINDOW,
        generation=7,
        **more,
    )


def a_page(*items: dict[str, Any], **more: Any) -> Page:
    return Page(items, time_zone=ZONE, **more)


def a_last_page(*items: dict[str, Any]) -> Page:
    return a_page(*items, next_sync_token=NEXT)


def an_event(google_id: str, day: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": google_id,
        "start": {"dateTime": f"2026-12-{day:02}T08:00:00Z"},
        "end": {"dateTime": f"2026-12-{day:02}T09:00:00Z"},
        **more,
    }


def steps(start: Start, *replies: Page | Failure) -> list[tuple[Cursor, tuple[Effect, ...]]]:
    """Every step of a run that gets these replies."""
    taken = [machine.begin(start)]
    for reply in replies:
        taken.append(machine.step(taken[-1][0], reply))
    return taken


def last(start: Start, *replies: Page | Failure) -> tuple[Effect, ...]:
    return steps(start, *replies)[-1][1]


def query(effects: tuple[Effect, ...]) -> dict[str, str]:
    asked = effects[-1]
    assert isinstance(asked, Fetch | FetchInstances)
    return dict(asked.query)


def test_a_known_token_asks_for_what_changed_and_for_nothing_that_a_token_forbids() -> None:
    asked = query(last(a_start()))
    assert asked["syncToken"] == "t1"
    assert not FORBIDDEN_WITH_A_TOKEN & set(asked)


def test_the_listing_and_the_token_stream_ask_the_same_question() -> None:
    listing, stream = query(last(a_start(None))), query(last(a_start("t1")))
    assert listing.pop("timeMin") == "2026-10-18T08:00:00Z"
    assert stream.pop("syncToken") == "t1"
    assert listing == stream == {"singleEvents": "false", "maxResults": "2500", "maxAttendees": "1"}


@pytest.mark.parametrize(("attendees", "version"), [(True, VERSION), (False, VERSION + 1), (False, VERSION - 1)])
def test_a_token_of_another_question_is_not_used(attendees: bool, version: int) -> None:
    assert "syncToken" not in query(last(a_start(attendees=attendees, token_version=version)))


def test_matchers_on_attendees_fetch_all_of_them() -> None:
    assert query(last(a_start(attendees=True, token_version=VERSION + 1)))["maxAttendees"] == "100"


def test_an_unchanged_calendar_costs_one_request() -> None:
    assert last(a_start(), a_last_page()) == (Finish("t2", VERSION, ZONE, snapshot=False),)


def test_a_page_is_applied_at_once_and_the_token_kept_with_the_last_one_only() -> None:
    taken = steps(
        a_start(),
        a_page(an_event("a"), next_page="p2"),
        a_page(next_page="p3"),
        a_last_page({"id": "b", "status": "cancelled"}),
    )
    first, empty, final = (effects for _, effects in taken[1:])
    assert [type(effect) for effect in first] == [Apply, Fetch]
    assert query(first) == {**query(taken[0][1]), "pageToken": "p2"}
    assert [type(effect) for effect in empty] == [Fetch]
    assert final == (Apply(roots=(Root("b"),)), Finish("t2", VERSION, ZONE, snapshot=False))


def test_a_lone_event_replaces_whatever_was_known_by_its_id() -> None:
    applied = last(a_start(), a_last_page(an_event("a")))[0]
    assert isinstance(applied, Apply)
    assert [row.google_id for row in applied.rows] == ["a"]
    assert applied.roots == (Root("a", frozenset({"a"})),)
    assert applied.generation == 0


def test_an_event_that_ended_before_the_window_is_not_kept() -> None:
    old = an_event("a", start={"dateTime": "2026-01-01T08:00:00Z"}, end={"dateTime": "2026-01-01T09:00:00Z"})
    assert last(a_start(), a_last_page(old))[0] == Apply(roots=(Root("a"),))


def test_an_event_that_cannot_be_read_changes_nothing() -> None:
    assert last(a_start(), a_last_page({"id": "a"})) == (Finish("t2", VERSION, ZONE, snapshot=False),)


@pytest.mark.parametrize(
    "row",
    [
        an_event("m", recurrence=["RRULE:FREQ=DAILY"]),
        an_event("m_20261201T080000Z", recurringEventId="m"),
        {"id": "m_20261201T080000Z", "status": "cancelled", "recurringEventId": "m"},
        {"id": "m_20261201T080000Z", "status": "cancelled"},
    ],
)
def test_whatever_touches_a_series_lets_google_expand_it(row: dict[str, Any]) -> None:
    asked = last(a_start(), a_last_page(row))[-1]
    assert isinstance(asked, FetchInstances)
    assert asked.master_id == "m"
    assert asked.query["timeMin"] == "2026-10-18T08:00:00Z"
    assert asked.query["timeMax"] == "2027-12-27T08:00:00Z"


def test_a_series_is_replaced_when_all_its_occurrences_are_known() -> None:
    taken = steps(
        a_start(),
        a_last_page(an_event("m", recurrence=["RRULE"])),
        a_page(an_event("m_1", 1, recurringEventId="m"), next_page="p2"),
        a_page(an_event("m_2", 2, recurringEventId="m"), {"id": "m_3", "status": "cancelled"}),
    )
    assert [type(effect) for effect in taken[2][1]] == [FetchInstances]
    applied, finish = taken[3][1]
    assert isinstance(applied, Apply)
    assert [(row.google_id, row.master_id) for row in applied.rows] == [("m_1", "m"), ("m_2", "m")]
    assert applied.roots == (Root("m", frozenset({"m_1", "m_2"})),)
    assert finish == Finish("t2", VERSION, ZONE, snapshot=False)


def test_an_occurrence_belongs_to_the_series_it_was_asked_for_with() -> None:
    page = a_last_page(an_event("m", recurrence=["RRULE"]))
    applied = last(a_start(), page, a_page(an_event("m_1")))[0]
    assert isinstance(applied, Apply)
    assert [row.master_id for row in applied.rows] == ["m"]


def test_a_series_deleted_in_the_same_page_is_not_asked_for() -> None:
    page = a_last_page({"id": "m_20261201", "status": "cancelled"}, {"id": "m", "status": "cancelled"})
    applied, finish = last(a_start(), page)
    assert applied == Apply(roots=(Root("m_20261201"), Root("m")))
    assert isinstance(finish, Finish)


def test_a_deleted_series_loses_its_rows() -> None:
    page = a_last_page(an_event("m", recurrence=["RRULE"]))
    deleted = Failure(FailureKind.GONE, "deleted", "Resource has been deleted")
    assert last(a_start(), page, deleted) == (Apply(roots=(Root("m"),)), Finish("t2", VERSION, ZONE, snapshot=False))


@pytest.mark.parametrize("kind", [FailureKind.NOT_FOUND, FailureKind.PERMANENT, FailureKind.TOKEN_INVALID])
def test_a_series_that_cannot_be_expanded_proves_nothing_and_the_window_is_listed_instead(kind: FailureKind) -> None:
    page = a_last_page(an_event("m", recurrence=["RRULE"]))
    effects = last(a_start(), page, Failure(kind, "x", "x"))
    assert [type(effect) for effect in effects] == [Fetch]
    assert query(effects)["singleEvents"] == "true"


def test_many_changed_series_are_read_as_one_window() -> None:
    masters = [an_event(f"m{number}", recurrence=["RRULE"]) for number in range(machine.SERIES_AT_MOST + 1)]
    effects = last(a_start(), a_last_page(*masters))
    assert query(effects)["singleEvents"] == "true"
    assert "syncToken" not in query(effects)


def test_a_full_listing_takes_lone_events_first_and_all_occurrences_after() -> None:
    taken = steps(
        a_start(None),
        a_last_page(an_event("a"), an_event("m", recurrence=["RRULE"])),
        a_page(an_event("a"), an_event("m_1", recurringEventId="m")),
    )
    lone, occurrences = taken[1][1], taken[2][1]
    assert isinstance(lone[0], Apply)
    assert ([row.google_id for row in lone[0].rows], lone[0].roots, lone[0].generation) == (["a"], (), 14)
    assert query(lone)["singleEvents"] == "true"
    assert isinstance(occurrences[0], Apply)
    assert [row.google_id for row in occurrences[0].rows] == ["a", "m_1"]
    assert occurrences[1:] == (
        Sweep(14, since=WINDOW.start + timedelta(days=1), until=None),
        Finish("t2", VERSION, ZONE, snapshot=True),
    )


def test_a_snapshot_comes_after_the_changes_and_sweeps_inside_the_window_only() -> None:
    effects = last(a_start(snapshot=True), a_last_page(), a_page(an_event("a")))
    assert effects[1:] == (
        Sweep(14, since=WINDOW.start + timedelta(days=1), until=WINDOW.end - timedelta(days=1)),
        Finish("t2", VERSION, ZONE, snapshot=True),
    )


@pytest.mark.parametrize("kind", [FailureKind.TOKEN_INVALID, FailureKind.GONE])
def test_a_dead_token_is_dropped_and_everything_listed(kind: FailureKind) -> None:
    asked = query(last(a_start(), Failure(kind, "HTTP_410", "x")))
    assert "syncToken" not in asked
    assert asked["timeMin"] == "2026-10-18T08:00:00Z"


def test_what_a_listing_saw_before_it_was_begun_anew_counts_for_nothing() -> None:
    taken = steps(a_start(None), a_page(an_event("a"), next_page="p2"), GONE, a_last_page(an_event("b")), a_page())
    first, anew = taken[1][1][0], taken[3][1][0]
    assert isinstance(first, Apply)
    assert isinstance(anew, Apply)
    assert (first.generation, anew.generation) == (14, 15)
    assert taken[-1][1][0] == Sweep(15, since=WINDOW.start + timedelta(days=1), until=None)


def test_a_second_dead_token_in_one_run_stops_it() -> None:
    assert last(a_start(), GONE, GONE) == (Stop(GONE),)


def test_a_listing_without_a_token_at_its_end_is_kept_and_repeated_next_time() -> None:
    assert last(a_start(None), a_page(), a_page())[-1] == Finish(None, VERSION, ZONE, snapshot=True)


def test_a_delta_without_a_token_at_its_end_keeps_the_old_one() -> None:
    assert last(a_start(), a_page()) == (Finish("t1", VERSION, ZONE, snapshot=False),)


RUNS_UNDER_WAY: list[tuple[str, list[Page]]] = [
    ("changes", []),
    ("a later page", [a_page(next_page="p2")]),
    ("a series", [a_last_page(an_event("m", recurrence=["RRULE"]))]),
    ("the window", [a_last_page()]),
]
OTHER_FAILURES = sorted(
    set(FailureKind) - {FailureKind.NOT_FOUND, FailureKind.PERMANENT, FailureKind.TOKEN_INVALID, FailureKind.GONE}
)


@pytest.mark.parametrize("kind", OTHER_FAILURES)
@pytest.mark.parametrize("replies", [case[1] for case in RUNS_UNDER_WAY], ids=[case[0] for case in RUNS_UNDER_WAY])
def test_an_error_is_never_a_deletion(replies: list[Page], kind: FailureKind) -> None:
    failure = Failure(kind, "x", "x")
    cursor, effects = steps(a_start(snapshot=True), *replies, failure)[-1]
    assert effects == (Stop(failure),)
    assert cursor.phase is Phase.OVER


def test_a_lost_calendar_stops_the_run_and_removes_nothing() -> None:
    lost = Failure(FailureKind.NOT_FOUND, "notFound", "Not Found")
    assert last(a_start(), lost) == (Stop(lost),)
    assert last(a_start(None), lost) == (Stop(lost),)


def test_a_new_time_zone_moves_all_day_events_so_everything_is_listed_in_it() -> None:
    moved = Page((an_event("a"),), time_zone="Asia/Tokyo", next_sync_token=NEXT)
    taken = steps(a_start(), moved, moved, moved)
    assert "syncToken" not in query(taken[1][1])
    assert taken[-1][1][-1] == Finish("t2", VERSION, "Asia/Tokyo", snapshot=True)


def test_a_first_listing_adopts_the_zone_it_finds() -> None:
    found = Page((), time_zone="Asia/Tokyo", next_sync_token=NEXT)
    assert query(last(a_start(None), found))["singleEvents"] == "true"


def test_work_is_split_without_losing_or_doubling_any_of_it() -> None:
    page = a_last_page(*(an_event(f"e{number}") for number in range(10)))
    whole = last(a_start(), page)[0]
    assert isinstance(whole, Apply)
    pieces = list(whole.split(4))
    assert [len(piece.rows) for piece in pieces] == [4, 4, 2, 0, 0, 0]
    assert tuple(row for piece in pieces for row in piece.rows) == whole.rows
    assert tuple(root for piece in pieces for root in piece.roots) == whole.roots


@pytest.mark.parametrize(
    ("swept", "total", "suspicious"),
    [(20, 20, False), (21, 41, True), (21, 42, False), (0, 0, False), (500, 1001, False), (501, 1001, True)],
)
def test_a_sweep_of_more_than_half_and_more_than_twenty_is_suspicious(swept: int, total: int, suspicious: bool) -> None:
    assert machine.sweep_is_suspicious(swept, total) is suspicious
