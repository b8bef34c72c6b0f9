"""Of a service's slots only that is built which the client asks for."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from graph.availability.query import AvailabilityDay, Slot
from graph.complexity import lengths
from graph.limits.cost_budget import CostBudget
from models.scheduling import availability
from tests.graph.shop import Shop, at, furnish, graphql_codes
from tests.served import serving
from tests.stage import Stage

WEEKS = 4
DAY = f'from: "{at("00:00")}", to: "{at("00:00", 1)}"'


@contextmanager
def built() -> Iterator[Counter[str]]:
    """Counts the days and slots that are built, and the dates whose starts are looked at."""
    watched = {
        getattr(Slot.__init__, "__code__"): "slots",  # noqa: B009 - the checker knows no code of a generated method
        getattr(AvailabilityDay.__init__, "__code__"): "days",  # noqa: B009
        availability._candidates.__code__: "dates",
    }
    count: Counter[str] = Counter()

    def see(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in watched:
            count[watched[frame.f_code]] += 1

    sys.setprofile(see)
    try:
        yield count
    finally:
        sys.setprofile(None)


@contextmanager
def spending() -> Iterator[list[int]]:
    """Lists the costs that are taken from budgets."""
    taken: list[int] = []

    def see(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is CostBudget.take.__code__:
            taken.append(frame.f_locals["cost"])

    sys.setprofile(see)
    try:
        yield taken
    finally:
        sys.setprofile(None)


async def asked(shop: Shop, selected: str, first: int = 0, last: int = 7 * WEEKS, role: str = "public") -> Any:
    """The answer about some weeks."""
    window = f'from: "{at("00:00", first)}", to: "{at("00:00", last)}"'
    document = f'{{ availability(serviceId: "{shop.haircut}", {window}) {{ {selected} }} }}'
    answer = (await shop.served.send(document, shop.served.keys[role], {})).json()
    assert "errors" not in answer, answer
    return answer["data"]["availability"]


@pytest.mark.parametrize(
    ("selected", "days", "slots", "dates"),
    [
        ("timeZone", False, False, 0),
        ("asOf freshAsOf", False, False, 0),
        ("days { date }", True, False, 7 * WEEKS),
        ("emptyReason days { date }", True, False, 7 * WEEKS),
        ("days { slots { start } }", True, True, 7 * WEEKS),
        ("days { slots { options { id } } }", True, True, 7 * WEEKS),
        # There is a slot in the first week, with the first option.
        ("emptyReason", False, False, 1),
    ],
)
async def test_what_nobody_asks_for_is_not_built(
    shop: Shop, selected: str, days: bool, slots: bool, dates: int
) -> None:
    with built() as count:
        await asked(shop, selected)
    assert (count["days"] > 0, count["slots"] > 0) == (days, slots)
    if dates == 7 * WEEKS:
        assert count["dates"] >= dates
    else:
        assert count["dates"] <= 8 * dates


@pytest.mark.parametrize(
    ("selected", "each"),
    [
        ("days { date }", 4),
        ("days { slots { start } }", 10),
        ("days { slots { options { id } } }", 18),
        ("timeZone", 0),
    ],
)
async def test_more_slots_than_were_counted_before_cost_more(shop: Shop, selected: str, each: int) -> None:
    """A service with a start every minute, and one with a start every hour."""

    async def more(step: int) -> tuple[int, int]:
        """How many starts a day has, and what they take of the minute's budget besides what the answer says."""
        service = await shop.another_service(slotStepMinutes=step)
        document = f'{{ availability(serviceId: "{service}", {DAY}) {{ {selected} }} }}'
        key = shop.served.keys["public"]
        # A document costs more the first time, for reading it.
        await shop.served.send(document, key)
        with spending() as taken:
            answer = (await shop.served.send(document, key)).json()
        assert "errors" not in answer, answer
        assert taken[0] == answer["extensions"]["cost"]["requested"]
        return len(await shop.starts(service)), sum(taken[1:])

    assert (await more(60))[1] == 0
    many, cost = await more(1)
    assert many > 2 * lengths.SLOTS_PER_DAY
    assert cost == (many - lengths.SLOTS_PER_DAY) * each // 4


async def test_what_slots_cost_besides_is_refused_when_it_is_spent(our_stage: Stage, sqlite_url: str) -> None:
    async with serving(our_stage, sqlite_url, key_cost=20_000) as served:
        shop = await furnish(served)
        service = await shop.another_service(slotStepMinutes=1)
        document = f'{{ availability(serviceId: "{service}", {DAY}) {{ days {{ slots {{ start }} }} }} }}'
        while graphql_codes(answer := (await served.send(document, served.keys["staff"])).json()) == []:
            assert answer["data"]["availability"]["days"]
        assert graphql_codes(answer) == ["RATE_LIMITED"]
        assert answer["errors"][0]["extensions"]["retryAfterSeconds"] > 0


async def test_why_a_window_is_empty_is_told_whether_or_not_days_are_asked_for(shop: Shop) -> None:
    for option in (shop.anna, shop.ben):
        for start, end in ((0, 7), (7, 21)):
            away = {"optionId": option, "start": at("00:00", start), "end": at("00:00", end)}
            assert (await shop.served.do("CreateTimeOff", "staff", input=away))["errors"] == []
    seen = set()
    for first, last in ((0, 1), (0, 21), (0, 22), (5, 7), (20, 28), (-14, -13), (0, 28), (13, 14)):
        for role in ("public", "staff"):
            both = await asked(shop, "emptyReason days { date slots { start } }", first, last, role)
            alone = await asked(shop, "emptyReason", first, last, role)
            assert both["emptyReason"] == alone["emptyReason"]
            assert (alone["emptyReason"] is None) == bool(both["days"])
            seen.add(alone["emptyReason"])
    assert {None, "BUSY", "BUSY_TIME_OFF", "IN_THE_PAST"} <= seen
