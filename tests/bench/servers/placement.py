"""Where contestants run: each in a process with a core for itself, and with a database of its own."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests import postgres
from tests.bench.servers import peer
from tests.bench.servers.measured_server import Contestant
from tests.bench.servers.timebok_process import premises

TIMEBOK = "Timebok"


@dataclass(frozen=True)
class Arena:
    """A PostgreSQL server for all of them, and the core that is theirs; `sqlite` says where Timebok keeps its rows."""

    postgres_url: str
    core: int | None
    sqlite: bool

    @asynccontextmanager
    async def timebok(self) -> AsyncIterator[tuple[Contestant, str]]:
        """`timebok serve`, and the URL of its database."""
        async with AsyncExitStack() as things:
            if self.sqlite:
                database = f"sqlite:///{things.enter_context(tempfile.TemporaryDirectory())}/timebok.db"
            else:
                database = await things.enter_async_context(postgres.database(self.postgres_url))
            ours = await things.enter_async_context(premises(database, core=self.core))
            option, service = await ours.furnish()
            port = urlsplit(ours.served.url).port
            assert port
            pid, key = ours.processes[0].pid, ours.served.keys["staff"]
            yield Contestant(TIMEBOK, port, pid, option, service, key, None if self.sqlite else database), database

    @asynccontextmanager
    async def peer(self, name: str) -> AsyncIterator[Contestant]:
        """One of the peers."""
        async with (
            postgres.database(self.postgres_url) as database,
            peer.peer(name, database, self.core) as server,
        ):
            yield server
