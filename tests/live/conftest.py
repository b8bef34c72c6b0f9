"""A furnished business to follow, and how many histories are played."""

from collections.abc import AsyncIterator

import pytest

from tests.graph.shop import Shop, furnish
from tests.served import serving
from tests.stage import Stage


def pytest_addoption(parser: pytest.Parser) -> None:
    live = parser.getgroup("live")
    live.addoption("--live-histories", type=int, help="so many histories of readers on each kind of database")
    live.addoption("--live-seed", type=int, help="the seed of the first; the others count on from it")


@pytest.fixture
async def shop(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Shop]:
    """A furnished business on SQLite."""
    async with serving(our_stage, sqlite_url) as served:
        yield await furnish(served)
