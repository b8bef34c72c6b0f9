"""The sync floor on each database, with a Google of the demo's people."""

from collections.abc import AsyncIterator

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from tests.stage import Stage
from tests.sync.sync_stack import Floor, Stages, floor_on


@pytest.fixture
def on_stage(our_stage: Stage, google_stage: Stage) -> Stages:
    """Two real servers for the session: Google's and ours."""
    return Stages(google_stage, our_stage)


@pytest.fixture
async def floor(database: BaseDBAsyncClient, on_stage: Stages) -> AsyncIterator[Floor]:
    """Everything of `sync`, on an empty database, beside a sandbox where Anna and Ben have calendars."""
    assert database is not None
    async with floor_on(on_stage) as made:
        yield made
