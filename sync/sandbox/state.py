"""The whole state of the sandbox, in memory, and the verbs that change it.

Owns accounts, calendars, grants, channels and faults, and the one clock they share. The HTTP doors and tests
in the same process both drive this; after every change it tells the channels.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from copy import deepcopy
from datetime import UTC, datetime

from sync.sandbox.accounts.accounts import DEMO_CLIENT, Account, OAuthClient, checked_email, subject_of
from sync.sandbox.accounts.grants import Grants
from sync.sandbox.calendars.calendars import Calendar, Role, Share
from sync.sandbox.calendars.channels import Channels
from sync.sandbox.errors import GoogleError, duplicate, not_found
from sync.sandbox.events.events import merged
from sync.sandbox.events.moments import Resource, known_zone
from sync.sandbox.faults import Faults


def utc_now() -> datetime:
    return datetime.now(UTC)


class SandboxGoogle:
    """A Google of its own.

    `clients`: the registered applications. `now`: the clock of everything in here. `time_zone`: of calendars
    nobody named a zone for. `refresh_seconds`: refresh tokens end after so long (Testing mode; None: never).
    `page_cap`: no page of a list is longer, whatever was asked (§1.1); change it at any time.
    """

    def __init__(
        self,
        *,
        clients: Iterable[OAuthClient] = (DEMO_CLIENT,),
        now: Callable[[], datetime] = utc_now,
        time_zone: str = "Europe/Oslo",
        refresh_seconds: int | None = None,
    ) -> None:
        self.now = now
        self.time_zone = time_zone
        self.clients = {client.client_id: client for client in clients}
        self.accounts: dict[str, Account] = {}
        self.calendars: dict[str, Calendar] = {}
        self.page_cap: int | None = None
        self.faults = Faults()
        self.grants = Grants(now, refresh_seconds)
        self.channels = Channels(now, self.faults)

    def seed_demo(self) -> None:
        """Anna and Ben, a second calendar of Anna's, and a workshop calendar they share. No events."""
        self.add_account("anna@example.com", "Anna")
        self.add_account("ben@example.com", "Ben")
        self.add_calendar("Courses", "anna@example.com", calendar_id="courses@group.calendar.google.com")
        workshop = self.add_calendar("Workshop", "anna@example.com", calendar_id="workshop@group.calendar.google.com")
        self.share(workshop.id, "ben@example.com", Role.WRITER)

    # People and their calendars

    def add_account(self, email: str, name: str | None = None, *, time_zone: str | None = None) -> Account:
        """A new identity with its primary calendar, whose id is the mail address; 409 if it exists."""
        email = checked_email(email)
        if email in self.accounts:
            raise duplicate()
        account = Account(email, subject_of(email), name or email.partition("@")[0].title())
        self.accounts[email] = account
        self.add_calendar(email, email, calendar_id=email, time_zone=time_zone)
        return account

    def account(self, email: str) -> Account:
        """The account of this address; 404 if there is none."""
        account = self.accounts.get(email.strip().lower())
        if account is None:
            raise not_found()
        return account

    def add_calendar(
        self,
        summary: str,
        owner: str,
        *,
        calendar_id: str | None = None,
        time_zone: str | None = None,
        watchable: bool = True,
    ) -> Calendar:
        """A new, empty calendar."""
        calendar_id = calendar_id or f"c_{secrets.token_hex(16)}@group.calendar.google.com"
        if calendar_id in self.calendars:
            raise duplicate()
        zone = known_zone(time_zone or self.time_zone, "calendar")
        owner = self.account(owner).email
        calendar = Calendar(calendar_id, summary, zone, owner, {owner: Share(Role.OWNER)}, watchable=watchable)
        self.calendars[calendar_id] = calendar
        return calendar

    def calendar(self, calendar_id: str) -> Calendar:
        """The calendar of this id, whoever asks; 404 if there is none."""
        if calendar_id not in self.calendars:
            raise not_found()
        return self.calendars[calendar_id]

    def calendars_of(self, email: str) -> list[Calendar]:
        """What is in the account's list: the primary calendar first, then in the order they came."""
        mine = [calendar for calendar in self.calendars.values() if calendar.role_of(email) is not None]
        return sorted(mine, key=lambda calendar: calendar.id != email)

    def share(self, calendar_id: str, email: str, role: Role | str | None) -> None:
        """Give an account a role, change it, or take the calendar away (None)."""
        self.calendar(calendar_id).share(self.account(email).email, Role(role) if role is not None else None)

    def unsubscribe(self, calendar_id: str, email: str) -> None:
        """The account takes a calendar off its list; what it may do with it stays."""
        self.calendar(calendar_id).shares[self.account(email).email].listed = False

    def remove_calendar(self, calendar_id: str) -> None:
        """The calendar vanishes for everybody."""
        self.calendar(calendar_id)
        del self.calendars[calendar_id]

    def invalidate_sync_tokens(self, calendar_id: str) -> None:
        """Every sync token of the calendar answers 410 from now on (§1.7)."""
        self.calendar(calendar_id).forget_sync_tokens()

    def revoke(self, email: str, client_id: str | None = None) -> None:
        """The person takes back what applications (or one of them) were granted."""
        self.grants.revoke_account(self.account(email).email, client_id)

    # Events

    def events(self, calendar_id: str) -> list[Resource]:
        """Every event that is not cancelled, whole, in the order they came: masters and exceptions."""
        rows = self.calendar(calendar_id).events.values()
        return [deepcopy(stored.resource) for stored in rows if not stored.cancelled]

    def event(self, calendar_id: str, event_id: str) -> Resource:
        """One event, a cancelled one too; 404 if the id was never used."""
        return deepcopy(self.calendar(calendar_id).get(event_id))

    def insert_event(self, calendar_id: str, body: Resource, *, by: str | None = None, person: bool = True) -> Resource:
        """Add an event in somebody's name (default: the owner's). `person`: with the rights of Google's own
        apps, which may do what the API cannot."""
        calendar = self.calendar(calendar_id)
        return self._told(calendar, calendar.insert(body, by or calendar.owner, self.now(), person=person))

    def replace_event(self, calendar_id: str, event_id: str, body: Resource, *, person: bool = True) -> Resource:
        """Write the whole event anew; a cancelled one comes back."""
        calendar = self.calendar(calendar_id)
        return self._told(calendar, calendar.replace(event_id, body, self.now(), person=person))

    def edit_event(self, calendar_id: str, event_id: str, changes: Resource, *, person: bool = True) -> Resource:
        """Change some fields; None deletes one. `start` and `end` are taken whole, so that a timed event can
        become an all-day one."""
        before = self.calendar(calendar_id).get(event_id)
        body = merged({name: value for name, value in before.items() if name != "sequence"}, changes)
        for name in ("start", "end"):
            if isinstance(changes.get(name), dict) and person:
                body[name] = changes[name]
        return self.replace_event(calendar_id, event_id, body, person=person)

    def delete_event(self, calendar_id: str, event_id: str) -> None:
        """Cancel an event, a series, or one instance of a series; 410 if that was done before."""
        calendar = self.calendar(calendar_id)
        calendar.remove(event_id, self.now())
        self.channels.ring(calendar_id)

    def copy_event(self, calendar_id: str, event_id: str, *, by: str | None = None) -> Resource:
        """ "Duplicate": a new id, everything else the same, private properties included (§8.3)."""
        body = {
            name: value
            for name, value in self.event(calendar_id, event_id).items()
            if name not in ("id", "iCalUID", "sequence", "organizer")
        }
        return self.insert_event(calendar_id, body, by=by)

    def transfer_event(self, calendar_id: str, event_id: str, to: str) -> Resource:
        """Move an event to another calendar; a cancelled one stays behind (§1.6)."""
        body = self.event(calendar_id, event_id)
        self.calendar(to)
        self.delete_event(calendar_id, event_id)
        organizer = {"organizer": {"email": to}}
        kept = {name: value for name, value in body.items() if name not in ("iCalUID", "sequence")}
        try:
            return self.insert_event(to, kept | organizer)
        except GoogleError as error:
            if error.reason != "duplicate":
                raise
            return self.replace_event(to, event_id, kept | organizer)

    def purge_deleted(self, calendar_id: str) -> None:
        """Cancelled events vanish for good; their ids are free again (§3.3)."""
        self.calendar(calendar_id).purge_deleted()

    async def close(self) -> None:
        """Drop what is under way and the connections it used."""
        self.faults.clear()
        await self.channels.close()

    def _told(self, calendar: Calendar, event: Resource) -> Resource:
        self.channels.ring(calendar.id)
        return deepcopy(event)
