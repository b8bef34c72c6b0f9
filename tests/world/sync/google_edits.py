"""What people do in Google while Timebok looks elsewhere: to their own events, and to those that stand for bookings.

Remembers what is theirs, so that anybody else's hand on it shows. Reads the sandbox, never our database.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sync.sandbox.calendars.calendars import Calendar
from sync.sandbox.events.instances import master_of
from sync.sandbox.events.moments import Resource, Window, span
from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import BEN
from tests.world.dice import Dice

Place = tuple[str, str]
"""A calendar and an event in it, by Google's ids."""

DAYS_AHEAD = 6
PATIENCE = 8
"""So often at most people meddle with one of ours: Timebok gives up on an event that is changed more than ten times."""

_TITLES = ("Anna", "ben and carl", "Carl", "Lunch", "anna is away", None)
_LENGTHS = (timedelta(0), *3 * (timedelta(minutes=45),), *2 * (timedelta(hours=2),), timedelta(hours=26))
_RULES = ("RRULE:FREQ=DAILY", "RRULE:FREQ=DAILY;COUNT=4", "RRULE:FREQ=DAILY;INTERVAL=2", "RRULE:FREQ=WEEKLY")


class People:
    """Everybody who has a calendar here."""

    def __init__(self, google: SandboxGoogle, now: Callable[[], datetime]) -> None:
        self._google = google
        self._now = now
        self._made: set[Place] = set()
        self._meddled: Counter[Place] = Counter()
        self._left: dict[Place, Resource] = {}

    def is_theirs(self, calendar: Calendar, event_id: str) -> bool:
        """Whether a person made it, or the series it belongs to; else we did."""
        return (calendar.id, event_id) in self._made or (calendar.id, master_of(event_id)) in self._made

    def touched(self) -> list[Place]:
        """Which of their events are not as they left them."""
        now = self._as_it_is()
        return sorted(each for each in now.keys() | self._left.keys() if now.get(each) != self._left.get(each))

    def add(self, dice: Dice) -> str:
        calendar = self._calendar(dice)
        body = self._body(dice, calendar)
        if dice.random() < 0.3:
            body["recurrence"] = [dice.choice(_RULES)]
        return self._made_one(calendar, self._google.insert_event(calendar.id, body))

    def edit(self, dice: Dice) -> str | None:
        """Another time, another title, other marks: whatever the event said before."""
        if (found := self._one_of(dice, self._their_roots)) is None:
            return None
        calendar, before = found
        body = self._body(dice, calendar)
        body.pop("eventType", None)
        if before["eventType"] in ("workingLocation", "birthday", "outOfOffice"):
            body = {"summary": body.get("summary")}
        cleared = dict.fromkeys(("transparency", "visibility", "attendees", "colorId", "location"))
        self._google.edit_event(calendar.id, before["id"], body if len(body) == 1 else {**cleared, **body})
        return self._done(f"edit {before['id']} in {calendar.id}: {body}")

    def delete(self, dice: Dice) -> str | None:
        if (found := self._one_of(dice, self._their_roots)) is None:
            return None
        calendar, before = found
        self._google.delete_event(calendar.id, before["id"])
        return self._done(f"delete {before['id']} in {calendar.id}")

    def recur(self, dice: Dice) -> str | None:
        """An event is made recurring, or no longer is."""
        if (found := self._one_of(dice, self._their_roots)) is None:
            return None
        calendar, before = found
        rule = None if "recurrence" in before else [dice.choice(_RULES)]
        self._google.edit_event(calendar.id, before["id"], {"recurrence": rule})
        return self._done(f"recur {before['id']} in {calendar.id}: {rule}")

    def change_instance(self, dice: Dice) -> str | None:
        """One occurrence of a series is moved, renamed or deleted."""
        if (found := self._one_of(dice, self._their_series)) is None:
            return None
        calendar, master = found
        window = Window(self._now(), self._now() + DAYS_AHEAD * timedelta(days=1))
        if not (rows := calendar.instances(master, window)):
            return None
        row = dice.choice(rows)
        if dice.random() < 0.4:
            self._google.delete_event(calendar.id, row["id"])
            return self._done(f"delete instance {row['id']} in {calendar.id}")
        changes: Resource = dice.choice([{"summary": "Carl"}, {"transparency": "transparent"}, self._times(dice)])
        if master["eventType"] != "default":
            changes = {"summary": "Carl"}
        elif "start" in changes and ("date" in changes["start"]) is not ("date" in row["start"]):
            changes = {"summary": "Ben"}
        self._google.edit_event(calendar.id, row["id"], changes)
        return self._done(f"change instance {row['id']} in {calendar.id}: {changes}")

    def copy(self, dice: Dice) -> str | None:
        return self._copy(self._one_of(dice, self._their_roots))

    def take_elsewhere(self, dice: Dice) -> str | None:
        """An event is moved to another calendar, id and all."""
        if (found := self._one_of(dice, self._their_roots)) is None:
            return None
        calendar, before = found
        to = self._calendar(dice)
        if to.id == calendar.id or before["eventType"] != "default":
            return None
        moved = self._google.transfer_event(calendar.id, before["id"], to.id)
        return f"move {before['id']} from {calendar.id}: {self._made_one(to, moved)}"

    def edit_ours(self, dice: Dice) -> str | None:
        if (found := self._meddle(dice)) is None:
            return None
        calendar, before = found
        changes: Resource = dice.choice(
            [{"summary": "Ours no more"}, {"transparency": "transparent"}, {"description": None}, self._times(dice)]
        )
        self._google.edit_event(calendar.id, before["id"], changes)
        return self._done(f"edit ours {before['id']} in {calendar.id}: {changes}")

    def delete_ours(self, dice: Dice) -> str | None:
        if (found := self._meddle(dice)) is None:
            return None
        calendar, before = found
        self._google.delete_event(calendar.id, before["id"])
        return self._done(f"delete ours {before['id']} in {calendar.id}")

    def recur_ours(self, dice: Dice) -> str | None:
        """A booking's event is made recurring, and perhaps one occurrence changed on top of it."""
        if (found := self._meddle(dice)) is None:
            return None
        calendar, before = found
        rule = dice.choice(_RULES[:2])
        master = self._google.edit_event(calendar.id, before["id"], {"recurrence": [rule]})
        rows = calendar.instances(master, Window(None, self._now() + DAYS_AHEAD * timedelta(days=1)))
        if rows and dice.random() < 0.5:
            self._google.edit_event(calendar.id, rows[-1]["id"], {"summary": "Carl"})
        return self._done(f"recur ours {before['id']} in {calendar.id}: {rule}")

    def copy_ours(self, dice: Dice) -> str | None:
        """ "Duplicate" copies our private properties too; the copy is a person's event all the same."""
        return self._copy(self._one_of(dice, self.ours))

    def forget_deleted(self, calendar_id: str) -> None:
        """What was deleted vanishes for good, as it does in the end."""
        self._google.purge_deleted(calendar_id)
        self._left = self._as_it_is()

    def ours(self) -> Iterator[tuple[Calendar, Resource]]:
        """Every event that is there and that no person made."""
        for calendar in self._google.calendars.values():
            for stored in calendar.events.values():
                if not stored.cancelled and not self.is_theirs(calendar, stored.resource["id"]):
                    yield calendar, stored.resource

    def _their_roots(self) -> Iterator[tuple[Calendar, Resource]]:
        for calendar in self._google.calendars.values():
            for stored in calendar.events.values():
                lone = "recurringEventId" not in stored.resource
                if lone and not stored.cancelled and (calendar.id, stored.resource["id"]) in self._made:
                    yield calendar, stored.resource

    def _their_series(self) -> Iterator[tuple[Calendar, Resource]]:
        return ((calendar, event) for calendar, event in self._their_roots() if "recurrence" in event)

    def _ours_to_meddle_with(self) -> Iterator[tuple[Calendar, Resource]]:
        for calendar, event in self.ours():
            fresh = self._meddled[calendar.id, event["id"]] < PATIENCE
            if fresh and "recurringEventId" not in event and span(event, calendar.time_zone)[1] > self._now():
                yield calendar, event

    def _meddle(self, dice: Dice) -> tuple[Calendar, Resource] | None:
        if (found := self._one_of(dice, self._ours_to_meddle_with)) is not None:
            self._meddled[found[0].id, found[1]["id"]] += 1
        return found

    def _copy(self, found: tuple[Calendar, Resource] | None) -> str | None:
        if found is None:
            return None
        calendar, before = found
        return f"copy of {before['id']}: {self._made_one(calendar, self._google.copy_event(calendar.id, before['id']))}"

    def _made_one(self, calendar: Calendar, event: Resource) -> str:
        self._made.add((calendar.id, event["id"]))
        shown = {key: event[key] for key in ("id", "summary", "start", "end", "recurrence") if key in event}
        return self._done(f"add to {calendar.id}: {shown}")

    def _done(self, deed: str) -> str:
        self._left = self._as_it_is()
        return deed

    def _as_it_is(self) -> dict[Place, Resource]:
        return {
            (calendar.id, event_id): stored.resource
            for calendar in self._google.calendars.values()
            for event_id, stored in calendar.events.items()
            if self.is_theirs(calendar, event_id)
        }

    def _calendar(self, dice: Dice) -> Calendar:
        return self._google.calendars[dice.choice(sorted(self._google.calendars))]

    @staticmethod
    def _one_of(
        dice: Dice, among: Callable[[], Iterator[tuple[Calendar, Resource]]]
    ) -> tuple[Calendar, Resource] | None:
        return dice.one_of(sorted(among(), key=lambda each: str(each[1]["updated"])))

    def _times(self, dice: Dice) -> Resource:
        """In the next days; on whole dates now and then."""
        start = self._now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=dice.randrange(-3, 140))
        if dice.random() < 0.15:
            day = start.date()
            last = day + timedelta(days=dice.randint(1, 2))
            return {"start": {"date": day.isoformat()}, "end": {"date": last.isoformat()}}
        end = start + dice.choice(_LENGTHS)
        zone = "Europe/Oslo"
        return {
            "start": {"dateTime": start.isoformat(), "timeZone": zone},
            "end": {"dateTime": end.isoformat(), "timeZone": zone},
        }

    def _body(self, dice: Dice, calendar: Calendar) -> Resource:
        body: Resource = {"summary": dice.choice(_TITLES), **self._times(dice)}
        if dice.random() < 0.1 and "date" in body["start"]:
            return {**body, "eventType": "birthday"}
        marks: list[Resource] = [
            {"transparency": "transparent"},
            {"visibility": "private"},
            {"attendees": [{"email": calendar.id, "responseStatus": "declined"}, {"email": BEN}]},
            {"attendees": [{"email": calendar.id, "responseStatus": "accepted"}, {"email": BEN}]},
            {"colorId": "5"},
            {"location": "the red room"},
            {"status": "tentative"},
        ]
        if calendar.primary:
            marks.append({"eventType": "workingLocation", "transparency": "transparent", "visibility": "public"})
        return {**body, **dice.choice(marks)} if dice.random() < 0.5 else body
