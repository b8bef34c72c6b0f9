"""What is away is told once when it goes and once when it is back, however often it is tried meanwhile."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from graph.server.live import hold_expiry
from models.log.notifier import Notifier
from models.storage import db
from models.storage.outage import Outage, looking
from tests.models.log.brokers import Valkey
from tests.models.log.test_notifier import HEARTBEAT_SECONDS, becoming, within

log = logging.getLogger("timebok.outage")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What the log says of what is away and back, from the first word on."""
    said: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    handler = Listening()
    logging.getLogger("timebok").addHandler(handler)
    with caplog.at_level(logging.INFO):
        yield said
    logging.getLogger("timebok").removeHandler(handler)


def test_it_is_told_once_when_it_goes_and_once_when_it_is_back(told: list[str]) -> None:
    outage = Outage(log, "the well")
    for _ in range(2):
        outage.is_over()
        for _ in range(5):
            outage.goes_on("dry")
        for _ in range(5):
            outage.is_over()
    away, back = told[:2]
    assert away.startswith("the well is away")
    assert away.endswith(": dry")
    assert back.startswith("the well is back after 0 s")
    assert told == [away, back] * 2


def test_a_fault_of_another_kind_is_told_each_time_and_is_no_outage(
    told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    outage = Outage(log, "the database")
    for error in (OSError("gone"), OSError("gone"), ValueError("wrong"), ValueError("wrong")):
        with looking(outage, log, "could not look"):
            raise error
    with looking(outage, log, "could not look"):
        pass
    assert [line.partition(" is ")[0] for line in told] == ["the database", *["could not look"] * 2, "the database"]
    assert [bool(record.exc_info) for record in caplog.records] == [False, True, True, False]


async def test_a_broker_that_goes_and_comes_back_is_told_of_twice(told: list[str]) -> None:
    broker = Valkey()
    bell = Notifier(broker.url, HEARTBEAT_SECONDS)
    connect, tries = bell._session, asyncio.Semaphore(0)

    async def counted() -> None:
        try:
            await connect()
        finally:
            tries.release()

    bell._session = counted  # type: ignore[method-assign]
    bell.start()
    for _ in range(3):
        await within(tries.acquire())
    assert [line.partition(" (")[0] for line in told] == ["the broker of TIMEBOK_BELL_URL"]
    assert " is away" in told[0]
    await broker.restart()
    await within(becoming(bell, healthy=True))
    assert [" is back after " in line for line in told] == [False, True]
    await broker.stop()
    await within(becoming(bell, healthy=False))
    for _ in range(2):
        await within(tries.acquire())
    assert [" is away" in line for line in told] == [True, False, True]
    await within(bell.stop())


async def test_a_database_that_is_away_is_told_of_once_by_what_looks_every_few_seconds(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = asyncio.Semaphore(0)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        tries.release()

    monkeypatch.setattr(hold_expiry, "LOOK_SECONDS", 0.0)
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with db.opened(f"postgres://me:geheim@127.0.0.1:{port}/timebok"):
            looks = asyncio.create_task(hold_expiry.lapse())
            for _ in range(5):
                await within(tries.acquire())
            looks.cancel()
            await asyncio.wait([looks])
    assert [line.partition(" is away")[0] for line in told] == ["the database"]


async def test_a_database_that_takes_no_writes_is_told_once_whoever_finds_it(told: list[str], tmp_path: Path) -> None:
    async def refused() -> None:
        raise asyncpg.DiskFullError("no space left")

    async def written() -> None:
        await db.connection().execute_script("CREATE TABLE IF NOT EXISTS written (it INTEGER)")

    async with db.opened(f"sqlite:///{tmp_path / 'some.db'}"):
        for _ in range(2):
            for _ in range(3):
                with looking(Outage(log, "the database"), log, "could not look"):
                    await refused()
                with pytest.raises(asyncpg.DiskFullError):
                    await db.transaction(refused)
                assert not db.is_writable()
            for _ in range(3):
                await db.transaction(written)
                assert db.is_writable()
    gone, back = told[:2]
    assert (gone, back[:37]) == ("the database takes no writes: no space left", "the database takes writes again after")
    assert [each[:30] for each in told] == [gone[:30], back[:30]] * 2
