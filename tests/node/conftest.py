"""What the tests in Node ask for by name: the programs, built once for all workers of a run, and servers to judge."""

import asyncio
import fcntl
from pathlib import Path

import pytest

from tests.graph.conftest import shop, studio, town
from tests.node.programs import NODE, NPM, Programs

__all__ = ["shop", "studio", "town"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is in this folder needs Node, which is not everywhere."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.node)
            item.add_marker(pytest.mark.skipif(not (NODE and NPM), reason="needs Node and npm on the PATH"))


@pytest.fixture(scope="session")
async def programs(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Programs:
    """The programs, built by whichever worker comes first; their packages stay in pytest's cache."""
    assert pytestconfig.cache
    packages = pytestconfig.cache.mkdir("node")
    mine = tmp_path_factory.getbasetemp()
    # The workers of one run have their folders side by side.
    folder = (mine.parent if mine.name.startswith("popen-") else mine) / "node"
    folder.mkdir(exist_ok=True)
    built = Programs(folder, packages)
    with (packages / "lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            await built.build()
            (folder / "ready").touch()
    return built
