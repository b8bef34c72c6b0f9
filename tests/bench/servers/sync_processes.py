"""Real processes to measure: the sandbox Google, and Timebok on SQLite, or on PostgreSQL with sync beside web."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import postgres
from tests.bench.servers.process import address, answers, running
from tests.bench.servers.timebok_process import Premises, premises
from tests.command import TIMEBOK
from tests.served import Served, consent, ticket_in

ANNA = "anna@example.com"


@dataclass(frozen=True)
class Household:
    """A business whose Anna has signed in with Google, and the ways to both."""

    served: Served
    google: str
    anna: str
    service: str
    processes: tuple[asyncio.subprocess.Process, ...]

    def memory(self) -> int:
        """The most memory that Timebok's processes ever took, in bytes."""
        peaks = [Path(f"/proc/{each.pid}/status").read_text().split("VmHWM:")[1].split()[0] for each in self.processes]
        return sum(int(peak) * 1024 for peak in peaks)

    async def link(self) -> None:
        """Ties Anna to her calendar."""
        wish = {"optionId": self.anna, "calendarId": ANNA}
        assert (await self.served.do("LinkGoogleCalendar", "admin", input=wish))["errors"] == []

    async def in_step(self) -> None:
        """Returns once the calendar is read and a push channel is open."""
        async with self.served.following("SyncHealthChanges", "staff", optionIds=[self.anna]) as stream:
            while True:
                # However long the first reading of a calendar takes, nothing is said of it meanwhile.
                said = json.loads(await stream.socket.recv())["payload"]["data"]["syncHealthChanges"]
                health = (said["option"]["google"] or {}).get("health")
                if health and health["inbound"]["lastCompletedAt"] and health["pushChannel"]["active"]:
                    return


@asynccontextmanager
async def household(*, on_postgres: bool, google: str | None = None) -> AsyncIterator[Household]:
    """One process on SQLite; or one that serves and one that syncs, on PostgreSQL and with PostgreSQL as the bell.

    `google`: the origin of a sandbox that is there already; without it one is started.
    """
    async with AsyncExitStack() as things:
        folder = things.enter_context(tempfile.TemporaryDirectory())
        if google is None:
            google_port, google = address()
            await things.enter_async_context(running(TIMEBOK, "sandbox", "--port", google_port, environment={}))
        database = f"sqlite:///{folder}/timebok.db"
        if on_postgres:
            server = things.enter_context(postgres.server())
            database = await things.enter_async_context(postgres.database(server))
        settings = {
            "google_origin": google,
            "google_client_id": "timebok-demo",
            "google_client_secret": "timebok-demo-secret",
        }
        ours = await things.enter_async_context(premises(database, settings, divided=on_postgres))
        await answers(f"{google}/sandbox")
        yield await furnished(ours.served, google, *ours.processes)


async def furnished(served: Served, google: str, *processes: asyncio.subprocess.Process) -> Household:
    """Anna is open around the clock, has one short service and has signed in."""
    anna, service = await Premises(served, processes).furnish()
    wish = {"optionId": anna, "returnTo": f"{served.url}/edit"}
    page = (await served.do("StartGoogleSignIn", "admin", input=wish))["authorizationUrl"]
    back = await consent(served.http, page, decision="allow", account=ANNA)
    assert (await served.do("CompleteGoogleSignIn", "admin", input={"ticket": ticket_in(back)}))["errors"] == []
    return Household(served, google, anna, service, processes)
