"""A town in which anything may happen to both calendars in any order, with anything going wrong in between: once it
stops, both sides agree.

`pytest tests/world --long` plays 2000 histories. A failure names its seed: `--seed N --histories 1` plays it again.
"""

import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from random import SystemRandom

import pytest

from models.storage import db
from tests import postgres
from tests.stage import Stage
from tests.sync.sync_stack import Stages
from tests.world.conftest import TALLY
from tests.world.dice import Dice
from tests.world.history import History, Played, drawn, play, shortest
from tests.world.sync.model import SyncModel
from tests.world.sync.start import a_town

PARTS = 4
"""The histories are dealt out to so many tests, so that they can be played side by side."""

LONG, SHORT = (2000, 30), (16, 20)
"""How many histories, and steps in each."""

SEED = 4711
"""Of the short run: whoever changes something else is not stopped by what an unlucky seed finds."""

ON_POSTGRES = 8
"""Of so many histories one is played on PostgreSQL as well."""

MakeTown = Callable[[History], AbstractAsyncContextManager[SyncModel]]


@pytest.fixture
def stages(our_stage: Stage, google_stage: Stage) -> Stages:
    """Two real servers: Google's and ours."""
    return Stages(google_stage, our_stage)


@pytest.fixture
def first_seed(request: pytest.FixtureRequest) -> int:
    """The seed of the first history: drawn for a long run, always the same for a short one."""
    given: int | None = request.config.getoption("--seed", default=None)
    drawn_anew = SystemRandom().getrandbits(31) if request.config.getoption("--long", default=False) else SEED
    return drawn_anew if given is None else given


def _measure(request: pytest.FixtureRequest) -> tuple[int, int]:
    """How many histories are to be played, and of how many steps."""
    option = request.config.getoption
    histories, steps = LONG if option("--long", default=False) else SHORT
    return option("--histories", default=None) or histories, option("--steps", default=None) or steps


async def _explore(
    request: pytest.FixtureRequest, town: Callable[[Counter[str]], MakeTown], seeds: range, steps: int
) -> None:
    """Plays the histories of these seeds; the first to end badly is shortened and told."""
    tally: Counter[str] = Counter()
    try:
        for seed in seeds:
            history = drawn(seed, steps)
            async with town(tally)(history) as stage:
                played = await play(stage, history, tally)
            if played.wrong:
                short, again = await shortest(history, town(Counter()))
                pytest.fail(_told(short, again if again.wrong else played, steps), pytrace=False)
    finally:
        request.node.user_properties.append((TALLY, dict(tally)))


def _told(short: History, worst: Played, steps: int) -> str:
    """What happened, and how to see it again."""
    title = f"--seed {short.seed} --histories 1 --steps {steps}; {len(short.steps)} steps are enough:"
    return "\n".join([title, *worst.deeds, "", "Wrong in the end:", *worst.wrong])


@pytest.mark.parametrize("part", range(PARTS))
async def test_both_sides_agree_in_the_end(
    request: pytest.FixtureRequest, stages: Stages, sqlite_template: Path, tmp_path: Path, first_seed: int, part: int
) -> None:
    def town(tally: Counter[str]) -> MakeTown:
        @asynccontextmanager
        async def made(history: History) -> AsyncIterator[SyncModel]:
            path = tmp_path / "town.db"
            shutil.copyfile(sqlite_template, path)
            async with db.opened(f"sqlite:///{path}"), a_town(stages, tally, Dice(history.seed)) as open_town:
                yield open_town

        return made

    histories, steps = _measure(request)
    await _explore(request, town, range(first_seed + part, first_seed + histories, PARTS), steps)


async def test_both_sides_agree_on_postgres(
    request: pytest.FixtureRequest, stages: Stages, postgres_database: str, first_seed: int
) -> None:
    def town(tally: Counter[str]) -> MakeTown:
        @asynccontextmanager
        async def made(history: History) -> AsyncIterator[SyncModel]:
            await postgres.empty(postgres_database)
            async with db.opened(postgres_database), a_town(stages, tally, Dice(history.seed)) as open_town:
                yield open_town

        return made

    histories, steps = _measure(request)
    await _explore(request, town, range(first_seed, first_seed + histories, ON_POSTGRES), steps)
