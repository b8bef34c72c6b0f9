"""A gate before a PostgreSQL server: shut, the database is away, and what was open to it is cut off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit, urlunsplit

_PORT = 5432


@dataclass
class Gate:
    """Passes on what comes to a port of loopback, for as long as it is open."""

    behind: str
    port: int = 0
    _server: asyncio.Server | None = None
    _passing: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The database's URL through the gate."""
        split = urlsplit(self.behind)
        who = f"{split.username or 'postgres'}:{split.password or ''}@127.0.0.1:{self.port}"
        return urlunsplit(split._replace(netloc=who, query=""))

    async def open(self) -> None:
        """Lets in whoever comes."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Lets nobody in, and cuts off whoever is."""
        assert self._server
        self._server.close()
        for each in self._passing:
            each.transport.abort()
        await self._server.wait_closed()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        split = urlsplit(self.behind)
        folder = parse_qs(split.query).get("host", [""])[0]
        if folder:
            inner, outer = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{split.port or _PORT}")
        else:
            inner, outer = await asyncio.open_connection(split.hostname, split.port or _PORT)
        self._passing |= {writer, outer}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, outer))
                both.create_task(_copy(inner, writer))
        finally:
            self._passing -= {writer, outer}


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()
    with suppress(ConnectionError):
        await target.wait_closed()


@asynccontextmanager
async def gate(url: str) -> AsyncIterator[Gate]:
    """An open gate before the database of that URL."""
    made = Gate(url)
    await made.open()
    try:
        yield made
    finally:
        await made.shut()
