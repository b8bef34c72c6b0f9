"""The public audit of GraphQL over HTTP, run in Node against a running server: no MUST and no SHOULD is missed."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.served import Served, serving
from tests.stage import Stage

HERE = Path(__file__).parent
NODE, NPM = shutil.which("node"), shutil.which("npm")
PATIENCE = 120.0
"""Seconds for a program to end; the first installation fetches packages."""

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(NODE is None or NPM is None, reason="needs Node and npm on the PATH"),
]


async def run(program: str | None, *arguments: str, folder: Path) -> tuple[int | None, str]:
    """Runs a program to its end: its exit status and what it printed."""
    assert program is not None
    process = await asyncio.create_subprocess_exec(
        *(program, *arguments), cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(PATIENCE):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.fixture(scope="session")
async def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program and the packages it needs."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "audit.mjs"):
        shutil.copy(HERE / name, folder)
    status, said = await run(NPM, "install", "--no-audit", "--no-fund", "--no-package-lock", folder=folder)
    assert status == 0, said
    return folder


@pytest.fixture
async def studio(our_stage: Stage, sqlite_url: str) -> AsyncIterator[Served]:
    """A running server on SQLite, with one empty business."""
    async with serving(our_stage, sqlite_url) as running:
        yield running


async def test_the_audit_finds_no_must_and_no_should_that_is_not_met(studio: Served, packages: Path) -> None:
    status, said = await run(NODE, "audit.mjs", f"{studio.url}/graphql", studio.keys["staff"], folder=packages)
    assert status == 0, said
    # It did look at something.
    assert int(said.rsplit("\n", 2)[-2].split(" audits")[0]) > 50, said


async def test_the_audit_fails_on_what_is_no_graphql(studio: Served, packages: Path) -> None:
    status, said = await run(NODE, "audit.mjs", f"{studio.url}/healthz", studio.keys["staff"], folder=packages)
    assert (status, "22EB" in said) == (1, True), said
