"""Sealing what must be read again, digesting what must only be compared, signing what must be replayable. Pure.

The first key of `TIMEBOK_SECRET_KEYS` seals and signs; every key opens and verifies, so that keys can rotate.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_MAC_BYTES = 18


def new_secret_key() -> str:
    """A fresh key for `TIMEBOK_SECRET_KEYS`."""
    return Fernet.generate_key().decode()


def new_token() -> str:
    """An unguessable token: 256 bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored of a token that only has to be recognised. The token is random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


class Secrets:
    """The server's keys."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        """Raises ValueError without a usable key."""
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._signing = [base64.urlsafe_b64decode(key)[:16] for key in keys]

    def seal(self, plain: str) -> str:
        """Encrypts with the first key."""
        return self._fernet.encrypt(plain.encode()).decode()

    def open(self, sealed: str) -> str:
        """Decrypts with any key. Raises ValueError when none fits."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError("sealed with a key that is not in TIMEBOK_SECRET_KEYS") from None

    def opens(self, sealed: str) -> bool:
        """Whether any key decrypts it."""
        try:
            self.open(sealed)
        except ValueError:
            return False
        return True

    def rotate(self, sealed: str) -> str:
        """The same plain text, sealed with the first key. Raises ValueError when no key fits."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError("sealed with a key that is not in TIMEBOK_SECRET_KEYS") from None

    def manage_token(self, booking_id: UUID, generation: int) -> str:
        """The token with which a customer manages one booking; a new generation voids it."""
        subject = booking_id.bytes + generation.to_bytes(4)
        return base64.urlsafe_b64encode(subject + self._mac(self._signing[0], subject)).decode()

    def managed(self, token: str) -> tuple[UUID, int] | None:
        """The booking and generation a manage token stands for; None when we did not sign it."""
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii", "replace"))
        except (binascii.Error, ValueError):
            return None
        if base64.urlsafe_b64encode(raw).decode() != token:
            # Of all the ways to spell the same bytes, the one that was given out.
            return None
        subject, mac = raw[:20], raw[20:]
        known = [hmac.compare_digest(self._mac(key, subject), mac) for key in self._signing]
        return (UUID(bytes=subject[:16]), int.from_bytes(subject[16:])) if any(known) else None

    def veil(self, word: str) -> str:
        """What stands for a word that may not be kept: letters and digits that only the first key makes of it."""
        return hmac.digest(self._signing[0], b"veil" + word.encode(), "sha256")[:8].hex()

    @staticmethod
    def _mac(key: bytes, subject: bytes) -> bytes:
        return hmac.digest(key, b"manage" + subject, "sha256")[:_MAC_BYTES]
