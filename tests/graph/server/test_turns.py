"""Whose turn it is: never too many at once, and who waits for much holds up nobody."""

import asyncio

from graph.server.turns import Turns
from tests.stage import PATIENCE


async def told(turns: Turns, *holders: str) -> list[str]:
    """In which order so many of each get their turn, when all of them ask while the only one is taken."""
    order: list[str] = []

    async def work(holder: str) -> None:
        async with turns.turn(holder):
            order.append(holder)

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks, turns.turn("first"):
        for holder in holders:
            tasks.create_task(work(holder))
            await asyncio.sleep(0)
    return order


async def test_each_holder_comes_in_turn_however_much_one_waits_for() -> None:
    assert await told(Turns(1), *"aaaa", *"bb", "c") == [*"abcabaa"]


async def test_so_many_work_at_once_and_no_more() -> None:
    turns, working, most = Turns(2), 0, 0

    async def work(holder: int) -> None:
        nonlocal working, most
        async with turns.turn(holder % 3):
            working += 1
            most = max(most, working)
            await asyncio.sleep(0)
            working -= 1

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(work(number) for number in range(20)))
    assert (most, working) == (2, 0)


async def test_a_turn_is_passed_on_by_who_was_cancelled_or_failed() -> None:
    turns, ended = Turns(1), asyncio.Event()

    async def work(*, fails: bool) -> None:
        async with turns.turn("a"):
            if fails:
                raise LookupError
            ended.set()

    async with turns.turn("first"):
        waiting, failing, last = (asyncio.create_task(work(fails=each)) for each in (False, True, False))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert not ended.is_set()
    await asyncio.gather(failing, last, return_exceptions=True)
    assert (waiting.cancelled(), ended.is_set()) == (True, True)


async def test_one_that_is_cancelled_as_its_turn_comes_passes_it_on() -> None:
    turns = Turns(1)

    async def work() -> str:
        async with turns.turn("a"):
            return "done"

    async with turns.turn("first"):
        one, two = (asyncio.create_task(work()) for _ in range(2))
        await asyncio.sleep(0)
    one.cancel()
    async with asyncio.timeout(PATIENCE):
        assert await two == "done"
        async with turns.turn("b"):
            pass
