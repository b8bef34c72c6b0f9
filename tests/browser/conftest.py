"""The demo for the browser to look at, once for all of its tests."""

from collections.abc import AsyncIterator

import pytest

from tests.demonstration import Demo, demonstration


@pytest.fixture(scope="session")
async def served_demo() -> AsyncIterator[Demo]:
    """A running demo."""
    async with demonstration() as demo:
        yield demo
