"""Keeping to the budget of requests, with every other process; and leaving a user alone who sent too much."""

from datetime import timedelta
from uuid import UUID

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from models import clock
from models.google.tables import GoogleAccount, GoogleBudget, GoogleCalendar
from sync.google_api.budget import Budget
from sync.google_api.rate_budget import RateBudget
from sync.google_api.replies import Failure, FailureKind
from sync.sandbox.faults import FaultKind
from sync.service import LinkChoices
from tests.sync import rows
from tests.sync.sandbox.sandbox_client import ANNA, WORKSHOP
from tests.sync.sync_stack import Floor

TIGHT = Budget(burst=20, per_minute=1, share=5)
WIDE = Budget(burst=1000, per_minute=1000, share=10)


@pytest.fixture
async def account(database: BaseDBAsyncClient) -> UUID:
    """Somebody's Google account."""
    assert database is not None
    return await rows.an_account(await rows.a_business())


async def spent(spending: RateBudget, account_id: UUID, most: int = 100) -> int:
    """How many requests may be sent before one would have to wait for long."""
    for number in range(most):
        if await spending.spend(account_id):
            return number
    return most


async def test_processes_share_one_budget(account: UUID) -> None:
    here, there = RateBudget(TIGHT, WIDE), RateBudget(TIGHT, WIDE)
    for number in range(TIGHT.burst):
        assert await (here, there)[number % 2].spend(account) is None
    over = await here.spend(account)
    assert isinstance(over, Failure)
    assert (over.kind, over.code) == (FailureKind.SPENT, "over_budget")
    assert 0 < (over.retry_after or 0) <= 300


async def test_businesses_share_the_budget_of_a_google_user(account: UUID) -> None:
    sub = (await GoogleAccount.get(id=account)).sub
    other = await rows.an_account(await rows.a_business(), sub=sub)
    spending = RateBudget(TIGHT, WIDE)
    assert await spent(spending, account) == TIGHT.burst
    assert await spent(spending, other) == 0
    stranger = await rows.an_account(await rows.a_business(), sub="somebody else")
    assert await spent(spending, stranger) == TIGHT.burst


async def test_the_project_has_a_budget_of_its_own(account: UUID) -> None:
    assert await spent(RateBudget(WIDE, TIGHT), account) == TIGHT.burst


async def test_ten_requests_or_so_are_one_write(account: UUID) -> None:
    spending = RateBudget(WIDE, WIDE)
    await spending.spend(account)
    paid = {row.scope: row.paid_until for row in await GoogleBudget.all()}
    for _ in range(WIDE.share - 1):
        await spending.spend(account)
    assert {row.scope: row.paid_until for row in await GoogleBudget.all()} == paid


async def test_a_user_who_sent_too_much_is_left_alone_as_long_as_google_says(account: UUID) -> None:
    spending = RateBudget(WIDE, WIDE)
    await spending.spend(account)
    await spending.pause_after(account, Failure(FailureKind.RETRY, "backendError", "No.", retry_after=90))
    assert await spending.spend(account) is None
    await spending.pause_after(account, Failure(FailureKind.RETRY, "userRateLimitExceeded", "No.", retry_after=90))
    over = await spending.spend(account)
    assert isinstance(over, Failure)
    assert 80 < (over.retry_after or 0) <= 90
    stranger = await rows.an_account(await rows.a_business(), sub="somebody else")
    assert await spending.spend(stranger) is None


async def test_one_calendars_rate_limit_holds_for_all_of_its_account(floor: Floor) -> None:
    anna = await floor.linked_option()
    ben = await rows.an_option(floor.business_id, "Ben")
    await floor.signed_in(ben)
    assert isinstance(await floor.door.link(floor.business_id, ben, WORKSHOP, LinkChoices()), UUID)
    await floor.settle()
    floor.sandbox.faults.add(FaultKind.USER_RATE_LIMITED, seconds=120)
    await floor.book(anna)
    await floor.settle()
    asked = floor.on.google.arrival("GET", "/events")
    await GoogleCalendar.filter(google_id=WORKSHOP).update(pull_due_at=clock.now() - timedelta(seconds=1))
    await floor.settle()
    assert not asked.is_set()
    both = await GoogleCalendar.filter(google_id__in=[ANNA, WORKSHOP])
    limited = {row.google_id: row.pull_error_code or row.push_error_code for row in both}
    assert limited == {ANNA: "GOOGLE_RATE_LIMITED", WORKSHOP: "OVER_BUDGET"}
    await floor.look()
    assert asked.is_set()
    assert len(floor.sandbox.events(ANNA)) == 1
