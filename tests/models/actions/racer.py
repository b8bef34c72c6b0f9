"""A race of real processes for one slot: each opens the database, waits for the start, and tries many times at once.

`race` starts them; run as a module, this is one of them.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from tortoise.exceptions import IntegrityError

from models.api_key import Caller
from models.enums import ChangeAction, ChangeKind, Role
from models.log.change_log import LoggedTransaction, write
from models.refusals import Refused
from models.storage import db
from tests.models.rows import Shop, a_claim, told

PROCESSES = 4
TASKS = 13
PATIENCE = 60.0


async def book(shop: Shop, start: datetime, _: int) -> str:
    """Books through the front door."""
    answer = await shop.book(start)
    return " ".join(told(answer)) if isinstance(answer, Refused) else "booked"


async def claim(shop: Shop, start: datetime, number: int) -> str:
    """Claims with nothing read, nothing decided and no lock taken: only the database says no. Each starts later."""

    async def body() -> None:
        await a_claim(shop, start + timedelta(minutes=number))

    try:
        await db.transaction(body)
    except IntegrityError as error:
        return str(error)
    return "claimed"


async def note(shop: Shop, _: datetime, number: int) -> str:
    """Writes up to three changes, or none: then it is refused at the last moment."""

    async def body(work: LoggedTransaction) -> str:
        for _ in range(number % 4):
            work.record(ChangeKind.OPTION, uuid4(), ChangeAction.UPSERTED, [shop.option_id])
        await asyncio.sleep(0)
        return str(number % 4)

    return await write(shop.business_id, body)


_DEEDS: Mapping[str, Callable[[Shop, datetime, int], Awaitable[str]]] = {"book": book, "claim": claim, "note": note}


async def race(deed: str, url: str, shop: Shop, start: datetime) -> Counter[str]:
    """How the tries of all processes ended."""
    async with AsyncExitStack() as course:
        racers = [await course.enter_async_context(_racer(deed, url, shop, start)) for _ in range(PROCESSES)]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(_line(racer) for racer in racers))
            outcomes = await asyncio.gather(*(racer.communicate(b"go\n") for racer in racers))
    for racer, (_, complaint) in zip(racers, outcomes, strict=True):
        assert racer.returncode == 0, complaint.decode()
    return Counter(ended for said, _ in outcomes for ended in json.loads(said))


@asynccontextmanager
async def _racer(deed: str, url: str, shop: Shop, start: datetime) -> AsyncIterator[Process]:
    ids = [shop.business_id, shop.option_id, shop.service_id, shop.staff.key_id]
    command = [sys.executable, "-m", "tests.models.actions.racer", deed, url, start.isoformat(), *map(str, ids)]
    racer = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        yield racer
    finally:
        if racer.returncode is None:
            racer.kill()
            await racer.wait()


async def _line(racer: Process) -> None:
    assert racer.stdout
    assert await racer.stdout.readline() == b"ready\n", "the process did not come to the start"


async def _run(deed: str, url: str, start: str, *ids: str) -> None:
    business_id, option_id, service_id, key_id = map(UUID, ids)
    shop = Shop(business_id, option_id, service_id, Caller(business_id, key_id, Role.STAFF, "racer"))
    # A server has a hundred connections, and there are others beside us.
    few = {} if url.startswith("sqlite") else {"maxsize": "6"}
    async with db.opened(url, **few):
        # Connected before the start, so that nobody is late.
        await db.connection().execute_query("SELECT 1")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        tries = (_DEEDS[deed](shop, datetime.fromisoformat(start), number) for number in range(TASKS))
        outcomes = await asyncio.gather(*tries)
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    asyncio.run(_run(*sys.argv[1:]))
