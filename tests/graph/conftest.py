"""Furnished businesses: `shop` on SQLite, for what no database changes; `each_shop` on a database of each kind."""

from collections.abc import AsyncIterator

import pytest

from tests.graph.access.neighbours import Street
from tests.graph.access.neighbours import street as street_on
from tests.graph.connected_shop import Connected
from tests.graph.shop import Shop, furnish
from tests.served import Served, serving, serving_beside_google
from tests.stage import Stage


@pytest.fixture
async def studio(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Served]:
    """A running server on SQLite, with one empty business."""
    async with serving(our_stage, sqlite_url) as running:
        yield running


@pytest.fixture
async def shop(studio: Served) -> Shop:
    """A furnished business on SQLite."""
    return await furnish(studio)


@pytest.fixture
async def each_shop(served: Served) -> Shop:
    """A furnished business, once on each kind of database."""
    return await furnish(served)


@pytest.fixture
async def town(our_stage: Stage, google_stage: Stage, sqlite_url: str) -> AsyncIterator[Connected]:
    """A shop with sync running, beside a Google of its own; nobody has signed in yet."""
    async with serving_beside_google(our_stage, google_stage, sqlite_url) as (served, google):
        yield Connected(await furnish(served), google)


@pytest.fixture
async def street(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Street]:
    """A shop in use, beside its neighbour."""
    async with street_on(our_stage, sqlite_url) as open_street:
        yield open_street
