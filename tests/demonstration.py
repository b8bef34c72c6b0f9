"""`timebok demo` as a newcomer runs it: a process of its own, with what it printed."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.command import PATIENCE, TIMEBOK, said
from tests.stage import free_port


@dataclass(frozen=True)
class Demo:
    """A running demo: where it is, its keys, and its process."""

    url: str
    google_url: str
    public_key: str
    staff_key: str
    admin_key: str
    printed: str
    process: asyncio.subprocess.Process


@asynccontextmanager
async def demonstration(*more: str) -> AsyncIterator[Demo]:
    """Starts the demo on free ports, waits until it says that it runs, and ends it with SIGTERM."""
    ports = str(free_port()), str(free_port())
    process = await asyncio.create_subprocess_exec(
        *(TIMEBOK, "demo", "--port", ports[0], "--google-port", ports[1], *more),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        printed = await said(process, "Ctrl-C ends it.")
        yield Demo(
            url=_found(r"Explorer +(\S+)/graphql", printed),
            google_url=_found(r"Google stand-in +(\S+)/", printed),
            public_key=_found(r"(tb_public_\S+)", printed),
            staff_key=_found(r"(tb_staff_\S+)", printed),
            admin_key=_found(r"(tb_admin_\S+)", printed),
            printed=printed,
            process=process,
        )
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await process.wait()


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, f"{pattern} is not in: {text}"
    return match[1]
