"""Real processes to measure: the sandbox Google, and Timebok on SQLite, or on PostgreSQL with sync beside web."""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

from models.secret import new_secret_key
from tests import postgres
from tests.demonstration import TIMEBOK
from tests.served import Served, consent, ticket_in
from tests.stage import browser, free_port

ANNA = "anna@example.com"


@dataclass(frozen=True)
class Household:
    """A business whose Anna is linked to her Google calendar, and the ways to both."""

    served: Served
    google: str
    anna: str
    service: str
    processes: tuple[asyncio.subprocess.Process, ...]

    def memory(self) -> int:
        """The most memory that Timebok's processes ever took, in bytes."""
        peaks = [Path(f"/proc/{each.pid}/status").read_text().split("VmHWM:")[1].split()[0] for each in self.processes]
        return sum(int(peak) * 1024 for peak in peaks)


@asynccontextmanager
async def household(*, on_postgres: bool) -> AsyncIterator[Household]:
    """One process on SQLite; or one that serves and one that syncs, on PostgreSQL and with PostgreSQL as the bell."""
    async with AsyncExitStack() as things:
        folder = things.enter_context(tempfile.TemporaryDirectory())
        google_port, port = free_port(), free_port()
        google, origin = f"http://127.0.0.1:{google_port}", f"http://127.0.0.1:{port}"
        database = f"sqlite:///{folder}/timebok.db"
        if on_postgres:
            server = things.enter_context(postgres.server())
            database = await things.enter_async_context(postgres.database(server))
        settings = {
            "TIMEBOK_DATABASE_URL": database,
            "TIMEBOK_BELL_URL": database if on_postgres else "memory://",
            "TIMEBOK_PUBLIC_URL": origin,
            "TIMEBOK_SECRET_KEYS": new_secret_key(),
            "TIMEBOK_KEY_REQUESTS": "0",
            "TIMEBOK_GOOGLE_ORIGIN": google,
            "TIMEBOK_GOOGLE_CLIENT_ID": "timebok-demo",
            "TIMEBOK_GOOGLE_CLIENT_SECRET": "timebok-demo-secret",
        }
        environment = {**os.environ, **settings}
        await things.enter_async_context(_running(environment, "sandbox", "--port", str(google_port)))
        await _said(environment, "migrate")
        made = await _said(
            environment, "business", "create", "--slug", "studio", "--name", "Studio", "--time-zone", "Europe/Oslo",
            "--origin", origin,
        )  # fmt: skip
        keys = {
            role: (await _said(environment, "key", "create", "--business", "studio", "--role", role))["key"]
            for role in ("admin", "staff", "public")
        }
        commands = [["serve", "--port", str(port)]]
        if on_postgres:
            commands = [["serve", "--port", str(port), "--no-sync"], ["sync"]]
        processes = [await things.enter_async_context(_running(environment, *command)) for command in commands]
        http = await things.enter_async_context(browser())
        served = Served(origin, UUID(made["id"]), keys, http)
        await _answers(http, f"{origin}/readyz")
        await _answers(http, f"{google}/sandbox")
        yield await _furnished(served, google, tuple(processes))


async def _furnished(served: Served, google: str, processes: tuple[asyncio.subprocess.Process, ...]) -> Household:
    """Anna is open around the clock, has one short service, has signed in and is linked."""
    days = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
    hours = [{"weekday": day, "opens": "00:00", "closes": "00:00"} for day in days]
    wish: dict[str, Any] = {"name": "Anna", "kind": "PERSON", "openingHours": hours}
    anna = (await served.do("CreateOption", "staff", input=wish))["option"]["id"]
    wish = {"name": "Cut", "durationMinutes": 15, "optionIds": [anna]}
    service = (await served.do("CreateService", "staff", input=wish))["service"]["id"]
    wish = {"optionId": anna, "returnTo": f"{served.url}/edit"}
    address = (await served.do("StartGoogleSignIn", "admin", input=wish))["authorizationUrl"]
    back = await consent(served.http, address, decision="allow", account=ANNA)
    assert (await served.do("CompleteGoogleSignIn", "admin", input={"ticket": ticket_in(back)}))["errors"] == []
    return Household(served, google, anna, service, processes)


@asynccontextmanager
async def _running(environment: dict[str, str], *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(TIMEBOK, *command, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


async def _said(environment: dict[str, str], *command: str) -> Any:
    """What a command printed as JSON; None when it printed nothing."""
    process = await asyncio.create_subprocess_exec(TIMEBOK, *command, env=environment, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0, command
    return json.loads(out) if out.startswith(b"{") else None


async def _answers(http: httpx2.AsyncClient, address: str) -> None:
    """Returns once the address answers well."""
    async with asyncio.timeout(30):
        while True:
            try:
                if (await http.get(address)).status_code == 200:
                    return
            except httpx2.TransportError:
                await asyncio.sleep(0)
