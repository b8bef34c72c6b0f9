"""Histories: steps drawn from a seed, played in a town, and shortened when they end badly.

A step carries its own dice, so that it does the same wherever it stands: a history can be cut without being redrawn.
"""

from collections import Counter
from collections.abc import Callable, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from traceback import format_exc

from models.enums import GoogleAccountState
from models.google.tables import GoogleAccount
from tests.world.dice import Dice
from tests.world.sync.agreement import blocks, differences
from tests.world.sync.google_events import Block
from tests.world.sync.links import sign_in_as
from tests.world.sync.model import SyncModel
from tests.world.sync.rules import ALWAYS, RULES, WEIGHTS

LOOKS = 14
"""So many quarters of an hour after the last fault all must be well: no wait is longer than two hours and a half."""

_QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Step:
    """One rule, and what it is to be done to."""

    rule: str
    dice: int


@dataclass(frozen=True)
class History:
    """What happens, one thing after the other."""

    seed: int
    steps: tuple[Step, ...]


@dataclass
class Played:
    """What came of a history: what was done, and what was wrong in the end. Nothing, if all is well."""

    deeds: list[str]
    wrong: list[str]


def drawn(seed: int, steps: int) -> History:
    """The history of this seed. Each leaves some rules out, so that others meet more often."""
    dice = Dice(seed)
    known = [rule for rule in RULES if rule in ALWAYS or dice.random() < 0.7]
    chosen = dice.choices(known, [WEIGHTS.get(rule, 2) for rule in known], k=steps)
    return History(seed, tuple(Step(rule, dice.getrandbits(32)) for rule in chosen))


async def play(town: SyncModel, history: History, tally: Counter[str]) -> Played:
    """Plays it to its end, lets all faults stop and time go on, and looks whether both sides agree."""
    played = Played([], [])
    rightly: Set[Block] = frozenset()
    try:
        for step in history.steps:
            if (deed := await RULES[step.rule](town, Dice(step.dice))) is None:
                continue
            tally[step.rule] += 1
            played.deeds.append(f"{town.clock.time:%d %H:%M:%S} {step.rule}: {deed}")
            wanted, real = await blocks(town)
            # An error is never a deletion, nor is a link that changes.
            played.wrong += [f"lost on the way: {each}" for each in rightly & wanted - real]
            rightly = wanted & real
        played.wrong += [*await _come_to_rest(town), *town.complaints]
    except Exception:
        # Whatever goes wrong is told with the history that led to it.
        played.wrong.append(format_exc())
    return played


async def shortest(
    history: History, town: Callable[[History], AbstractAsyncContextManager[SyncModel]], tries: int = 80
) -> tuple[History, Played]:
    """Leaves out what is not needed for it to end badly; nothing, when played again it ends well."""

    async def again(steps: Sequence[Step]) -> Played:
        shorter = History(history.seed, tuple(steps))
        async with town(shorter) as stage:
            return await play(stage, shorter, Counter())

    steps, worst = list(history.steps), await again(history.steps)
    size = len(steps) // 2 if worst.wrong else 0
    while size and tries:
        at = 0
        while at < len(steps) and tries:
            tries -= 1
            fewer = steps[:at] + steps[at + size :]
            if (played := await again(fewer)).wrong:
                steps, worst = fewer, played
            else:
                at += size
        size //= 2
    return History(history.seed, tuple(steps)), worst


async def _come_to_rest(town: SyncModel) -> list[str]:
    """Faults stop, the clock runs on, people cure what only they can; then a while in which nothing happens."""
    await town.crew.go_on()
    await town.weather.clear()
    town.give_access()
    wrong: list[str] = ["not looked yet"]
    for _ in range(LOOKS):
        await town.pass_time(_QUARTER)
        await _look(town)
        await _sign_in_again(town)
        if not (wrong := await differences(town)):
            break
    else:
        return wrong
    versions = {calendar.id: calendar.version for calendar in town.floor.sandbox.calendars.values()}
    await town.pass_time(_QUARTER)
    await _look(town)
    after = {calendar.id: calendar.version for calendar in town.floor.sandbox.calendars.values()}
    restless = [f"written to in peace: {calendar}" for calendar in after if after[calendar] != versions[calendar]]
    return restless + await differences(town)


async def _look(town: SyncModel) -> None:
    """The crew does all there is, echoes included."""
    await town.crew.settle(together=True)
    await town.floor.sandbox.channels.settled()
    await town.crew.settle(together=True)


async def _sign_in_again(town: SyncModel) -> None:
    """Whose grant is lost signs in again, for an option that shows it: the one cure that is asked of people."""
    dead = await GoogleAccount.filter(
        business_id=town.business_id, state=GoogleAccountState.RECONNECT_REQUIRED, leaving_at__isnull=True
    ).order_by("email")
    for account in dead:
        assert account.email in town.doubtful, f"{account.email} lost its grant: {account.error_code}"
        ties = await town.connections()
        own = {name: ties[each].account.email for name, each in town.options.items() if each in ties}
        name = next((each for each, email in own.items() if email == account.email), next(iter(town.options)))
        assert await sign_in_as(town, name, account.email)
        if own.get(name, account.email) != account.email:
            await sign_in_as(town, name, own[name])
