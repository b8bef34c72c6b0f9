"""The README's first booking, as it stands, against a running demo: with every service, in every shell; and what it
follows the calendar with.
"""

import json
import os
import re
import shutil
import signal
import sys
from asyncio import StreamReader, create_subprocess_exec, timeout
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from tests.command import PATIENCE
from tests.demonstration import Demo, demonstration
from tests.stage import browser

README = (Path(__file__).parents[1] / "README.md").read_text()
SECTION = README.partition("## A first booking\n")[2].partition("\n## ")[0]
LISTS, TAKES, ASKS, BOOKS, ON_A_SOCKET, AS_EVENTS = re.findall(r"^```sh\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
SHELLS = [each for each in ("sh", "bash", "dash", "zsh") if shutil.which(each)]


def script(demo: Demo, *blocks: str) -> str:
    """The README's lines, after the one that the demo prints."""
    match = re.search(r"export KEY=.*", demo.printed)
    assert match, demo.printed
    lines = "\n".join((match[0], *blocks)).replace(".venv/bin/python", sys.executable)
    return lines.replace("127.0.0.1:8000", demo.url.removeprefix("http://"))


async def run(shell: str, demo: Demo, *blocks: str) -> list[str]:
    """What the README's lines print: a line of JSON each."""
    process = await create_subprocess_exec(shell, stdin=PIPE, stdout=PIPE)
    async with timeout(PATIENCE):
        printed, _ = await process.communicate(script(demo, *blocks).encode())
    assert process.returncode == 0
    return re.findall(r'\{"data":.*?(?=\{"data":|$)', printed.decode().replace("\n", ""))


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_it_books_every_service_in_every_shell() -> None:
    async with demonstration() as demo:
        (listed,) = await run(SHELLS[0], demo, LISTS)
        services = {each["id"]: each["name"] for each in json.loads(listed)["data"]["services"]["nodes"]}
        assert len(services) >= 3
        for shell in SHELLS:
            for choice in (TAKES, *(f"SERVICE={each}\n" for each in services)):
                _, free, booked, again = await run(shell, demo, LISTS, choice, ASKS, BOOKS, BOOKS)
                assert json.loads(free)["data"]["availability"]["days"]
                answer = json.loads(booked)["data"]["createBooking"]
                assert (answer["errors"], answer["alternatives"]) == ([], []), (shell, choice)
                start = json.loads(free)["data"]["availability"]["days"][0]["slots"][0]["start"]
                assert (answer["booking"]["start"], bool(answer["booking"]["reference"])) == (start, True)
                assert json.loads(again)["data"] == json.loads(booked)["data"]


@asynccontextmanager
async def following(shell: str, demo: Demo, block: str) -> AsyncIterator[StreamReader]:
    """What somebody follows the calendar with, and its output from when a change would be told."""
    process = await create_subprocess_exec(
        *(shell, "-c", script(demo, block)), stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    assert process.stdout
    assert process.stderr
    try:
        async with timeout(PATIENCE), browser() as http:
            while "timebok_subscribers 1.0" not in (await http.get(f"{demo.url}/metrics")).text:
                assert process.returncode is None
            yield process.stdout
            # As Ctrl-C does: to all that the shell has started.
            os.killpg(process.pid, signal.SIGINT)
            assert b"Traceback" not in await process.stderr.read()
            await process.wait()
            while "timebok_subscribers 0.0" not in (await http.get(f"{demo.url}/metrics")).text:
                pass
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_what_it_follows_the_calendar_with_tells_of_a_booking() -> None:
    async with demonstration() as demo:
        for block in (ON_A_SOCKET, AS_EVENTS):
            async with following(SHELLS[0], demo, block) as told:
                booked = (await run(SHELLS[0], demo, LISTS, TAKES, ASKS, BOOKS))[-1]
                start = json.loads(booked)["data"]["createBooking"]["booking"]["start"]
                starts: set[datetime] = set()
                # An earlier booking may be told of once more meanwhile, when it has reached Google.
                while datetime.fromisoformat(start) not in starts:
                    line = await told.readline()
                    assert line
                    if b"UPSERTED" in line:
                        starts.add(datetime.fromisoformat(re.findall(r'"start":"([^"]+)', line.decode())[0]))
