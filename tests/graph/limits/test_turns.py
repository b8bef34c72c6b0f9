"""Whose turn it is: never too many at once, and who waits for much holds up nobody."""

import asyncio

from graph.limits.turns import Holder, Turns
from tests.stage import PATIENCE


def holder_of(name: str) -> Holder:
    """A key, perhaps with an address, as in `a1`."""
    return Holder(name[0], name[1:] or None)


async def told(turns: Turns, *holders: str) -> list[str]:
    """In which order so many of each get their turn, when all of them ask while the only one is taken."""
    order: list[str] = []

    async def work(holder: str) -> None:
        async with turns.turn(holder_of(holder)):
            order.append(holder)

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks, turns.turn(Holder("first")):
        for holder in holders:
            tasks.create_task(work(holder))
            await asyncio.sleep(0)
    return order


async def test_each_holder_comes_in_turn_however_much_one_waits_for() -> None:
    assert await told(Turns(1), *"aaaa", *"bb", "c") == [*"abcabaa"]


async def test_a_key_has_no_more_turns_however_many_addresses_use_it() -> None:
    many = [f"a{number}" for number in range(6)]
    assert await told(Turns(1), *many, "b", "b", "b") == ["a0", "b", "a1", "b", "a2", "b", "a3", "a4", "a5"]
    assert await told(Turns(1), "b", *many, "c") == ["b", "a0", "c", "a1", "a2", "a3", "a4", "a5"]


async def test_the_addresses_of_a_key_have_its_turns_in_turn() -> None:
    order = await told(Turns(1), "a1", "a1", "a1", "a1", "a2", "a2", "a3", "b1", "b1", "b2")
    assert order == ["a1", "b1", "a2", "b2", "a3", "b1", "a1", "a2", "a1", "a1"]


async def test_so_many_work_at_once_and_no_more() -> None:
    turns, working, most = Turns(2), 0, 0

    async def work(holder: int) -> None:
        nonlocal working, most
        async with turns.turn(Holder(holder % 3)):
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
        async with turns.turn(Holder("a")):
            if fails:
                raise LookupError
            ended.set()

    async with turns.turn(Holder("first")):
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
        async with turns.turn(Holder("a")):
            return "done"

    async with turns.turn(Holder("first")):
        one, two = (asyncio.create_task(work()) for _ in range(2))
        await asyncio.sleep(0)
    one.cancel()
    async with asyncio.timeout(PATIENCE):
        assert await two == "done"
        async with turns.turn(Holder("b")):
            pass


async def test_so_much_weight_is_worked_at_and_no_more_and_what_is_heavy_has_its_turn_too() -> None:
    turns, working, most, order = Turns(10), 0, 0, list[str]()

    async def work(name: str, weight: int) -> None:
        nonlocal working, most
        async with turns.turn(Holder(name), weight):
            working += min(weight, 10)
            most = max(most, working)
            order.append(name)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            working -= min(weight, 10)

    async with asyncio.timeout(PATIENCE):
        light = [work(f"light {number}", 3) for number in range(6)]
        await asyncio.gather(*light[:4], work("heavy", 8), work("all", 100), *light[4:])
    assert (most, working) == (10, 0)
    # Three that are light fit in beside each other; what is heavy is not overtaken by those that come later.
    assert order.index("heavy") < order.index("light 5")


async def test_who_is_cancelled_holds_up_nobody_behind() -> None:
    turns = Turns(10)
    async with asyncio.timeout(PATIENCE), turns.turn(Holder("first"), 5):
        entered = asyncio.Event()

        async def work(weight: int) -> None:
            async with turns.turn(Holder("a"), weight):
                entered.set()

        heavy, light = asyncio.create_task(work(9)), asyncio.create_task(work(2))
        await asyncio.sleep(0)
        heavy.cancel()
        await light
        assert entered.is_set()
