"""Histories of readers: deeds drawn from a seed, played in a scene, and shortened when they end badly."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from traceback import format_exc
from typing import TypeAlias

from tests.live.live_model import DEEDS, WEIGHTS, Deed, Scene
from tests.world.dice import Dice

PATIENCE = 8.0
"""Seconds in which every reader has caught up: without a bell they look by themselves every few seconds."""

MakeScene: TypeAlias = Callable[[], AbstractAsyncContextManager[Scene]]


@dataclass(frozen=True)
class Step:
    """One deed, and its dice: it does the same wherever it stands."""

    deed: str
    dice: int


@dataclass
class Played:
    """What came of a history: what was done, and what was wrong in the end. Nothing, if all is well."""

    told: list[str]
    wrong: list[str]


def drawn(seed: int, steps: int, deeds: Mapping[str, Deed] = DEEDS) -> list[Step]:
    """The history of this seed: two readers come, and then anything happens."""
    dice = Dice(seed)
    weights = [WEIGHTS.get(name, 2) for name in deeds]
    names = ["arrive", "go on", "arrive", *dice.choices([*deeds], weights, k=steps)]
    return [Step(name, dice.getrandbits(32)) for name in names]


async def play(scene: Scene, steps: Sequence[Step], deeds: Mapping[str, Deed] = DEEDS) -> Played:
    """Plays it to its end, lets all readers catch up, and looks whether their copies are right."""
    played = Played([], [])
    try:
        for step in steps:
            if (told := await deeds[step.deed](scene, Dice(step.dice))) is not None:
                played.told.append(f"{step.deed}: {told}")
        found = await asyncio.gather(*(scene.differences(copy, PATIENCE) for copy in scene.copies))
        played.wrong += [f"reader {number}: {each}" for number, wrong in enumerate(found, 1) for each in wrong]
    except Exception:
        # Whatever goes wrong is told with the history that led to it.
        played.wrong.append(format_exc())
    finally:
        await scene.close()
    return played


async def shortest(steps: Sequence[Step], scene: MakeScene, tries: int = 40) -> tuple[Sequence[Step], Played]:
    """Leaves out what is not needed for it to end badly; nothing, when played again it ends well."""

    async def again(fewer: Sequence[Step]) -> Played:
        async with scene() as stage:
            return await play(stage, fewer)

    worst = await again(steps)
    size = len(steps) // 2 if worst.wrong else 0
    while size and tries:
        begin = 0
        while begin < len(steps) and tries:
            tries -= 1
            fewer = [*steps[:begin], *steps[begin + size :]]
            if (played := await again(fewer)).wrong:
                steps, worst = fewer, played
            else:
                begin += size
        size //= 2
    return steps, worst
