"""Furnished businesses: `shop` on SQLite, for what no database changes; `each_shop` on a database of each kind."""

from collections.abc import AsyncIterator

import pytest

from tests.graph.shop import Shop, furnish
from tests.served import Served, serving


@pytest.fixture
async def studio(sqlite_url: str) -> AsyncIterator[Served]:
    """A running server on SQLite, with one empty business."""
    async with serving(sqlite_url) as running:
        yield running


@pytest.fixture
async def shop(studio: Served) -> Shop:
    """A furnished business on SQLite."""
    return await furnish(studio)


@pytest.fixture
async def each_shop(served: Served) -> Shop:
    """A furnished business, once on each kind of database."""
    return await furnish(served)
