"""The product and a Google on a clock that only the bench moves: a day takes as long as the work in it."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models import clock
from models.google.tables import GoogleAccount, GoogleCalendar
from models.settings import read
from models.storage.migrate import migrate
from models.storage.secrets import Secrets, new_secret_key
from sync.sandbox.app import sandbox_app
from sync.sandbox.state import SandboxGoogle
from sync.service import Google
from sync.worker import Worker
from tests.bench.servers.google_counter import Meter, Metered
from tests.bench.servers.sync_processes import Household, furnished
from tests.served import serving
from tests.stage import stage
from tests.world.sync.model import Clock


@dataclass(frozen=True)
class Clockwork:
    """A household, and who keeps it in step when the bench says so."""

    state: Household
    google: SandboxGoogle
    meter: Meter
    clock: Clock
    _worker: Worker

    async def settle(self) -> None:
        """Everything that is due is done, and Google's notifications of it are answered."""
        begun = 1
        while begun:
            await self.google.channels.settled()
            begun = await self._worker.start_due()
            await self._worker.finish()

    async def run(self, length: timedelta) -> None:
        """So much time passes, and what comes due is done when it does."""
        end = self.clock.time + length
        while (due := await _next_due()) < end:
            self.clock.time = max(self.clock.time, due.astimezone(UTC))
            await self.settle()
        self.clock.time = end


async def _next_due() -> datetime:
    """When the worker has something to do again."""
    calendars = await GoogleCalendar.filter(pull_due_at__isnull=False).values_list("pull_due_at", "pull_not_before")
    moments: list[datetime] = [max(due, not_before or due) for due, not_before in calendars]
    moments += [row.list_due_at for row in await GoogleAccount.all() if row.list_due_at]
    return min(moments)


@asynccontextmanager
async def clockwork() -> AsyncIterator[Clockwork]:
    """Served over HTTP on SQLite, with the worker as a process apart; nothing is linked yet."""
    time, meter = Clock(), Meter()
    google = SandboxGoogle(now=time)
    google.seed_demo()
    metered = sandbox_app(google)
    metered.add_middleware(Metered, meter=meter)
    async with AsyncExitStack() as things:
        patched = things.enter_context(pytest.MonkeyPatch.context())
        patched.setattr(clock, "now", time)
        patched.setattr(clock, "wait", time.wait)
        url = f"sqlite:///{things.enter_context(tempfile.TemporaryDirectory())}/timebok.db"
        await migrate(url)
        ours, theirs = await things.enter_async_context(stage()), await things.enter_async_context(stage())
        origin = await things.enter_async_context(theirs.playing(metered))
        secret_keys = (new_secret_key(),)
        settings: dict[str, Any] = {
            "secret_keys": secret_keys,
            "google_origin": origin,
            "google_client_id": "timebok-demo",
            "google_client_secret": "timebok-demo-secret",
        }
        served = await things.enter_async_context(serving(ours, url, key_requests=0, address_bookings=0, **settings))
        apart = Google(read(_env_file=None, database_url=url, public_url=served.url, **settings), Secrets(secret_keys))
        await things.enter_async_context(apart)
        house = await furnished(served, origin)
        yield Clockwork(house, google, meter, time, Worker(apart._engine, kept_days=30))
