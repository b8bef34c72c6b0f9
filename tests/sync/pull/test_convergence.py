"""Whatever people and networks do to a calendar, once it is quiet the copy shows what Google shows.

Histories are generated; the copy is filled by obeying the machine's effects to the letter, in the one way the engine
does. The last test leaves out one rule at a time and demands that a history exists which shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sync.google_api.replies import Failure, FailureKind, Page
from sync.google_api.translate import GoogleOccurrence
from sync.pull import machine as pull
from sync.pull.machine import Apply, Cursor, Distrust, Effect, Fetch, FetchInstances, Finish, Start, Stop, Sweep, Window
from tests.sync.deadlines import patient
from tests.sync.pull.small_google import START, Entry, SmallGoogle

BUSY = Failure(FailureKind.RETRY, "rateLimitExceeded", "Rate Limit Exceeded")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Edit:
    """Something a person does, or that happens to the calendar."""

    deed: str
    name: str
    at: int
    number: int

    def happen(self, google: SmallGoogle) -> None:
        match self.deed:
            case "lone":
                google.put(self.name, Entry(self.at, length=2))
            case "all day":
                google.put(self.name, Entry(self.at, length=24, all_day=True))
            case "series":
                google.put(self.name, Entry(self.at, length=1, count=3 + self.number, step=24 * (1 + self.number)))
            case "delete":
                google.delete(self.name)
            case "move":
                google.move(self.name, self.number, self.at)
            case "drop":
                google.drop(self.name, self.number)
            case "expire":
                google.expire_tokens()
            case "travel":
                google.time_zone = "Asia/Tokyo" if google.time_zone == "Europe/Oslo" else "Europe/Oslo"


@dataclass(frozen=True)
class Run:
    """A pull: what happened before it, what happens before each of its requests, which request fails."""

    before: list[Edit]
    during: list[Edit | None]
    fails_at: int | None
    snapshot: bool
    days_later: int


@dataclass(frozen=True)
class History:
    page_size: int
    sparse: bool
    runs: list[Run]


DEEDS = ["lone", "lone", "all day", "series", "series", "delete", "delete", "move", "drop", "expire", "travel"]
EDITS: SearchStrategy[Edit] = st.builds(
    Edit,
    deed=st.sampled_from(DEEDS),
    name=st.sampled_from(["a", "b", "m", "n"]),
    at=st.integers(0, 24 * 20),
    number=st.integers(0, 5),
)
RUNS = st.builds(
    Run,
    before=st.lists(EDITS, max_size=4),
    during=st.lists(st.none() | EDITS, max_size=4),
    fails_at=st.none() | st.integers(0, 4),
    snapshot=st.booleans(),
    days_later=st.sampled_from([0, 0, 0, 0, 1, 3]),
)
HISTORIES = st.builds(
    History, page_size=st.integers(1, 4), sparse=st.booleans(), runs=st.lists(RUNS, min_size=1, max_size=6)
)


@dataclass
class Copy:
    """Our side: rows with the generation that marked them, and what a finished run left behind."""

    unsafe: str = ""
    rows: dict[str, tuple[GoogleOccurrence, int]] = field(default_factory=dict)
    token: str | None = None
    version: int = 0
    zone: str = "Europe/Oslo"
    generation: int = 0

    def pull(self, google: SmallGoogle, run: Run, window: Window) -> None:
        self.generation += 0 if self.unsafe == "one generation" else 1
        start = Start(self.token, self.version, self.zone, window, self.generation, run.snapshot)
        cursor, effects = pull.begin(start)
        request = 0
        while not isinstance(effects[-1], Finish | Stop):
            if request < len(run.during) and (edit := run.during[request]) is not None:
                edit.happen(google)
            reply = BUSY if request == run.fails_at else self._asked(google, effects[-1])
            self._keeps_the_token_early(cursor, reply)
            cursor, effects = pull.step(cursor, reply)
            request += 1
            for effect in effects:
                self._obey(effect)

    def _asked(self, google: SmallGoogle, request: Effect) -> Page | Failure:
        if isinstance(request, FetchInstances):
            return google.instances(request.master_id, request.query)
        assert isinstance(request, Fetch)
        return google.events(request.query)

    def _obey(self, effect: Effect) -> None:
        match effect:
            case Apply(rows, roots, generation):
                self.rows |= {row.google_id: (row, generation) for row in rows}
                for root in () if self.unsafe == "no roots" else roots:
                    theirs = [row.google_id for row, _ in self.rows.values() if root.google_id in _ids(row)]
                    for google_id in set(theirs) - root.keeps:
                        del self.rows[google_id]
            case Sweep():
                if self.unsafe != "no sweep":
                    self._sweep(effect)
            case Distrust():
                self.token = self.token if self.unsafe == "token kept" else None
            case Finish():
                self.token, self.version, self.zone = effect.sync_token, effect.token_version, effect.time_zone

    def _sweep(self, sweep: Sweep) -> None:
        def unseen(row: GoogleOccurrence, generation: int) -> bool:
            inside = row.ends_at > sweep.since and (sweep.until is None or row.starts_at < sweep.until)
            return generation != sweep.generation and inside

        self.rows = {google_id: kept for google_id, kept in self.rows.items() if not unseen(*kept)}

    def _keeps_the_token_early(self, cursor: Cursor, reply: Page | Failure) -> None:
        if self.unsafe == "token first" and isinstance(reply, Page) and reply.next_sync_token is not None:
            self.token, self.version = reply.next_sync_token, pull.query_version(cursor.start.attendees)

    def shown(self, since: datetime, until: datetime) -> dict[str, tuple[datetime, datetime]]:
        spans = {google_id: (row.starts_at, row.ends_at) for google_id, (row, _) in self.rows.items()}
        return {google_id: span for google_id, span in spans.items() if span[1] > since and span[0] < until}


def _ids(row: GoogleOccurrence) -> Sequence[str | None]:
    return row.google_id, row.master_id


def live(history: History, unsafe: str = "") -> tuple[SmallGoogle, Copy, Window]:
    """Google and the copy after the history and one quiet run."""
    google, copy, now = SmallGoogle(history.page_size, history.sparse), Copy(unsafe), START
    for run in history.runs:
        now += run.days_later * DAY
        for edit in run.before:
            edit.happen(google)
        copy.pull(google, run, _window(now))
    copy.pull(google, Run([], [], None, snapshot=now > START, days_later=0), _window(now))
    return google, copy, _window(now)


def agree(history: History, unsafe: str = "") -> bool:
    """Whether both show the same: a day inside the window, since what is nearer to its ends may lag behind a day."""
    google, copy, window = live(history, unsafe)
    since, until = window.start + DAY, window.end - DAY
    return google.occurrences(since, until) == copy.shown(since, until)


def _window(now: datetime) -> Window:
    return Window(now - 2 * DAY, now + 12 * DAY)


@settings(patient, max_examples=400)
@given(HISTORIES)
def test_a_quiet_calendar_and_its_copy_agree(history: History) -> None:
    assert agree(history)


def test_a_zone_that_changes_back_after_a_run_that_failed_leaves_nothing_behind() -> None:
    def run(deed: str, fails_at: int | None = None) -> Run:
        return Run([Edit(deed, "a", 0, 0)], [], fails_at, snapshot=False, days_later=0)

    there_and_back = History(1, sparse=False, runs=[run("all day"), run("travel", fails_at=2), run("travel")])
    assert agree(there_and_back)
    assert not agree(there_and_back, "token kept")


@settings(patient, max_examples=150)
@given(HISTORIES)
def test_a_quiet_run_changes_nothing_more(history: History) -> None:
    google, copy, window = live(history)
    before = dict(copy.rows)
    copy.pull(google, Run([], [], None, snapshot=False, days_later=0), window)
    assert copy.rows == before


@pytest.mark.parametrize("unsafe", ["no sweep", "no roots", "token first", "one generation"])
def test_every_rule_is_needed(unsafe: str) -> None:
    find(
        HISTORIES,
        lambda history: not agree(history, unsafe),
        settings=settings(
            max_examples=20_000,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
