"""Processes to be measured: started on a core of their own, and what the kernel says of each."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx2

from tests.stage import browser, free_port

PATIENCE = 60.0
"""Seconds for a process to answer after it was started."""

_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def apart() -> Iterator[int | None]:
    """This process and what it starts leave one core to the processes that are measured: its number.

    None when there is but one. All may have as many sockets as the system lets them.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    cores = os.sched_getaffinity(0)
    if len(cores) == 1:
        yield None
        return
    measured = min(cores)
    os.sched_setaffinity(0, cores - {measured})
    try:
        yield measured
    finally:
        os.sched_setaffinity(0, cores)


@asynccontextmanager
async def running(
    *command: str, environment: Mapping[str, str], core: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process for as long as the block lasts; with `core` it has only that one."""
    mine = os.sched_getaffinity(0)
    # Inherited, so that the threads it starts are bound too.
    os.sched_setaffinity(0, mine if core is None else {core})
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **environment}, stdout=asyncio.subprocess.DEVNULL
        )
    finally:
        os.sched_setaffinity(0, mine)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def address() -> tuple[str, str]:
    """A port that nobody listens on, and the origin of whoever will."""
    port = str(free_port())
    return port, f"http://127.0.0.1:{port}"


async def answers(url: str) -> None:
    """Returns once the URL answers well."""
    async with asyncio.timeout(PATIENCE), browser() as http:
        while True:
            try:
                if (await http.get(url)).status_code == 200:
                    return
            except httpx2.TransportError:
                await asyncio.sleep(0)


async def pause(seconds: float) -> None:
    """Nothing happens for a while: what is measured here takes time, and waits for no event."""
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=seconds)


def memory(pid: int) -> int:
    """Bytes of memory that a process has resident."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024


def parent(pid: int) -> int:
    """The process that started a process."""
    return int(_stat(pid)[1])


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, in steps of a hundredth."""
    return sum(map(int, _stat(pid)[11:13])) / _TICKS


def family_cpu(pid: int) -> float:
    """Those of a process and all that it started, of those that have ended, too."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(map(int, _stat(pid)[11:15])) / _TICKS + sum(map(cpu, map(int, children)))


def _stat(pid: int) -> list[str]:
    """What the kernel says of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
