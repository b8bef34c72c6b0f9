"""One Google calendar in memory, as far as reading it goes: versions, tokens, pages, series and their exceptions.

For the properties of the pull, which need thousands of histories. Speaks Google's JSON and nothing of ours but the
replies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sync.google_api.replies import Failure, FailureKind, Page

START = datetime(2026, 6, 1, tzinfo=UTC)
EXPIRED = Failure(FailureKind.TOKEN_INVALID, "fullSyncRequired", "Sync token is no longer valid.")
DELETED = Failure(FailureKind.GONE, "deleted", "Resource has been deleted")
UNKNOWN = Failure(FailureKind.NOT_FOUND, "notFound", "Not Found")


@dataclass
class Entry:
    """A lone event (`count` 0) or a series of `count` occurrences; times are hours since START, lengths too.

    `moved` and `dropped` are its exceptions, by the number of the occurrence.
    """

    at: int
    length: int
    all_day: bool = False
    count: int = 0
    step: int = 24
    moved: dict[int, int] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)


@dataclass
class SmallGoogle:
    """The calendar. `sparse`: tombstones hold nothing but an id. `page_size` events at most come at once."""

    page_size: int
    sparse: bool
    time_zone: str = "Europe/Oslo"
    entries: dict[str, Entry] = field(default_factory=dict)
    _version: int = 0
    _oldest_token: int = 0
    _changed: dict[str, int] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)
    _listings: list[tuple[list[str], int]] = field(default_factory=list)

    def put(self, name: str, entry: Entry) -> None:
        self.entries[name] = entry
        self._gone.discard(name)
        self._forget_exceptions(name)
        self._touch(name)

    def delete(self, name: str) -> None:
        if self.entries.pop(name, None) is not None:
            self._gone.add(name)
            self._forget_exceptions(name)
            self._touch(name)

    def move(self, name: str, number: int, to: int) -> None:
        entry = self.entries.get(name)
        if entry is not None and number < entry.count and number not in entry.dropped:
            entry.moved[number] = to
            self._touch(_instance(name, entry, number))

    def drop(self, name: str, number: int) -> None:
        entry = self.entries.get(name)
        if entry is not None and number < entry.count:
            entry.moved.pop(number, None)
            entry.dropped.add(number)
            self._touch(_instance(name, entry, number))

    def expire_tokens(self) -> None:
        self._version += 1
        self._oldest_token = self._version

    def occurrences(self, since: datetime, until: datetime) -> dict[str, tuple[datetime, datetime]]:
        """What a person sees who looks at `[since, until)`."""
        return {name: span for name, span in self._all_occurrences().items() if span[1] > since and span[0] < until}

    def events(self, query: Mapping[str, str]) -> Page | Failure:
        """`events.list`. The ids of a listing are those of its first page; what they show is read page by page."""
        streaming = query["singleEvents"] == "false"
        if "pageToken" in query:
            number, at = (int(part) for part in query["pageToken"].split(":"))
            names, version = self._listings[number]
        else:
            found = self._matching(query)
            if isinstance(found, Failure):
                return found
            self._listings.append((found, self._version))
            number, at, names, version = len(self._listings) - 1, 0, found, self._version
        return self._page(names, number, at, str(version) if streaming else None, streaming)

    def instances(self, master: str, query: Mapping[str, str]) -> Page | Failure:
        """`events.instances`."""
        entry = self.entries.get(master)
        if entry is None:
            return DELETED if master in self._gone else UNKNOWN
        if not entry.count:
            return Failure(FailureKind.PERMANENT, "invalid", "Not a recurring event")
        if "pageToken" in query:
            number, at = (int(part) for part in query["pageToken"].split(":"))
            names = self._listings[number][0]
        else:
            shown = self.occurrences(_moment(query["timeMin"]), _moment(query["timeMax"]))
            names = [name for name in shown if name.startswith(f"{master}_")]
            self._listings.append((names, self._version))
            number, at = len(self._listings) - 1, 0
        return self._page(names, number, at, None, streaming=False)

    def _matching(self, query: Mapping[str, str]) -> list[str] | Failure:
        if "syncToken" in query:
            token = int(query["syncToken"])
            if token < self._oldest_token:
                return EXPIRED
            changed = sorted(self._changed.items(), key=lambda item: item[1])
            return [name for name, version in changed if version > token]
        since = _moment(query["timeMin"])
        if query["singleEvents"] == "true":
            return list(self.occurrences(since, _moment(query["timeMax"])))
        lasting = [name for name in self._changed if "_" not in name and self._ends(name, since)]
        return lasting + [name for name in self._changed if "_" in name]

    def _ends(self, name: str, since: datetime) -> bool:
        return any(
            span[1] > since
            for each, span in self._all_occurrences().items()
            if each == name or each.startswith(f"{name}_")
        )

    def _page(self, names: list[str], number: int, at: int, token: str | None, streaming: bool) -> Page:
        shown = [self._shown(name, streaming) for name in names[at : at + self.page_size]]
        last = at + self.page_size >= len(names)
        return Page(
            items=tuple(event for event in shown if event is not None),
            next_page=None if last else f"{number}:{at + self.page_size}",
            next_sync_token=token if last else None,
            time_zone=self.time_zone,
        )

    def _shown(self, name: str, streaming: bool) -> dict[str, Any] | None:
        """An event as it is now; in the token stream the deleted ones too."""
        master = name.split("_")[0]
        entry = self.entries.get(master)
        spans = self._all_occurrences()
        if name == master and entry is not None and entry.count:
            return {**self._written(name, entry, _at(entry.at), _at(entry.at + entry.length)), "recurrence": ["RRULE"]}
        if name in spans and entry is not None:
            event = self._written(name, entry, *spans[name])
            return event if name == master else {**event, "recurringEventId": master}
        if not streaming:
            return None
        exception = name != master and not self.sparse
        return {"id": name, "status": "cancelled"} | ({"recurringEventId": master} if exception else {})

    def _written(self, name: str, entry: Entry, starts: datetime, ends: datetime) -> dict[str, Any]:
        if entry.all_day:
            days = [_at(entry.at).date(), _at(entry.at).date() + timedelta(days=1)]
            return {"id": name, "start": {"date": str(days[0])}, "end": {"date": str(days[1])}}
        spelled = [{"dateTime": moment.astimezone(ZoneInfo(self.time_zone)).isoformat()} for moment in (starts, ends)]
        return {"id": name, "start": spelled[0], "end": spelled[1]}

    def _all_occurrences(self) -> dict[str, tuple[datetime, datetime]]:
        spans: dict[str, tuple[datetime, datetime]] = {}
        for name, entry in self.entries.items():
            if entry.all_day:
                first = _at(entry.at).replace(hour=0, tzinfo=ZoneInfo(self.time_zone))
                spans[name] = (first.astimezone(UTC), (first + timedelta(days=1)).astimezone(UTC))
            elif not entry.count:
                spans[name] = (_at(entry.at), _at(entry.at + entry.length))
            for number in set(range(entry.count)) - entry.dropped:
                at = entry.moved.get(number, entry.at + number * entry.step)
                spans[_instance(name, entry, number)] = (_at(at), _at(at + entry.length))
        return spans

    def _forget_exceptions(self, name: str) -> None:
        for each in [each for each in self._changed if each.startswith(f"{name}_")]:
            del self._changed[each]

    def _touch(self, name: str) -> None:
        self._version += 1
        self._changed[name] = self._version


def _at(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def _instance(name: str, entry: Entry, number: int) -> str:
    return f"{name}_{_at(entry.at + number * entry.step):%Y%m%dT%H%M%SZ}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
