"""The sync floor on each database, with a Google of the demo's people."""

from collections.abc import AsyncIterator

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from sync.sandbox.state import SandboxGoogle
from tests.sync.floor import Floor, floor_on


@pytest.fixture
async def floor(database: BaseDBAsyncClient) -> AsyncIterator[Floor]:
    """Everything of `sync`, on an empty database, beside a sandbox where Anna and Ben have calendars."""
    assert database is not None
    sandbox = SandboxGoogle()
    sandbox.seed_demo()
    async with floor_on(sandbox) as made:
        yield made
