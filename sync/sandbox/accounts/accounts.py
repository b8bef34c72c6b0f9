"""Who there is: Google accounts, and the applications that ask for their consent."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from sync.sandbox.errors import invalid

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Account:
    """A Google identity. `sub` stays for life, unlike the mail address."""

    email: str
    sub: str
    name: str


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An application registered with Google.

    `redirect_uris` are compared exactly (§5.2). `loopback_path`: besides them, plain http to this path on any
    port of this machine is good, so that a demo may choose its port.
    """

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...] = ()
    loopback_path: str | None = None
    name: str = "An application"

    def accepts(self, redirect_uri: str) -> bool:
        if redirect_uri in self.redirect_uris:
            return True
        if self.loopback_path is None:
            return False
        parts = urlsplit(redirect_uri)
        host = parts.netloc.rpartition(":")[0] if ":" in parts.netloc.rpartition("]")[2] else parts.netloc
        return (parts.scheme, parts.path, parts.query, parts.fragment) == (
            "http",
            self.loopback_path,
            "",
            "",
        ) and host in LOOPBACK


DEMO_CLIENT = OAuthClient(
    "timebok-demo", "timebok-demo-secret", loopback_path="/google/callback", name="Timebok (demo)"
)


def subject_of(email: str) -> str:
    """The `sub` of an address: the same after every start, so that who signed in before is known again."""
    return str(10**20 + int.from_bytes(sha256(email.encode()).digest()) % 10**20)


def checked_email(text: str) -> str:
    """The address in the one form it is compared in; a 400 if it is none."""
    email = text.strip().lower()
    name, at, domain = email.partition("@")
    if not at or not name or "." not in domain or set(email) & set(" /<>\"'"):
        raise invalid(f"Not a mail address: {text!r}")
    return email
