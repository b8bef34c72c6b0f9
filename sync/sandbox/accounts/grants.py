"""What accounts have granted to applications: codes, access tokens, refresh tokens, and how they die.

Owns Google's rules of consent (§5). Speaks no HTTP.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sync.sandbox.errors import OAuthError

ACCESS_SECONDS = 3599
CODE_SECONDS = 600
REFRESH_TOKENS_MAX = 100
"""Live refresh tokens per account and client; one more silently kills the oldest (§5.4)."""

EMAIL_SCOPE = "https://www.googleapis.com/auth/userinfo.email"
PROFILE_SCOPE = "https://www.googleapis.com/auth/userinfo.profile"
SIGN_IN_SCOPES = frozenset({"openid", EMAIL_SCOPE, PROFILE_SCOPE})
"""Not on the list of boxes to tick: whoever signs in grants them (§5.6)."""

_LONG_NAMES = {"email": EMAIL_SCOPE, "profile": PROFILE_SCOPE}


def full_scopes(text: str) -> frozenset[str]:
    """Scopes by the names Google answers with: `email` becomes a URL and brings `openid` along."""
    scopes = {_LONG_NAMES.get(scope, scope) for scope in text.split()}
    return frozenset(scopes | {"openid"} if scopes & SIGN_IN_SCOPES else scopes)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to; the code stands for it until it is exchanged. `challenge`: PKCE, if any."""

    email: str
    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    challenge: str | None
    challenge_method: str
    gives_refresh_token: bool
    nonce: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Access:
    """A live access token."""

    email: str
    client_id: str
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Refresh:
    """A live refresh token; without `expires_at` it lives until somebody ends it."""

    email: str
    client_id: str
    scopes: frozenset[str]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Issued:
    """What the token endpoint hands out."""

    email: str
    scopes: frozenset[str]
    access_token: str
    refresh_token: str | None
    refresh_seconds: int | None
    nonce: str | None = None


class Grants:
    """`refresh_seconds`: refresh tokens end after so long, as in Google's Testing mode (§5.4)."""

    def __init__(self, now: Callable[[], datetime], refresh_seconds: int | None = None) -> None:
        self.now = now
        self.refresh_seconds = refresh_seconds
        self._consents: dict[str, Consent] = {}
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, Refresh] = {}
        self._known: set[tuple[str, str]] = set()

    def consent(
        self,
        email: str,
        client_id: str,
        redirect_uri: str,
        scopes: frozenset[str],
        *,
        offline: bool,
        prompted: bool,
        challenge: str | None = None,
        challenge_method: str = "plain",
        nonce: str | None = None,
    ) -> str:
        """A code for one exchange. A refresh token comes of it only offline, and only with the first consent
        unless the person was prompted again (§5.2)."""
        first = (email, client_id) not in self._known
        self._known.add((email, client_id))
        code = f"4/0{secrets.token_urlsafe(48)}"
        self._consents[code] = Consent(
            email,
            client_id,
            redirect_uri,
            scopes,
            challenge,
            challenge_method,
            offline and (first or prompted),
            nonce,
            self.now() + timedelta(seconds=CODE_SECONDS),
        )
        return code

    def exchange(self, code: str, client_id: str, redirect_uri: str, verifier: str | None) -> Issued:
        """Trade a code for tokens, once; `OAuthError` 400 otherwise."""
        consent = self._consents.pop(code, None)
        if consent is None or consent.client_id != client_id or consent.expires_at <= self.now():
            raise OAuthError(400, "invalid_grant", "Malformed auth code.")
        if consent.redirect_uri != redirect_uri:
            raise OAuthError(400, "redirect_uri_mismatch", "Bad Request")
        _check_verifier(consent, verifier)
        refresh_token = self._new_refresh(consent) if consent.gives_refresh_token else None
        return Issued(
            consent.email,
            consent.scopes,
            self._new_access(consent.email, client_id, consent.scopes),
            refresh_token,
            self.refresh_seconds if refresh_token else None,
            consent.nonce,
        )

    def refresh(self, token: str, client_id: str) -> Issued:
        """A new access token; refresh tokens do not rotate (§5.3). A dead one is 400 `invalid_grant` (§5.4)."""
        held = self._refresh.get(token)
        if held is None or held.client_id != client_id or self._is_over(held.expires_at):
            raise OAuthError(400, "invalid_grant", "Token has been expired or revoked.")
        access_token = self._new_access(held.email, client_id, held.scopes)
        return Issued(held.email, held.scopes, access_token, None, None)

    def bearer(self, token: str) -> Access | None:
        """Whom an access token speaks for; None if it is unknown, expired or revoked."""
        held = self._access.get(token)
        return None if held is None or held.expires_at <= self.now() else held

    def revoke(self, token: str) -> None:
        """End the whole authorisation the token belongs to, every scope and token of it (§5.5)."""
        refresh = self._refresh.get(token)
        held = self.bearer(token) or (None if refresh and self._is_over(refresh.expires_at) else refresh)
        if held is None:
            raise OAuthError(400, "invalid_token", "Token expired or revoked")
        self.revoke_account(held.email, held.client_id)

    def revoke_account(self, email: str, client_id: str | None = None) -> None:
        """As a person does it on the account page: this application's access, or everybody's."""

        def keeps(held: Access | Refresh) -> bool:
            return held.email != email or client_id not in (None, held.client_id)

        self._access = {token: held for token, held in self._access.items() if keeps(held)}
        self._refresh = {token: held for token, held in self._refresh.items() if keeps(held)}
        self._known = {known for known in self._known if known[0] != email or client_id not in (None, known[1])}

    def expire_access(self, email: str) -> None:
        """End an account's access tokens early; its refresh tokens live on."""
        self._access = {token: held for token, held in self._access.items() if held.email != email}

    def _new_access(self, email: str, client_id: str, scopes: frozenset[str]) -> str:
        token = f"ya29.{secrets.token_urlsafe(96)}"
        expires_at = self.now() + timedelta(seconds=ACCESS_SECONDS)
        self._access[token] = Access(email, client_id, scopes, expires_at)
        return token

    def _new_refresh(self, consent: Consent) -> str:
        mine = [
            token
            for token, held in self._refresh.items()
            if (held.email, held.client_id) == (consent.email, consent.client_id)
        ]
        for oldest in mine[: max(0, len(mine) + 1 - REFRESH_TOKENS_MAX)]:
            del self._refresh[oldest]
        lasts = timedelta(seconds=self.refresh_seconds) if self.refresh_seconds is not None else None
        expires_at = self.now() + lasts if lasts is not None else None
        token = f"1//0{secrets.token_urlsafe(64)}"
        self._refresh[token] = Refresh(consent.email, consent.client_id, consent.scopes, expires_at)
        return token

    def _is_over(self, expires_at: datetime | None) -> bool:
        return expires_at is not None and expires_at <= self.now()


def _check_verifier(consent: Consent, verifier: str | None) -> None:
    if consent.challenge is None:
        return
    if not verifier:
        raise OAuthError(400, "invalid_grant", "Missing code verifier.")
    answer = verifier
    if consent.challenge_method == "S256":
        answer = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    if not secrets.compare_digest(answer.encode(), consent.challenge.encode()):
        raise OAuthError(400, "invalid_grant", "Invalid code verifier.")
