"""A pull, as a machine: `begin` and `step` say what to ask Google next and what to do with the answers. Pure.

A run has up to three phases. CHANGES pages through the token stream, or LISTING through everything there is; SERIES
asks Google to expand each recurring event that changed; WINDOW lists every occurrence in the window, which rolls the
window on and heals what the other two may have missed. Then the run finishes, and only then is the sync token kept.

The effects of a step are to be carried out in order, all but a request in one transaction where they fit; `Finish`
always in the same transaction as the last of what came with it. A step ends with a request (`Fetch`,
`FetchInstances`), whose reply goes to the next step, or with the end of the run (`Finish`, `Stop`). UNAUTHORIZED is
not for this machine: refresh the access token, repeat the request, and hand over only a second refusal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum, auto
from typing import Final, TypeAlias

from sync.google_api import translate
from sync.google_api.replies import Failure, FailureKind, Page
from sync.google_api.translate import GoogleOccurrence
from sync.google_api.trouble import TroubleCode

SERIES_AT_MOST: Final = 20
"""More recurring events than this are cheaper to read as one window than one by one."""

SWEEP_FREELY: Final = 20
"""A sweep of no more events than this is never suspicious."""

SWEEP_REFUSED: Final = Failure(
    FailureKind.PERMANENT,
    TroubleCode.EVENTS_MISSING,
    "More than half of this calendar's events are missing from Google's listing. Nothing was removed.",
)

ZONE_CHANGED: Final = Failure(
    FailureKind.RETRY, TroubleCode.TIME_ZONE_CHANGED, "The calendar's time zone changed while it was being listed."
)

_PAGE_ROWS: Final = "2500"
_ALL_ATTENDEES: Final = "100"
_MARGIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The time in which recurring events are followed: `[start, end)`, aware."""

    start: datetime
    end: datetime


class Phase(StrEnum):
    """What the request under way is for."""

    CHANGES = auto()
    LISTING = auto()
    SERIES = auto()
    WINDOW = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Start:
    """What a run begins with.

    `token_version` is the query version stored with `sync_token`. `generation` is a number no earlier run of this
    calendar was given, finished or not. `snapshot` asks for the window as well. `attendees` says that a link's
    matchers look at attendees, so that all of them must be fetched, `texts` that the rows are to keep their texts.
    """

    sync_token: str | None
    token_version: int
    time_zone: str
    window: Window
    generation: int
    snapshot: bool = False
    attendees: bool = False
    texts: bool = True

    @property
    def version(self) -> int:
        """The query version of this run."""
        return query_version(self.attendees, self.texts)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a run is. Lives as long as the run; what must survive it is in `Finish`.

    `series` are the recurring events still to be expanded, the first of them under way with `expanded` so far.
    `window`: the run ends with the WINDOW phase. `full`: everything is listed. `restarted`: that was not the plan.
    """

    phase: Phase
    start: Start
    time_zone: str
    sync_token: str | None
    page_token: str | None = None
    series: tuple[str, ...] = ()
    expanded: tuple[GoogleOccurrence, ...] = ()
    window: bool = False
    full: bool = False
    restarted: bool = False

    @property
    def mark(self) -> int:
        """What rows are marked with: what a listing saw before it was begun anew counts for nothing."""
        return 2 * self.start.generation + self.restarted


@dataclass(frozen=True, slots=True)
class Root:
    """A series or a lone event that is now known in full: its rows not in `keeps` go.

    Its rows are those whose `google_id` or `master_id` is `google_id`.
    """

    google_id: str
    keeps: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask for a page of `events.list` with this query."""

    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FetchInstances:
    """Ask for a page of `events.instances` of this recurring event with this query."""

    master_id: str
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Apply:
    """Insert or update `rows`, marked with `generation`; then remove what `roots` no longer keep.

    Rows of a delta carry generation 0: no listing has seen them. A root that keeps nothing was deleted in Google.
    """

    rows: tuple[GoogleOccurrence, ...] = ()
    roots: tuple[Root, ...] = ()
    generation: int = 0

    def split(self, size: int) -> Iterator["Apply"]:
        """The same work in pieces of at most `size` rows or roots, to be carried out in this order."""
        for at in range(0, len(self.rows), size):
            yield Apply(rows=self.rows[at : at + size], generation=self.generation)
        for at in range(0, len(self.roots), size):
            yield Apply(roots=self.roots[at : at + size], generation=self.generation)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A listing is complete: rows it has not seen go, unless `sweep_is_suspicious`.

    They are those with another `generation`, ending after `since` and, where `until` is set, starting before it.
    When it is suspicious, nothing is swept and the run ends as if with `Stop(SWEEP_REFUSED)`.
    """

    generation: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is complete: keep the token and what it belongs to. `snapshot`: the window was listed too."""

    sync_token: str | None
    token_version: int
    time_zone: str
    snapshot: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """The run ends here and nothing of it is kept but the rows already applied."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Distrust:
    """The stored token is good for nothing any more: what is written next does not build on what it stands for.

    Should this run not come to its end, the next one lists everything.
    """


Effect: TypeAlias = Apply | Sweep | Finish | Fetch | FetchInstances | Stop | Distrust
Step: TypeAlias = tuple[Cursor, tuple[Effect, ...]]


def query_version(attendees: bool, texts: bool = True) -> int:
    """Names the shape of the token stream's query and what is kept of its answers: a token is worthless to others."""
    return 5 + attendees + 2 * (not texts)


def sweep_is_suspicious(swept: int, total: int) -> bool:
    """Whether removing `swept` of `total` events of a sweep's range looks like a fault rather than like tidying.

    A series counts as one event, swept when none of its rows was seen.
    """
    return swept > SWEEP_FREELY and swept * 2 > total


def begin(start: Start) -> Step:
    """The first request of a run."""
    known = start.sync_token is not None and start.token_version == start.version
    return _ask(
        Cursor(
            phase=Phase.CHANGES if known else Phase.LISTING,
            start=start,
            time_zone=start.time_zone,
            sync_token=start.sync_token if known else None,
            window=start.snapshot or not known,
            full=not known,
        )
    )


def step(cursor: Cursor, reply: Page | Failure) -> Step:
    """What follows from the reply to the cursor's request."""
    assert cursor.phase is not Phase.OVER
    if isinstance(reply, Failure):
        return _failed(cursor, reply)
    if reply.time_zone is not None and reply.time_zone != cursor.time_zone:
        cursor = replace(cursor, time_zone=reply.time_zone)
        if not (cursor.phase is Phase.LISTING and cursor.page_token is None):
            # Every all-day event has moved, also those that no delta mentions.
            return _restart(cursor, ZONE_CHANGED)
    match cursor.phase:
        case Phase.CHANGES:
            return _changed(cursor, reply)
        case Phase.SERIES:
            return _expanded(cursor, reply)
        case _:
            return _listed(cursor, reply)


def _changed(cursor: Cursor, page: Page) -> Step:
    """A page of the token stream: lone events are taken from their rows, recurring ones put down for SERIES."""
    rows: list[GoogleOccurrence] = []
    roots: list[Root] = []
    series = dict.fromkeys(cursor.series)
    for event in page.items:
        google_id, master = str(event["id"]), translate.series_of(event)
        if master is not None:
            series[master] = None
        if translate.is_cancelled(event):
            # Also for what looks like an occurrence: an event that stands alone may have such an id.
            roots.append(Root(google_id))
        elif master is None and (row := translate.foreign(event, cursor.time_zone)) is not None:
            current = row.ends_at > cursor.start.window.start
            rows += [row] if current else []
            roots.append(Root(google_id, frozenset({google_id}) if current else frozenset()))
    deleted = {root.google_id for root in roots if not root.keeps}
    cursor = replace(cursor, series=tuple(master for master in series if master not in deleted))
    return _turn(cursor, page, Apply(tuple(rows), tuple(roots)))


def _expanded(cursor: Cursor, page: Page) -> Step:
    """A page of the occurrences of one recurring event; they are applied when all of them are known."""
    master, *others = cursor.series
    rows = cursor.expanded + tuple(replace(row, master_id=master) for row in _read(cursor, page))
    if page.next_page is not None:
        return _ask(replace(cursor, page_token=page.next_page, expanded=rows))
    cursor = replace(cursor, page_token=None, series=tuple(others), expanded=())
    return _onwards(cursor, Apply(rows, (Root(master, frozenset(row.google_id for row in rows)),)))


def _listed(cursor: Cursor, page: Page) -> Step:
    """A page of a complete listing. In LISTING only lone events count: WINDOW lists the occurrences of the others."""
    rows = _read(cursor, page)
    if cursor.phase is Phase.LISTING:
        lone = {str(event["id"]) for event in page.items if translate.series_of(event) is None}
        rows = tuple(row for row in rows if row.google_id in lone)
    return _turn(cursor, page, Apply(rows, generation=cursor.mark))


def _read(cursor: Cursor, page: Page) -> tuple[GoogleOccurrence, ...]:
    rows = (translate.foreign(event, cursor.time_zone) for event in page.items)
    return tuple(row for row in rows if row is not None and row.ends_at > cursor.start.window.start)


def _turn(cursor: Cursor, page: Page, apply: Apply) -> Step:
    """On to the next page, or to the next phase."""
    if page.next_page is not None:
        return _ask(replace(cursor, page_token=page.next_page), apply)
    token = cursor.sync_token if cursor.phase is Phase.WINDOW else page.next_sync_token or cursor.sync_token
    return _onwards(replace(cursor, page_token=None, sync_token=token), apply)


def _onwards(cursor: Cursor, apply: Apply) -> Step:
    """The phase after the one that has just ended, or the end of the run."""
    if len(cursor.series) > SERIES_AT_MOST:
        cursor = replace(cursor, series=(), window=True)
    if cursor.series:
        return _ask(replace(cursor, phase=Phase.SERIES), apply)
    if cursor.window and cursor.phase is not Phase.WINDOW:
        return _ask(replace(cursor, phase=Phase.WINDOW), apply)
    over = replace(cursor, phase=Phase.OVER)
    return over, (*_some(apply), *_sweep(cursor), _finish(cursor))


def _sweep(cursor: Cursor) -> tuple[Sweep, ...]:
    """A day inside what was listed: how Google compares all-day events with the bounds is not documented."""
    if not cursor.window:
        return ()
    window = cursor.start.window
    until = None if cursor.full else window.end - _MARGIN
    return (Sweep(cursor.mark, window.start + _MARGIN, until),)


def _finish(cursor: Cursor) -> Finish:
    return Finish(cursor.sync_token, cursor.start.version, cursor.time_zone, snapshot=cursor.window)


def _failed(cursor: Cursor, failure: Failure) -> Step:
    """A dead token leads to a full listing, once; one series that cannot be expanded, to the window."""
    match cursor.phase, failure.kind:
        case Phase.SERIES, FailureKind.GONE:
            gone = Apply(roots=(Root(cursor.series[0]),))
            return _onwards(replace(cursor, series=cursor.series[1:], expanded=(), page_token=None), gone)
        case Phase.SERIES, FailureKind.NOT_FOUND | FailureKind.PERMANENT | FailureKind.TOKEN_INVALID:
            # Guessed from an id, no longer recurring, or the whole calendar is lost: the window tells which.
            skipped = replace(cursor, series=cursor.series[1:], expanded=(), page_token=None, window=True)
            return _onwards(skipped, Apply())
        case _, FailureKind.TOKEN_INVALID | FailureKind.GONE:
            return _restart(cursor, failure)
        case _:
            return _stop(cursor, failure)


def _restart(cursor: Cursor, reason: Failure) -> Step:
    """Everything is listed anew. A second time in one run it stops instead: Google is asked again later."""
    if cursor.restarted:
        return _stop(cursor, reason)
    anew = Cursor(
        phase=Phase.LISTING,
        start=cursor.start,
        time_zone=cursor.time_zone,
        sync_token=None,
        window=True,
        full=True,
        restarted=True,
    )
    return anew, (Distrust(), _request(anew))


def _stop(cursor: Cursor, failure: Failure) -> Step:
    return replace(cursor, phase=Phase.OVER), (Stop(failure),)


def _ask(cursor: Cursor, apply: Apply | None = None) -> Step:
    return cursor, (*_some(apply), _request(cursor))


def _some(apply: Apply | None) -> tuple[Apply, ...]:
    return (apply,) if apply is not None and (apply.rows or apply.roots) else ()


def _request(cursor: Cursor) -> Fetch | FetchInstances:
    """The request the cursor stands at. Without a token a listing is bounded below, with one it may not be."""
    start = cursor.start
    query = {"maxResults": _PAGE_ROWS, "maxAttendees": _ALL_ATTENDEES if start.attendees else "1"}
    if cursor.page_token is not None:
        query["pageToken"] = cursor.page_token
    if cursor.phase is Phase.CHANGES:
        assert cursor.sync_token is not None
        return Fetch({**query, "singleEvents": "false", "syncToken": cursor.sync_token})
    query["timeMin"] = _spelled(start.window.start)
    if cursor.phase is Phase.LISTING:
        return Fetch({**query, "singleEvents": "false"})
    query["timeMax"] = _spelled(start.window.end)
    if cursor.phase is Phase.SERIES:
        return FetchInstances(cursor.series[0], query)
    return Fetch({**query, "singleEvents": "true"})


def _spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
