"""The newcomer's one command: it runs, shows the whole loop, and ends cleanly."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.demonstration import Demo, demonstration
from tests.operations import operations
from tests.stage import browser


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


async def test_a_demo_that_keeps_its_data_finds_it_again(tmp_path: Path) -> None:
    bookings = []
    for _ in range(2):
        async with demonstration("--data", str(tmp_path)) as demo:
            soon = datetime.now(UTC)
            week = {"from": soon.isoformat(), "to": (soon + timedelta(days=7)).isoformat()}
            entries = (await _ask(demo, "Calendar", demo.staff_key, **week))["calendar"]["entries"]
            bookings.append({each["id"] for each in entries if each["__typename"] == "Booking"})
    assert bookings[0] == bookings[1] != set()


async def _ask(demo: Demo, name: str, key: str, **variables: Any) -> dict[str, Any]:
    async with browser() as http:
        body = {"query": operations()[name], "variables": variables}
        answer = await http.post(f"{demo.url}/graphql", json=body, headers={"Authorization": f"Bearer {key}"})
    found = answer.json()
    assert "errors" not in found, found
    data: dict[str, Any] = found["data"]
    return data
