"""The `timebok` command as somebody types it: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path

TIMEBOK = str(Path(sys.executable).with_name("timebok"))
PATIENCE = 60.0


@dataclass(frozen=True)
class Ended:
    """How it ended, and what it said."""

    status: int
    said: str
    complaints: list[str]


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with these settings of Timebok and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIMEBOK_")}
    return {**kept, **{f"TIMEBOK_{name.upper()}": value for name, value in settings.items()}}


def timebok(folder: Path, *arguments: str | bytes, **settings: str) -> Ended:
    """Runs a command to its end."""
    done = subprocess.run(  # noqa: S603 - our own command
        [TIMEBOK, *arguments],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode().splitlines())


async def started(folder: Path, *arguments: str, **settings: str) -> Process:
    """Starts a command that runs until it is told to stop."""
    given = environment(**settings)
    return await create_subprocess_exec(TIMEBOK, *arguments, cwd=folder, env=given, stdout=PIPE)


async def said(process: Process, last: str) -> str:
    """What it prints, up to a line with these words."""
    assert process.stdout
    text = ""
    async with timeout(PATIENCE):
        while last not in text:
            line = await process.stdout.readline()
            assert line, f"it ended after saying: {text}"
            text += line.decode()
    return text
