"""The newcomer's one command: it runs, shows the whole loop, and ends cleanly."""

import asyncio
import re
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from graph.commands.demo.story import connect
from graph.relay.nodes import decode_id
from models.storage import db
from models.storage.secrets import new_secret_key
from tests.command import said, started
from tests.demonstration import Demo, demonstration
from tests.graph.shop import make_option
from tests.operations import operations
from tests.served import Served, new_business
from tests.stage import PATIENCE, browser, free_port

ANNA = "anna@example.com"


async def test_the_demo_shows_the_loop_and_ends_with_status_0() -> None:
    async with demonstration() as demo:
        home = await _ask(demo, "Home", demo.staff_key)
        options = {each["name"]: each for each in home["options"]["nodes"]}
        assert options["Ben"]["google"]["account"]["state"] == "CONNECTED"
        haircut = next(each for each in home["services"]["nodes"] if each["name"] == "Haircut")
        soon = datetime.now(UTC)
        week = {"from": soon.isoformat(), "to": (soon + timedelta(days=7)).isoformat()}
        overview = await _ask(demo, "SlotOverview", demo.staff_key, serviceId=haircut["id"], **week)
        assert overview["availability"]["days"]
        calendar = await _ask(demo, "Calendar", demo.staff_key, **week)
        assert {entry["__typename"] for entry in calendar["calendar"]["entries"]} >= {"Booking"}
        demo.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await demo.process.wait() == 0


async def test_a_demo_that_keeps_its_data_finds_it_again_with_its_keys(tmp_path: Path) -> None:
    bookings, keys = [], []
    for _ in range(2):
        async with demonstration("--data", str(tmp_path)) as demo:
            soon = datetime.now(UTC)
            week = {"from": soon.isoformat(), "to": (soon + timedelta(days=7)).isoformat()}
            entries = (await _ask(demo, "Calendar", demo.staff_key, **week))["calendar"]["entries"]
            bookings.append({each["id"] for each in entries if each["__typename"] == "Booking"})
            keys.append((demo.public_key, demo.staff_key, demo.admin_key))
            await _ben_sees(demo, "Haircut")
    assert bookings[0] == bookings[1] != set()
    assert keys[0] == keys[1]
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("keys.json", "secret.key")] == [0o600, 0o600]


@pytest.mark.parametrize("damaged", ['{"PUBLIC": 1, "STAFF": "tb_staff_unknown"}', "[]", "no JSON"])
async def test_a_demo_whose_keys_are_lost_makes_new_ones(tmp_path: Path, damaged: str) -> None:
    file = tmp_path / "keys.json"
    file.touch(mode=0o644)
    file.write_text(damaged)
    async with demonstration("--data", str(tmp_path)) as demo:
        for key in (demo.public_key, demo.staff_key, demo.admin_key):
            assert (await _ask(demo, "Services", key))["services"]["nodes"]
        assert file.stat().st_mode & 0o077 == 0


async def test_what_the_sandbox_prints_is_what_serve_needs_to_use_it(tmp_path: Path, sqlite_url: str) -> None:
    google_port, port = free_port(), free_port()
    sandbox = await started(tmp_path, "sandbox", "--port", str(google_port))
    printed = await said(sandbox, "export TIMEBOK_GOOGLE_CLIENT_SECRET")
    settings = dict(re.findall(r"^export TIMEBOK_(\w+)=(\S+)$", printed, re.MULTILINE))
    more = {"database_url": sqlite_url, "public_url": f"http://127.0.0.1:{port}", "secret_keys": new_secret_key()}
    async with db.opened(sqlite_url):
        _, keys = await new_business("studio", (more["public_url"],))
    serve = await started(tmp_path, "serve", "--port", str(port), **settings, **more)
    try:
        await said(serve, "Timebok listens")
        async with browser() as http:
            served = Served(more["public_url"], UUID(int=0), keys, http)
            option = await make_option(served)
            await connect(served.url, keys["admin"], decode_id("Option", option), account=ANNA, calendar=ANNA)
            home = await served.ask("Home", "staff")
        assert [each["google"]["account"]["email"] for each in home["data"]["options"]["nodes"]] == [ANNA]
    finally:
        for process in (serve, sandbox):
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                assert await process.wait() == 0


async def _ben_sees(demo: Demo, title: str) -> None:
    """Returns once Ben's Google calendar shows it in one of the coming weeks."""
    week = datetime.fromisoformat(re.findall(r"week=(\S+)", demo.printed)[0])
    async with browser() as http, asyncio.timeout(PATIENCE):
        while True:
            for number in range(2):
                monday = (week + timedelta(days=7 * number)).date()
                page = await http.get(f"{demo.google_url}/?account=ben@example.com&week={monday}")
                if title in page.text:
                    return


async def _ask(demo: Demo, name: str, key: str, **variables: Any) -> dict[str, Any]:
    async with browser() as http:
        body = {"query": operations()[name], "variables": variables}
        answer = await http.post(f"{demo.url}/graphql", json=body, headers={"Authorization": f"Bearer {key}"})
    found = answer.json()
    assert "errors" not in found, found
    data: dict[str, Any] = found["data"]
    return data
