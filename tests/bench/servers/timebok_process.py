"""Timebok in processes of its own, set up by its own commands: a business, a key of each role, somebody to book."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models.storage.secrets import new_secret_key
from tests.bench.servers.process import address, answers, running
from tests.command import TIMEBOK
from tests.served import Served
from tests.stage import browser

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


@dataclass(frozen=True)
class Premises:
    """A business that is served; the first of the processes serves it."""

    served: Served
    processes: tuple[asyncio.subprocess.Process, ...]

    async def furnish(self) -> tuple[str, str]:
        """Anna, who is open around the clock, and one service of 15 minutes: their ids."""
        hours = [{"weekday": day, "opens": "00:00", "closes": "00:00"} for day in DAYS]
        wish: dict[str, Any] = {"name": "Anna", "kind": "PERSON", "openingHours": hours}
        anna = (await self.served.do("CreateOption", "staff", input=wish))["option"]["id"]
        wish = {"name": "Cut", "durationMinutes": 15, "optionIds": [anna]}
        return anna, (await self.served.do("CreateService", "staff", input=wish))["service"]["id"]


@asynccontextmanager
async def premises(
    database: str, settings: Mapping[str, str] | None = None, *, divided: bool = False, core: int | None = None
) -> AsyncIterator[Premises]:
    """Served by one process; or, when `divided`, web and sync by one each, with the database as their bell.

    `settings` by name, in lower case; with `core` that is all the processes have.
    """
    port, origin = address()
    chosen = {
        "database_url": database,
        "bell_url": database if divided else "memory://",
        "public_url": origin,
        "secret_keys": new_secret_key(),
        "key_requests": "0",
        "key_cost": "0",
        "key_sockets": "0",
        "address_bookings": "0",
        **(settings or {}),
    }
    environment = {f"TIMEBOK_{name.upper()}": value for name, value in chosen.items()}
    await _said(environment, "migrate")
    asked = ("--slug", "studio", "--name", "Studio", "--time-zone", "Europe/Oslo", "--origin", origin)
    made = await _said(environment, "business", "create", *asked)
    keys = {
        role: (await _said(environment, "key", "create", "--business", "studio", "--role", role))["key"]
        for role in ("admin", "staff", "public")
    }
    commands = [("serve", "--port", port, "--no-sync"), ("sync",)] if divided else [("serve", "--port", port)]
    async with AsyncExitStack() as things:
        processes = [
            await things.enter_async_context(running(TIMEBOK, *command, environment=environment, core=core))
            for command in commands
        ]
        http = await things.enter_async_context(browser())
        await answers(f"{origin}/readyz")
        yield Premises(Served(origin, UUID(made["id"]), keys, http), tuple(processes))


async def _said(environment: Mapping[str, str], *command: str) -> Any:
    """What a command printed as JSON; None when it printed nothing."""
    process = await asyncio.create_subprocess_exec(
        TIMEBOK, *command, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, command
    return json.loads(out) if out.startswith(b"{") else None
