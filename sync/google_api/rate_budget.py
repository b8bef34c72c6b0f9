"""Keeping to the budget of requests, together with every other process.

Each process takes a share at a time and spends it alone: one write for some ten requests. Who has to wait takes the
place in the queue at once, so that everybody's turn comes. The rows belong to no business, since Google counts by its
own users and by our project.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tortoise.exceptions import IntegrityError

from models import clock
from models.google.tables import GoogleAccount, GoogleBudget
from sync.google_api.budget import LASTS, LONGEST_WAIT, PAUSE, PROJECT, TOO_MANY, USER, Budget
from sync.google_api.replies import Failure, FailureKind

_PROJECT: Final = "project"


class RateBudget:
    """What this process has taken and not spent yet."""

    def __init__(self, user: Budget = USER, project: Budget = PROJECT) -> None:
        self._user = user
        self._project = project
        self._left: dict[str, tuple[int, datetime]] = {}
        self._subs: dict[UUID, str] = {}

    async def spend(self, account_id: UUID) -> Failure | None:
        """Returns when one request may be sent for the account; a failure when that would take too long."""
        for scope, budget in await self._budgets(account_id):
            if self._draw(scope):
                continue
            wait = await _take(scope, budget)
            if wait > LONGEST_WAIT:
                said = "Too many requests to Google just now; it goes on by itself."
                return Failure(FailureKind.SPENT, "over_budget", said, wait.total_seconds())
            if wait:
                await clock.wait(wait.total_seconds())
            self._left[scope] = (budget.share - 1, clock.now())
        return None

    async def is_ready(self, account_id: UUID) -> bool:
        """Whether a request could be sent for the account at once."""
        now = clock.now()
        for scope, budget in await self._budgets(account_id):
            row = await GoogleBudget.get_or_none(scope=scope)
            if budget.take(row.paid_until if row else None, now)[1]:
                return False
        return True

    async def heed(self, account_id: UUID, failure: Failure) -> None:
        """After a word of Google's that its user sent too much, no share is taken for it for a while."""
        if failure.code not in TOO_MANY:
            return
        (scope, budget), _ = await self._budgets(account_id)
        self._left.pop(scope, None)
        pause = timedelta(seconds=failure.retry_after) if failure.retry_after else PAUSE
        stored = False
        while not stored:
            row = await GoogleBudget.get_or_none(scope=scope)
            shut = budget.closed(row.paid_until if row else None, clock.now() + pause)
            stored = await _store(row, scope, shut)

    def _draw(self, scope: str) -> bool:
        """Spends one of the share in hand, if there is one left that was taken lately."""
        left, taken_at = self._left.get(scope, (0, clock.now()))
        if not left or clock.now() - taken_at > LASTS:
            return False
        self._left[scope] = (left - 1, taken_at)
        return True

    async def _budgets(self, account_id: UUID) -> tuple[tuple[str, Budget], tuple[str, Budget]]:
        """Of the account's user, by Google's own name, since several businesses may have the same; of the project."""
        if account_id not in self._subs:
            row = await GoogleAccount.get_or_none(id=account_id)
            self._subs[account_id] = f"user {row.sub}" if row else f"account {account_id}"
        return (self._subs[account_id], self._user), (_PROJECT, self._project)


async def forget(now: datetime) -> None:
    """Drops the rows that say nothing any more: their buckets are full."""
    await GoogleBudget.filter(paid_until__lt=now).delete()


async def _take(scope: str, budget: Budget) -> timedelta:
    """Takes a share, unless that would mean to wait too long: how long to wait before it is spent."""
    while True:
        row = await GoogleBudget.get_or_none(scope=scope)
        paid, wait = budget.take(row.paid_until if row else None, clock.now())
        if wait > LONGEST_WAIT or await _store(row, scope, paid):
            return wait


async def _store(row: GoogleBudget | None, scope: str, paid_until: datetime) -> bool:
    """Keeps it, unless somebody else kept something since the row was read."""
    if row:
        return bool(await GoogleBudget.filter(scope=scope, paid_until=row.paid_until).update(paid_until=paid_until))
    try:
        await GoogleBudget.create(scope=scope, paid_until=paid_until)
    except IntegrityError:
        return False
    return True
