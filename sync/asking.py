"""Asking Google in somebody's name: with a token that works, and within what may be asked.

Beside the engine one of the few that await both Google and the database, never both at once.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from models.secret import Secrets
from sync.client import GoogleClient
from sync.replies import Failure, FailureKind
from sync.spending import Spending
from sync.tokens import Grants

Reply = TypeVar("Reply")


class Asking:
    """The grants of all accounts and what they may spend, for one process."""

    def __init__(self, client: GoogleClient, secrets: Secrets) -> None:
        self.grants = Grants(client, secrets)
        self.spending = Spending()

    async def ask(self, account_id: UUID, call: Callable[[str], Awaitable[Reply | Failure]]) -> Reply | Failure:
        """Makes a call with the account's access token, and once more with a fresh one if it is turned down.

        A token refused twice, or a grant that lacks what it needs, is taken note of as dead.
        """
        access = await self.grants.access(account_id)
        if isinstance(access, Failure):
            return access
        if over := await self.spending.spend(account_id):
            return over
        reply = await call(access)
        if isinstance(reply, Failure) and reply.kind is FailureKind.UNAUTHORIZED:
            fresh = await self.grants.access(account_id, refused=access)
            if isinstance(fresh, Failure):
                return fresh
            if over := await self.spending.spend(account_id):
                return over
            access, reply = fresh, await call(fresh)
        if isinstance(reply, Failure) and reply.kind in (FailureKind.UNAUTHORIZED, FailureKind.RECONNECT):
            await self.grants.lost(account_id, access, reply)
        if isinstance(reply, Failure):
            await self.spending.heed(account_id, reply)
        return reply
