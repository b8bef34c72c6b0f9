"""Grants: refreshed once however many ask, kept when they live, shown when they are dead."""

import asyncio
from datetime import timedelta
from uuid import UUID

from models import clock
from models.enums import ChangeKind, GoogleAccountState, HealthState
from models.google.tables import GoogleAccount
from sync.google_api import tokens
from sync.google_api.replies import Failure, FailureKind
from sync.google_api.tokens import NOT_CONNECTED, Grants
from sync.sandbox.faults import FaultKind
from tests.sync import rows
from tests.sync.sandbox.sandbox_client import ANNA
from tests.sync.sync_stack import Floor


async def an_account(floor: Floor) -> UUID:
    await floor.signed_in(await rows.an_option(floor.business_id))
    return (await GoogleAccount.get()).id


async def expired() -> None:
    await GoogleAccount.all().update(access_expires_at=clock.now())


async def test_a_token_that_lasts_is_used_as_it_is(floor: Floor) -> None:
    account_id = await an_account(floor)
    before = await GoogleAccount.get()
    access = await floor.engine._grants.access(account_id)
    assert access == floor.engine._grants.unseal(before.sealed)[0]
    assert (await GoogleAccount.get()).sealed == before.sealed


async def test_many_who_ask_at_once_refresh_once_also_from_several_processes(floor: Floor) -> None:
    account_id = await an_account(floor)
    await expired()
    processes = [Grants(floor.door._client, rows.SECRETS) for _ in range(3)]
    asked = (grants.access(account_id) for grants in processes for _ in range(4))
    answers = set(await asyncio.gather(*asked))
    assert len(answers) == 1
    assert isinstance(answers.pop(), str)
    assert (await GoogleAccount.get()).refresh_lease_until is None


async def test_a_refused_token_is_replaced_and_the_call_made_again(floor: Floor) -> None:
    anna = await floor.linked_option()
    floor.sandbox.grants.expire_access(ANNA)
    await floor.book(anna)
    await floor.settle()
    assert len(floor.sandbox.events(ANNA)) == 1
    assert (await GoogleAccount.get()).state == GoogleAccountState.CONNECTED


async def test_a_token_that_somebody_else_replaced_already_is_not_replaced_again(floor: Floor) -> None:
    account_id = await an_account(floor)
    grants = floor.engine._grants
    old = await grants.access(account_id)
    assert isinstance(old, str)
    new = await grants.access(account_id, refused=old)
    assert new != old
    assert await grants.access(account_id, refused=old) == new


async def test_a_dead_grant_is_noted_and_asked_for_no_more(floor: Floor) -> None:
    anna = await floor.linked_option()
    account_id = (await GoogleAccount.get()).id
    await expired()
    floor.sandbox.revoke(ANNA)
    before = len(await floor.changes(ChangeKind.GOOGLE_LINK))
    answer = await floor.engine._grants.access(account_id)
    assert isinstance(answer, Failure)
    assert (answer.kind, answer.code) == (FailureKind.RECONNECT, "invalid_grant")
    account = await GoogleAccount.get()
    assert (account.state, account.error_code) == (GoogleAccountState.RECONNECT_REQUIRED, "invalid_grant")
    assert len(await floor.changes(ChangeKind.GOOGLE_LINK)) == before + 1
    assert await floor.engine._grants.access(account_id) == NOT_CONNECTED
    health = (await floor.door.connections(floor.business_id, [anna]))[anna].health
    assert {health.inbound.state, health.outbound.state} == {HealthState.ACTION_REQUIRED}


async def test_a_refresh_that_fails_for_a_while_kills_nothing(floor: Floor) -> None:
    account_id = await an_account(floor)
    await expired()
    floor.sandbox.faults.add(FaultKind.SERVER_ERROR, path="/token")
    answer = await floor.engine._grants.access(account_id)
    assert isinstance(answer, Failure)
    assert answer.kind is FailureKind.RETRY
    assert isinstance(await floor.engine._grants.access(account_id), str)
    assert (await GoogleAccount.get()).state == GoogleAccountState.CONNECTED


async def test_news_of_a_dead_grant_does_not_touch_a_newer_one(floor: Floor) -> None:
    account_id = await an_account(floor)
    grants = floor.engine._grants
    old = await grants.access(account_id)
    assert isinstance(old, str)
    await grants.access(account_id, refused=old)
    await grants.mark_dead(account_id, old, Failure(FailureKind.UNAUTHORIZED, "authError", "Invalid Credentials"))
    assert (await GoogleAccount.get()).state == GoogleAccountState.CONNECTED


async def test_another_processs_refresh_is_waited_for_until_its_lease_ends(floor: Floor) -> None:
    account_id = await an_account(floor)
    await expired()
    await GoogleAccount.all().update(refresh_lease_until=clock.now() + timedelta(milliseconds=100))
    assert isinstance(await floor.engine._grants.access(account_id), str)


async def test_a_refresh_that_another_process_has_just_finished_is_not_done_again(floor: Floor) -> None:
    account_id = await an_account(floor)
    await expired()
    read_before = await GoogleAccount.get()
    fresh = await floor.engine._grants.access(account_id)
    assert not await tokens._claim(read_before)
    assert await tokens._claim(await GoogleAccount.get())
    assert await floor.engine._grants.access(account_id) == fresh


async def test_a_token_that_somebody_else_stored_may_be_over_too(floor: Floor) -> None:
    """The call begins with the first token; the second is stored, and over, before it is answered."""
    option_id = await floor.linked_option()
    account_id = (await GoogleAccount.get()).id
    tokens: list[str] = []

    async def call(access: str) -> str | Failure:
        tokens.append(access)
        if len(tokens) == 1:
            await floor.signed_in(option_id)
        return Failure(FailureKind.UNAUTHORIZED, "authError", "No.") if len(tokens) < 3 else "done"

    assert await floor.engine._ask(account_id, call) == "done"
    assert len(set(tokens)) == 3
    assert (await GoogleAccount.get()).state == GoogleAccountState.CONNECTED


async def test_a_grant_whose_fresh_token_is_refused_is_dead(floor: Floor) -> None:
    await floor.linked_option()
    account_id = (await GoogleAccount.get()).id

    async def call(_: str) -> str | Failure:
        return Failure(FailureKind.UNAUTHORIZED, "authError", "No.")

    assert isinstance(await floor.engine._ask(account_id, call), Failure)
    assert (await GoogleAccount.get()).state == GoogleAccountState.RECONNECT_REQUIRED
