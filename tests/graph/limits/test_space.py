"""The memory of answers that are being made: all of them together have a bound, and each comes to its end."""

import asyncio
from dataclasses import dataclass

import pytest

from graph.limits.space import Space
from tests.stage import PATIENCE

MOST, SHORT, PIECE, LONG = 10_000, 500, 100, 30_000


@dataclass(eq=False)
class Making:
    """An answer that is made piece by piece."""

    space: Space
    made: int = 0

    async def grow(self, size: int) -> None:
        """Makes so many bytes more, where there is room."""
        for _ in range(size // PIECE):
            while not self.space.has_room(self):
                await self.space.wait()
            self.space.take(self, PIECE)
            self.made += PIECE
            await asyncio.sleep(0)


@pytest.mark.parametrize("many", [2, 10, 50])
async def test_answers_take_so_much_together_and_the_first_of_them_what_it_needs(many: int) -> None:
    space, highest, order = Space(MOST, SHORT), 0, list[int]()

    async def make(number: int) -> None:
        nonlocal highest
        making = Making(space)
        try:
            for _ in range(LONG // PIECE):
                await making.grow(PIECE)
                highest = max(highest, space.used)
            order.append(number)
        finally:
            space.leave(making)

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(make(number) for number in range(many)))
    assert order == list(range(many))
    assert (space.used, highest) <= (0, MOST + LONG + many * max(SHORT, PIECE))


async def test_what_is_short_does_not_wait_where_it_is_full() -> None:
    space = Space(MOST, SHORT)
    first, long, short = Making(space), Making(space), Making(space)
    await first.grow(2 * MOST)
    await short.grow(SHORT)
    waiting = asyncio.create_task(long.grow(2 * SHORT))
    for _ in range(4 * SHORT // PIECE):
        await asyncio.sleep(0)
    assert (long.made, waiting.done()) == (SHORT, False)
    space.leave(first)
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert space.used == 3 * SHORT


async def test_what_was_thrown_away_makes_room() -> None:
    space = Space(MOST, SHORT)
    first, second = Making(space), Making(space)
    await first.grow(2 * MOST)
    growing = asyncio.create_task(second.grow(2 * SHORT))
    for _ in range(2 * SHORT // PIECE):
        await asyncio.sleep(0)
    assert not growing.done()
    space.take(first, -2 * MOST)
    async with asyncio.timeout(PATIENCE):
        await growing
    space.leave(second)
    space.leave(second)
    assert space.used == 0
