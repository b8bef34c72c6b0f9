"""The `timebok` command as somebody types it: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
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
