"""The furnished business of the API tests beside a Google of its own, and generated clients of it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import ModuleType

import pytest

from tests.graph.conftest import town
from tests.graph.connected_shop import Connected
from tests.python_client.clients import Clients
from tests.python_client.generate import generated

__all__ = ["town"]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The generated module."""
    return generated(tmp_path_factory.mktemp("python_client"))


@pytest.fixture
async def clients(made: ModuleType, town: Connected) -> AsyncIterator[Clients]:
    """A client with each key of the business."""
    served = town.shop.served
    async with AsyncExitStack() as open_things:
        keys = [served.keys[role] for role in ("admin", "staff", "public")]
        connections = [made.Timebok.connected(served.url, key) for key in keys]
        yield Clients(town, made, *[await open_things.enter_async_context(each) for each in connections])
