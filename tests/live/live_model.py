"""What happens in a history: bookings, holds and time off come and go, and readers with them.

A deed throws its own dice and returns what it did in words, or None when there was nothing to do it to.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from uuid import UUID

from models.catalog.option import Option
from models.enums import ChangeKind
from models.log import change_log, notifier
from tests.graph.shop import KARI, Shop, at
from tests.live.calendar_copy import Copy, snapshot
from tests.served import Served
from tests.world.dice import Dice

MOST_READERS = 6
ENTRIES = (ChangeKind.BOOKING, ChangeKind.HOLD, ChangeKind.TIME_OFF, ChangeKind.GOOGLE_EVENT)


@dataclass
class Scene:
    """One business, the houses in which it is served, and what was made so far."""

    shop: Shop
    houses: Sequence[Served]
    bookings: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    absences: list[str] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)

    async def do(self, dice: Dice, name: str, **wanted: Any) -> Any:
        """Asks for something in any of the houses, and may be refused: the payload."""
        return await dice.choice(self.houses).do(name, "staff", input=wanted)

    def option(self, dice: Dice) -> str:
        return dice.choice((self.shop.anna, self.shop.ben))

    def wanted(self, dice: Dice) -> list[str] | None:
        """The options a reader asks for; None: all."""
        both = [self.shop.anna, self.shop.ben]
        return dice.choice((None, None, both[:1], both[1:], both))

    async def due(self, copy: Copy) -> list[str]:
        """The cursors that this copy must have seen by now: those of the log that concern its options."""
        business_id = self.shop.served.business_id
        named = dict(zip((self.shop.anna, self.shop.ben), await self._option_ids(), strict=True))
        wanted = {str(named[each]) for each in copy.options or named}
        began = change_log.from_cursor(copy.began, business_id)
        rows = await change_log.after(business_id, began, limit=10_000)
        assert [row["revision"] for row in rows] == [*range(began + 1, began + 1 + len(rows))]
        entries = [row for row in rows if row["kind"] in ENTRIES and wanted & set(row["option_ids"])]
        return [change_log.to_cursor(business_id, row["revision"]) for row in entries]

    async def differences(self, copy: Copy, patience: float) -> list[str]:
        """Lets a copy catch up: what is wrong with it then."""
        due = await self.due(copy)
        try:
            if not copy.connected:
                await copy.follow()
            if not copy.reading:
                copy.read()
            await copy.until(len(due), patience)
            await copy.quiet()
        except (AssertionError, TimeoutError) as error:
            return [f"{type(error).__name__}: {error}; {len(copy.cursors)} of {len(due)} changes came"]
        wrong = [] if copy.cursors == due else [f"changes came as {copy.cursors}, and were {due}"]
        fresh = {entry["id"]: entry for entry in (await snapshot(copy.served, copy.options))["entries"]}
        both = {*fresh, *copy.entries}
        differing = [each for each in both if fresh.get(each) != copy.entries.get(each)]
        return wrong + [f"copied {copy.entries.get(each)}, and is {fresh.get(each)}" for each in differing]

    async def close(self) -> None:
        """Everybody leaves."""
        for copy in self.copies:
            if copy.connected:
                await copy.vanish()

    async def _option_ids(self) -> list[UUID]:
        found = await Option.filter(business_id=self.shop.served.business_id).order_by("name")
        assert [option.name for option in found] == ["Anna", "Ben"]
        return [option.id for option in found]


Deed: TypeAlias = Callable[[Scene, Dice], Awaitable[str | None]]


def _moment(dice: Dice) -> str:
    return at(f"{dice.randint(9, 16):02}:00", dice.randint(0, 4))


async def book(scene: Scene, dice: Dice) -> str | None:
    option, start = scene.option(dice), _moment(dice)
    wanted = {"serviceId": scene.shop.haircut, "optionId": option, "start": start, "customer": KARI}
    made = (await scene.do(dice, "Book", **wanted))["booking"]
    if made:
        scene.bookings.append(made["id"])
    return f"{start}: {'booked' if made else 'refused'}"


async def move(scene: Scene, dice: Dice) -> str | None:
    if not (booking := dice.one_of(scene.bookings)):
        return None
    start = _moment(dice)
    more = {"optionId": scene.option(dice)} if dice.random() < 0.6 else {}
    moved = await scene.do(dice, "RescheduleBooking", bookingId=booking, start=start, **more)
    return f"{booking} to {start}: {'moved' if moved['booking'] else 'refused'}"


async def annotate(scene: Scene, dice: Dice) -> str | None:
    if not (booking := dice.one_of(scene.bookings)):
        return None
    await scene.do(dice, "UpdateBooking", bookingId=booking, note=f"Note {dice.randint(1, 1000)}")
    return booking


async def cancel(scene: Scene, dice: Dice) -> str | None:
    if not (booking := dice.one_of(scene.bookings)):
        return None
    scene.bookings.remove(booking)
    await scene.do(dice, "CancelBooking", bookingId=booking)
    return booking


async def hold(scene: Scene, dice: Dice) -> str | None:
    start = _moment(dice)
    wanted = {"serviceId": scene.shop.haircut, "optionId": scene.option(dice), "start": start}
    made = (await scene.do(dice, "Hold", **wanted))["hold"]
    if made:
        scene.holds.append(made["id"])
    return f"{start}: {'held' if made else 'refused'}"


async def confirm(scene: Scene, dice: Dice) -> str | None:
    if not (held := dice.one_of(scene.holds)):
        return None
    scene.holds.remove(held)
    scene.bookings.append((await scene.do(dice, "Book", holdId=held, customer=KARI))["booking"]["id"])
    return held


async def release(scene: Scene, dice: Dice) -> str | None:
    if not (held := dice.one_of(scene.holds)):
        return None
    scene.holds.remove(held)
    await scene.do(dice, "Release", holdId=held)
    return held


async def take_off(scene: Scene, dice: Dice) -> str | None:
    option, day, opens = scene.option(dice), dice.randint(0, 6), dice.randint(6, 18)
    window = {"start": at(f"{opens:02}:00", day), "end": at(f"{opens + dice.randint(1, 5):02}:30", day)}
    made = (await scene.do(dice, "CreateTimeOff", optionId=option, reason="Away", **window))["timeOff"]["id"]
    scene.absences.append(made)
    return str(made)


async def come_back(scene: Scene, dice: Dice) -> str | None:
    if not (absence := dice.one_of(scene.absences)):
        return None
    scene.absences.remove(absence)
    await scene.do(dice, "DeleteTimeOff", timeOffId=absence)
    return absence


WRITES: Mapping[str, Deed] = {
    "book": book,
    "move": move,
    "annotate": annotate,
    "cancel": cancel,
    "hold": hold,
    "confirm": confirm,
    "release": release,
    "take off": take_off,
    "come back": come_back,
}


async def all_at_once(scene: Scene, dice: Dice) -> str | None:
    """Several things at the same time, while a reader comes back to it."""
    names = dice.choices([*WRITES], k=dice.randint(2, 6))
    told, _ = await asyncio.gather(
        asyncio.gather(*(WRITES[name](scene, Dice(dice.getrandbits(32))) for name in names)),
        go_on(scene, Dice(dice.getrandbits(32))),
    )
    return "; ".join(f"{name}: {deed}" for name, deed in zip(names, told, strict=True))


async def arrive(scene: Scene, dice: Dice) -> str | None:
    """Somebody reads the calendar, and does not subscribe yet."""
    if len(scene.copies) == MOST_READERS:
        return None
    served, role = dice.choice(scene.houses), dice.choice(("staff", "staff", "admin"))
    scene.copies.append(await Copy.of(served, role, scene.wanted(dice)))
    return f"reader {len(scene.copies)} of {scene.copies[-1].options}"


async def go_on(scene: Scene, dice: Dice) -> str | None:
    """A reader subscribes, in any house, or reads on."""
    idle = [copy for copy in scene.copies if not copy.reading]
    if not idle:
        return None
    copy = dice.choice(idle)
    if not copy.connected:
        copy.served = replace(copy.served, url=dice.choice(scene.houses).url)
        await copy.follow()
        if dice.random() < 0.3:
            return f"reader {scene.copies.index(copy) + 1} subscribes, and does not read"
    copy.read()
    return f"reader {scene.copies.index(copy) + 1}"


async def pause(scene: Scene, dice: Dice) -> str | None:
    """A reader leaves in its socket what comes."""
    reading = [copy for copy in scene.copies if copy.reading]
    if not reading:
        return None
    copy = dice.choice(reading)
    await copy.pause()
    return f"reader {scene.copies.index(copy) + 1}"


async def go(scene: Scene, dice: Dice) -> str | None:
    """A reader closes its socket, or its line is cut."""
    connected = [copy for copy in scene.copies if copy.connected]
    if not connected:
        return None
    copy = dice.choice(connected)
    politely = copy.reading and dice.random() < 0.5
    await (copy.leave() if politely else copy.vanish())
    return f"reader {scene.copies.index(copy) + 1} {'leaves' if politely else 'vanishes'}"


async def ring(scene: Scene, dice: Dice) -> str | None:
    """The bell rings though nothing changed."""
    times = dice.randint(1, 5)
    for _ in range(times):
        notifier.current().ring(scene.shop.served.business_id)
    return f"{times} times"


DEEDS: Mapping[str, Deed] = {
    **WRITES,
    "all at once": all_at_once,
    "arrive": arrive,
    "go on": go_on,
    "pause": pause,
    "go": go,
    "ring": ring,
}
WEIGHTS = {"book": 4, "move": 4, "hold": 3, "all at once": 4, "arrive": 3, "go on": 5, "go": 3, "broker": 5}
