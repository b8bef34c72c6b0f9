"""The README's first booking, as it stands, against a running demo: with every service, in every shell."""

import json
import re
import shutil
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.command import PATIENCE
from tests.demonstration import Demo, demonstration

README = (Path(__file__).parents[1] / "README.md").read_text()
SECTION = README.partition("## A first booking\n")[2].partition("\n## ")[0]
LISTS, TAKES, ASKS, BOOKS = re.findall(r"^```sh\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
SHELLS = [each for each in ("sh", "bash", "dash", "zsh") if shutil.which(each)]


async def run(shell: str, demo: Demo, *blocks: str) -> list[str]:
    """What the README's lines print, after the one that the demo prints: a line of JSON each."""
    match = re.search(r"export KEY=\S+", demo.printed)
    assert match, demo.printed
    script = "\n".join((match[0], *blocks)).replace("http://127.0.0.1:8000", demo.url)
    process = await create_subprocess_exec(shell, stdin=PIPE, stdout=PIPE)
    async with timeout(PATIENCE):
        printed, _ = await process.communicate(script.encode())
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
