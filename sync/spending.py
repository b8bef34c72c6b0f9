"""Keeping to the budget of requests, together with every other process.

Each process takes a share at a time and spends it alone: one write for some ten requests. The rows belong to no
business, since Google counts by its own users and by our project.
"""

import asyncio
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Final
from uuid import UUID

from tortoise.exceptions import IntegrityError

from models import clock
from models.google import GoogleAccount, GoogleBudget
from sync.budget import LONGEST_WAIT, PAUSE, PROJECT, TOO_MANY, USER, Budget
from sync.replies import Failure, FailureKind

_PROJECT: Final = "project"
_dice = SystemRandom()


class Spending:
    """What this process has taken and not spent yet."""

    def __init__(self, user: Budget = USER, project: Budget = PROJECT) -> None:
        self._user = user
        self._project = project
        self._left: dict[str, int] = {}
        self._subs: dict[UUID, str] = {}

    async def spend(self, account_id: UUID) -> Failure | None:
        """Returns when one request may be sent for the account; a failure when that would take too long."""
        for scope, budget in ((await self._scope(account_id), self._user), (_PROJECT, self._project)):
            while not self._left.get(scope):
                wait = await _take(scope, budget)
                if wait > LONGEST_WAIT:
                    said = "Too many requests to Google just now; it goes on by itself."
                    return Failure(FailureKind.RETRY, "over_budget", said, wait.total_seconds())
                if wait:
                    # Spread, so that those who wait together do not ask together.
                    await asyncio.sleep(wait.total_seconds() + _dice.random())
                else:
                    self._left[scope] = self._left.get(scope, 0) + budget.share
            self._left[scope] -= 1
        return None

    async def heed(self, account_id: UUID, failure: Failure) -> None:
        """After a word of Google's that its user sent too much, nobody sends anything for it for a while."""
        if failure.code not in TOO_MANY:
            return
        scope = await self._scope(account_id)
        self._left.pop(scope, None)
        pause = timedelta(seconds=failure.retry_after) if failure.retry_after else PAUSE
        stored = False
        while not stored:
            row = await GoogleBudget.get_or_none(scope=scope)
            shut = self._user.closed(row.paid_until if row else None, clock.now() + pause)
            stored = await _store(row, scope, shut)

    async def _scope(self, account_id: UUID) -> str:
        """Google's own name for the account: several businesses may have the same."""
        if account_id not in self._subs:
            row = await GoogleAccount.get_or_none(id=account_id)
            self._subs[account_id] = f"user {row.sub}" if row else f"account {account_id}"
        return self._subs[account_id]


async def _take(scope: str, budget: Budget) -> timedelta:
    """Takes a share: zero, or how long to wait before there is one."""
    while True:
        row = await GoogleBudget.get_or_none(scope=scope)
        after, wait = budget.take(row.paid_until if row else None, clock.now())
        if wait or await _store(row, scope, after):
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
