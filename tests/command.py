"""The `timebok` command as somebody types it, in a folder of its own: as a process of its own, and without one."""

import io
import logging
import os
import signal
import subprocess
import sys
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from graph.commands.cli import main

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


def judged(folder: Path, *arguments: str | bytes, **settings: str) -> Ended:
    """Runs a command to its end in this process: what is refused soon is refused by the same code, without the wait for
    another process.
    """
    out, err = io.StringIO(), io.StringIO()
    with (
        chdir(folder),
        patch.dict(os.environ, environment(**settings), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
        _logging_anew(),
        _within(PATIENCE),
        pytest.raises(SystemExit) as ended,
    ):
        main([os.fsdecode(each) for each in arguments])
    assert isinstance(ended.value.code, int)
    return Ended(ended.value.code, out.getvalue(), err.getvalue().splitlines())


@contextmanager
def _logging_anew() -> Iterator[None]:
    """Logging as in a process that has just started; afterwards as it was."""
    names = ["", *logging.root.manager.loggerDict]
    before = {name: logging.getLogger(name or None).level for name in names}
    handlers, logging.root.handlers = logging.root.handlers, []
    try:
        yield
    finally:
        logging.root.handlers = handlers
        for name, level in before.items():
            logging.getLogger(name or None).setLevel(level)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Interrupts, as Ctrl-C does, what has not ended by itself: a command that should be refused, and serves."""

    def end(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


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
