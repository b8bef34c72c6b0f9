"""A business whose options share Google's calendars, and what its staff does, through the real verbs.

The clock is the town's own: it goes on a little with every look at it, and otherwise only when told.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from models.actions import change_booking, create_booking
from models.actions.change_option import change_option
from models.actions.change_service import change_service
from models.actions.create_booking import BookingRequest
from models.api_key import Caller
from models.bookings.booking import Booking
from models.enums import BookingStatus
from models.google.tables import GoogleAccount
from models.refusals import Refused
from sync.sandbox.calendars.calendars import Role
from sync.service import Connection
from tests.sync.sandbox.sandbox_client import ANNA, BEN, WORKSHOP
from tests.sync.sync_stack import Floor
from tests.world.dice import Dice
from tests.world.sync.faults import NetworkFaults
from tests.world.sync.google_edits import People
from tests.world.sync.workers import Workers

BEGIN = datetime(2030, 3, 25, 7, tzinfo=UTC)
"""A Monday morning; at the end of the week the clocks in Oslo go forward."""

DAYS = 12
"""How far ahead calendars are followed."""

COURSES = "courses@group.calendar.google.com"
CALENDARS = {ANNA: (ANNA, COURSES, WORKSHOP), BEN: (BEN, WORKSHOP)}
"""Who sees which calendars."""

_TEXTS = (
    "{service_name} {customer_name}",
    "{option_name}: {booking_reference}",
    "Busy with {customer_name}",
    "{customer_name} at {business_name} ({option_name})",
)


class Clock:
    """The town's time."""

    def __init__(self) -> None:
        self.time = BEGIN

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def turn(self, by: timedelta) -> None:
        self.time += by

    async def wait(self, seconds: float) -> None:
        """Nobody really waits in this town: somebody's waiting makes it later for everybody."""
        self.turn(timedelta(seconds=seconds))
        await asyncio.sleep(0)


@dataclass
class SyncModel:
    """One business, Google beside it with everybody in it, and who keeps the two in step."""

    floor: Floor
    clock: Clock
    people: People
    weather: NetworkFaults
    crew: Workers
    staff: Caller
    service_id: UUID
    options: dict[str, UUID]
    complaints: list[str] = field(default_factory=list)
    """Faults of ours that the log tells of."""

    revoked: set[str] = field(default_factory=set)
    """Who took their grant back and did not sign in since."""

    doubtful: set[str] = field(default_factory=set)
    """Who may have to sign in again: the grant was taken back, or the account disconnected, at some time."""

    kept: set[tuple[str, str]] = field(default_factory=set)
    """Whose event may stay in a calendar, since an option was unlinked so: by (calendar, booking)."""

    abandoned: dict[str, str] = field(default_factory=dict)
    """In which calendar an option left its events behind, by its name."""

    left: set[tuple[str, str]] = field(default_factory=set)
    """Whose event may stay in a calendar, as anybody's, since nobody could remove it: by (calendar, booking)."""

    @property
    def business_id(self) -> UUID:
        return self.floor.business_id

    async def connections(self) -> dict[UUID, Connection]:
        """What every client sees of the ties to Google."""
        return dict(await self.floor.door.connections(self.business_id, self.options.values()))

    async def book(self, dice: Dice) -> str | None:
        name, start = dice.choice(list(self.options)), self._start(dice)
        customer = dice.choice(["Kari", "Ola Nordmann", "Åse"])
        wish = BookingRequest(
            customer, None, None, None, self.service_id, self.options[name], start, None, override_rules=True
        )
        answer = await create_booking.create(self.staff, wish, once=None, google_days=DAYS)
        return None if isinstance(answer, Refused) else f"book {answer} with {name} at {start}"

    async def move(self, dice: Dice) -> str | None:
        return await self._move(dice, await self._booking(dice), None)

    async def move_to_another(self, dice: Dice) -> str | None:
        return await self._move(dice, await self._booking(dice), dice.choice(list(self.options.values())))

    async def move_there_and_back(self, dice: Dice) -> str | None:
        """A booking goes to another option, and back once Google shows it there."""
        if (booking := await self._booking(dice)) is None:
            return None
        home = (await Booking.get(id=booking)).option_id
        away = dice.choice([each for each in self.options.values() if each != home])
        await self.crew.settle(together=False)
        there = await self._move(dice, booking, away)
        await self.pass_time(timedelta(minutes=13))
        await self.crew.settle(together=False)
        back = await self._move(dice, booking, home)
        return f"{there}; {back}" if there and back else None

    async def cancel(self, dice: Dice) -> str | None:
        if (booking := await self._booking(dice)) is None:
            return None
        answer = await change_booking.cancel(self.staff, booking)
        return None if isinstance(answer, Refused) else f"cancel {booking}"

    async def change_templates(self, dice: Dice) -> str | None:
        texts = {f"{part}_template": dice.choice(_TEXTS) for part in ("title", "description", "location")}
        assert await self.floor.door.save_wording(self.business_id, texts) is None
        return f"templates {texts}"

    async def rename_service(self, dice: Dice) -> str:
        name = dice.choice(["Trim", "Cut & dry", "Cut <b>short</b>"])
        assert await change_service(self.business_id, self.service_id, {"name": name}) == self.service_id
        return f"the service is called {name}"

    async def rename_option(self, dice: Dice) -> str:
        """Its name here, or its zone: people in Google know it by the old name."""
        option_id = self.options[dice.choice(list(self.options))]
        values = dice.choice([{"name": "Maria"}, {"name": "Nils & co"}, {"time_zone": "Asia/Tokyo"}])
        assert await change_option(self.business_id, option_id, values) == option_id
        return f"option {option_id}: {values}"

    async def take_access(self, dice: Dice) -> str:
        """Anna no longer lets Ben write to the workshop's calendar, or see it."""
        role = dice.choice([None, Role.READER])
        if await GoogleAccount.filter(email=BEN, leaving_at__isnull=False).exists():
            await self.give_up(BEN)
        self.floor.sandbox.share(WORKSHOP, BEN, role)
        return f"{BEN} is {role or 'a stranger'} in {WORKSHOP}"

    def give_access(self) -> str | None:
        """Ben may write again, if he might not."""
        if self.has_access:
            return None
        self.floor.sandbox.share(WORKSHOP, BEN, Role.WRITER)
        return f"{BEN} may write to {WORKSHOP}"

    @property
    def has_access(self) -> bool:
        return self.floor.sandbox.calendars[WORKSHOP].role_of(BEN) is Role.WRITER

    async def give_up(self, email: str) -> None:
        """Who leaves with a dead grant, or while Google is away for a day, leaves our events behind."""
        bookings = await Booking.filter(business_id=self.business_id).values("id")
        self.left |= {(calendar, str(row["id"])) for row in bookings for calendar in CALENDARS[email]}

    async def pass_time(self, by: timedelta) -> None:
        """Nobody waits a day for Google to let an account go."""
        for account in await GoogleAccount.filter(leaving_at__isnull=False):
            if self.clock.time + by - (account.leaving_at or self.clock.time) > timedelta(hours=20):
                await self.give_up(account.email)
        self.clock.turn(by)

    async def _move(self, dice: Dice, booking: UUID | None, option_id: UUID | None) -> str | None:
        if booking is None:
            return None
        start = self._start(dice)
        answer = await change_booking.reschedule(
            self.staff, booking, start, option_id=option_id, override_rules=True, google_days=DAYS
        )
        return None if isinstance(answer, Refused) else f"move {booking} to {start} with {option_id or 'the same'}"

    async def _booking(self, dice: Dice) -> UUID | None:
        """One that stands."""
        standing = Booking.filter(business_id=self.business_id, status=BookingStatus.CONFIRMED)
        found = [row["id"] for row in await standing.order_by("created_at").values("id")]
        return dice.one_of(found)

    def _start(self, dice: Dice) -> datetime:
        hour = self.clock.time.replace(minute=0, second=0, microsecond=0)
        return hour + timedelta(hours=dice.randrange(1, 130))
