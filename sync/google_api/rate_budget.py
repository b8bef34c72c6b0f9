"""Keeps all processes together within the budget of requests, by rows that they share.

A process takes a share of requests with one write, and sends them without asking again. One that has to wait reserves
its share at once, so that everybody's turn comes. The rows belong to no business, since Google counts by its own users
and by our project.
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
    """The shares that this process has taken and not used up."""

    def __init__(self, user: Budget = USER, project: Budget = PROJECT) -> None:
        self._user = user
        self._project = project
        self._left: dict[str, tuple[int, datetime]] = {}
        self._subs: dict[UUID, str] = {}

    async def spend(self, account_id: UUID) -> Failure | None:
        """Waits until the account may send one request. Returns a failure instead when that would take too long."""
        for scope, budget in await self._budgets(account_id):
            if self._use_share(scope):
                continue
            wait = await _take(scope, budget)
            if wait > LONGEST_WAIT:
                why = "The budget of requests to Google is spent for now."
                return Failure(FailureKind.SPENT, "over_budget", why, wait.total_seconds())
            if wait:
                await clock.wait(wait.total_seconds())
            self._left[scope] = (budget.share - 1, clock.now())
        return None

    async def is_ready(self, account_id: UUID) -> bool:
        """Whether the account could send a request at once."""
        now = clock.now()
        for scope, budget in await self._budgets(account_id):
            row = await GoogleBudget.get_or_none(scope=scope)
            if budget.take(row.paid_until if row else None, now)[1]:
                return False
        return True

    async def pause_after(self, account_id: UUID, failure: Failure) -> None:
        """Pauses the user of an account, in every process, if Google answered that it sent too many requests."""
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

    def _use_share(self, scope: str) -> bool:
        """Uses up one request of this process's share. Returns False when none is left, or the share is too old."""
        left, taken_at = self._left.get(scope, (0, clock.now()))
        if not left or clock.now() - taken_at > LASTS:
            return False
        self._left[scope] = (left - 1, taken_at)
        return True

    async def _budgets(self, account_id: UUID) -> tuple[tuple[str, Budget], tuple[str, Budget]]:
        """Returns the budgets of a request: that of the Google user, which businesses may share, and the project's."""
        if account_id not in self._subs:
            row = await GoogleAccount.get_or_none(id=account_id)
            self._subs[account_id] = f"user {row.sub}" if row else f"account {account_id}"
        return (self._subs[account_id], self._user), (_PROJECT, self._project)


async def prune(now: datetime) -> None:
    """Deletes the rows of full buckets, which mean the same as no row."""
    await GoogleBudget.filter(paid_until__lt=now).delete()


async def _take(scope: str, budget: Budget) -> timedelta:
    """Takes a share, unless the wait for it would be too long. Returns the wait."""
    while True:
        row = await GoogleBudget.get_or_none(scope=scope)
        paid, wait = budget.take(row.paid_until if row else None, clock.now())
        if wait > LONGEST_WAIT or await _store(row, scope, paid):
            return wait


async def _store(row: GoogleBudget | None, scope: str, paid_until: datetime) -> bool:
    """Stores a new `paid_until`. Returns False when another process changed the row since we read it."""
    if row:
        return bool(await GoogleBudget.filter(scope=scope, paid_until=row.paid_until).update(paid_until=paid_until))
    try:
        await GoogleBudget.create(scope=scope, paid_until=paid_until)
    except IntegrityError:
        return False
    return True
