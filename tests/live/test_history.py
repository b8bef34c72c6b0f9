"""Whatever happens to bookings and to readers, in any order: a copy kept by changes equals a fresh query, and each
change came once and in order.

`pytest -n 0 tests/live/test_history.py --live-histories 500` plays more; a failure names its seed, and
`--live-seed N --live-histories 1` plays it again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from random import SystemRandom

import pytest

from tests.graph.shop import furnish
from tests.live.history import drawn, play, shortest
from tests.live.live_model import Scene
from tests.served import Served

HISTORIES, STEPS = 2, 45
SEED = 4711
"""Of the short run: whoever changes something else is not stopped by what an unlucky seed finds."""


async def test_a_copy_kept_by_changes_equals_a_fresh_query(request: pytest.FixtureRequest, served: Served) -> None:
    given = request.config.getoption("--live-histories", default=None)
    histories = given or HISTORIES
    first = request.config.getoption("--live-seed", default=None)
    if first is None:
        first = SystemRandom().getrandbits(31) if given else SEED
    numbers = count(1)

    @asynccontextmanager
    async def scene() -> AsyncIterator[Scene]:
        shop = await furnish(await served.another(f"shop-{next(numbers)}"))
        yield Scene(shop, [shop.served])

    for seed in range(first, first + histories):
        steps = drawn(seed, STEPS)
        async with scene() as stage:
            played = await play(stage, steps)
        if played.wrong:
            short, again = await shortest(steps, scene)
            worst = again if again.wrong else played
            title = f"--live-seed {seed} --live-histories 1; {len(short)} steps are enough:"
            pytest.fail("\n".join([title, *worst.told, "", "Wrong in the end:", *worst.wrong]), pytrace=False)
