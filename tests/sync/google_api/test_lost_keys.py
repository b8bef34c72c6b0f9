"""A secret key that was replaced: everything starts, health says what to do, the log says it once, the key cures it."""

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet

from models import clock
from models.enums import AllDayEvents, Blocking, EventDetail, HealthState, UnroutedEvents
from models.google.tables import GoogleAccount
from models.storage import db
from models.storage.secrets import Secrets
from sync.google_api.trouble import TroubleCode
from sync.service import Google
from sync.worker import Worker
from tests.sync import rows
from tests.sync.accounts.test_link import named, relink
from tests.sync.rows import SECRETS, tomorrow
from tests.sync.sandbox.sandbox_client import ANNA, BEN
from tests.sync.sync_stack import Floor, busy


async def health(floor: Floor, door: Google, option_id: UUID) -> set[tuple[HealthState, TroubleCode | None]]:
    """Both directions: how they do, and what is wrong."""
    found = (await door.connections(floor.business_id, [option_id]))[option_id].health
    return {(each.state, each.error.code if each.error else None) for each in (found.inbound, found.outbound)}


async def restarted(floor: Floor, secrets: Secrets) -> tuple[Google, Floor]:
    """The service as another process with these keys has it; not yet entered."""
    door = Google(floor.settings, secrets)
    return door, Floor(
        floor.sandbox, door, door._engine, Worker(door._engine, 30), floor.business_id, floor.settings, floor.on
    )


async def test_a_replaced_key_is_said_in_health_and_once_in_the_log_and_is_cured_by_the_old_one(
    floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    options = [await floor.linked_option(), await floor.linked_option("Ben", BEN, BEN)]
    booking = await floor.book(options[0])
    caplog.set_level(logging.INFO)
    door, other = await restarted(floor, Secrets((Fernet.generate_key().decode(),)))
    lost = {(HealthState.ACTION_REQUIRED, TroubleCode.SECRET_KEY_LOST)}
    async with door:
        assert [await health(floor, door, each) for each in options] == [lost, lost]
        for _ in range(5):
            await GoogleAccount.all().update(list_due_at=clock.now())
            await other.look()
        assert [await health(floor, door, each) for each in options] == [lost, lost]
        said = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert len(said) == 1
        assert "TIMEBOK_SECRET_KEYS" in said[0].message
        assert not any(record.exc_info for record in caplog.records)
    assert floor.sandbox.events(ANNA) == []
    floor.sandbox.insert_event(ANNA, busy(tomorrow(12), tomorrow(13)))
    door, other = await restarted(floor, SECRETS)
    async with door:
        await other.settle()
        assert await health(floor, door, options[0]) == {(HealthState.OK, None)}
        assert len(await floor.blocked(options[0])) == 1
        await floor.until_mirrored(booking)


async def test_a_replaced_key_is_cured_by_signing_in_again(floor: Floor) -> None:
    rule: dict[str, Any] = {"blocking": Blocking.MATCHED_EVENTS, "matchers": named("Dentist")}
    kept: dict[str, Any] = {"detail": EventDetail.BUSY_ONLY, "unrouted_events": UnroutedEvents.BLOCK_NONE}
    floor.sandbox.insert_event(ANNA, busy(tomorrow(12), tomorrow(13), summary="Dentist"))
    anna = await floor.linked_option(**rule, **kept)
    door, other = await restarted(floor, Secrets((Fernet.generate_key().decode(),)))
    async with door:
        await other.look()
        await other.signed_in(anna)
        await other.settle()
        assert await health(floor, door, anna) == {(HealthState.OK, None)}
        # What was kept as hashes of the lost key is made anew.
        await relink(other, anna, ANNA, all_day_events=AllDayEvents.NEVER_BLOCK)
        assert await floor.blocked(anna) == [(tomorrow(12), tomorrow(13))]


async def test_who_comes_back_after_the_key_was_replaced_is_sent_on_to_try_again(floor: Floor) -> None:
    anna = await rows.an_option(floor.business_id)
    address = await floor.door.start_sign_in(floor.business_id, anna, "https://app.example/edit")
    assert isinstance(address, str)
    state = address.partition("state=")[2].partition("&")[0]
    door, _ = await restarted(floor, Secrets((Fernet.generate_key().decode(),)))
    async with door:
        back = await door.callback({"state": state, "code": "x"})
    assert back == "https://app.example/edit?google_error=expired"


async def rotate(url: str, keys: str) -> tuple[int | None, str, str]:
    """`timebok secrets rotate`: its status, and what it said."""
    command = str(Path(sys.executable).with_name("timebok"))
    settings = {"TIMEBOK_DATABASE_URL": url, "TIMEBOK_SECRET_KEYS": keys}
    pipe = asyncio.subprocess.PIPE
    ran = await asyncio.create_subprocess_exec(
        command, "secrets", "rotate", env={**os.environ, **settings}, stdout=pipe, stderr=pipe
    )
    out, err = await ran.communicate()
    return ran.returncode, out.decode(), err.decode()


async def test_rotating_without_a_key_that_is_needed_is_one_line_and_does_the_rest(database_url: str) -> None:
    old, lost, new = (Fernet.generate_key().decode() for _ in range(3))
    async with db.opened(database_url):
        business_id = await rows.a_business()
        await rows.an_account(business_id, sealed=Secrets((old,)).seal("ours"))
        missing = await rows.an_account(business_id, sealed=Secrets((lost,)).seal("lost"))
    status, out, err = await rotate(database_url, f"{new},{old}")
    assert (status, out, err.count("\n")) == (2, '{"rotated": 1}\n', 1)
    assert err.startswith("timebok: TIMEBOK_SECRET_KEYS: no key opens what is stored of 1 Google accounts")
    async with db.opened(database_url):
        opened = {row.id: Secrets((new,)).opens(row.sealed) for row in await GoogleAccount.all()}
        assert [account for account, opens in opened.items() if not opens] == [missing]
    status, out, err = await rotate(database_url, f"{new},{old},{lost}")
    assert (status, out, err) == (0, '{"rotated": 2}\n', "")
