"""One mirror put right: from whatever Google has, through whatever goes wrong, to one event or to none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.enums import MirrorAs
from sync.google_api.replies import Done, EventReply, Failure, FailureKind, Page
from sync.push import machine as push
from sync.push.machine import (
    Again,
    Call,
    Delete,
    Failed,
    Get,
    Insert,
    Look,
    Outcome,
    Progress,
    Pushed,
    Removed,
    Rendered,
    Reply,
    Update,
    render_event,
)
from tests.sync.deadlines import patient

BOOKING = UUID(int=7)
STARTS = datetime(2026, 12, 1, 9, tzinfo=UTC)
ANSWER = EventReply({"id": "x", "status": "confirmed", "etag": '"2"', "htmlLink": "https://google.example/x"})
READABLE = Page(())
CANCELLED = EventReply({"id": "x", "status": "cancelled"})


def refused(kind: FailureKind) -> Failure:
    return Failure(kind, kind.value, "No.")


DUPLICATE, MISSING, GONE, FORBIDDEN, BUSY = (
    refused(kind)
    for kind in (
        FailureKind.DUPLICATE,
        FailureKind.NOT_FOUND,
        FailureKind.GONE,
        FailureKind.PERMANENT,
        FailureKind.RETRY,
    )
)


def course(*replies: Reply, present: bool = True, pushed_before: bool = False) -> list[Call | Outcome]:
    """Every call and at last the outcome, when Google gives these replies."""
    progress, call = push.begin(present=present, generation=3, pushed_before=pushed_before)
    taken: list[Call | Outcome] = [call]
    for reply in replies:
        progress, following = push.step(progress, reply)
        taken.append(following)
    return taken


PUSHED = Pushed(3, '"2"', "https://google.example/x")
RENEWED = Pushed(4, '"2"', "https://google.example/x")


def test_a_new_mirror_is_inserted() -> None:
    assert course(ANSWER) == [Insert(3), PUSHED]


def test_a_known_mirror_is_updated() -> None:
    assert course(ANSWER, pushed_before=True) == [Update(3), PUSHED]


@pytest.mark.parametrize("found", [ANSWER, CANCELLED])
def test_a_taken_id_is_read_back_and_put_right(found: EventReply) -> None:
    assert course(DUPLICATE, found, ANSWER) == [Insert(3), Get(3), Update(3), PUSHED]


@pytest.mark.parametrize("no", [FORBIDDEN, GONE])
def test_a_deleted_event_that_cannot_be_revived_gets_a_new_id(no: Failure) -> None:
    assert course(DUPLICATE, CANCELLED, no, ANSWER) == [Insert(3), Get(3), Update(3), Insert(4), RENEWED]


def test_an_id_that_is_taken_and_cannot_be_read_is_given_up() -> None:
    taken = course(DUPLICATE, MISSING, READABLE, ANSWER)
    assert taken == [Insert(3), Get(3), Look(3), Insert(4), RENEWED]


def test_a_deleted_event_that_vanished_meanwhile_gets_a_new_id() -> None:
    taken = course(DUPLICATE, CANCELLED, MISSING, READABLE, ANSWER)
    assert taken == [Insert(3), Get(3), Update(3), Look(3), Insert(4), RENEWED]


@pytest.mark.parametrize("no", [MISSING, GONE])
def test_an_event_that_vanished_is_inserted_again(no: Failure) -> None:
    assert course(no, ANSWER, pushed_before=True) == [Update(3), Insert(3), PUSHED]


def test_a_refused_update_of_a_deleted_event_leads_to_a_new_id() -> None:
    assert course(FORBIDDEN, CANCELLED, ANSWER, pushed_before=True) == [Update(3), Get(3), Insert(4), RENEWED]


def test_a_refused_update_of_a_living_event_fails_and_leaves_no_second_one() -> None:
    assert course(FORBIDDEN, ANSWER, pushed_before=True) == [Update(3), Get(3), Failed(FORBIDDEN)]


def test_new_ids_come_to_an_end() -> None:
    taken = course(*3 * (DUPLICATE, MISSING, READABLE))
    tried = [call for at in (3, 4, 5) for call in (Insert(at), Get(at), Look(at))]
    assert taken == [*tried, Failed(MISSING)]


@pytest.mark.parametrize("reply", [Done(), GONE])
def test_an_event_that_is_not_there_is_removed(reply: Reply) -> None:
    assert course(reply, present=False) == [Delete(3), Removed()]


def test_an_event_that_is_not_found_is_gone_where_the_calendar_can_be_read() -> None:
    assert course(MISSING, READABLE, present=False) == [Delete(3), Look(3), Removed()]


@pytest.mark.parametrize("kind", [*FailureKind])
def test_an_event_that_is_not_found_proves_nothing_where_the_calendar_cannot_be_read(kind: FailureKind) -> None:
    no = refused(kind)
    assert course(MISSING, no, present=False) == [Delete(3), Look(3), Again(no)]
    assert course(DUPLICATE, MISSING, no) == [Insert(3), Get(3), Look(3), Again(no)]
    assert course(DUPLICATE, CANCELLED, MISSING, no) == [Insert(3), Get(3), Update(3), Look(3), Again(no)]


def test_a_calendar_that_is_lost_keeps_the_work() -> None:
    assert course(MISSING) == [Insert(3), Again(MISSING)]
    assert course(MISSING, MISSING, pushed_before=True) == [Update(3), Insert(3), Again(MISSING)]


TROUBLE_OF_OTHERS = [
    FailureKind.RETRY,
    FailureKind.QUOTA,
    FailureKind.UNAUTHORIZED,
    FailureKind.RECONNECT,
    FailureKind.READ_ONLY,
    FailureKind.MISCONFIGURED,
    FailureKind.PRECONDITION,
]


@pytest.mark.parametrize("kind", TROUBLE_OF_OTHERS)
@pytest.mark.parametrize("present", [True, False])
def test_trouble_with_the_calendar_or_the_account_keeps_the_work(kind: FailureKind, present: bool) -> None:
    assert course(refused(kind), present=present)[-1] == Again(refused(kind))


@pytest.mark.parametrize("present", [True, False])
def test_a_refusal_for_good_fails_this_mirror_only(present: bool) -> None:
    assert course(FORBIDDEN, present=present)[-1] == Failed(FORBIDDEN)


def test_an_answer_to_another_question_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="does not answer"):
        course(Done())


@dataclass
class Shelf:
    """Where a calendar keeps events by id: alive with their content, cancelled (None), or `burned` for good."""

    revives: bool
    events: dict[int, Mapping[str, Any] | None] = field(default_factory=dict)
    burned: set[int] = field(default_factory=set)
    hidden: bool = False

    def call(self, call: Call, body: Mapping[str, Any]) -> Reply:
        key = call.generation
        match call:
            case _ if self.hidden:
                return MISSING
            case Look():
                return READABLE
            case Insert():
                if key in self.events or key in self.burned:
                    return DUPLICATE
                self.events[key] = body
            case _ if key not in self.events:
                return MISSING
            case Get():
                return ANSWER if self.events[key] is not None else CANCELLED
            case Update():
                if self.events[key] is None and not self.revives:
                    return FORBIDDEN
                self.events[key] = body
            case Delete():
                if self.events[key] is None:
                    return GONE
                self.events[key] = None
                return Done()
        return ANSWER

    def alive(self) -> list[Mapping[str, Any]]:
        return [body for body in self.events.values() if body is not None]


@dataclass(frozen=True)
class Round:
    """What somebody does in Google, what is wanted then, and the calls whose request or answer is lost, or before
    which the calendar is no longer shared with us (`hidden_at`).
    """

    deed: str
    wanted: str | None
    lost_requests: frozenset[int]
    lost_answers: frozenset[int]
    hidden_at: int | None = None


CALLS = st.frozensets(st.integers(0, 5), max_size=2)
ROUNDS = st.builds(
    Round,
    deed=st.sampled_from(["nothing", "delete", "edit", "forget"]),
    wanted=st.sampled_from(["one", "two", None]),
    lost_requests=CALLS,
    lost_answers=CALLS,
    hidden_at=st.none() | st.integers(0, 5),
)


@dataclass
class Mirrored:
    """A mirror's row, as far as a push reads and writes it."""

    generation: int = 0
    pushed_before: bool = False

    def push(self, shelf: Shelf, turn: Round) -> Outcome:
        body = {"summary": turn.wanted}
        progress, call = push.begin(
            present=turn.wanted is not None, generation=self.generation, pushed_before=self.pushed_before
        )
        following: Call | Outcome = call
        made = 0
        while isinstance(following, Call):
            progress, following = push.step(progress, self._reply(shelf, following, body, made, turn))
            made += 1
        self._keep(progress, following)
        return following

    @staticmethod
    def _reply(shelf: Shelf, call: Call, body: Mapping[str, Any], made: int, turn: Round) -> Reply:
        if made in turn.lost_requests:
            return BUSY
        shelf.hidden = turn.hidden_at is not None and made >= turn.hidden_at
        reply = shelf.call(call, body)
        return BUSY if made in turn.lost_answers else reply

    def _keep(self, progress: Progress, outcome: Outcome) -> None:
        self.generation = progress.call.generation
        if isinstance(outcome, Pushed | Removed):
            self.pushed_before = isinstance(outcome, Pushed)


def meddle(shelf: Shelf, generation: int, deed: str) -> None:
    if generation in shelf.events:
        if deed == "delete":
            shelf.events[generation] = None
        elif deed == "edit" and shelf.events[generation] is not None:
            shelf.events[generation] = {"summary": "edited"}
        elif deed == "forget" and shelf.events[generation] is None:
            del shelf.events[generation]


@settings(patient, max_examples=500)
@given(st.lists(ROUNDS, max_size=6), st.booleans(), st.booleans(), st.sampled_from(["one", None]))
def test_once_it_is_quiet_google_has_the_wanted_event_and_no_other(
    rounds: list[Round], revives: bool, burned: bool, wanted: str | None
) -> None:
    shelf, mirror = Shelf(revives, burned={0} if burned else set()), Mirrored()
    for turn in rounds:
        meddle(shelf, mirror.generation, turn.deed)
        mirror.push(shelf, turn)
    outcome = mirror.push(shelf, Round("nothing", wanted, frozenset(), frozenset()))
    assert isinstance(outcome, Pushed if wanted else Removed)
    assert shelf.alive() == ([{"summary": wanted}] if wanted else [])


def rendered(**other: Any) -> Rendered:
    given: dict[str, Any] = {
        "booking_id": BOOKING,
        "title": "Haircut – Kari",
        "description": "A17",
        "location": "",
        "starts_at": STARTS,
        "ends_at": STARTS + timedelta(hours=1),
        "time_zone": "Europe/Oslo",
        "mirror_as": MirrorAs.BUSY,
    }
    return render_event(**{**given, **other})


def test_an_event_is_rendered_whole_and_invites_nobody() -> None:
    event = rendered()
    assert event.body == {
        "summary": "Haircut – Kari",
        "description": "A17",
        "location": "",
        "start": {"dateTime": "2026-12-01T10:00:00+01:00", "timeZone": "Europe/Oslo"},
        "end": {"dateTime": "2026-12-01T11:00:00+01:00", "timeZone": "Europe/Oslo"},
        "status": "confirmed",
        "transparency": "opaque",
        "reminders": {"useDefault": False},
        "extendedProperties": {"private": {"timebokBooking": str(BOOKING), "timebokContent": event.content_hash}},
    }


def test_a_calendar_may_show_bookings_as_free() -> None:
    assert rendered(mirror_as=MirrorAs.FREE).body["transparency"] == "transparent"


OTHERS: list[dict[str, Any]] = [
    {"booking_id": UUID(int=8)},
    {"title": "Haircut – Karin"},
    {"description": "A18"},
    {"location": "Storgata 1"},
    {"starts_at": STARTS - timedelta(minutes=1)},
    {"ends_at": STARTS + timedelta(hours=2)},
    {"time_zone": "Europe/Berlin"},
    {"mirror_as": MirrorAs.FREE},
]


def test_the_hash_changes_exactly_when_the_content_does() -> None:
    hashes = [rendered().content_hash, *(rendered(**other).content_hash for other in OTHERS)]
    assert len(set(hashes)) == len(hashes)
    assert rendered() == rendered()


def test_the_repeated_hour_is_told_apart_by_its_offset() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    spelled = [
        rendered(starts_at=moment, ends_at=moment + timedelta(hours=3)).body["start"]["dateTime"]
        for moment in (first, first + timedelta(hours=1))
    ]
    assert spelled == ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]


@patient
@given(st.text(max_size=3000), st.text(max_size=9000))
def test_texts_never_grow_longer_than_google_takes(title: str, description: str) -> None:
    body = rendered(title=title, description=description, location=title).body
    assert len(body["summary"]) <= push.TITLE_LENGTH
    assert len(body["description"]) <= push.DESCRIPTION_LENGTH
    assert len(body["location"]) <= push.LOCATION_LENGTH
    assert "\n" not in body["summary"]
