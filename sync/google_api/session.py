"""Makes calls to Google for an account: with an access token that works, and within the budget of requests.

It awaits both Google and the database, as the engine and `tokens` do, and never calls Google inside a transaction.
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
    """The tokens of all accounts and the budget of requests, for one process. The engine has one."""

    def __init__(self, client: GoogleClient, secrets: Secrets) -> None:
        self.grants = Grants(client, secrets)
        self.spending = RateBudget()

    async def ask(self, account_id: UUID, call: Callable[[str], Awaitable[Reply | Failure]]) -> Reply | Failure:
        """Makes a call with the account's access token, and repeats it with another one when Google rejects that.

        The second token may be one that another process stored meanwhile, and be rejected too; the third is certainly
        new. Marks the grant as dead when Google rejects a new token, or when the grant lacks a permission.
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
            await self.grants.mark_dead(account_id, token, reply)
        if isinstance(reply, Failure):
            await self.spending.pause_after(account_id, reply)
        return reply
