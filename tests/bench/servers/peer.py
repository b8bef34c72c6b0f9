"""The peers, in Node: what somebody might use instead of Timebok to tell a thousand dashboards of a booking.

Each makes the same event from the same documents: `createBooking` is one INSERT on the same PostgreSQL, committed by
itself, and the change is an object in memory that goes through the peer's own pubsub to every subscriber. Nothing is
read, checked, locked or logged; there are no keys, no cursors to resume from, and nobody catches up.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from tests.bench.servers.measured_server import Contestant
from tests.bench.servers.process import address, answers, running

NODE, NPM = shutil.which("node"), shutil.which("npm")

PEERS = {"mercurius": "Mercurius + JIT", "graphql-ws": "graphql-ws + graphql-js", "yoga": "GraphQL Yoga"}
"""Their programs' names, and their own."""

_SOURCES = Path(__file__).parent / "peers"
_PROGRAMS = Path(__file__).parents[3] / ".pytest_cache" / "d" / "peers"


async def install() -> None:
    """Puts the programs beside their packages, outside the source; installs what is missing. Raises OSError."""
    assert NPM
    _PROGRAMS.mkdir(parents=True, exist_ok=True)
    for source in _SOURCES.iterdir():
        shutil.copy(source, _PROGRAMS)
    process = await asyncio.create_subprocess_exec(
        *(NPM, "install", "--no-audit", "--no-fund", "--no-package-lock"),
        cwd=_PROGRAMS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise OSError(said.decode())


@asynccontextmanager
async def peer(name: str, database_url: str, core: int | None, program: str | None = None) -> AsyncIterator[Contestant]:
    """One of the peers, running for as long as the block lasts; `program` is another one of its own name's."""
    assert NODE
    port, origin = address()
    environment = {"DATABASE_URL": database_url, "NODE_ENV": "production", "NODE_NO_WARNINGS": "1"}
    async with running(
        NODE, str(_PROGRAMS / f"{program or name}.mjs"), port, environment=environment, core=core
    ) as process:
        await answers(origin)
        option, service = str(uuid4()), str(uuid4())
        yield Contestant(PEERS[name], int(port), process.pid, option, service, database=database_url)
