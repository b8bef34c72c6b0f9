"""A calendar: who may see it, the events in it, and what changed when.

Owns the stored rows and every write to them. Every write raises the calendar's version, which is what sync
tokens count in. Decides nothing about who is asking: that is the door's business.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sync.sandbox.errors import deleted, duplicate, invalid, not_found
from sync.sandbox.events.events import checked_event_id, new_event_id, written_content
from sync.sandbox.events.instances import has_instance, instance_at, instances_of, master_of
from sync.sandbox.events.moments import Resource, Window, read_moment, span, timestamp

_IDENTITY = (
    "kind",
    "id",
    "htmlLink",
    "created",
    "creator",
    "organizer",
    "iCalUID",
    "sequence",
    "recurringEventId",
    "originalStartTime",
)
"""Fields no update changes."""


class Role(StrEnum):
    """What an account may do with a calendar, least first (§5.8)."""

    FREE_BUSY_READER = "freeBusyReader"
    READER = "reader"
    WRITER_WITHOUT_PRIVATE_ACCESS = "writerWithoutPrivateAccess"
    WRITER = "writer"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    @property
    def may_write(self) -> bool:
        return self.rank >= Role.WRITER_WITHOUT_PRIVATE_ACCESS.rank

    @property
    def sees_private(self) -> bool:
        return self.rank >= Role.WRITER.rank


@dataclass(slots=True)
class Share:
    """One account's rights on a calendar, and its entry in the account's list, unless it was taken off that."""

    role: Role
    summary_override: str | None = None
    hidden: bool = False
    listed: bool = True


@dataclass(slots=True)
class StoredEvent:
    """A row as it is now. `born` orders full lists, `version` incremental ones.

    `reset`: once an exception of a series whose rule no longer gives it; only its tombstone is left.
    """

    resource: Resource
    born: int
    version: int
    reset: bool = False

    @property
    def cancelled(self) -> bool:
        return bool(self.resource["status"] == "cancelled")


@dataclass(slots=True)
class Calendar:
    """`watchable`: push channels are granted. `bare_tombstones`: a cancelled instance comes as `{id, status}`
    alone, as Google has been seen to send it (§1.6)."""

    id: str
    summary: str
    time_zone: str
    owner: str
    shares: dict[str, Share]
    watchable: bool = True
    bare_tombstones: bool = False
    version: int = 0
    events: dict[str, StoredEvent] = field(default_factory=dict)
    epochs: Counter[str] = field(default_factory=Counter)
    first_epoch: int = field(default_factory=lambda: secrets.randbelow(10**9))
    _exceptions: dict[str, dict[str, StoredEvent]] = field(default_factory=dict)

    @property
    def primary(self) -> bool:
        return self.id == self.owner

    def role_of(self, email: str) -> Role | None:
        share = self.shares.get(email)
        return share.role if share else None

    def share(self, email: str, role: Role | None) -> None:
        """Change what an account may do; its sync tokens die with the old rights (§1.7)."""
        if role is None:
            self.shares.pop(email, None)
        elif email in self.shares:
            self.shares[email].role = role
        else:
            self.shares[email] = Share(role)
        self.epochs[email] += 1

    def epoch_of(self, email: str) -> int:
        """What an account's sync tokens have to say; never what they said before the sandbox was started anew."""
        return self.first_epoch + self.epochs[email]

    def forget_sync_tokens(self) -> None:
        """Every token given out so far answers 410 from now on (§1.7)."""
        for email in self.shares:
            self.epochs[email] += 1

    def get(self, event_id: str) -> Resource:
        """The event, cancelled ones included, instances made up where the rule gives them; 404 otherwise."""
        stored = self.events.get(event_id)
        if stored is not None and not stored.reset:
            return stored.resource
        master = self.events.get(master_of(event_id) or "")
        if master is not None and not master.cancelled:
            made_up = instance_at(master.resource, event_id, self.time_zone)
            if made_up is not None:
                return made_up
        if stored is not None:
            return stored.resource
        raise not_found()

    def insert(self, body: Resource, author: str, now: datetime, *, person: bool = False) -> Resource:
        """Add an event; 409 if a client's id was ever used, by a deleted event too (§3.2, §3.3)."""
        if body.get("id") is not None and body.get("iCalUID") is not None:
            raise invalid("Only one of id and iCalUID may be given.")
        event_id = checked_event_id(body["id"]) if body.get("id") is not None else new_event_id()
        if event_id in self.events:
            raise duplicate()
        content = written_content(body, calendar_zone=self.time_zone, primary=self.primary, person=person)
        eid = urlsafe_b64encode(f"{event_id} {self.id}".encode()).decode().rstrip("=")
        identity = {
            "kind": "calendar#event",
            "id": event_id,
            "htmlLink": f"https://www.google.com/calendar/event?eid={eid}",
            "created": timestamp(now),
            "creator": {"email": author},
            "organizer": {"email": self.id},
            "iCalUID": body.get("iCalUID") or f"{event_id}@google.com",
            "sequence": 0,
        }
        return self._store(identity | content, now)

    def replace(self, event_id: str, body: Resource, now: datetime, *, person: bool = False) -> Resource:
        """PUT: the body is the whole event; a cancelled one comes back unless the body says otherwise (§3.3)."""
        before = self.get(event_id)
        content = written_content(
            {"eventType": before["eventType"]} | body,
            calendar_zone=self.time_zone,
            primary=self.primary,
            person=person,
        )
        if content["eventType"] != before["eventType"]:
            raise invalid("The type of an event cannot be changed.", "eventType")
        sequence = body.get("sequence")
        if isinstance(sequence, int) and sequence < before["sequence"]:
            raise invalid("Invalid sequence value.", "sequence")
        if "recurringEventId" in before:
            content.pop("recurrence", None)
        identity = {name: before[name] for name in _IDENTITY if name in before}
        after = identity | content
        if any(after.get(name) != before.get(name) for name in ("start", "end", "recurrence", "status")):
            after["sequence"] = before["sequence"] + 1
        stored = self._store(after, now)
        self._reset_exceptions(stored, now)
        return stored

    def remove(self, event_id: str, now: datetime) -> None:
        """Delete: the row stays as a cancelled one, its id stays taken; 410 the second time (§3.6)."""
        before = self.get(event_id)
        if before["status"] == "cancelled":
            raise deleted()
        stored = self._store(before | {"status": "cancelled"}, now)
        self._reset_exceptions(stored, now)

    def purge_deleted(self) -> None:
        """Cancelled rows vanish in the end; their ids are free again (§3.3). Exceptions live with the master."""
        gone = [
            event_id
            for event_id, stored in self.events.items()
            if stored.cancelled and (stored.reset or "recurringEventId" not in stored.resource)
        ]
        for event_id in gone:
            del self.events[event_id]

    def instances(self, master: Resource, window: Window, *, deleted_too: bool = False) -> list[Resource]:
        """A series as single rows: the rule's, with the exceptions in their place."""
        exceptions = self._exceptions.get(master["id"], {})
        rows: list[Resource] = []
        if "recurrence" in master and master["status"] != "cancelled":
            made_up = instances_of(master, self.time_zone, window)
            rows = [row for row in made_up if row["id"] not in exceptions]
        for stored in exceptions.values():
            if not stored.cancelled:
                if window.touches(*span(stored.resource, self.time_zone)):
                    rows.append(stored.resource)
            elif deleted_too and self.original_touches(stored.resource, window):
                rows.append(stored.resource)
        return sorted(rows, key=lambda row: span(row, self.time_zone))

    def original_touches(self, exception: Resource, window: Window) -> bool:
        """Would the instance lie in the window if nobody had moved or cancelled it?"""
        start = read_moment(exception, "originalStartTime", self.time_zone).at(self.time_zone)
        begins, ends = span(exception, self.time_zone)
        return window.touches(start, start + (ends - begins))

    def _store(self, resource: Resource, now: datetime) -> Resource:
        self.version += 1
        event_id = resource["id"]
        etag = f'"{3_000_000_000_000_000 + self.version * 2}"'
        resource = resource | {"etag": etag, "updated": timestamp(now)}
        before = self.events.get(event_id)
        stored = StoredEvent(resource, before.born if before else self.version, self.version)
        self.events[event_id] = stored
        if "recurringEventId" in resource:
            self._exceptions.setdefault(resource["recurringEventId"], {})[event_id] = stored
        return resource

    def _reset_exceptions(self, master: Resource, now: datetime) -> None:
        """Exceptions the rule no longer gives are dropped; those of a deleted series go without a row of
        their own, for a series is deleted with one row (§1.5, §1.6)."""
        kept = self._exceptions.get(master["id"], {})
        for event_id, stored in list(kept.items()):
            if master["status"] == "cancelled":
                stored.resource = stored.resource | {"status": "cancelled"}
            elif has_instance(master, event_id, self.time_zone):
                continue
            else:
                self._store(stored.resource | {"status": "cancelled"}, now)
            self.events[event_id].reset = True
            del kept[event_id]
