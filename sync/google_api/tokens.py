"""Grants: the tokens of Google accounts, sealed at rest, refreshed by one at a time, and noticed when they die.

Beside the engine the one file that awaits both Google and the database, because a refresh must be single-flight
across processes: Google may throttle, and an answer that is overwritten is a grant that is lost.
"""

import json
import logging
from datetime import timedelta
from uuid import UUID

from tortoise.expressions import Q

from models import clock
from models.enums import ChangeAction, ChangeKind, GoogleAccountState
from models.google.tables import GoogleAccount, GoogleLink
from models.log import change_log
from models.log.change_log import LoggedTransaction
from models.storage.secrets import Secrets
from sync.google_api.client import GoogleClient
from sync.google_api.replies import Failure, FailureKind, Tokens
from sync.google_api.trouble import TroubleCode

log = logging.getLogger("timebok.sync")

NOT_CONNECTED = Failure(FailureKind.RECONNECT, "not_connected", "The Google account must be signed in again.")
KEY_LOST = Failure(FailureKind.MISCONFIGURED, TroubleCode.SECRET_KEY_LOST, "No secret key opens the account's tokens.")

_EARLY = timedelta(seconds=60)
_LEASE = timedelta(seconds=60)
_LOOK_SECONDS = 0.1


class Grants:
    """The accounts' tokens, for one process."""

    def __init__(self, client: GoogleClient, secrets: Secrets) -> None:
        self._client = client
        self._secrets = secrets
        self._said_lost = False

    def seal(self, access: str, refresh: str) -> str:
        """Both tokens as a row keeps them."""
        return self._secrets.seal(json.dumps({"access": access, "refresh": refresh}))

    def unseal(self, sealed: str) -> tuple[str, str]:
        """The access and the refresh token. Raises ValueError when no key of the server fits."""
        tokens = json.loads(self._secrets.open(sealed))
        return tokens["access"], tokens["refresh"]

    async def access(self, account_id: UUID, refused: str | None = None) -> str | Failure:
        """An access token good for a minute at least; `refused` is one that Google has just turned down."""
        while True:
            account = await GoogleAccount.get_or_none(id=account_id)
            if account is None or account.state != GoogleAccountState.CONNECTED:
                return NOT_CONNECTED
            if not self._secrets.opens(account.sealed):
                return await self._lost_key(account)
            access, refresh = self.unseal(account.sealed)
            if access != refused and account.access_expires_at > clock.now() + _EARLY:
                return access
            if await _claimed(account):
                return await self._refreshed(account, access, refresh)
            # Somebody else is at it, or has just been; their lease ends by itself.
            await clock.wait(_LOOK_SECONDS)

    async def lost(self, account_id: UUID, access: str, failure: Failure) -> None:
        """Takes note that the grant behind this access token is dead, and shows it; a newer grant is left alone."""
        account = await GoogleAccount.get_or_none(id=account_id)
        if account is None:
            return

        async def body(work: LoggedTransaction) -> None:
            row = await GoogleAccount.get_or_none(id=account_id, state=GoogleAccountState.CONNECTED)
            # What no key here opens is of another process, which has a newer one.
            if row and self._secrets.opens(row.sealed) and self.unseal(row.sealed)[0] == access:
                log.warning("the grant of account %s is dead: %s: %s", account_id, failure.code, failure.message)
                await GoogleAccount.filter(id=account_id).update(
                    state=GoogleAccountState.RECONNECT_REQUIRED,
                    error_code=failure.code,
                    error_message=failure.message,
                    error_at=work.now,
                )
                await note_account(work, account_id)

        await change_log.write(account.business_id, body)

    async def _lost_key(self, account: GoogleAccount) -> Failure:
        """The answer for an account whose tokens cannot be opened. Said once: it is so for many accounts, for long."""
        await GoogleAccount.filter(id=account.id, error_at__isnull=True).update(error_at=clock.now())
        if not self._said_lost:
            self._said_lost = True
            log.error(
                "TIMEBOK_SECRET_KEYS has no key that opens stored Google tokens: put the earlier key back, or sign in "
                "with Google again. Health says which calendars wait for it (SECRET_KEY_LOST)."
            )
        return KEY_LOST

    async def _refreshed(self, account: GoogleAccount, access: str, refresh: str) -> str | Failure:
        """Refreshes, stores what came of it unless somebody signed in anew meanwhile, and lets others look."""
        reply = await self._client.refresh(refresh)
        if isinstance(reply, Tokens):
            await GoogleAccount.filter(id=account.id, sealed=account.sealed).update(
                sealed=self.seal(reply.access, reply.refresh or refresh),
                access_expires_at=clock.now() + timedelta(seconds=reply.expires_in),
                error_at=None,
            )
        elif reply.kind is FailureKind.RECONNECT:
            await self.lost(account.id, access, reply)
        await GoogleAccount.filter(id=account.id).update(refresh_lease_until=None)
        return reply.access if isinstance(reply, Tokens) else reply


async def note_account(work: LoggedTransaction, account_id: UUID) -> None:
    """Notes a change of every link that shows the account or is synced through it."""
    links = GoogleLink.filter(Q(account_id=account_id) | Q(calendar__account_id=account_id))
    for row in await links.values("id", "option_id"):
        work.record(ChangeKind.GOOGLE_LINK, row["id"], ChangeAction.UPSERTED, [row["option_id"]])


async def _claimed(account: GoogleAccount) -> bool:
    """Whether it is ours to refresh: nobody else is at it, or has not come back; nobody did it since it was read."""
    now = clock.now()
    free = Q(refresh_lease_until__isnull=True) | Q(refresh_lease_until__lt=now)
    same = GoogleAccount.filter(free, id=account.id, sealed=account.sealed)
    return bool(await same.update(refresh_lease_until=now + _LEASE))
