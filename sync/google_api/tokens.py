"""Grants: the tokens of Google accounts. Encrypts them in rows, refreshes them, and marks dead grants.

It awaits both Google and the database, as the engine and `session` do, because only one process at a time may refresh
an account's token: Google may throttle, and if two stored their answers, the grant could get lost.
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
    """Reads and refreshes the tokens of all accounts, for one process."""

    def __init__(self, client: GoogleClient, secrets: Secrets) -> None:
        self._client = client
        self._secrets = secrets
        self._said_lost = False

    def seal(self, access: str, refresh: str) -> str:
        """Encrypts both tokens for a row."""
        return self._secrets.seal(json.dumps({"access": access, "refresh": refresh}))

    def unseal(self, sealed: str) -> tuple[str, str]:
        """Decrypts the access and the refresh token. Raises ValueError when no secret key of the server fits."""
        tokens = json.loads(self._secrets.open(sealed))
        return tokens["access"], tokens["refresh"]

    async def access(self, account_id: UUID, refused: str | None = None) -> str | Failure:
        """Returns an access token good for a minute at least; not `refused`, which Google has just rejected."""
        while True:
            account = await GoogleAccount.get_or_none(id=account_id)
            if account is None or account.state != GoogleAccountState.CONNECTED:
                return NOT_CONNECTED
            if not self._secrets.opens(account.sealed):
                return await self._key_lost(account)
            access, refresh = self.unseal(account.sealed)
            if access != refused and account.access_expires_at > clock.now() + _EARLY:
                return access
            if await _claim(account):
                return await self._refresh(account, access, refresh)
            # Another process refreshes it, or just did; its lease runs out by itself.
            await clock.wait(_LOOK_SECONDS)

    async def mark_dead(self, account_id: UUID, access: str, failure: Failure) -> None:
        """Marks the grant of this access token as dead, and records the change for clients; but not a newer grant."""
        account = await GoogleAccount.get_or_none(id=account_id)
        if account is None:
            return

        async def body(work: LoggedTransaction) -> None:
            row = await GoogleAccount.get_or_none(id=account_id, state=GoogleAccountState.CONNECTED)
            # Tokens that no key here can decrypt come from a process with a newer key.
            if row and self._secrets.opens(row.sealed) and self.unseal(row.sealed)[0] == access:
                log.warning("the grant of account %s is dead: %s: %s", account_id, failure.code, failure.message)
                await GoogleAccount.filter(id=account_id).update(
                    state=GoogleAccountState.RECONNECT_REQUIRED,
                    error_code=failure.code,
                    error_message=failure.message,
                    error_at=work.now,
                )
                await record_account(work, account_id)

        await change_log.write(account.business_id, body)

    async def _key_lost(self, account: GoogleAccount) -> Failure:
        """Returns the failure of an account whose tokens no key decrypts, and logs it the first time."""
        await GoogleAccount.filter(id=account.id, error_at__isnull=True).update(error_at=clock.now())
        if not self._said_lost:
            self._said_lost = True
            log.error(
                "TIMEBOK_SECRET_KEYS has no key that opens stored Google tokens: put the earlier key back, or sign in "
                "with Google again. Health says which calendars wait for it (SECRET_KEY_LOST)."
            )
        return KEY_LOST

    async def _refresh(self, account: GoogleAccount, access: str, refresh: str) -> str | Failure:
        """Refreshes the token, stores the answer unless somebody signed in again meanwhile, and ends the lease."""
        reply = await self._client.refresh(refresh)
        if isinstance(reply, Tokens):
            await GoogleAccount.filter(id=account.id, sealed=account.sealed).update(
                sealed=self.seal(reply.access, reply.refresh or refresh),
                access_expires_at=clock.now() + timedelta(seconds=reply.expires_in),
                error_at=None,
            )
        elif reply.kind is FailureKind.RECONNECT:
            await self.mark_dead(account.id, access, reply)
        await GoogleAccount.filter(id=account.id).update(refresh_lease_until=None)
        return reply.access if isinstance(reply, Tokens) else reply


async def record_account(work: LoggedTransaction, account_id: UUID) -> None:
    """Records a change of every link of the account, and of every link whose calendar we follow through it."""
    links = GoogleLink.filter(Q(account_id=account_id) | Q(calendar__account_id=account_id))
    for row in await links.values("id", "option_id"):
        work.record(ChangeKind.GOOGLE_LINK, row["id"], ChangeAction.UPSERTED, [row["option_id"]])


async def _claim(account: GoogleAccount) -> bool:
    """Takes the lease to refresh a token; False if another process has it, or has refreshed since we read the row."""
    now = clock.now()
    free = Q(refresh_lease_until__isnull=True) | Q(refresh_lease_until__lt=now)
    same = GoogleAccount.filter(free, id=account.id, sealed=account.sealed)
    return bool(await same.update(refresh_lease_until=now + _LEASE))
