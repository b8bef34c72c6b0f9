"""Real `timebok` processes: web without sync, on one database and one bell, as many as are asked for."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from tests.command import TIMEBOK
from tests.stage import free_port

PATIENCE = 60.0
"""Seconds for a process to start, on a busy machine."""


@dataclass(frozen=True)
class Web:
    """One running `timebok serve --no-sync`."""

    url: str
    process: Process


@dataclass
class Processes:
    """Those that run, and what they are started with."""

    settings: dict[str, str]
    _running: list[Web] = field(default_factory=list)

    async def web(self) -> Web:
        """One that runs; it is started if there is none."""
        alive = [each for each in self._running if each.process.returncode is None]
        return alive[0] if alive else await self._start()

    async def run(self, *arguments: str) -> str:
        """Runs a command to its end: what it printed. Fails unless it ends with 0."""
        process = await asyncio.create_subprocess_exec(TIMEBOK, *arguments, env=self._environment, stdout=PIPE)
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
        assert process.returncode == 0, said
        return said.decode()

    async def stop(self) -> None:
        """Ends those that still run."""
        async with AsyncExitStack() as ends:
            for each in self._running:
                if each.process.returncode is None:
                    each.process.send_signal(signal.SIGTERM)
                    ends.push_async_callback(each.process.wait)

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.settings}

    async def _start(self) -> Web:
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *(TIMEBOK, "serve", "--no-sync", "--port", str(port)), env=self._environment, stdout=PIPE
        )
        self._running.append(web := Web(f"http://127.0.0.1:{port}", process))
        assert process.stdout
        async with asyncio.timeout(PATIENCE):
            assert b"listens on" in await process.stdout.readline()
        return web
