"""Asking Google in somebody's name: with a token that works, and within what may be asked.

Beside the engine one of the few that await both Google and the database, never both at once.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from models.storage.secrets import Secrets
from sync.google_api.client import GoogleClient
from sync.google_api.rate_budget import RateBudget
from sync.google_api.replies import Failure, FailureKind
from sync.google_api.tokens import Grants

Reply = TypeVar("Reply")


class GoogleSession:
    """The grants of all accounts and what they may spend, for one process."""

    def __init__(self, client: GoogleClient, secrets: Secrets) -> None:
        self.grants = Grants(client, secrets)
        self.spending = RateBudget()

    async def ask(self, account_id: UUID, call: Callable[[str], Awaitable[Reply | Failure]]) -> Reply | Failure:
        """Makes a call with the account's access token, and again with another one if it is turned down.

        The second may be one that somebody else stored meanwhile, and be over, too; the third is certainly fresh. A
        grant whose fresh token is refused, or that lacks what it needs, is taken note of as dead.
        """
        refused: str | None = None
        for last in (False, False, True):
            found = await self.grants.access(account_id, refused)
            if isinstance(found, Failure):
                return found
            token = found
            if over := await self.spending.spend(account_id):
                return over
            reply = await call(token)
            if last or not (isinstance(reply, Failure) and reply.kind is FailureKind.UNAUTHORIZED):
                break
            refused = token
        if isinstance(reply, Failure) and reply.kind in (FailureKind.UNAUTHORIZED, FailureKind.RECONNECT):
            await self.grants.lost(account_id, token, reply)
        if isinstance(reply, Failure):
            await self.spending.heed(account_id, reply)
        return reply
