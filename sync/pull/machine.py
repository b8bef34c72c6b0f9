"""The pull machine: `begin` and `step` decide what to ask Google next and what to do with its answers. Pure.

A run has up to three phases. CHANGES pages through the changes since the sync token, or LISTING through all events;
SERIES asks Google to expand each recurring event that changed; WINDOW lists every occurrence in the window, which moves
the window on and repairs what the other two may have missed. Only the end of a run stores the sync token.

The engine carries out the effects of a step in their order, and `Finish` in the same transaction as the last effect
before it. A step ends with a request (`Fetch`, `FetchInstances`), whose reply goes to the next step, or with the end of
the run (`Finish`, `Stop`). The engine passes an UNAUTHORIZED on only when Google has rejected a new access token too.
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
"""The most recurring events that a run expands one by one; with more, reading the whole window is cheaper."""

SWEEP_FREELY: Final = 20
"""How many events a sweep may delete without being suspicious."""

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
    """The time for which we keep occurrences: `[start, end)`, aware."""

    start: datetime
    end: datetime


class Phase(StrEnum):
    """What the current request is for."""

    CHANGES = auto()
    LISTING = auto()
    SERIES = auto()
    WINDOW = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Start:
    """What a run begins with.

    `token_version` is the query version stored with `sync_token`. `generation` is a number that no earlier run of this
    calendar had, finished or not. `snapshot` asks for the WINDOW phase as well. `attendees` means that a link's
    matchers look at attendees, so that Google must send them all; `texts`, that the rows store texts.
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
    """How far a run is. It lives as long as the run; what must outlive it is in `Finish`.

    `series` are the recurring events still to expand; `expanded` are the occurrences of the first one so far. With
    `window` the run ends with the WINDOW phase, with `full` it lists everything, after `restarted` because it had to
    begin again.
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
        """The number with which the run marks rows. A restart changes it, so that only the new listing counts."""
        return 2 * self.start.generation + self.restarted


@dataclass(frozen=True, slots=True)
class Root:
    """A series or a single event of which we now know every occurrence: its rows that are not in `keeps` are deleted.

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
    """Insert or update `rows`, marked with `generation`; then delete what `roots` do not keep.

    Rows that come as changes have generation 0, since no listing had them. A root that keeps nothing was deleted in
    Google.
    """

    rows: tuple[GoogleOccurrence, ...] = ()
    roots: tuple[Root, ...] = ()
    generation: int = 0

    def split(self, size: int) -> Iterator["Apply"]:
        """Yields the same work in pieces of at most `size` rows or roots, in the order in which to do them."""
        for at in range(0, len(self.rows), size):
            yield Apply(rows=self.rows[at : at + size], generation=self.generation)
        for at in range(0, len(self.roots), size):
            yield Apply(roots=self.roots[at : at + size], generation=self.generation)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A listing is complete: delete the rows that it did not have, unless `sweep_is_suspicious`.

    They are those with another `generation` that end after `since` and, where `until` is set, start before it. When
    that is suspicious, delete nothing and end the run as with `Stop(SWEEP_REFUSED)`.
    """

    generation: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is complete: store the token, its query version and the zone. `snapshot` says that it read the window."""

    sync_token: str | None
    token_version: int
    time_zone: str
    snapshot: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """The run has failed: store the failure. Rows that it has written stay."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Distrust:
    """Delete the stored token before writing a new listing, so that the next run lists everything if this one fails."""


Effect: TypeAlias = Apply | Sweep | Finish | Fetch | FetchInstances | Stop | Distrust
Step: TypeAlias = tuple[Cursor, tuple[Effect, ...]]


def query_version(attendees: bool, texts: bool = True) -> int:
    """Returns a number for how a run asks and what it stores. A sync token is of no use to a run with another one."""
    return 5 + attendees + 2 * (not texts)


def sweep_is_suspicious(swept: int, total: int) -> bool:
    """Whether deleting `swept` of `total` events looks like a fault of Google's rather than people's doing.

    A series counts as one event, and as swept when the listing had none of its rows.
    """
    return swept > SWEEP_FREELY and swept * 2 > total


def begin(start: Start) -> Step:
    """Returns the first request of a run."""
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
    """Returns what follows from the reply to the cursor's request."""
    assert cursor.phase is not Phase.OVER
    if isinstance(reply, Failure):
        return _failed(cursor, reply)
    if reply.time_zone is not None and reply.time_zone != cursor.time_zone:
        cursor = replace(cursor, time_zone=reply.time_zone)
        if not (cursor.phase is Phase.LISTING and cursor.page_token is None):
            # Every all-day event has moved, also those that are not among the changes.
            return _restart(cursor, ZONE_CHANGED)
    match cursor.phase:
        case Phase.CHANGES:
            return _changed(cursor, reply)
        case Phase.SERIES:
            return _expanded(cursor, reply)
        case _:
            return _listed(cursor, reply)


def _changed(cursor: Cursor, page: Page) -> Step:
    """Handles a page of changes: takes single events from it, and puts recurring ones on the list for SERIES."""
    rows: list[GoogleOccurrence] = []
    roots: list[Root] = []
    series = dict.fromkeys(cursor.series)
    for event in page.items:
        google_id, master = str(event["id"]), translate.series_of(event)
        if master is not None:
            series[master] = None
        if translate.is_cancelled(event):
            # Also for an id that looks like an occurrence's: a single event may have one.
            roots.append(Root(google_id))
        elif master is None and (row := translate.occurrence_of(event, cursor.time_zone)) is not None:
            current = row.ends_at > cursor.start.window.start
            rows += [row] if current else []
            roots.append(Root(google_id, frozenset({google_id}) if current else frozenset()))
    deleted = {root.google_id for root in roots if not root.keeps}
    cursor = replace(cursor, series=tuple(master for master in series if master not in deleted))
    return _next_page_or_phase(cursor, page, Apply(tuple(rows), tuple(roots)))


def _expanded(cursor: Cursor, page: Page) -> Step:
    """Handles a page of the occurrences of one recurring event; applies them after the last page."""
    master, *others = cursor.series
    rows = cursor.expanded + tuple(replace(row, master_id=master) for row in _read(cursor, page))
    if page.next_page is not None:
        return _ask(replace(cursor, page_token=page.next_page, expanded=rows))
    cursor = replace(cursor, page_token=None, series=tuple(others), expanded=())
    return _next_phase(cursor, Apply(rows, (Root(master, frozenset(row.google_id for row in rows)),)))


def _listed(cursor: Cursor, page: Page) -> Step:
    """Handles a page of a complete listing. In LISTING it takes only single events; WINDOW lists occurrences."""
    rows = _read(cursor, page)
    if cursor.phase is Phase.LISTING:
        lone = {str(event["id"]) for event in page.items if translate.series_of(event) is None}
        rows = tuple(row for row in rows if row.google_id in lone)
    return _next_page_or_phase(cursor, page, Apply(rows, generation=cursor.mark))


def _read(cursor: Cursor, page: Page) -> tuple[GoogleOccurrence, ...]:
    rows = (translate.occurrence_of(event, cursor.time_zone) for event in page.items)
    return tuple(row for row in rows if row is not None and row.ends_at > cursor.start.window.start)


def _next_page_or_phase(cursor: Cursor, page: Page, apply: Apply) -> Step:
    """Goes on to the next page, or to the next phase."""
    if page.next_page is not None:
        return _ask(replace(cursor, page_token=page.next_page), apply)
    token = cursor.sync_token if cursor.phase is Phase.WINDOW else page.next_sync_token or cursor.sync_token
    return _next_phase(replace(cursor, page_token=None, sync_token=token), apply)


def _next_phase(cursor: Cursor, apply: Apply) -> Step:
    """Goes on to the phase after the one that has just ended, or ends the run."""
    if len(cursor.series) > SERIES_AT_MOST:
        cursor = replace(cursor, series=(), window=True)
    if cursor.series:
        return _ask(replace(cursor, phase=Phase.SERIES), apply)
    if cursor.window and cursor.phase is not Phase.WINDOW:
        return _ask(replace(cursor, phase=Phase.WINDOW), apply)
    over = replace(cursor, phase=Phase.OVER)
    return over, (*_non_empty(apply), *_sweep(cursor), _finish(cursor))


def _sweep(cursor: Cursor) -> tuple[Sweep, ...]:
    """Returns the sweep of a run that read the window. Its range is a day narrower on each side than the listing's,
    since Google does not document how it compares all-day events with the bounds.
    """
    if not cursor.window:
        return ()
    window = cursor.start.window
    until = None if cursor.full else window.end - _MARGIN
    return (Sweep(cursor.mark, window.start + _MARGIN, until),)


def _finish(cursor: Cursor) -> Finish:
    return Finish(cursor.sync_token, cursor.start.version, cursor.time_zone, snapshot=cursor.window)


def _failed(cursor: Cursor, failure: Failure) -> Step:
    """Handles a failure: after an invalid token restarts with a full listing, once; skips a series that Google does not
    expand and reads the window instead; stops otherwise.
    """
    match cursor.phase, failure.kind:
        case Phase.SERIES, FailureKind.GONE:
            gone = Apply(roots=(Root(cursor.series[0]),))
            return _next_phase(replace(cursor, series=cursor.series[1:], expanded=(), page_token=None), gone)
        case Phase.SERIES, FailureKind.NOT_FOUND | FailureKind.PERMANENT | FailureKind.TOKEN_INVALID:
            # We guessed the series from an id, or it no longer recurs, or the calendar is lost; WINDOW shows which.
            skipped = replace(cursor, series=cursor.series[1:], expanded=(), page_token=None, window=True)
            return _next_phase(skipped, Apply())
        case _, FailureKind.TOKEN_INVALID | FailureKind.GONE:
            return _restart(cursor, failure)
        case _:
            return _stop(cursor, failure)


def _restart(cursor: Cursor, reason: Failure) -> Step:
    """Restarts with a full listing; stops with the failure if the run has restarted before."""
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
    return cursor, (*_non_empty(apply), _request(cursor))


def _non_empty(apply: Apply | None) -> tuple[Apply, ...]:
    return (apply,) if apply is not None and (apply.rows or apply.roots) else ()


def _request(cursor: Cursor) -> Fetch | FetchInstances:
    """Returns the cursor's request. A listing has `timeMin`; a request with a sync token may not have it."""
    start = cursor.start
    query = {"maxResults": _PAGE_ROWS, "maxAttendees": _ALL_ATTENDEES if start.attendees else "1"}
    if cursor.page_token is not None:
        query["pageToken"] = cursor.page_token
    if cursor.phase is Phase.CHANGES:
        assert cursor.sync_token is not None
        return Fetch({**query, "singleEvents": "false", "syncToken": cursor.sync_token})
    query["timeMin"] = _rfc3339(start.window.start)
    if cursor.phase is Phase.LISTING:
        return Fetch({**query, "singleEvents": "false"})
    query["timeMax"] = _rfc3339(start.window.end)
    if cursor.phase is Phase.SERIES:
        return FetchInstances(cursor.series[0], query)
    return Fetch({**query, "singleEvents": "true"})


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
