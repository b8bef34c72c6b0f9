"""What can happen in a town: each rule does one thing, to whatever its dice choose."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from sync.sandbox.faults import FaultKind
from tests.world.dice import Dice
from tests.world.sync import links
from tests.world.sync.faults import ABOUT_A_CALENDAR, AT_THE_DOOR
from tests.world.sync.model import CALENDARS, SyncModel

Rule = Callable[[SyncModel, Dice], Awaitable[str | None]]
"""Says what it did; None when there was nothing to do it to."""


async def _work(town: SyncModel, dice: Dice) -> str:
    together = dice.random() < 0.4
    await town.crew.settle(together=together)
    return "both at once" if together else "one worker"


async def _poll(town: SyncModel, dice: Dice) -> str:
    """Time enough for every calendar to be looked at again, and the work that follows."""
    await town.pass_time(timedelta(minutes=13))
    return await _work(town, dice)


async def _hang(town: SyncModel, dice: Dice) -> str | None:
    await town.pass_time(timedelta(minutes=dice.choice([0, 13, 13])))
    return "a worker hangs" if await town.crew.hang(lambda: town.weather.hold(dice)) else None


async def _overtake(town: SyncModel, dice: Dice) -> str:
    """A worker hangs until its lease has ended; meanwhile people go on, and the other worker does its work."""
    people = town.people
    deeds: list[str | None] = [people.add(dice)]
    await town.pass_time(timedelta(minutes=13))
    if not await town.crew.hang(lambda: town.weather.hold(dice)):
        return f"nobody was overtaken: {deeds}"
    deeds += [dice.choice([people.edit, people.delete, people.delete_ours])(dice) for _ in range(2)]
    await town.pass_time(timedelta(minutes=3))
    await town.crew.settle(together=False)
    await town.crew.go_on()
    return f"a worker was overtaken: {deeds}"


async def _go_on(town: SyncModel, _: Dice) -> str | None:
    return "the worker goes on" if await town.crew.go_on() else None


async def _stop(town: SyncModel, dice: Dice) -> str:
    await town.pass_time(timedelta(minutes=dice.choice([0, 13])))
    await town.crew.stop(dice)
    return "a worker stopped in the middle"


async def _die(town: SyncModel, dice: Dice) -> str | None:
    await town.pass_time(timedelta(minutes=dice.choice([0, 0, 13])))
    return "a worker died" if await town.crew.die(dice) else None


async def _time_passes(town: SyncModel, dice: Dice) -> str:
    minutes = dice.choice([1, 3, 3, 5, 20, 70])
    await town.pass_time(timedelta(minutes=minutes))
    return f"{minutes} minutes pass"


async def _a_night_passes(town: SyncModel, dice: Dice) -> str:
    await town.pass_time(timedelta(hours=dice.randint(14, 20)))
    return "a night passes"


async def _notifications_are_late(town: SyncModel, _: Dice) -> str:
    town.weather.delay_notifications()
    return "notifications are late"


async def _notifications_arrive(town: SyncModel, _: Dice) -> str | None:
    late = await town.weather.deliver()
    return f"{late} late notifications" if late else None


async def _invalidate_tokens(town: SyncModel, dice: Dice) -> str:
    calendar = _some_calendar(town, dice)
    town.floor.sandbox.invalidate_sync_tokens(calendar)
    return f"tokens of {calendar} are over"


async def _expire_access(town: SyncModel, dice: Dice) -> str:
    email = dice.choice(list(CALENDARS))
    town.floor.sandbox.grants.expire_access(email)
    return f"access of {email} is over"


async def _purge(town: SyncModel, dice: Dice) -> str:
    """Weeks go by for Google: no token is as old as that."""
    calendar = _some_calendar(town, dice)
    town.people.forget_deleted(calendar)
    town.floor.sandbox.invalidate_sync_tokens(calendar)
    return f"what was deleted in {calendar} vanishes for good"


def _some_calendar(town: SyncModel, dice: Dice) -> str:
    """Any; most likely the one in which something happened last."""
    calendars = town.floor.sandbox.calendars.values()
    changed = [
        max((each.resource["updated"], calendar.id) for each in calendar.events.values())
        for calendar in calendars
        if calendar.events
    ]
    found = dice.one_of(sorted(changed))
    return found[1] if found else dice.choice(sorted(town.floor.sandbox.calendars))


async def _give_access(town: SyncModel, _: Dice) -> str | None:
    return town.give_access()


def _strike(kind: FaultKind) -> Rule:
    async def strike(town: SyncModel, dice: Dice) -> str:
        calendar = town.floor.sandbox.calendars[dice.choice(sorted(town.floor.sandbox.calendars))]
        return town.weather.strike(dice, kind, calendar)

    return strike


def _by_people(deed: str) -> Rule:
    async def act(town: SyncModel, dice: Dice) -> str | None:
        if wrong := town.people.touched():
            raise AssertionError(f"not ours and touched: {wrong}")
        said: str | None = getattr(town.people, deed)(dice)
        return said

    return act


RULES: dict[str, Rule] = {
    "book": SyncModel.book,
    "move": SyncModel.move,
    "move to another": SyncModel.move_to_another,
    "move there and back": SyncModel.move_there_and_back,
    "cancel": SyncModel.cancel,
    "link": links.link,
    "change rules": links.change_rules,
    "unlink": links.unlink,
    "leave behind": links.leave_behind,
    "come back": links.come_back,
    "move out": links.move_out,
    "change templates": SyncModel.change_templates,
    "rename service": SyncModel.rename_service,
    "rename option": SyncModel.rename_option,
    "disconnect": links.disconnect,
    "sign in": links.sign_in,
    "sync now": links.sync_now,
    "freshen": links.freshen,
    **{
        f"people {deed.replace('_', ' ')}": _by_people(deed)
        for deed in (
            "add",
            "edit",
            "delete",
            "recur",
            "change_instance",
            "copy",
            "take_elsewhere",
            "edit_ours",
            "delete_ours",
            "recur_ours",
            "copy_ours",
        )
    },
    **{f"fault {kind}": _strike(kind) for kind in (*AT_THE_DOOR, *ABOUT_A_CALENDAR)},
    "invalidate tokens": _invalidate_tokens,
    "expire access": _expire_access,
    "purge": _purge,
    "revoke": links.revoke,
    "take access": SyncModel.take_access,
    "give access": _give_access,
    "work": _work,
    "poll": _poll,
    "hang": _hang,
    "overtake": _overtake,
    "go on": _go_on,
    "stop": _stop,
    "die": _die,
    "time passes": _time_passes,
    "a night passes": _a_night_passes,
    "notifications are late": _notifications_are_late,
    "notifications arrive": _notifications_arrive,
}

WEIGHTS = {
    "move there and back": 3,
    "overtake": 3,
    "invalidate tokens": 3,
    "purge": 3,
    "book": 9,
    "move": 3,
    "move to another": 3,
    "cancel": 3,
    "people add": 9,
    "people edit": 3,
    "people change instance": 6,
    "people recur": 3,
    "people edit ours": 4,
    "people delete ours": 4,
    "people recur ours": 3,
    "people copy ours": 4,
    "work": 6,
    "poll": 8,
    "hang": 7,
    "die": 6,
    "go on": 10,
    "take access": 3,
    "give access": 12,
    "come back": 8,
    "people take elsewhere": 5,
    "notifications are late": 3,
    "notifications arrive": 9,
    "fault lose_notification": 5,
    "fault double_notification": 5,
    "fault empty_page": 3,
}
"""How often a rule is drawn next to the others, whose weight is 2."""

ALWAYS = ("book", "people add", "work", "poll")
"""Rules that no history leaves out."""
