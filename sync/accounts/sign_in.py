"""Signing in with Google: one round trip from an option's editing page to the consent page and back.

This is the database half; the engine talks to Google. State and ticket are good once, within ten minutes, and rows have
only their digests. The business redeems the ticket with its own key, so that nobody can trick people into connecting
their calendar to somebody else's option.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from models import business, clock
from models.catalog import option
from models.catalog.option import Option
from models.checks import invalid
from models.enums import ChangeAction, ChangeKind, GoogleAccountState
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleLink, GoogleSignIn
from models.log import change_log
from models.log.change_log import LoggedTransaction
from models.refusals import ErrorCode, Refused, refused
from models.storage import secrets as secret
from models.storage.columns import new_id
from models.storage.secrets import Secrets
from sync import leases
from sync.accounts import calendars
from sync.accounts.link import reconnect
from sync.google_api import scopes
from sync.google_api.replies import IdClaims, ListedCalendar
from sync.google_api.tokens import record_account

LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Opened:
    """A round trip that may begin: its state, and the verifier of PKCE."""

    business_id: UUID
    option_id: UUID
    return_to: str
    state: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Returned:
    """A round trip from which a person came back with a valid state, in time and for the first time."""

    id: UUID
    business_id: UUID
    verifier: str
    return_to: str


@dataclass(frozen=True, slots=True)
class Granted:
    """The result of the exchange: who consented, to which scopes, and the encrypted tokens."""

    claims: IdClaims
    scopes: frozenset[str]
    sealed: str
    expires_at: datetime


async def begin(business_id: UUID, option_id: UUID, return_to: str) -> Opened | Refused:
    """Makes a round trip without storing it. Refuses a `return_to` that is not on an origin of the business."""
    if not await Option.filter(business_id=business_id, id=option_id).exists():
        return option.not_found()
    origins = (await business.read(business_id, ("origins",)))["origins"]
    if not is_on_origin(return_to, origins):
        return Refused([invalid("Must be an address on an origin registered for this business.", "returnTo")])
    return Opened(business_id, option_id, return_to, state=secret.new_token(), verifier=secret.new_token())


async def store(secrets: Secrets, opened: Opened) -> None:
    """Stores a round trip, before the client sends anybody to the consent page."""
    await GoogleSignIn.create(
        business_id=opened.business_id,
        option_id=opened.option_id,
        state_digest=secret.digest(opened.state),
        verifier=secrets.seal(opened.verifier),
        return_to=opened.return_to,
        expires_at=clock.now() + LIFE,
    )


async def use_state(secrets: Secrets, state: str) -> Returned | str | None:
    """Uses up a state and returns its round trip. For a state that is late or used, returns the address to redirect the
    person to, with an error in it; for one that we never issued, None.
    """
    row = await GoogleSignIn.get_or_none(state_digest=secret.digest(state))
    if row is None:
        return None
    now = clock.now()
    if not await GoogleSignIn.filter(id=row.id, used_at__isnull=True, expires_at__gt=now).update(used_at=now):
        return with_error(row.return_to, "expired")
    if not secrets.opens(row.verifier):
        # The operator replaced the server's key meanwhile.
        return with_error(row.return_to, "expired")
    return Returned(row.id, row.business_id, secrets.open(row.verifier), row.return_to)


async def store_account(
    secrets: Secrets, returned: Returned, granted: Granted, listed: Sequence[ListedCalendar] | None
) -> str:
    """Stores the account with its calendars. Returns the address to redirect the person to, with a ticket in it.

    Stores a grant without a required scope as SCOPES_MISSING: pulls and pushes through it stop until a new consent.
    """
    ticket = secret.new_token()

    async def body(work: LoggedTransaction) -> None:
        account_id = await _upsert_account(work, secrets, granted)
        if listed is not None:
            await calendars.store(work, account_id, listed)
        await leases.hasten(GoogleCalendar.filter(account_id=account_id), work.now, over_prescribed=True)
        await record_account(work, account_id)
        await GoogleSignIn.filter(id=returned.id).update(
            account_id=account_id, ticket_digest=secret.digest(ticket), expires_at=work.now + LIFE
        )

    await change_log.write(returned.business_id, body)
    return _with(returned.return_to, "google_ticket", ticket)


async def redeem(business_id: UUID, ticket: str) -> UUID | Refused:
    """Ties the option to the account that signed in for it, and returns the option.

    A calendar that is linked stays linked, also through another account, until staff choose another one, so that its
    events go on blocking.
    """

    async def body(work: LoggedTransaction) -> UUID | Refused:
        ours = GoogleSignIn.filter(business_id=business_id, ticket_digest=secret.digest(ticket))
        if not await ours.filter(redeemed_at__isnull=True, expires_at__gt=work.now).update(redeemed_at=work.now):
            return refused(
                ErrorCode.NOT_FOUND, "This sign-in is not known, was used, or is too old.", "input", "ticket"
            )
        row = await ours.get()
        assert row.account_id is not None
        return await _tie(work, row.option_id, row.account_id)

    return await change_log.write(business_id, body)


async def use(business_id: UUID, option_id: UUID, account_id: UUID) -> UUID | Refused:
    """Ties the option to an account of the business and returns the option. Its linked calendar stays linked."""

    async def body(work: LoggedTransaction) -> UUID | Refused:
        if not await Option.filter(business_id=business_id, id=option_id).exists():
            return option.not_found()
        account = await GoogleAccount.get_or_none(business_id=business_id, id=account_id, leaving_at__isnull=True)
        if account is None:
            return refused(ErrorCode.NOT_FOUND, "There is no such Google account.", "input", "accountId")
        if account.state != GoogleAccountState.CONNECTED:
            return reconnect(account, "accountId")
        return await _tie(work, option_id, account_id)

    return await change_log.write(business_id, body)


async def _tie(work: LoggedTransaction, option_id: UUID, account_id: UUID) -> UUID:
    """Makes the account the option's own, and returns the option."""
    link = await GoogleLink.get_or_none(option_id=option_id)
    if link is None:
        link = await GoogleLink.create(
            business_id=work.business_id, option_id=option_id, account_id=account_id, created_at=work.now
        )
    else:
        await GoogleLink.filter(id=link.id).update(account_id=account_id)
    work.record(ChangeKind.GOOGLE_LINK, link.id, ChangeAction.UPSERTED, [option_id])
    return option_id


async def _upsert_account(work: LoggedTransaction, secrets: Secrets, granted: Granted) -> UUID:
    """Inserts or updates the account's row: one for each (business, Google `sub`), however often somebody signs in."""
    ours = GoogleAccount.filter(business_id=work.business_id, sub=granted.claims.sub)
    before = await ours.get_or_none()
    if before and not secrets.opens(before.sealed):
        # Hashes made with the lost key match nothing any more, so the calendars need a full listing.
        await GoogleCalendar.filter(account_id=before.id).update(sync_token=None)
    state = GoogleAccountState.SCOPES_MISSING if scopes.missing(granted.scopes) else GoogleAccountState.CONNECTED
    values = {
        "email": granted.claims.email,
        "state": state,
        "scopes": sorted(granted.scopes),
        "sealed": granted.sealed,
        "access_expires_at": granted.expires_at,
        "refresh_lease_until": None,
        "list_due_at": work.now,
        "leaving_at": None,
        "error_code": None,
        "error_message": None,
        "error_at": None if state is GoogleAccountState.CONNECTED else work.now,
    }
    if before:
        await ours.update(**values)
        return before.id
    account = GoogleAccount(id=new_id(), business_id=work.business_id, sub=granted.claims.sub, created_at=work.now)
    await account.update_from_dict(values).save()
    return account.id


def challenge(verifier: str) -> str:
    """Computes the S256 challenge of a PKCE verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def is_on_origin(address: str, origins: list[str]) -> bool:
    """Whether an absolute address is on one of the origins. False for one that a browser might read in another way."""
    if any(letter <= " " or letter in "\\\x7f" for letter in address):
        return False
    try:
        split = urlsplit(address)
    except ValueError:
        return False
    return f"{split.scheme}://{split.netloc}".lower() in {origin.rstrip("/").lower() for origin in origins}


def with_error(return_to: str, code: str) -> str:
    """Returns the address of the editing page with an error code in it."""
    return _with(return_to, "google_error", code)


def _with(address: str, name: str, value: str) -> str:
    split = urlsplit(address)
    query = "&".join(part for part in (split.query, urlencode({name: value})) if part)
    return urlunsplit(split._replace(query=query))
